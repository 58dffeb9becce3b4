"""The inner loop of reading yields what stands whole in a buffer, and stops where the reader has to look closely."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._delivery.record import KIND_SCOPE, KIND_SPAN, Record, encode
from trackway._delivery.scan import scan

KEY = 0x1234ABCD


def run(
    buffer: bytes, at: int = 0, *, trusted: int = 0, room: int = 1 << 20, most: int = 1_000
) -> tuple[list[bytes], int]:
    """The payloads and the end of a scan."""
    found, end = scan(
        buffer, at, KEY, segment=3, origin=256, trusted=trusted, max_bytes=room, max_records=most
    )
    return [record.payload for record in found], end


def framed(*payloads: bytes, kind: int = KIND_SPAN, key: int = KEY) -> bytes:
    """Records one behind the other."""
    return b"".join(encode(p, scope=1, kind=kind, flags=2, key=key) for p in payloads)


@given(st.lists(st.binary(max_size=60)), st.data())
def test_what_is_whole_is_found(payloads: list[bytes], data: st.DataObject) -> None:
    """Cut anywhere, a buffer yields the records that end before the cut, and the scan ends behind them."""
    whole = framed(*payloads)
    cut = data.draw(st.integers(0, len(whole)))
    found, end = run(whole[:cut])
    assert found == payloads[: len(found)]
    padded = len(framed(*found))
    assert end == padded
    assert len(found) == len(payloads) or len(framed(*payloads[: len(found) + 1])) > cut


def test_a_record_tells_its_place() -> None:
    """Offsets are those of the segment, ends are where the next record begins."""
    buffer = framed(b"first", b"second")
    (first, second), end = scan(
        buffer, 0, KEY, segment=3, origin=256, trusted=0, max_bytes=99, max_records=9
    )
    assert first == Record(3, 256, 280, KIND_SPAN, 1, 2, b"first")
    assert second == Record(3, 280, 304, KIND_SPAN, 1, 2, b"second")
    assert end == len(buffer)


@pytest.mark.parametrize(
    "stop",
    [
        bytes(16),
        framed(b"s", kind=KIND_SCOPE),
        framed(b"of another use", key=KEY + 1),
        framed(b"longer than the buffer")[:30],
        (8).to_bytes(4, "little") + KEY.to_bytes(4, "little") + bytes(8),
        (1 << 31).to_bytes(4, "little") + KEY.to_bytes(4, "little") + bytes(8),
    ],
)
def test_the_scan_stops(stop: bytes) -> None:
    """A hole, a scope, damage, an earlier use and the end of the buffer are left to the reader, trusted or not."""
    begin = framed(b"x", b"y")
    for trusted in (0, 1 << 20):
        assert run(begin + stop, trusted=trusted) == ([b"x", b"y"], len(begin))


def test_only_what_is_trusted_goes_unchecked() -> None:
    """A damaged payload is found out, except before the place up to which the caller knows better."""
    buffer = bytearray(framed(b"one", b"two", b"three"))
    buffer[24 + 16] ^= 1
    assert run(bytes(buffer)) == ([b"one"], 24)
    assert run(bytes(buffer), trusted=47) == ([b"one"], 24)
    assert run(bytes(buffer), trusted=48)[0] == [b"one", b"uwo", b"three"]


def test_a_scan_is_bounded() -> None:
    """No more records and no more payload than was asked for."""
    buffer = framed(b"1234", b"5678", b"90")
    assert run(buffer, most=2)[0] == [b"1234", b"5678"]
    assert run(buffer, room=8)[0] == [b"1234", b"5678"]
    assert run(buffer, room=7)[0] == [b"1234"]
    assert run(buffer, room=3) == ([], 0)
    assert run(buffer, at=24)[0] == [b"5678", b"90"]
