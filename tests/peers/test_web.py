"""Real instrumentations of requests and FastAPI around us, with a real server: parents and users in every mode."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import uvicorn
from fastapi import FastAPI, Request
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.spans import spans
from trackway import Trackway, attach, extract, inject, observe, propagate_attributes
from trackway._wire.decode import DecodedSpan


@observe
def handled(question: str) -> str:
    return question.upper()


def application() -> FastAPI:
    """A service that goes on from whoever calls: on the event loop, and in a thread of the framework's."""
    app = FastAPI()

    @app.get("/loop/{question}")
    async def on_the_loop(question: str, request: Request) -> str:
        with extract(request.headers):
            return handled(question)

    @app.get("/thread/{question}")
    def in_a_thread(question: str, request: Request) -> str:
        with extract(request.headers):
            return handled(question)

    return app


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


class Service:
    """The application behind uvicorn, in a thread of this process."""

    def __init__(self) -> None:
        self.app = application()
        config = uvicorn.Config(self.app, port=0, log_level="error", lifespan="off")
        self._server = Server(config)
        self._thread = threading.Thread(target=self._server.run, name="service")

    def start(self) -> str:
        """Its address."""
        self._thread.start()
        assert self._server.listens.wait(20)
        return f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()
    yield found
    found.stop()
    FastAPIInstrumentor.uninstrument_app(found.app)
    RequestsInstrumentor().uninstrument()


def call(client: Trackway, service: Service, provider: trace.TracerProvider) -> str:
    """Calls both handlers from inside an observation, for a user; gives the observation's id."""
    FastAPIInstrumentor.instrument_app(service.app, tracer_provider=provider)
    RequestsInstrumentor().instrument(tracer_provider=provider)
    url = service.start()
    with propagate_attributes(user_id="alice", as_baggage=True), requests.Session() as session:
        with client.start_as_current_observation(name="caller") as caller:
            for path in ("loop", "thread"):
                headers: dict[str, str] = {}
                inject(headers)
                answer = session.get(f"{url}/{path}/why", headers=headers)
                assert answer.json() == "WHY"
    service.stop()
    return caller.id


def named(home: Path, name: str) -> list[DecodedSpan]:
    return [span for span in spans(home) if span.name == name]


def test_alone_their_spans_are_ours(home: Path, service: Service) -> None:
    """Given our provider, the spans of requests and FastAPI are observations in one trace, all for the user."""
    client = Trackway(accept_baggage=True)
    caller = call(client, service, client.tracer_provider)
    assert [span.parent_span_id for span in named(home, "GET")] == [caller, caller]
    served = named(home, "GET /loop/{question}") + named(home, "GET /thread/{question}")
    assert [span.kind for span in served] == [2, 2]
    assert [span.parent_span_id for span in named(home, "handled")] == [caller, caller]
    assert len({span.trace_id for span in spans(home)}) == 1
    assert {span.attributes.get("user.id") for span in spans(home)} == {"alice"}


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("joined", [False, True], ids=["isolated", "joined"])
def test_beside_a_host_parents_and_users_are_right(
    monkeypatch: pytest.MonkeyPatch, home: Path, service: Service, order: str, *, joined: bool
) -> None:
    """With a host that was there before us or came after us, handlers are children of the caller and for its user."""
    host, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    host.add_span_processor(SimpleSpanProcessor(exporter))
    if order == "before":
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", host)
    client = Trackway(accept_baggage=True)
    client.create_event(name="early")
    if joined:
        assert attach() is (order == "before")
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", host)
    caller = call(client, service, host)
    handlers = named(home, "handled")
    assert [span.parent_span_id for span in handlers] == [caller, caller]
    assert {span.attributes["user.id"] for span in handlers} == {"alice"}
    assert {span.name for span in spans(home)} == {"early", "caller", "handled"}
    theirs = exporter.get_finished_spans()
    sent = [span for span in theirs if span.name == "GET"]
    served = [span for span in theirs if span.name.endswith("{question}")]
    assert len(sent) == len(served) == 2
    for client_span, server_span in zip(sent, served, strict=True):
        assert parent(server_span) == own(client_span)
        assert ("user.id" in (client_span.attributes or {})) is joined
        assert parent(client_span) == (caller if joined else None)


def own(span: ReadableSpan) -> str:
    context = span.get_span_context()
    assert context is not None
    return f"{context.span_id:016x}"


def parent(span: ReadableSpan) -> str | None:
    return None if span.parent is None else f"{span.parent.span_id:016x}"
