"""Tests for `trackway._wire.decode`: the facts that the protobuf runtime reads, and one error for everything else."""

import contextlib
from typing import TYPE_CHECKING

import pytest
from google.protobuf.message import DecodeError as RuntimeDecodeError  # type: ignore[import-untyped]  # it has no stubs
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.trace import ReadableSpan

from tests._wire import spans
from trackway._wire import decode, encode
from trackway._wire.decode import DecodedEvent, DecodedLink, DecodedSpan, DecodeError, decode_span
from trackway._wire.encode import AttributeValue
from trackway._wire.protobuf import varint

if TYPE_CHECKING:
    from collections.abc import Callable


def tagged(message: bytes) -> bytes:
    """The payload of a Span message."""
    return b"\x12" + varint(len(message)) + message


MINIMAL = encode.span(
    trace_id=b"t" * 16, span_id=b"s" * 8, parent_span_id=b"", name="n", kind=1, start=1, end=2
)
EVERYTHING = encode.span(
    trace_id=b"t" * 16,
    span_id=b"s" * 8,
    parent_span_id=b"p" * 8,
    name="chat gpt-4o",
    kind=3,
    start=1_700_000_000_000_000_000,
    end=1_700_000_001_000_000_000,
    attributes=encode.attributes({
        "user.id": "alice", "input.value": "x" * 300, "n": 300, "negative": -1, "cost": 0.5, "flag": True,
        "tags": ["a", "b"], "numbers": [1, 2], "nested": {"a": [1, {"b": None}]}, "raw": b"\x00\xff", "none": None,
    }),
    events=encode.event("exception", 5, {"exception.type": "E"}, 1),
    links=encode.link(b"l" * 16, b"k" * 8, "a=b", {"k": 1}, dropped=2, flags=0x301),
    status=encode.status(2, "no"),
    flags=0x301,
    trace_state="a=b",
    dropped_attributes=1,
    dropped_events=2,
    dropped_links=3,
)  # fmt: skip
REQUEST = encode.request(
    [
        (
            encode.resource({"service.name": "shop"}),
            encode.scope("s", "1", {"k": 1}),
            [EVERYTHING, MINIMAL],
        ),
        (encode.resource({}), encode.scope(""), [MINIMAL]),
    ]
)


def value_of(message: AnyValue) -> AttributeValue:
    """What an AnyValue holds, as our decoder gives it."""
    match message.WhichOneof("value"):
        case "array_value":
            return tuple(value_of(each) for each in message.array_value.values)
        case "kvlist_value":
            return values_of(message.kvlist_value.values)
        case None | "string_value_strindex":
            return None
        case which:
            value = getattr(message, which)
            assert isinstance(value, str | bool | int | float | bytes)
            return value


def values_of(pairs: "list[KeyValue]") -> dict[str, AttributeValue]:
    """The attributes in these messages, the later of two of one key."""
    return {pair.key: value_of(pair.value) for pair in pairs}


def facts(span: trace_pb2.Span) -> DecodedSpan:
    """A message of the protobuf runtime as our decoder gives it."""
    return DecodedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() if any(span.parent_span_id) else None,
        name=span.name,
        kind=span.kind,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=values_of(list(span.attributes)),
        events=tuple(
            DecodedEvent(
                e.name, e.time_unix_nano, values_of(list(e.attributes)), e.dropped_attributes_count
            )
            for e in span.events
        ),
        links=tuple(
            DecodedLink(
                each.trace_id.hex(),
                each.span_id.hex(),
                each.trace_state,
                values_of(list(each.attributes)),
                each.dropped_attributes_count,
                each.flags,
            )
            for each in span.links
        ),
        status_code=span.status.code,
        status_message=span.status.message,
        flags=span.flags,
        trace_state=span.trace_state,
        dropped_attributes=span.dropped_attributes_count,
        dropped_events=span.dropped_events_count,
        dropped_links=span.dropped_links_count,
    )


@given(spans.sdk_spans())
def test_our_bytes_and_the_official_exporters_read_the_same(span: ReadableSpan) -> None:
    """A request of the official exporter gives the resource, scope and span that went in; so do our own bytes."""
    made = encode_spans([span])
    ((resource, scope, decoded),) = decode.decode_request(made.SerializeToString())
    given_scope = span.instrumentation_scope
    assert given_scope is not None
    assert resource == spans.plain(span.resource.attributes)
    assert scope == (given_scope.name, given_scope.version, spans.plain(given_scope.attributes))
    assert decoded == facts(made.resource_spans[0].scope_spans[0].spans[0])
    assert decode_span(spans.payload(span)) == decoded


@given(spans.attribute_mappings | spans.long_texts.map(lambda text: {"input.value": text}))
def test_attributes_come_back(attributes: dict[str, AttributeValue]) -> None:
    """What `encode.attributes` wrote is read back, the first time and, from what is remembered, the second."""
    encoded = encode.attributes(attributes)
    for _ in range(2):
        assert decode.decode_attributes(encoded) == spans.plain(attributes)


def test_every_field_of_a_span() -> None:
    """Every field that a span can have is read, and what it may leave out has its default."""
    assert decode_span(EVERYTHING) == facts(spans.parsed(EVERYTHING))
    assert decode_span(b"\x12\x00") == facts(trace_pb2.Span())


def test_a_parent_of_zeros_is_none() -> None:
    """The invalid id of zeros, which some senders write for a root, is no parent."""
    assert decode_span(tagged(b"\x22\x08" + bytes(8))).parent_span_id is None


def test_a_suffix_changes_the_span() -> None:
    """Of two attributes of one key the later counts, so that a suffix can correct what was written before."""
    late = encode.attributes({"user.id": "bob", "cost": 2.5}) + encode.status(1)
    grown = decode_span(encode.append_suffix(EVERYTHING, late))
    before = decode_span(EVERYTHING)
    assert grown.attributes == {**before.attributes, "user.id": "bob", "cost": 2.5}
    assert (grown.status_code, grown.status_message) == (1, "no")


def test_a_request_can_be_taken_apart_and_put_together() -> None:
    """Splitting a request gives the groups that it was made of, byte for byte; its spans come in order."""
    assert encode.request(decode.split_request(REQUEST)) == REQUEST
    found = list(decode.decode_request(REQUEST))
    assert [resource for resource, _, _ in found] == [{"service.name": "shop"}] * 2 + [{}]
    assert [scope for _, scope, _ in found] == [("s", "1", {"k": 1})] * 2 + [("", "", {})]
    assert [span for _, _, span in found] == [
        decode_span(EVERYTHING), decode_span(MINIMAL), decode_span(MINIMAL)
    ]  # fmt: skip
    assert list(decode.decode_request(b"")) == []


def test_a_group_without_resource_and_scope() -> None:
    """A sender may leave out resource and scope; they are empty then."""
    message = trace_pb2.TracesData(
        resource_spans=[
            trace_pb2.ResourceSpans(scope_spans=[trace_pb2.ScopeSpans(spans=[trace_pb2.Span()])])
        ]
    )
    ((resource, scope, _),) = decode.decode_request(message.SerializeToString())
    assert (resource, scope) == ({}, ("", "", {}))


def test_unknown_fields_are_skipped() -> None:
    """Fields of a later version of the protocol, of every wire type, change nothing, in a span or inside it."""
    unknown = (
        b"\xa0\x06\x96\x01" + b"\xa1\x06" + bytes(8) + b"\xa2\x06\x03abc" + b"\xa5\x06" + bytes(4)
    )
    pair = encode.attribute("k", 1)[2:] + unknown
    status = encode.status(2, "no")[2:] + unknown
    message = unknown + b"\x4a" + varint(len(pair)) + pair + b"\x7a" + varint(len(status)) + status
    span = decode_span(tagged(message + unknown))
    assert (span.attributes, span.status_code, span.status_message) == ({"k": 1}, 2, "no")
    assert decode.decode_resource(tagged_resource(encode.attribute("k", 1)[2:], unknown)) == {
        "k": 1
    }


def test_unusual_spellings_are_read() -> None:
    """A tag or a length may be a longer varint than it needs to be, as protobuf allows."""
    pair = encode.attribute("k", "v")[2:]
    assert decode_span(tagged(b"\xca\x00" + varint(len(pair)) + pair)).attributes == {"k": "v"}
    assert decode_span(tagged(b"\x4a" + bytes((len(pair) | 0x80, 0)) + pair)).attributes == {
        "k": "v"
    }


def tagged_resource(pair: bytes, more: bytes) -> bytes:
    """A resource field with one attribute and *more* fields."""
    inner = b"\x0a" + varint(len(pair)) + pair + more
    return b"\x0a" + varint(len(inner)) + inner


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", (0, "")),
        (ExportTraceServiceResponse().SerializeToString(), (0, "")),
        (
            ExportTraceServiceResponse(
                partial_success=ExportTracePartialSuccess(rejected_spans=300, error_message="é")
            ).SerializeToString(),
            (300, "é"),
        ),
        (
            ExportTraceServiceResponse(
                partial_success=ExportTracePartialSuccess(rejected_spans=-1)
            ).SerializeToString(),
            (-1, ""),
        ),
    ],
)
def test_partial_success(body: bytes, expected: tuple[int, str]) -> None:
    """A backend's reply says how many spans it rejected and why."""
    assert decode.partial_success(body) == expected


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x12",
        b"\x12\x05",
        b"\x0a\x00",  # not a span
        b"\x12\x00\x00",  # more than a span
        MINIMAL + MINIMAL,
        tagged(b"\x0a"),  # no length
        tagged(b"\x0a\x10abc"),  # a length beyond the end
        tagged(b"\x08\x01"),  # trace_id as an integer
        tagged(b"\x3a\x00"),  # start as bytes
        tagged(b"\x48\x01"),  # an attribute as an integer
        tagged(b"\x39" + bytes(7)),  # half a time
        tagged(b"\x30\x80"),  # half a varint
        tagged(b"\x30" + b"\x80" * 10 + b"\x01"),  # a varint of eleven bytes
        tagged(b"\x30" + b"\xff" * 9 + b"\x02"),  # a varint of 65 bits
        tagged(b"\x03"),  # a group
        tagged(b"\x06\x00"),  # a wire type that does not exist
        tagged(b"\x02\x00"),  # field number 0
        tagged(b"\x2a\x01\xff"),  # a name that is no text
        tagged(b"\x4a\x02\x0a\x01"),  # a key beyond the end
        tagged(b"\x4a\x08\x0a\x01k\x12\x03\x0a\x02x"),  # a value beyond its attribute
        tagged(b"\x4a\x08\x0a\x01k\x12\x03\x0a\x01\xff"),  # a value that is no text
        tagged(b"\x4a\x08\x0a\x01\xff\x12\x03\x0a\x01x"),  # a key that is no text
        tagged(b"\x4a\x07\x0a\x01k\x12\x02\x18\x80"),  # half an integer
        tagged(b"\x4a\x07\x0a\x01k\x12\x02\x21\x00"),  # half a double
        tagged(b"\x4a\x80"),  # half an attribute's length
        tagged(b"\x4a\x80\x01\x0a"),  # hardly anything of an attribute of 128 bytes
        tagged(encode.attribute("k", "x" * 200).replace(b"xx", b"\xff\xff")),
    ],
)
def test_malformed_spans_are_refused(payload: bytes) -> None:
    """Bytes that are no span raise DecodeError."""
    with pytest.raises(DecodeError):
        decode_span(payload)


def nested(depth: int) -> bytes:
    """An attribute whose value is *depth* values inside one another."""
    value = b"\x18\x01"
    for _ in range(depth - 1):
        item = b"\x0a" + varint(len(value)) + value
        value = b"\x2a" + varint(len(item)) + item
    pair = b"\x0a\x01k\x12" + varint(len(value)) + value
    return b"\x4a" + varint(len(pair)) + pair


def test_nesting_has_an_end() -> None:
    """Values may stand 64 deep inside one another; one more is refused, and a million are no danger."""
    deepest = decode.decode_attributes(nested(decode.MAX_DEPTH))["k"]
    for _ in range(decode.MAX_DEPTH - 1):
        assert isinstance(deepest, tuple)
        (deepest,) = deepest
    assert deepest == 1
    for depth in (decode.MAX_DEPTH + 1, 10_000):
        with pytest.raises(DecodeError):
            decode.decode_attributes(nested(depth))


def drain(body: bytes) -> None:
    """Reads a request to its end."""
    list(decode.decode_request(body))


DECODERS: "list[Callable[[bytes], object]]" = [
    decode_span, decode.decode_attributes, decode.decode_resource, decode.decode_scope,
    decode.partial_success, drain,
]  # fmt: skip


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_one_error_or_none(data: bytes) -> None:
    """Whatever the bytes are, every decoder gives a value or raises DecodeError, never anything else."""
    for decoder in DECODERS:
        for each in (data, tagged(data), b"\x0a" + varint(len(data)) + data):
            with contextlib.suppress(DecodeError):
                decoder(each)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """*whole* with some bytes changed, left out, or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["change", "cut", "insert", "flip"])):
            case "change":
                data[at] = draw(st.integers(0, 255))
            case "flip":
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at : at + draw(st.integers(1, 4))]
            case _:
                data[at:at] = draw(st.binary(min_size=1, max_size=4))
    return bytes(data)


@given(damaged(REQUEST))
def test_a_damaged_request_raises_one_error_or_none(body: bytes) -> None:
    """A request that was damaged on the way is read, or refused with DecodeError."""
    with contextlib.suppress(DecodeError):
        drain(body)


@given(
    damaged(EVERYTHING[3:]) | spans.sdk_spans().map(lambda s: spans.payload(s)[3:]).flatmap(damaged)
)
def test_a_damaged_span_is_never_misread(message: bytes) -> None:
    """What we accept of a damaged span is what the protobuf runtime reads in it, if it accepts it too."""
    try:
        decoded = decode_span(tagged(message))
    except DecodeError:
        return
    with contextlib.suppress(RuntimeDecodeError):
        # By their text, since NaN is unequal to itself.
        assert repr(decoded) == repr(facts(trace_pb2.Span.FromString(message)))
