"""More libraries to compare with, each set up as its documentation says, behind the face of `tracers.py`.

They are imported where they are measured, in an environment of their own. What each of them redacts by
default (Logfire: by the names of attributes) is left on.
"""

import os

from tracers import Tracer


class Logfire(Tracer):
    """Logfire, sending OTLP to a backend of one's own; the user goes into its baggage, as it propagates values."""

    def __init__(self, url):
        super().__init__(url)
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = url
        import logfire

        self.library = logfire
        logfire.configure(send_to_logfire=False, console=False, inspect_arguments=False)

    def observe(self, kind):
        del kind
        return self.library.instrument(extract_args=True, record_return=True)

    def user(self, user_id):
        return self.library.set_baggage(user_id=user_id)

    def flush(self):
        self.library.force_flush()


class Phoenix(Tracer):
    """Phoenix's `register` and OpenInference's decorators, in batches."""

    def __init__(self, url):
        super().__init__(url)
        from openinference.instrumentation import using_user
        from phoenix.otel import register

        self.provider = register(
            endpoint=f"{url}/v1/traces",
            protocol="http/protobuf",
            batch=True,
            verbose=False,
            set_global_tracer_provider=False,
        )
        tracer = self.provider.get_tracer("workload")
        self.user = using_user
        self.kinds = {"generation": tracer.llm, "retriever": tracer.tool, "agent": tracer.agent}

    def observe(self, kind):
        return self.kinds[kind]

    def flush(self):
        self.provider.force_flush()


class LangSmith(Tracer):
    """LangSmith's `traceable`, which speaks to its own API; the user is metadata there."""

    def __init__(self, url):
        super().__init__(url)
        os.environ.update(LANGSMITH_TRACING="true", LANGSMITH_ENDPOINT=url, LANGSMITH_API_KEY="x")
        from langsmith import Client, traceable
        from langsmith.run_helpers import tracing_context

        self.client, self.traceable, self.context = Client(), traceable, tracing_context

    def observe(self, kind):
        kinds = {"generation": "llm", "agent": "chain"}
        return self.traceable(run_type=kinds.get(kind, kind), client=self.client)

    def user(self, user_id):
        return self.context(metadata={"user_id": user_id})

    def flush(self):
        self.client.flush()


class MLflow(Tracer):
    """MLflow's `trace`, which sends to its tracking server, or, on demand, by OTLP; the user is of the whole trace."""

    def __init__(self, url):
        super().__init__(url)
        if os.environ.get("BENCH_MLFLOW_OTLP"):
            os.environ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = f"{url}/v1/traces"
            os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf"
        import mlflow

        self.library = mlflow
        mlflow.set_tracking_uri(url)
        mlflow.set_experiment("bench")

    def observe(self, kind):
        return self.library.trace(span_type="LLM" if kind == "generation" else kind.upper())

    def user(self, user_id):
        return self.library.tracing.context(user=user_id)

    def flush(self):
        self.library.flush_trace_async_logging()
        if os.environ.get("BENCH_MLFLOW_OTLP"):
            # That one does not know of the processor for OTLP.
            from mlflow.tracing.provider import provider

            provider.get().force_flush()


class Laminar(Tracer):
    """Laminar's `observe`, by OTLP over HTTP; a user is named for a decorator or in a span, so there is none here."""

    def __init__(self, url):
        super().__init__(url)
        import lmnr

        self.library = lmnr
        lmnr.Laminar.initialize(
            project_api_key="x",
            base_url="http://127.0.0.1",
            http_port=int(url.rpartition(":")[2]),
            force_http=True,
            instruments=set(),
        )

    def observe(self, kind):
        return self.library.observe(span_type="LLM" if kind == "generation" else "DEFAULT")

    def flush(self):
        self.library.Laminar.flush()


PEERS = {
    "logfire": Logfire,
    "phoenix": Phoenix,
    "langsmith": LangSmith,
    "mlflow": MLflow,
    "lmnr": Laminar,
}
