"""Tests for `trackway._wire.encode`: the official exporter is the judge of what we write."""

import enum
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.trace import ReadableSpan

from tests._wire import spans
from trackway._wire import anyvalue, encode
from trackway._wire.encode import AttributeValue, NumberKey, TextKey, attribute, attributes


def minimal(
    attributes: bytes = b"", *, name: str = "work", kind: int = 1, start: int = 1, end: int = 2
) -> bytes:
    """The payload of a span that has little."""
    return encode.span(
        trace_id=b"t" * 16, span_id=b"s" * 8, parent_span_id=b"p" * 8, name=name, kind=kind,
        start=start, end=end, attributes=attributes,
    )  # fmt: skip


def one(encoded: bytes) -> KeyValue:
    """The only attribute of these Span fields."""
    pair: KeyValue
    (pair,) = trace_pb2.Span.FromString(encoded).attributes
    return pair


def value(given_value: AttributeValue) -> AnyValue:
    return one(attribute("key", given_value)).value


@given(st.lists(spans.sdk_spans(), min_size=1, max_size=2))
def test_every_span_says_what_the_official_exporter_says(many: list[ReadableSpan]) -> None:
    """Whatever spans the SDK hands over, our request has the resources, scopes and spans of the official exporter's."""
    groups = []
    for span in many:
        scope = span.instrumentation_scope
        assert scope is not None
        groups.append(
            (
                encode.resource(span.resource.attributes),
                encode.scope(scope.name, scope.version or "", scope.attributes),
                [spans.payload(span)],
            )
        )
    body = ExportTraceServiceRequest.FromString(encode.request(groups))
    ours = {
        (r.resource.SerializeToString(), s.scope.SerializeToString(), each.SerializeToString())
        for r in body.resource_spans
        for s in r.scope_spans
        for each in s.spans
    }
    theirs = {
        (r.resource.SerializeToString(), s.scope.SerializeToString(), each.SerializeToString())
        for r in encode_spans(many).resource_spans
        for s in r.scope_spans
        for each in s.spans
    }
    assert ours == theirs


@given(
    spans.attribute_mappings, spans.attribute_mappings | spans.long_texts.map(lambda t: {"late": t})
)
def test_a_suffix_is_as_good_as_an_attribute(
    early: dict[str, AttributeValue], late: dict[str, AttributeValue]
) -> None:
    """A payload with a suffix is the same span with these attributes after its own."""
    grown = encode.append_suffix(minimal(attributes(early)), attributes(late))
    assert grown == minimal(attributes(early) + attributes(late))
    assert len(spans.parsed(grown).attributes) == len(early) + len(late)


@pytest.mark.parametrize("size", [0, 1, 60, 125, 126, 16_200, 16_300, 16_400, 2_097_100, 2_097_200])
def test_suffixes_of_every_length(size: int) -> None:
    """A suffix may make the length before the span longer by a byte, or by two."""
    text = "x" * size
    grown = encode.append_suffix(minimal(), attribute("late", text))
    assert [pair.value.string_value for pair in spans.parsed(grown).attributes] == [text]
    assert grown == minimal(attribute("late", text))


def test_payloads_of_one_resource_and_scope_are_put_together() -> None:
    """A request has one ResourceSpans for each resource and one ScopeSpans for each scope in it, in order."""
    a, b = encode.resource({"r": "a"}), encode.resource({"r": "b"})
    x, y = encode.scope("x"), encode.scope("y", "2")
    payloads = [minimal(attribute("n", n)) for n in range(5)]
    groups = [
        (a, x, payloads[:2]),
        (b, x, payloads[2:3]),
        (a, y, payloads[3:4]),
        (a, x, payloads[4:]),
    ]
    body = ExportTraceServiceRequest.FromString(encode.request(groups))
    whole = b"".join(payloads)
    alone = encode.request([(a, x, payloads)])
    assert encode.request_head(a, x, len(whole)) + whole == alone
    found = [
        (
            resource_spans.resource.attributes[0].value.string_value,
            scope_spans.scope.name,
            [span.attributes[0].value.int_value for span in scope_spans.spans],
        )
        for resource_spans in body.resource_spans
        for scope_spans in resource_spans.scope_spans
    ]
    assert found == [("a", "x", [0, 1, 4]), ("a", "y", [3]), ("b", "x", [2])]
    assert encode.request([]) == b""


@pytest.mark.parametrize("key", ["k", "input.value", "k" * 120, "k" * 130, "ключ"])
@pytest.mark.parametrize(
    "sizes", [range(300), range(16_100, 16_400, 7), [70_000, 2_097_151, 2_097_152]]
)
def test_a_ready_key_writes_what_the_general_way_writes(key: str, sizes: list[int]) -> None:
    """`TextKey.field` gives the bytes of `attribute`, whatever the lengths of key and text."""
    field = TextKey(key).field
    for size in sizes:
        assert field(b"x" * size) == attribute(key, "x" * size)


@pytest.mark.parametrize("key", ["k", "llm.cost.total", "k" * 120, "k" * 130, "ключ"])
def test_a_ready_key_writes_numbers_as_the_general_way_does(key: str) -> None:
    """`NumberKey` gives the bytes of `attribute`, for whole numbers of every length and for floats."""
    ready = NumberKey(key)
    for bits in range(64):
        number = (1 << bits) - 1
        assert ready.integer(number) == attribute(key, number)
    for amount in (0.0, 0.1, 1e-12, 1e300):
        assert ready.double(amount) == attribute(key, amount)


def test_lone_surrogates_become_replacement_characters() -> None:
    """Half a surrogate pair is one U+FFFD wherever text may stand; two halves that meet are their character."""
    assert value("a\ud800b\udfff").string_value == "a\ufffdb\ufffd"
    assert value("\ud83d\ude00").string_value == "\U0001f600"
    assert one(attribute("k\udc00", "v")).key == "k\ufffd"
    assert value(["\ud800"]).array_value.values[0].string_value == "\ufffd"
    assert spans.parsed(minimal(name="\udfff")).name == "\ufffd"
    event = trace_pb2.Span.FromString(encode.event("\ud800", 1, {"\ud800": "\ud800"})).events[0]
    assert (event.name, event.attributes[0].key) == ("\ufffd", "\ufffd")
    assert trace_pb2.Span.FromString(encode.status(2, "\ud800")).status.message == "\ufffd"


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16_383, 16_384, (1 << 63) - 1, -1, -(1 << 63)])
def test_integers_of_64_bits_are_integers(number: int) -> None:
    """What fits into 64 bits is written as an integer."""
    assert value(number).int_value == number


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 10**30])
def test_larger_integers_become_text(number: int) -> None:
    """What does not fit is written out, as text, so that no digit is lost."""
    assert value(number).string_value == str(number)


def test_integers_beyond_what_is_printed_become_hexadecimal() -> None:
    """An integer of more digits than the interpreter converts is written in base 16."""
    assert value(1 << 100_000).string_value == hex(1 << 100_000)


def test_doubles_are_exact() -> None:
    """Infinities, NaN and negative zero arrive as they are."""
    assert value(math.inf).double_value == math.inf
    assert math.isnan(value(math.nan).double_value)
    assert struct.pack("<d", value(-0.0).double_value) == struct.pack("<d", -0.0)


class Colour(enum.IntEnum):
    RED = 7


class Mood(enum.StrEnum):
    CALM = "calm"


class Celsius(float):
    """A float of its own type."""


def test_subclasses_are_written_as_what_they_are() -> None:
    """Enumerations and other subclasses of the plain types are written as their plain value."""
    assert value(Colour.RED).int_value == 7
    assert value(Mood.CALM).string_value == "calm"
    assert value(Celsius(1.5)).double_value == 1.5
    assert one(attribute(Mood.CALM, 1)).key == "calm"


def test_keys_of_mappings_become_text() -> None:
    """A mapping's keys are written as text, whatever they are."""
    odd: dict[object, AttributeValue] = {
        Mood.CALM: 0, 1: 1, None: 2, 2.5: 3, Colour.RED: 4, b"x": 5, object(): 6,
    }  # fmt: skip
    found = [pair.key for pair in value(odd).kvlist_value.values]  # type: ignore[arg-type]  # the test's point
    assert found == ["calm", "1", "None", "2.5", "7", "<builtins.bytes>", "<builtins.object>"]


def test_no_value_is_kept_as_such() -> None:
    """None is written as an attribute without a value, as the official encoder does."""
    assert value(None).WhichOneof("value") is None
    assert len(value([None, 1]).array_value.values) == 2


def test_foreign_objects_are_named_not_called() -> None:
    """An object that is no attribute value is written as its type's name, and none of its methods runs."""

    class Hostile:
        def __str__(self) -> str:
            raise AssertionError("called")

        __repr__ = __str__

    assert value(Hostile()).string_value.endswith("Hostile>")  # type: ignore[arg-type]  # the test's point


def test_what_is_nested_too_deep_is_marked() -> None:
    """Nesting ends in a mark; a cycle too; and what is written can be read by any protobuf runtime."""
    cyclic: list[AttributeValue] = []
    cyclic.append(cyclic)
    mapping: dict[str, AttributeValue] = {}
    mapping["inside"] = mapping
    group = (
        encode.resource({}),
        encode.scope("s"),
        [minimal(attributes({"c": cyclic, "m": mapping}))],
    )
    body = ExportTraceServiceRequest.FromString(encode.request([group]))
    innermost = body.resource_spans[0].scope_spans[0].spans[0].attributes[1].value
    for _ in range(encode.MAX_DEPTH):
        innermost = innermost.kvlist_value.values[0].value
    assert innermost.string_value == anyvalue.TOO_DEEP


def test_times_and_counts_out_of_range_are_the_nearest() -> None:
    """A time before the epoch, or a time or count beyond what its field holds, becomes the nearest that it holds."""
    span = spans.parsed(minimal(start=-1, end=1 << 64))
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (0, (1 << 64) - 1)
    event = trace_pb2.Span.FromString(encode.event("e", -5, {}, 1 << 40)).events[0]
    assert (event.time_unix_nano, event.dropped_attributes_count) == (0, (1 << 32) - 1)


def test_what_is_no_time_is_no_span() -> None:
    """An argument that no field can hold, and that is no time, is the caller's error."""
    with pytest.raises(struct.error):
        minimal(kind=1 << 20)


def test_links_carry_their_trace_state() -> None:
    """A link has ids, trace state, attributes, a count of dropped ones and flags."""
    encoded = encode.link(b"t" * 16, b"s" * 8, "vendor=1", {"k": 1}, dropped=3, flags=0x301)
    (link,) = trace_pb2.Span.FromString(encoded).links
    expected = trace_pb2.Span.Link(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        trace_state="vendor=1",
        attributes=[KeyValue(key="k", value=AnyValue(int_value=1))],
        dropped_attributes_count=3,
        flags=0x301,
    )
    assert link == expected


def test_resources_and_scopes() -> None:
    """A resource counts what it dropped; a scope may have nothing but a name."""
    found = trace_pb2.ResourceSpans.FromString(
        encode.resource({"service.name": "shop"}, 2)
    ).resource
    name = KeyValue(key="service.name", value=AnyValue(string_value="shop"))
    assert found == Resource(attributes=[name], dropped_attributes_count=2)
    scope = trace_pb2.ScopeSpans.FromString(encode.scope("trackway")).scope
    assert scope == InstrumentationScope(name="trackway")
