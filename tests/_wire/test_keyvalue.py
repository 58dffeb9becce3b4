"""Tests for `trackway._wire.keyvalue`: the short ways to an attribute lead where the long one does."""

from hypothesis import given
from hypothesis import strategies as st

from tests._wire import spans
from trackway._wire import encode, keyvalue
from trackway._wire.decode import decode_attributes
from trackway._wire.protobuf import DecodeError, varint


def by_the_long_way(raw: bytes) -> str:
    """What a KeyValue is, field by field; by its text, since NaN is unequal to itself."""
    try:
        key, value = keyvalue.pair(raw, 1)
    except DecodeError:
        return "refused"
    return repr({key: value})


def as_an_attribute(raw: bytes) -> str:
    """The same by whatever way a span's attribute takes."""
    try:
        return repr(decode_attributes(b"\x4a" + varint(len(raw)) + raw))
    except DecodeError:
        return "refused"


pairs = st.builds(
    lambda key, value: encode.attribute(key, value), spans.keys, spans.values | spans.long_texts
)


@given(pairs, st.integers(0, 1 << 20), st.integers(0, 255) | st.none())
def test_every_way_leads_to_the_same_value(field: bytes, at: int, byte: int | None) -> None:
    """A KeyValue, sound or with a byte changed, is read alike: field by field, at once, and from what is remembered."""
    start = 2
    while field[start - 1] >= 0x80:
        start += 1
    raw = bytearray(field[start:])
    if byte is not None:
        raw[at % min(len(raw), 40)] = byte
    expected = by_the_long_way(bytes(raw))
    assert as_an_attribute(bytes(raw)) == expected
    assert as_an_attribute(bytes(raw)) == expected


def test_texts_of_every_length() -> None:
    """A text is read whatever the lengths of the lengths around it."""
    for size in [*range(140), *range(16_100, 16_400, 3)]:
        assert decode_attributes(encode.attribute("key", "x" * size)) == {"key": "x" * size}


def test_what_is_remembered_cannot_be_changed() -> None:
    """A reader who changes a value that was decoded changes it for no other reader."""
    encoded = encode.attributes({"a": {"k": 1}, "b": [{"k": 1}], "c": ["x"]})
    first = decode_attributes(encoded)
    assert isinstance(first["b"], tuple)
    for value in (first["a"], first["b"][0]):
        assert isinstance(value, dict)
        value["k"] = 2
    assert decode_attributes(encoded) == {"a": {"k": 1}, "b": ({"k": 1},), "c": ("x",)}


def test_what_is_remembered_is_bounded() -> None:
    """However many attributes were read, a few thousand are remembered."""
    for n in range(10_000):
        assert decode_attributes(encode.attribute("n", n)) == {"n": n}
    assert len(keyvalue.known) <= 4096


def test_values_in_parts_are_merged() -> None:
    """A list or a text that a sender wrote in two parts is read as protobuf says: lists join, the later text counts."""
    halves = b"\x2a\x04\x0a\x02\x18\x01" + b"\x2a\x04\x0a\x02\x18\x02"
    assert keyvalue.pair(b"\x12" + varint(len(halves)) + halves, 1) == ("", (1, 2))
    texts = b"\x0a\x01a" + b"\x0a\x01b"
    assert keyvalue.pair(b"\x12" + varint(len(texts)) + texts, 1) == ("", "b")
    changed = b"\x2a\x04\x0a\x02\x18\x01" + b"\x10\x01" + b"\x2a\x04\x0a\x02\x18\x02"
    assert keyvalue.pair(b"\x12" + varint(len(changed)) + changed, 1) == ("", (2,))
    assert keyvalue.pair(b"\x0a\x01k\x12\x02\x40\x05", 1) == ("k", None)
