"""OpenTelemetry around us: beside a host's own provider we are isolated, without one we are the current span."""

import logging
import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, use_span

from tests.properties.programs import Program
from tests.properties.test_right_user import wrong_users
from tests.spans import only, scope_of, spans
from trackway import Trackway, observe, propagate_attributes

REQUESTS = 2_000
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"
REMOTE = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}


class Drawn(IdGenerator):
    """The same ids in every run."""

    def __init__(self) -> None:
        self._draw = random.Random(7).getrandbits

    def generate_span_id(self) -> int:
        return self._draw(64) or 1

    def generate_trace_id(self) -> int:
        return self._draw(128) or 1


class Host:
    """An application with a provider of its own, which keeps a share of its traces."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, rate: float = 1.0) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(rate)), id_generator=Drawn()
        )
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("the host")
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)

    def serve(
        self, around: Callable[[], AbstractContextManager[object]], inside: Callable[[], object]
    ) -> None:
        """One request, with what *around* and *inside* observe."""
        with around(), self.tracer.start_as_current_span("request", kind=SpanKind.SERVER):
            inside()
            with self.tracer.start_as_current_span("query") as query:
                query.set_attribute("rows", 3)
                inside()

    @property
    def exported(self) -> list[tuple[object, ...]]:
        """All that tells the exported spans apart, but for their times."""
        return [told(span) for span in self._exporter.get_finished_spans()]


def told(span: ReadableSpan) -> tuple[object, ...]:
    own, parent = span.get_span_context(), span.parent
    assert own is not None
    ids = own.trace_id, own.span_id, own.trace_flags, parent.span_id if parent else None
    return (*ids, span.name, span.kind, dict(span.attributes or {}), span.links, span.events)


def test_the_hosts_spans_are_the_same_with_and_without_us(
    monkeypatch: pytest.MonkeyPatch, home: Path, client: Trackway
) -> None:
    """At 1 % sampling the host exports the same spans, wherever we observe, and we keep all of ours."""

    @observe
    def step() -> None:
        with client.start_as_current_observation(name="inner"), propagate_attributes(user_id="a"):
            client.create_event(name="event")

    def around() -> AbstractContextManager[object]:
        return client.start_as_current_observation(name="outer")

    def exported(
        around: Callable[[], AbstractContextManager[object]], inside: Callable[[], object]
    ) -> list[tuple[object, ...]]:
        host = Host(monkeypatch, 0.01)
        for _ in range(REQUESTS):
            host.serve(around, inside)
        return host.exported

    alone = exported(nullcontext, lambda: None)
    assert 0 < len(alone) < REQUESTS / 20
    assert exported(nullcontext, step) == alone
    assert exported(around, step) == alone
    assert len(spans(home)) == REQUESTS * (6 + 7)


def test_an_observation_takes_the_hosts_trace_and_links_its_span(
    monkeypatch: pytest.MonkeyPatch, home: Path, client: Trackway
) -> None:
    """Below a host's span our root has its trace id and a link to it, no parent, and is not OpenTelemetry's current."""
    host = Host(monkeypatch)
    with (
        host.tracer.start_as_current_span("request") as request,
        client.start_as_current_observation(name="root") as root,
    ):
        assert trace.get_current_span() is request
        with host.tracer.start_as_current_span("query"):
            client.start_observation(name="child").end()
    own = request.get_span_context()
    found, child = only(home, "root"), only(home, "child")
    assert found.trace_id == child.trace_id == f"{own.trace_id:032x}"
    assert found.parent_span_id is None
    assert [(link.trace_id, link.span_id) for link in found.links] == [
        (f"{own.trace_id:032x}", f"{own.span_id:016x}")
    ]
    assert child.parent_span_id == root.id
    assert child.links == ()


def test_an_unsampled_host_span_does_not_decide_for_us(
    monkeypatch: pytest.MonkeyPatch, home: Path, client: Trackway
) -> None:
    """What the host does not sample is recorded by us all the same."""
    host = Host(monkeypatch, 0.0)
    with host.tracer.start_as_current_span("request"):
        client.start_observation(name="ours").end()
    assert host.exported == []
    assert only(home).name == "ours"


def test_users_are_right_beside_a_host(
    monkeypatch: pytest.MonkeyPatch, home: Path, client: Trackway
) -> None:
    """Isolated from a host's provider every observation carries the right user, too."""
    Host(monkeypatch)
    _, wrong = wrong_users(lambda seed: Program(seed, client, 400), home, 2_000)
    assert wrong == []


def test_without_a_provider_ours_is_the_current_span(home: Path, client: Trackway) -> None:
    """Alone in a process, an observation is OpenTelemetry's current span, and `inject` writes its ids."""
    carrier: dict[str, str] = {}
    with client.start_as_current_observation(name="root") as root:
        assert trace.get_current_span() is root
        inject(carrier)
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert carrier["traceparent"] == f"00-{root.trace_id}-{root.id}-01"


def test_a_decorated_function_is_the_current_span(home: Path, client: Trackway) -> None:
    """In a function under `@observe`, `inject` writes the ids of its observation."""

    @observe
    def request() -> dict[str, str]:
        carrier: dict[str, str] = {}
        inject(carrier)
        return carrier

    carrier = request()
    found = only(home, "request")
    assert carrier["traceparent"] == f"00-{found.trace_id}-{found.span_id}-01"


def test_an_extracted_parent_is_honoured(home: Path, client: Trackway) -> None:
    """Alone in a process, an observation continues the trace of the caller that was extracted."""
    token = otel_context.attach(extract(REMOTE))
    try:
        with client.start_as_current_observation(name="served") as served:
            client.start_observation(name="below").end()
    finally:
        otel_context.detach(token)
    found, below = only(home, "served"), only(home, "below")
    assert (found.trace_id, found.parent_span_id) == (TRACE, PARENT)
    assert found.trace_state == below.trace_state == "vendor=1"
    assert found.flags == 0x301
    assert (below.trace_id, below.parent_span_id, below.flags) == (TRACE, served.id, 0x101)
    assert found.links == ()


def test_an_extracted_parent_is_linked_beside_a_host(
    monkeypatch: pytest.MonkeyPatch, home: Path, client: Trackway
) -> None:
    """Beside a host the extracted span is the host's to continue: we take its trace id and link it."""
    Host(monkeypatch)
    token = otel_context.attach(extract(REMOTE))
    try:
        client.start_observation(name="served").end()
    finally:
        otel_context.detach(token)
    found = only(home, "served")
    assert (found.trace_id, found.parent_span_id) == (TRACE, None)
    assert [(link.trace_id, link.span_id) for link in found.links] == [(TRACE, PARENT)]


def test_an_instrumentation_of_the_api_traces_through_us(home: Path, client: Trackway) -> None:
    """What instruments through OpenTelemetry's API gets our spans: below ours, under its own scope, of its kind."""
    tracer = client._provider.get_tracer("an instrumentation", "1.2")

    @tracer.start_as_current_span("query")
    def query() -> None:
        client.start_observation(name="ours").end()

    with client.start_as_current_observation(name="root") as root:
        query()
        call = tracer.start_span("call", kind=SpanKind.CLIENT, attributes={"rows": 3})
        with use_span(call, end_on_exit=True):
            client.start_observation(name="under use_span").end()
    found = {span.name: span for span in spans(home)}
    assert found["query"].parent_span_id == found["call"].parent_span_id == root.id
    assert found["ours"].parent_span_id == found["query"].span_id
    assert found["under use_span"].parent_span_id == found["call"].span_id
    assert found["under use_span"].links == ()
    assert found["call"].kind == 3
    assert found["call"].attributes["rows"] == 3
    assert ("an instrumentation", "1.2") in scope_of(home)


def test_a_wrapped_span_of_ours_is_still_the_parent(home: Path, client: Trackway) -> None:
    """Where other code makes our span current in OpenTelemetry's own wrapper, what follows is its child."""
    with (
        client.start_as_current_observation(name="root") as root,
        use_span(trace.NonRecordingSpan(root.get_span_context())),
    ):
        client.start_observation(name="child").end()
    assert only(home, "child").parent_span_id == root.id


def test_logs_find_the_trace(client: Trackway, caplog: pytest.LogCaptureFixture) -> None:
    """Alone in a process, who correlates logs through OpenTelemetry's current span finds our ids."""
    with client.start_as_current_observation(name="root") as root:
        context = trace.get_current_span().get_span_context()
        logging.getLogger("application").warning("trace %032x", context.trace_id)
    assert f"trace {root.trace_id}" in caplog.text
