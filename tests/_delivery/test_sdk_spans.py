"""Spans of the spool as the SDK's: nothing is lost on the way."""

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from tests._wire.spans import payload, sdk_spans
from trackway._delivery.sdk_spans import readable_spans
from trackway._wire import encode
from trackway._wire.decode import decode_span

RESOURCE = encode.resource({"service.name": "shop", "process.pid": 7})
SCOPE = encode.scope("trackway", "1", {"kind": "test"})


def body_of(spans: list[ReadableSpan]) -> bytes:
    return encode.request([(RESOURCE, SCOPE, [payload(span) for span in spans])])


@given(st.lists(sdk_spans(), min_size=1, max_size=3))
def test_the_official_encoder_gives_our_bytes_back(spans: list[ReadableSpan]) -> None:
    """Whatever a span holds, what the official exporter makes of our view of it is the message that is in the spool."""
    body = body_of(spans)
    again = encode_spans(tuple(readable_spans(body)))
    assert again == ExportTraceServiceRequest.FromString(body)


@given(sdk_spans())
def test_the_view_says_what_the_decoder_says(span: ReadableSpan) -> None:
    """Name, ids, parent, kind, times, attributes, events, links, status and what was dropped are those of the bytes."""
    (found,) = readable_spans(body_of([span]))
    said = decode_span(payload(span))
    context = found.get_span_context()
    assert context is not None
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (said.trace_id, said.span_id)
    parent = None if found.parent is None else f"{found.parent.span_id:016x}"
    assert parent == said.parent_span_id
    assert (found.parent and found.parent.is_remote) == (span.parent and span.parent.is_remote)
    assert (found.name, found.kind.value + 1) == (said.name, said.kind)
    assert (found.start_time, found.end_time) == (said.start, said.end)
    assert dict(found.attributes or {}) == said.attributes
    assert [(e.name, e.timestamp, dict(e.attributes or {})) for e in found.events] == [
        (e.name, e.time, e.attributes) for e in said.events
    ]
    assert [(f"{x.context.span_id:016x}", dict(x.attributes or {})) for x in found.links] == [
        (x.span_id, x.attributes) for x in said.links
    ]
    assert (found.status.status_code.value, found.status.description or "") == (
        said.status_code,
        said.status_message,
    )
    assert (found.dropped_attributes, found.dropped_events, found.dropped_links) == (
        said.dropped_attributes,
        said.dropped_events,
        said.dropped_links,
    )


def test_resource_and_scope_are_shared() -> None:
    """Spans of one resource and scope have the same objects, with their attributes."""
    first, second = readable_spans(
        encode.request([(RESOURCE, SCOPE, [minimal(kind=1), minimal(kind=3)])])
    )
    assert first.resource is second.resource
    assert dict(first.resource.attributes) == {"service.name": "shop", "process.pid": 7}
    scope = first.instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version, dict(scope.attributes or {})) == (
        "trackway",
        "1",
        {"kind": "test"},
    )
    assert (first.kind, second.kind) == (SpanKind.INTERNAL, SpanKind.CLIENT)


def test_what_the_sdk_has_no_name_for() -> None:
    """A kind or status of a later version of OTLP becomes the plain one; a message of no error is left out."""
    (found,) = readable_spans(
        encode.request([(b"", b"", [minimal(kind=77, status=encode.status(1, "fine"))])])
    )
    assert found.kind is SpanKind.INTERNAL
    assert (found.status.status_code, found.status.description) == (StatusCode.OK, None)
    (found,) = readable_spans(encode.request([(b"", b"", [minimal(status=encode.status(9, ""))])]))
    assert found.status.status_code is StatusCode.UNSET


def minimal(kind: int = 1, status: bytes = b"") -> bytes:
    return encode.span(
        trace_id=bytes(15) + b"\1",
        span_id=bytes(7) + b"\1",
        parent_span_id=b"",
        name="x",
        kind=kind,
        start=1,
        end=2,
        attributes=b"",
        status=status,
        flags=1,
    )
