"""The libraries that are compared, behind one small face, each set up as its documentation says.

`make(name, url)` gives a `Tracer`. Settings of trackway (redaction, compression) come from the environment, so that
`run.py` can measure them apart. Each library is imported only where it is measured: they pin each other's dependencies.
"""

import inspect
import json
import os
import sys
import tempfile
from contextlib import nullcontext


class Tracer:
    """Nothing is traced: what the workload costs by itself."""

    def __init__(self, url):
        self.url = url

    def observe(self, kind):
        """A decorator for a step of this kind."""
        del kind
        return lambda function: function

    def user(self, user_id):
        """A block in which everything is for *user_id*."""
        del user_id
        return nullcontext()

    def one(self, given, result):
        """One observation, started, updated and ended by hand."""

    def block(self, name):
        """An observation that is current in the block, to be nested."""
        del name
        return nullcontext()

    def flush(self):
        """Waits until everything was sent."""


class Trackway(Tracer):
    """This library, with a remote destination and no local copy."""

    def __init__(self, url):
        super().__init__(url)
        os.environ.setdefault("TRACKWAY_ENDPOINT", url)
        os.environ.setdefault("TRACKWAY_LOCAL", "false")
        os.environ.setdefault("TRACKWAY_DIR", tempfile.mkdtemp(prefix="trackway-bench-"))
        if os.environ.get("BENCH_PURE"):
            # As if the kernels had not been compiled.
            sys.modules["trackway._native"] = None
        import trackway

        self.library, self.client = trackway, trackway.get_client()

    def observe(self, kind):
        return self.library.observe(as_type=kind)

    def user(self, user_id):
        return self.library.propagate_attributes(user_id=user_id)

    def one(self, given, result):
        observation = self.client.start_observation(name="one", as_type="generation", input=given)
        observation.update(output=result)
        observation.end()

    def block(self, name):
        return self.client.start_as_current_observation(name=name)

    def flush(self):
        self.client.flush()


class Langfuse(Trackway):
    """Langfuse's SDK with keys and a base URL; it has the same names."""

    def __init__(self, url):
        Tracer.__init__(self, url)
        import langfuse

        self.library = langfuse
        self.client = langfuse.Langfuse(public_key="pk", secret_key="sk", base_url=url)


class OpenTelemetry(Tracer):
    """OpenTelemetry's SDK and its OTLP/HTTP exporter under a decorator written by hand: no user, no redaction."""

    def __init__(self, url):
        super().__init__(url)
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self.provider = TracerProvider()
        exporter = OTLPSpanExporter(endpoint=url + "/v1/traces")
        self.provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer = self.provider.get_tracer("workload")

    def observe(self, kind):
        def decorate(function):
            def started(args, kwargs):
                before = {"type": kind, "input": json.dumps({"args": args, "kwargs": kwargs})}
                return self.tracer.start_as_current_span(function.__name__, attributes=before)

            def traced(*args, **kwargs):
                with started(args, kwargs) as span:
                    result = function(*args, **kwargs)
                    span.set_attribute("output", json.dumps(result))
                    return result

            async def traced_coroutine(*args, **kwargs):
                with started(args, kwargs) as span:
                    result = await function(*args, **kwargs)
                    span.set_attribute("output", json.dumps(result))
                    return result

            return traced_coroutine if inspect.iscoroutinefunction(function) else traced

        return decorate

    def one(self, given, result):
        span = self.tracer.start_span("one", attributes={"input": json.dumps(given)})
        span.set_attribute("output", json.dumps(result))
        span.end()

    def block(self, name):
        return self.tracer.start_as_current_span(name)

    def flush(self):
        self.provider.force_flush()


TRACERS = {"none": Tracer, "trackway": Trackway, "langfuse": Langfuse, "otel": OpenTelemetry}


def make(name, url):
    """The tracer of this name, sending to *url*."""
    if name not in TRACERS:
        import peers  # which imports this module

        return peers.PEERS[name](url)
    return TRACERS[name](url)
