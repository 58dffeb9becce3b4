"""Spans of the spool as OpenTelemetry's exporters know them: `ReadableSpan`s, made from the bytes of a request.

Loads the SDK; imported where the first batch goes to an exporter of the application's, nowhere else.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.util.types import Attributes

from trackway._wire.decode import (
    DecodedEvent,
    DecodedLink,
    DecodedSpan,
    decode_resource,
    decode_scope,
    decode_span,
    split_request,
)
from trackway._wire.encode import AttributeValue

__all__ = ["readable_spans"]

T = TypeVar("T")

# Of `Span.flags`, in OTLP.
TRACE_FLAGS: Final = 0xFF
IS_REMOTE: Final = 0x200
KINDS: Final = {kind.value + 1: kind for kind in SpanKind}
CODES: Final = {code.value: code for code in StatusCode}


def readable_spans(body: bytes) -> Iterator[ReadableSpan]:
    """The spans of an ExportTraceServiceRequest; those of one resource share it."""
    for resource_bytes, scope_bytes, payloads in split_request(body):
        resource = Resource(decode_resource(resource_bytes))
        name, version, attributes = decode_scope(scope_bytes)
        scope = InstrumentationScope(name, version, None, attributes)
        for payload in payloads:
            yield _readable(decode_span(payload), resource, scope)


def _readable(span: DecodedSpan, resource: Resource, scope: InstrumentationScope) -> ReadableSpan:
    flags, state = span.flags & TRACE_FLAGS, span.trace_state
    parent = span.parent_span_id
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id, flags, state=state),
        parent=(
            None
            if parent is None
            else _context(span.trace_id, parent, flags, remote=bool(span.flags & IS_REMOTE))
        ),
        resource=resource,
        attributes=_attributes(span.attributes, span.dropped_attributes),
        events=_bounded([_event(event) for event in span.events], span.dropped_events),
        links=_bounded([_link(link) for link in span.links], span.dropped_links),
        kind=KINDS.get(span.kind, SpanKind.INTERNAL),
        instrumentation_scope=scope,
        status=_status(span),
        start_time=span.start,
        end_time=span.end,
    )


def _status(span: DecodedSpan) -> Status:
    code = CODES.get(span.status_code, StatusCode.UNSET)
    # The SDK warns of a description of anything but an error.
    return Status(code, span.status_message if code is StatusCode.ERROR else None)


def _context(
    trace_id: str, span_id: str, flags: int, *, state: str = "", remote: bool = False
) -> SpanContext:
    return SpanContext(
        int(trace_id or "0", 16),
        int(span_id or "0", 16),
        remote,
        TraceFlags(flags),
        TraceState.from_header([state]) if state else None,
    )


def _event(event: DecodedEvent) -> Event:
    return Event(event.name, _attributes(event.attributes, event.dropped_attributes), event.time)


def _link(link: DecodedLink) -> Link:
    context = _context(
        link.trace_id,
        link.span_id,
        link.flags & TRACE_FLAGS,
        state=link.trace_state,
        remote=bool(link.flags & IS_REMOTE),
    )
    return Link(context, _attributes(link.attributes, link.dropped_attributes))


def _attributes(found: dict[str, AttributeValue], dropped: int) -> Attributes:
    """The attributes as they are; the container that can count costs 1 µs an attribute."""
    if not dropped:
        return found
    bounded = BoundedAttributes(None, found)
    bounded.dropped += dropped
    return bounded


def _bounded(found: list[T], dropped: int) -> Sequence[T]:
    if not dropped:
        return found
    bounded = BoundedList.from_seq(len(found), found)
    bounded.dropped += dropped
    return bounded
