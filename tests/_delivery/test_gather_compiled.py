"""The kernel that gathers payloads finds what its twin finds, in whatever bytes."""

import mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from trackway._delivery.record import encode

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._delivery.gather")
KEY = 0xFEEDF00D
MANY = 1 << 40
payloads = st.binary(max_size=60) | st.integers(0, 3000).map(lambda size: b"\xa5" * size)
records = st.builds(
    lambda payload, scope, kind, flags: encode(payload, scope=scope, kind=kind, flags=flags, key=KEY),
    payloads, st.sampled_from([3, 3, 3, 4]), st.sampled_from([0, 0, 0, 0, 1, 2]), st.sampled_from([0, 0, 0, 1, 4, 255]),
)  # fmt: skip


@given(
    st.lists(records, max_size=6),
    st.integers(0, 4000) | st.just(MANY),
    st.integers(0, 4000) | st.just(MANY),
    st.integers(0, 6) | st.just(MANY),
    st.sampled_from([0, 4, 255]),
)
def test_both_find_the_same(
    parts: list[bytes], end: int, max_bytes: int, max_records: int, avoid: int
) -> None:
    """Payloads, lengths and the end."""
    data = b"".join(parts) + bytes(40)
    given_ = (data, 0, end, KEY, 3, avoid, max_bytes, max_records)
    assert KERNELS.gather(*given_) == PURE.gather(*given_)


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_damage_takes_nobody_out_of_bounds(parts: list[bytes], data: st.DataObject) -> None:
    """With any bytes changed, and begun anywhere, both still find the same."""
    changed = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    at = data.draw(st.integers(0, len(changed) + 20))
    given_ = (bytes(changed), at, MANY, KEY, 3, 0, MANY, MANY)
    assert KERNELS.gather(*given_) == PURE.gather(*given_)


def test_a_mapping_may_be_gone() -> None:
    """What is not mapped any more is a ValueError, as for its twin; wrong arguments are refused."""
    mapped = mmap.mmap(-1, 4096)
    mapped[:24] = encode(b"abcdefgh", scope=3, kind=0, flags=0, key=KEY)
    for each in (KERNELS.gather, PURE.gather):
        assert each(mapped, 0, 4096, KEY, 3, 0, 99, 99)[0] == b"abcdefgh"
    mapped.close()
    for each in (KERNELS.gather, PURE.gather):
        with pytest.raises(ValueError, match="closed"):
            each(mapped, 0, 4096, KEY, 3, 0, 99, 99)
    for wrong in ((), (b"", -1, 0, KEY, 3, 0, 9, 9), (1, 0, 0, KEY, 3, 0, 9, 9)):
        with pytest.raises((TypeError, OverflowError)):
            KERNELS.gather(*wrong)
