"""What a program pays before and without tracing: `python startup.py TRACER`, one JSON line.

The time of the import in this fresh interpreter, and of a call of a decorated function while tracing is switched off.
"""

import json
import os
import sys
import time
import timeit

IMPORTS = {
    "trackway": ("trackway",),
    "langfuse": ("langfuse",),
    "otel": (
        "opentelemetry.sdk.trace.export",
        "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    ),
}
CALLS = 100_000


def disabled_call(name):
    """Nanoseconds that a decorated call takes more than a plain one, switched off."""
    if name == "otel":
        return None
    module = __import__(name)

    def plain():
        return None

    decorated = module.observe(plain)
    decorated()
    cost = min(timeit.repeat(decorated, number=CALLS, repeat=5))
    return (cost - min(timeit.repeat(plain, number=CALLS, repeat=5))) / CALLS * 1e9


def measure(name):
    """Imports, then calls."""
    os.environ.update(
        TRACKWAY_ENABLED="false",
        LANGFUSE_TRACING_ENABLED="false",
        LANGFUSE_PUBLIC_KEY="pk",  # without keys it warns at every call
        LANGFUSE_SECRET_KEY="sk",
    )
    before, cpu = time.perf_counter(), time.process_time()
    for module in IMPORTS[name]:
        __import__(module)
    wall, cpu = time.perf_counter() - before, time.process_time() - cpu
    return {
        "tracer": name,
        "import_ms": wall * 1e3,
        "import_cpu_ms": cpu * 1e3,
        "disabled_ns": disabled_call(name),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
