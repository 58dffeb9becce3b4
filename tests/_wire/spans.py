"""Spans to try the wire format with: any that OpenTelemetry allows, as its SDK's objects and as our bytes."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.proto.trace.v1 import trace_pb2
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

from trackway._wire import encode
from trackway._wire.encode import AttributeValue

# Every length of varint that a length can have in practice.
long_texts = st.integers(0, 70_000).map(lambda size: "é" * (size % 3) + "x" * size)
texts = st.text(max_size=40) | st.text(min_size=1, max_size=3).map(lambda text: text * 60)
scalars: st.SearchStrategy[AttributeValue] = (
    texts
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=200)
)


def _sequences(items: st.SearchStrategy[AttributeValue]) -> st.SearchStrategy[AttributeValue]:
    return st.lists(items | st.none(), max_size=4)


sequences: st.SearchStrategy[AttributeValue] = st.one_of(
    _sequences(texts),
    _sequences(st.booleans()),
    _sequences(st.integers(-(1 << 63), (1 << 63) - 1)),
    _sequences(st.floats(allow_nan=False)),
)
keys = st.text(min_size=1, max_size=20) | st.sampled_from(["user.id", "input.value", "k" * 130])
values: st.SearchStrategy[AttributeValue] = st.recursive(
    scalars | sequences | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=4,
)
attribute_mappings: st.SearchStrategy[dict[str, AttributeValue]] = st.dictionaries(
    keys, values, max_size=4
)
times = st.integers(0, (1 << 64) - 1)
trace_ids = st.integers(1, (1 << 128) - 1)
span_ids = st.integers(1, (1 << 64) - 1)
trace_states = st.sampled_from([[], [("vendor", "1")], [("a", "b"), ("c", "d")]]).map(TraceState)


@st.composite
def contexts(draw: st.DrawFn) -> SpanContext:
    """A span context, local or remote."""
    return SpanContext(
        draw(trace_ids),
        draw(span_ids),
        draw(st.booleans()),
        TraceFlags(draw(st.integers(0, 3))),
        draw(trace_states),
    )


@st.composite
def bounded(draw: st.DrawFn) -> BoundedAttributes:
    """Attributes as the SDK holds them, some of which may have been dropped."""
    return BoundedAttributes(draw(st.none() | st.integers(1, 3)), draw(attribute_mappings))


@st.composite
def sdk_spans(draw: st.DrawFn) -> ReadableSpan:
    """A finished span of the SDK."""
    events = st.builds(Event, texts, bounded(), times)
    links = st.builds(Link, contexts(), bounded())
    return ReadableSpan(
        name=draw(texts),
        context=draw(contexts()),
        parent=draw(st.none() | contexts()),
        resource=Resource(draw(attribute_mappings)),
        attributes=draw(bounded()),
        events=BoundedList.from_seq(2, draw(st.lists(events, max_size=3))),
        links=BoundedList.from_seq(2, draw(st.lists(links, max_size=3))),
        kind=draw(st.sampled_from(SpanKind)),
        status=draw(
            st.sampled_from([Status(), Status(StatusCode.OK), Status(StatusCode.ERROR, "no")])
        ),
        start_time=draw(times),
        end_time=draw(times),
        instrumentation_scope=InstrumentationScope(
            draw(texts), draw(texts), None, draw(attribute_mappings)
        ),
    )


def flags(context: SpanContext | None) -> int:
    """What the official exporter writes as the flags of a span with this parent, or of a link to it."""
    return 0x300 if context is not None and context.is_remote else 0x100


def payload(span: ReadableSpan) -> bytes:
    """An SDK span in our bytes."""
    context = span.get_span_context()
    assert context is not None
    assert span.start_time is not None
    assert span.end_time is not None
    return encode.span(
        trace_id=context.trace_id.to_bytes(16),
        span_id=context.span_id.to_bytes(8),
        parent_span_id=span.parent.span_id.to_bytes(8) if span.parent else b"",
        name=span.name,
        kind=span.kind.value + 1,
        start=span.start_time,
        end=span.end_time,
        attributes=encode.attributes(span.attributes or {}),
        events=b"".join(
            encode.event(e.name, e.timestamp, e.attributes, e.dropped_attributes)
            for e in span.events
        ),
        links=b"".join(
            encode.link(
                each.context.trace_id.to_bytes(16),
                each.context.span_id.to_bytes(8),
                "",  # the official exporter leaves it out
                each.attributes,
                dropped=each.dropped_attributes,
                flags=flags(each.context),
            )
            for each in span.links
        ),
        status=encode.status(span.status.status_code.value, span.status.description or ""),
        flags=flags(span.parent),
        trace_state=",".join(f"{key}={value}" for key, value in context.trace_state.items()),
        dropped_attributes=span.dropped_attributes,
        dropped_events=span.dropped_events,
        dropped_links=span.dropped_links,
    )


def parsed(encoded: bytes) -> trace_pb2.Span:
    """The span of a payload, read by the protobuf runtime."""
    found: trace_pb2.Span
    (found,) = trace_pb2.ScopeSpans.FromString(encoded).spans
    return found


def plain(value: AttributeValue) -> AttributeValue:
    """A value with its sequences as tuples and its mappings as dicts, as decoding gives them."""
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, Sequence):
        return tuple(plain(item) for item in value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value
