"""Tests for `trackway._wire.protobuf`: the wire format, against the protobuf runtime."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from trackway._wire import protobuf
from trackway._wire.protobuf import BYTES, FIXED32, FIXED64, VARINT, DecodeError, Message, fields


@given(st.integers(0, (1 << 64) - 1))
@example(127)
@example(128)
@example(16_383)
@example(16_384)
def test_varints_are_the_runtimes(number: int) -> None:
    """A varint is written as the protobuf runtime writes it, and read back."""
    encoded = protobuf.varint(number)
    signed = protobuf.int64(number)
    assert b"\x18" + encoded == AnyValue(int_value=signed).SerializeToString()
    assert fields(b"\x18" + encoded, {3: VARINT}) == [(3, number, b"")]


def test_fields_of_every_wire_type() -> None:
    """A message is taken apart into number, integer and bytes, in order; unknown fields are among them."""
    data = (
        b"\x08\x96\x01"
        b"\x11" + bytes(range(8)) + b"\x1a\x02hi" + b"\x25\x01\x00\x00\x00" + b"\xa0\x06\x01"
    )
    assert fields(data, {1: VARINT, 2: FIXED64, 3: BYTES, 4: FIXED32}) == [
        (1, 150, b""),
        (2, int.from_bytes(bytes(range(8)), "little"), bytes(range(8))),
        (3, 0, b"hi"),
        (4, 1, b"\x01\x00\x00\x00"),
        (100, 1, b""),
    ]


@pytest.mark.parametrize("wire", [VARINT, FIXED64, FIXED32, 3, 4, 6, 7])
def test_a_known_field_has_its_wire_type(wire: int) -> None:
    """A field of another wire type than it should have is refused, as are groups and what does not exist."""
    with pytest.raises(DecodeError):
        fields(bytes((1 << 3 | wire,)) + bytes(8), {1: BYTES})


@pytest.mark.parametrize(
    "data",
    [
        b"\x80" * 11,  # a tag without end
        b"\x80\x80\x80\x80\x10\x00",  # a field number of 30 bits
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a length of 64 bits
        b"\x09\x00",
        b"\x0d\x00",
        b"\x08",
    ],
)
def test_broken_fields_are_refused(data: bytes) -> None:
    """A field that does not end, or ends beyond the message, is refused."""
    with pytest.raises(DecodeError):
        fields(data, {})


def test_a_message_by_field_number() -> None:
    """A message gives the last of what stands once, all of what repeats, and nothing for what is missing."""
    message = Message([(1, 5, b""), (1, (1 << 32) + 7, b""), (2, 0, b"a"), (2, 0, b"b")])
    assert (message.number(1), message.count(1), message.number(9)) == ((1 << 32) + 7, 7, 0)
    assert (message.last(2), message.text(2), message.last(9)) == (b"b", "b", b"")
    assert (message.every(2), message.merged(2), message.every(9)) == ([b"a", b"b"], b"ab", [])


def test_signs() -> None:
    """Negative numbers are read as such: of 64 bits, and of 32 as in an enumeration."""
    assert [protobuf.int64(n) for n in (0, (1 << 64) - 1, 1 << 63)] == [0, -1, -(1 << 63)]
    assert [protobuf.int32(n) for n in (1, (1 << 64) - 1, (1 << 32) + 2)] == [1, -1, 2]


def test_texts_are_utf8() -> None:
    """Text is UTF-8, without surrogates; anything else is refused."""
    assert protobuf.text("é".encode()) == "é"
    for wrong in (b"\xff", b"\xed\xa0\x80", b"\xc3"):
        with pytest.raises(DecodeError):
            protobuf.text(wrong)
