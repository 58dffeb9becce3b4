"""What a program pays before and without tracing: `python startup.py TRACER off|on DIRECTORY`, one JSON line.

`off`, tracing switched off: the time of the import in this fresh interpreter; of the import and of declaring (the names
that a program takes, and a decorated function), so that nothing that is put off until then is left out; and of a call.
`on`: the time of the first call of a decorated function, which loads and opens what was put off, less declaring.
"""

import json
import os
import resource
import sys
import time
import timeit

# Modules, and the names that a program takes from them; of those of a library that loads lazily, so that all counts.
IMPORTS = {
    "trackway": {"trackway": ()},
    "langfuse": {"langfuse": ()},
    "otel": {
        "opentelemetry.sdk.trace.export": (),
        "opentelemetry.exporter.otlp.proto.http.trace_exporter": (),
    },
    "logfire": {"logfire": ("instrument",)},
    "phoenix": {"phoenix.otel": ("register",), "openinference.instrumentation": ("using_user",)},
    "langsmith": {"langsmith": ("Client", "traceable")},
    "mlflow": {"mlflow": ("trace",)},
    "lmnr": {"lmnr": ("Laminar", "observe")},
}
CALLS = 100_000


def plain():
    """What is decorated."""


def declared(name):
    """The decorated function of a program that uses the library *name*."""
    if name == "trackway":
        from trackway import get_client, observe, propagate_attributes
    else:
        from langfuse import get_client, observe, propagate_attributes  # noqa: F401 - the same
    return observe(plain)


def off(name):
    """Milliseconds of the import and of declaring; nanoseconds that a decorated call takes more than a plain one."""
    os.environ.update(TRACKWAY_ENABLED="false", LANGFUSE_TRACING_ENABLED="false")
    before, cpu = time.perf_counter(), time.process_time()
    for module, names in IMPORTS[name].items():
        __import__(module)
        for each in names:
            getattr(sys.modules[module], each)
    imported, cpu = time.perf_counter() - before, time.process_time() - cpu
    row = {"tracer": name, "import_ms": imported * 1e3, "import_cpu_ms": cpu * 1e3}
    row["rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if name not in {
        "trackway",
        "langfuse",
    }:  # has no decorator, or one that is not for this comparison
        return row | {"declare_ms": row["import_ms"], "disabled_ns": None}
    decorated = declared(name)
    row["declare_ms"] = (time.perf_counter() - before) * 1e3
    decorated()
    cost = min(timeit.repeat(decorated, number=CALLS, repeat=5))
    cost -= min(timeit.repeat(plain, number=CALLS, repeat=5))
    return row | {"disabled_ns": cost / CALLS * 1e9}


def on(name):
    """Milliseconds of the first call; nobody listens."""
    os.environ.update(LANGFUSE_BASE_URL="http://127.0.0.1:9")
    decorated = declared(name)
    before = time.perf_counter()
    decorated()
    return {"tracer": name, "first_call_ms": (time.perf_counter() - before) * 1e3}


if __name__ == "__main__":
    _, tracer, mode, directory = sys.argv
    os.environ.update(
        TRACKWAY_DIR=directory,
        TRACKWAY_ENDPOINT="none",
        LANGFUSE_PUBLIC_KEY="pk",  # without keys it warns at every call
        LANGFUSE_SECRET_KEY="sk",
    )
    print(json.dumps(off(tracer) if mode == "off" else on(tracer)), flush=True)
    os._exit(0)  # what is left to send has nowhere to go
