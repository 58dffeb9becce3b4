"""The framing: what was encoded is found again, and nothing else is."""

from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from trackway._delivery import record
from trackway._delivery.record import (
    NOTHING,
    SHORT,
    TORN,
    encode,
    measure,
    pack_scope,
    unpack_scope,
)

KEY = 0x5EED5EED
data = st.binary(max_size=300)


def one(payload: bytes) -> bytes:
    return encode(payload, scope=7, kind=0, flags=1, key=KEY)


@given(data)
def test_a_record_measures_what_was_encoded(payload: bytes) -> None:
    """A record's length tells its header and payload, and its padding brings the next one to a multiple of eight."""
    encoded = one(payload)
    assert measure(encoded, 0, KEY) == record.HEADER_SIZE + len(payload)
    assert len(encoded) == record.padded(record.HEADER_SIZE + len(payload))


@given(data, st.integers(min_value=0))
def test_a_part_of_a_record_is_no_record(payload: bytes, cut: int) -> None:
    """What ends before the record does is short."""
    whole = record.HEADER_SIZE + len(payload)
    assert measure(one(payload)[: cut % whole], 0, KEY) == SHORT


@given(data, st.data())
def test_a_flipped_bit_is_seen(payload: bytes, draw: st.DataObject) -> None:
    """No record with one wrong bit, padding aside, is taken for intact."""
    encoded = bytearray(one(payload))
    bit = draw.draw(st.integers(0, (record.HEADER_SIZE + len(payload)) * 8 - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    assert measure(bytes(encoded), 0, KEY) <= 0


@given(data)
def test_another_segments_record_is_none(payload: bytes) -> None:
    """A record with another segment's key is torn: payloads cannot pretend to be records."""
    assert measure(one(payload), 0, KEY + 1) == TORN


def test_zeros_are_nothing() -> None:
    """Where nobody has written, there is nothing, which is not the same as damage."""
    assert measure(bytes(64), 0, KEY) == NOTHING


def test_a_reserved_place_is_torn() -> None:
    """A length without a commit mark is a record that was never finished."""
    assert measure((40).to_bytes(4, "little") + bytes(60), 0, KEY) == TORN


def test_the_crc_is_the_same_in_pieces() -> None:
    """A payload above the size of one piece has the checksum that it would have in one."""
    large = bytes(range(256)) * 64
    length = record.HEADER_SIZE + len(large)
    head = (length | 7 << 32).to_bytes(8, "little")
    assert record.checksum(large, length, 7, KEY) == crc32(large, crc32(head, KEY))


@given(data, data)
def test_a_scope_comes_back(resource: bytes, scope: bytes) -> None:
    """The resource and the scope of a scope record are told apart again."""
    assert unpack_scope(pack_scope(resource, scope)) == (resource, scope)


def test_a_foreign_scope_is_empty() -> None:
    """A scope record too short to be one describes nothing."""
    assert unpack_scope(b"\1") == (b"", b"")
