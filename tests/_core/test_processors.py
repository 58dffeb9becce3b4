"""A span processor of the real SDK on our provider: it gets what is written, as the SDK would give it."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags

from tests.spans import spans
from trackway import Trackway, extract, observe, propagate_attributes


@pytest.fixture
def exporter(client: Trackway) -> InMemorySpanExporter:
    """What the processor of the default client exports."""
    found = InMemorySpanExporter()
    client.tracer_provider.add_span_processor(SimpleSpanProcessor(found))
    return found


def test_it_gets_what_is_written(
    home: Path, client: Trackway, exporter: InMemorySpanExporter
) -> None:
    """Every observation reaches the processor and the spool: ids, parents, users, input, errors."""

    @observe(as_type="generation")
    def answer(question: str) -> str:
        raise ValueError(question)

    with propagate_attributes(user_id="alice"), pytest.raises(ValueError, match="why"):
        with client.start_as_current_observation(name="root") as root:
            answer("why")
    written = {span.name: span for span in spans(home)}
    for span in exporter.get_finished_spans():
        expected = written.pop(span.name)
        context = span.get_span_context()
        assert context is not None
        assert f"{context.span_id:016x}" == expected.span_id
        assert dict(span.attributes or {}) == expected.attributes
        assert (span.start_time, span.end_time) == (expected.start, expected.end)
    assert written == {}
    answered, ended = exporter.get_finished_spans()
    assert answered.parent is not None
    assert f"{answered.parent.span_id:016x}" == root.id
    assert ended.parent is None
    assert answered.status.status_code is StatusCode.ERROR
    assert [event.name for event in answered.events] == ["exception"]
    assert answered.resource.attributes["telemetry.sdk.name"] == "trackway"
    assert answered.instrumentation_scope is not None
    assert answered.instrumentation_scope.name == "trackway"


def test_spans_of_instrumentations_keep_their_scope(
    client: Trackway, exporter: InMemorySpanExporter
) -> None:
    """A tracer made before or after has its own scope; kind, links and a remote parent are as they were."""
    other = SpanContext(1 << 64, 7, is_remote=True, trace_flags=TraceFlags(1))
    tracer = client.tracer_provider.get_tracer("late", "1.2")
    with extract({"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}):
        tracer.start_span("GET", kind=SpanKind.SERVER, links=[Link(other, {"why": "x"})]).end()
    (span,) = exporter.get_finished_spans()
    assert span.instrumentation_scope is not None
    assert (span.instrumentation_scope.name, span.instrumentation_scope.version) == ("late", "1.2")
    assert span.kind is SpanKind.SERVER
    assert span.parent is not None
    assert (span.parent.span_id, span.parent.is_remote) == (0x2222222222222222, True)
    assert [
        (x.context.span_id, x.context.is_remote, dict(x.attributes or {})) for x in span.links
    ] == [(7, True, {"why": "x"})]


def test_two_processors_both_get_it(client: Trackway, exporter: InMemorySpanExporter) -> None:
    """A second processor gets what the first gets; a third that fails harms nobody."""

    class Failing(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            raise ValueError(span.name)

        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            raise ValueError(timeout_millis)

    second = InMemorySpanExporter()
    client.tracer_provider.add_span_processor(Failing())
    client.tracer_provider.add_span_processor(SimpleSpanProcessor(second))
    client.create_event(name="event")
    assert [span.name for span in exporter.get_finished_spans()] == ["event"]
    assert [span.name for span in second.get_finished_spans()] == ["event"]
    assert not client.flush(1)


def test_a_batch_is_flushed_and_ended(client: Trackway) -> None:
    """`flush` and `shutdown` of the client are the processors' too, with handles that are still open."""
    found = InMemorySpanExporter()
    client.tracer_provider.add_span_processor(BatchSpanProcessor(found))
    handle = client.trace(name="open")
    client.create_event(name="event")
    assert client.flush()
    assert {span.name for span in found.get_finished_spans()} == {"open", "event"}
    handle.end()
    assert client.shutdown()
    assert len(found.get_finished_spans()) == 2
