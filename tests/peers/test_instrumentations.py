"""Real instrumentations of httpx and starlette around us: parents and users are right in every mode."""

import asyncio
import contextvars
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.spans import only, spans
from trackway import Trackway, attach, extract, inject, observe, propagate_attributes


@observe
def handled() -> str:
    return "42"


async def endpoint(request: Request) -> PlainTextResponse:
    """What the service does: it goes on from whoever calls."""
    with extract(request.headers):
        return PlainTextResponse(handled())


@pytest.fixture
def service() -> Iterator[Starlette]:
    app = Starlette(routes=[Route("/", endpoint)])
    yield app
    StarletteInstrumentor.uninstrument_app(app)


async def answer(app: Starlette, instrumented: trace.TracerProvider) -> None:
    """One request through a traced HTTP client to the service, which has a context of its own."""

    async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_task(app(scope, receive, send), context=contextvars.Context())

    async with httpx.AsyncClient(transport=httpx.ASGITransport(elsewhere)) as http:
        HTTPXClientInstrumentor.instrument_client(http, tracer_provider=instrumented)
        headers: dict[str, str] = {}
        inject(headers)
        response = await http.get("http://service/", headers=headers)
    assert response.text == "42"


def call(client: Trackway, app: Starlette, provider: trace.TracerProvider) -> str:
    """Makes the call inside an observation, for a user; gives the observation's id."""
    StarletteInstrumentor.instrument_app(app, tracer_provider=provider)
    with propagate_attributes(user_id="alice", as_baggage=True):
        with client.start_as_current_observation(name="caller") as caller:
            asyncio.run(answer(app, provider))
    return caller.id


def test_alone_their_spans_are_ours(home: Path, service: Starlette) -> None:
    """Given our provider, client and server spans are observations, in one tree, all for the user."""
    client = Trackway(accept_baggage=True)
    caller = call(client, service, client.tracer_provider)
    found = {span.span_id: span for span in spans(home)}
    by_name = {span.name: span for span in found.values()}
    assert by_name["GET"].parent_span_id == caller
    assert by_name["GET"].kind == 3
    assert by_name["GET /"].kind == 2
    # The observation named the caller itself, past the span of the HTTP client.
    assert by_name["handled"].parent_span_id == caller
    assert {span.trace_id for span in found.values()} == {by_name["caller"].trace_id}
    users = {name: by_name[name].attributes.get("user.id") for name in ("GET", "GET /", "handled")}
    assert users == dict.fromkeys(users, "alice")


@pytest.mark.parametrize("joined", [False, True])
def test_beside_a_host_parents_and_users_are_right(
    monkeypatch: pytest.MonkeyPatch, home: Path, service: Starlette, *, joined: bool
) -> None:
    """Isolated or joined, the handler is a child of the caller and for its user, and the host's trace is whole."""
    host, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    host.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", host)
    client = Trackway(accept_baggage=True)
    if joined:
        assert attach()
    caller = call(client, service, host)
    handler = only(home, "handled")
    assert handler.parent_span_id == caller
    assert handler.attributes["user.id"] == "alice"
    assert {span.name for span in spans(home)} == {"caller", "handled"}
    theirs = {span.name: span for span in exporter.get_finished_spans()}
    server, sent = theirs["GET /"], theirs["GET"]
    assert server.parent is not None
    context = sent.get_span_context()
    assert context is not None
    assert server.parent.span_id == context.span_id
    assert ("user.id" in (sent.attributes or {})) is joined
    if joined:
        assert sent.parent is not None
        assert f"{sent.parent.span_id:016x}" == caller
    else:
        assert sent.parent is None
