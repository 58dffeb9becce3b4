"""More libraries to compare with, each set up as its documentation says, behind the face of `tracers.py`.

They are imported where they are measured, in an environment of their own. None of them redacts as set up here.
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
        logfire.configure(
            send_to_logfire=False, console=False, inspect_arguments=False, add_baggage_to_attributes=True
        )

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
        self.kinds = {
            "generation": tracer.llm,
            "retriever": tracer.tool,
            "agent": tracer.agent,
            "chain": tracer.chain,
        }

    def observe(self, kind):
        return self.kinds[kind]

    def flush(self):
        self.provider.force_flush()


class LangSmith(Tracer):
    """LangSmith's `traceable`, which speaks to its own API; the user is metadata there."""

    KINDS = {"generation": "llm", "retriever": "retriever", "agent": "chain", "chain": "chain"}

    def __init__(self, url):
        super().__init__(url)
        os.environ.update(
            LANGSMITH_TRACING="true", LANGSMITH_ENDPOINT=url, LANGSMITH_API_KEY="x"
        )
        from langsmith import Client, traceable
        from langsmith.run_helpers import tracing_context

        self.client, self.traceable, self.context = Client(), traceable, tracing_context

    def observe(self, kind):
        return self.traceable(run_type=self.KINDS[kind], client=self.client)

    def user(self, user_id):
        return self.context(metadata={"user_id": user_id})

    def flush(self):
        self.client.flush()


class MLflow(Tracer):
    """MLflow's `trace`, which sends to its tracking server; the user is of the whole trace."""

    KINDS = {"generation": "LLM", "retriever": "RETRIEVER", "agent": "AGENT", "chain": "CHAIN"}

    def __init__(self, url):
        super().__init__(url)
        import mlflow

        self.library = mlflow
        mlflow.set_tracking_uri(url)
        mlflow.set_experiment("bench")

    def observe(self, kind):
        return self.library.trace(span_type=self.KINDS[kind])

    def user(self, user_id):
        return self.library.tracing.context(user=user_id)

    def flush(self):
        self.library.flush_trace_async_logging()


class Laminar(Tracer):
    """Laminar's `observe`, by OTLP over HTTP."""

    def __init__(self, url):
        super().__init__(url)
        from lmnr import Laminar as library
        from lmnr import observe

        self.library, self.decorator = library, observe
        library.initialize(
            project_api_key="x",
            base_url="http://127.0.0.1",
            http_port=int(url.rpartition(":")[2]),
            force_http=True,
            instruments=set(),
        )

    def observe(self, kind):
        return self.decorator(span_type="LLM" if kind == "generation" else "DEFAULT")

    def user(self, user_id):
        return self.library.set_trace_user_id  # replaced below

    def flush(self):
        self.library.flush()


PEERS = {
    "logfire": Logfire,
    "phoenix": Phoenix,
    "langsmith": LangSmith,
    "mlflow": MLflow,
    "lmnr": Laminar,
}
