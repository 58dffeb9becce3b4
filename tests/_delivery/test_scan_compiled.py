"""The kernel that reads records finds those that `record.measure` finds, and stops where anything else stands."""

from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from trackway._delivery.record import HEADER_SIZE, KIND_SCOPE, Record, encode, measure, padded

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._delivery.scan")
KEY = 0xFEEDF00D
SEGMENT, ORIGIN = 7, 1000
MANY = 1 << 40
payloads = st.binary(max_size=100) | st.integers(0, 3000).map(lambda size: b"\xa5" * size)
records = st.builds(
    lambda payload, scope, kind, flags: encode(payload, scope=scope, kind=kind, flags=flags, key=KEY),
    payloads, st.integers(0, 0xFFFF), st.sampled_from([0, 0, 0, KIND_SCOPE, 2, 255]), st.integers(0, 255),
)  # fmt: skip


def scanned(
    data: bytes, at: int = 0, *, trusted: int = 0, max_bytes: int = MANY, max_records: int = MANY
) -> tuple[list[Record], int]:
    found = KERNELS.scan(data, at, KEY, SEGMENT, ORIGIN, trusted, max_bytes, max_records, Record)
    if at >= 0:  # where the twin begins, too
        assert found == PURE.scan(
            data, at, KEY, segment=SEGMENT, origin=ORIGIN, trusted=trusted, max_bytes=max_bytes,
            max_records=max_records,
        )  # fmt: skip
    return found


def measured(data: bytes, at: int, max_bytes: int, max_records: int) -> tuple[list[Record], int]:
    """What `scan` promises, by the framing's own functions."""
    found: list[Record] = []
    while len(found) < max_records and (length := measure(data, at, KEY)) > 0:
        scope, kind, flags = data[at + 12] | data[at + 13] << 8, data[at + 14], data[at + 15]
        max_bytes -= length - HEADER_SIZE
        if kind == KIND_SCOPE or max_bytes < 0:
            break
        end = at + padded(length)
        payload = data[at + HEADER_SIZE : at + length]
        found.append(Record(SEGMENT, ORIGIN + at, ORIGIN + end, kind, scope, flags, payload))
        at = end
    return found, at


@given(
    st.lists(records, max_size=6),
    st.integers(0, 4000) | st.just(MANY),
    st.integers(0, 6) | st.just(MANY),
)
def test_what_is_found_is_what_measures(
    parts: list[bytes], max_bytes: int, max_records: int
) -> None:
    """All committed records up to the first scope or limit are found, with their places, and the end of the last."""
    data = b"".join(parts) + bytes(40)
    found = scanned(data, max_bytes=max_bytes, max_records=max_records)
    assert found == measured(data, 0, max_bytes, max_records)
    assert all(type(each) is Record for each in found[0])


@given(st.lists(records, min_size=1, max_size=3), st.data())
def test_damage_ends_the_scan(parts: list[bytes], draw: st.DataObject) -> None:
    """Wherever bits are wrong or the data is cut, what is found is what measures; nothing is read beyond the end."""
    data = bytearray(b"".join(parts))
    for _ in range(draw.draw(st.integers(0, 3))):
        bit = draw.draw(st.integers(0, len(data) * 8 - 1))
        data[bit // 8] ^= 1 << bit % 8
    cut = bytes(data[: draw.draw(st.integers(0, len(data)))])
    assert scanned(cut) == measured(cut, 0, MANY, MANY)


@given(st.binary(max_size=200), st.integers(-8, 210))
def test_noise_holds_no_records(data: bytes, at: int) -> None:
    """Bytes that nobody framed are no records, from wherever the scan starts."""
    assert scanned(data, at) == ([], at)


def test_what_is_trusted_is_not_checked_again() -> None:
    """Up to the trusted end records are taken as they are; behind it, their checksums count."""
    one = encode(b"payload", scope=1, kind=0, flags=0, key=KEY)
    damaged = one.replace(b"payload", b"PAYLOAD") * 2
    assert [each.payload for each in scanned(damaged, trusted=len(one))[0]] == [b"PAYLOAD"]
    assert scanned(damaged) == ([], 0)
