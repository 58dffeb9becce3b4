"""A record that the kernels store is, byte for byte, the one that Python writes; what has no room changes nothing."""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import twins
from trackway._delivery import record, segment, writers
from trackway._delivery.record import HEADER_SIZE, encode

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._delivery.writers")
SIZE = 64 << 10
KEY = 0xFEEDF00D
payloads = st.binary(max_size=200) | st.integers(0, 9000).map(lambda size: b"\xa5" * size)


@pytest.fixture
def mapped(tmp_path: Path) -> Iterator[mmap.mmap]:
    """A real file, mapped, in which every byte says that nobody wrote there."""
    path = tmp_path / "segment"
    path.write_bytes(b"\xaa" * SIZE)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), SIZE) as mapping:
        yield mapping


@pytest.mark.parametrize("shift", range(4))
def test_every_size_has_the_checksum_of_zlib(shift: int) -> None:
    """From nothing to several of its blocks, wherever it stands in memory, a payload has zlib's crc."""
    data = memoryview(os.urandom(20_000))
    for size in [*range(600), *range(4090, 4110), *range(8180, 8200), 16_384, 19_990]:
        payload = data[shift : shift + size]
        expected = record.checksum(payload, size + 16, 7 << 16, KEY)  # type: ignore[arg-type]  # a view of bytes
        assert KERNELS.checksum(payload, size + 16, 7 << 16, KEY) == expected  # type: ignore[arg-type]  # likewise


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(payloads, st.integers(0, 400), st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(0, 255),
       st.integers(1, (1 << 32) - 1), st.integers(-5, 1 << 62))  # fmt: skip
def test_a_stored_record_is_the_encoded_one(
    mapped: mmap.mmap, payload: bytes, place: int, scope: int, kind: int, flags: int, key: int, count: int
) -> None:  # fmt: skip
    """`store` writes the bytes of `record.encode`, the counter unless it is negative, and an end behind; no more."""
    at = segment.RECORDS_AT + 8 * place
    expected = bytearray(b"\xaa" * SIZE)
    whole = encode(payload, scope=scope, kind=kind, flags=flags, key=key)
    expected[at : at + len(whole) + 8] = whole + bytes(8)
    if count >= 0:
        expected[128:136] = count.to_bytes(8, "little")
    mapped[:] = b"\xaa" * SIZE
    KERNELS.store(mapped, at, payload, scope | kind << 16 | flags << 24, key, count)
    assert mapped[:] == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    appended=st.lists(st.tuples(payloads, st.integers(0, 9), st.integers(0, 2), st.integers(0, 3)))
)
def test_a_segment_is_that_of_its_twin(
    tmp_path: Path, appended: list[tuple[bytes, int, int, int]]
) -> None:
    """A file that was appended to through the kernels is, to the last byte, the one that Python writes."""
    files = []
    for module in (writers, PURE):
        mapped_segment = module.MappedSegment(tmp_path, 1, SIZE)
        mapped_segment.key = KEY
        mapped_segment.begin(10, {"sampled": 3}, 5)
        written = [mapped_segment.append(*each) for each in appended]
        mapped_segment.finish()
        files.append((written, mapped_segment.count, mapped_segment.path.read_bytes()))
        mapped_segment.path.unlink()
    assert files[0] == files[1]


def test_the_last_place_is_used_and_nothing_behind_it(mapped: mmap.mmap) -> None:
    """A record may end where the segment does; one byte more is refused."""
    room = SIZE - segment.RECORDS_AT - HEADER_SIZE
    KERNELS.store(mapped, segment.RECORDS_AT, b"x" * room, 0, KEY, 1)
    whole = encode(b"x" * room, scope=0, kind=0, flags=0, key=KEY)
    assert mapped[segment.RECORDS_AT :] == whole
    before = mapped[:]
    with pytest.raises(ValueError, match="no room"):
        KERNELS.store(mapped, segment.RECORDS_AT, b"x" * (room + 1), 0, KEY, 2)
    assert mapped[:] == before


@pytest.mark.parametrize(
    "place",
    [-8, 0, 248, 257, 260, SIZE - 16, SIZE - 8, SIZE, SIZE + 8, (1 << 62), (1 << 63) - 8, -(1 << 63), 1 << 63],
)  # fmt: skip
def test_what_has_no_place_changes_nothing(mapped: mmap.mmap, place: int) -> None:
    """A place before the records, off the grid or beyond the end is an error, and the segment stays as it was."""
    with pytest.raises((ValueError, OverflowError)):
        KERNELS.store(mapped, place, b"payload", 0, KEY, 5)
    assert mapped[:] == b"\xaa" * SIZE


@pytest.mark.parametrize(("meta", "key", "count"), [
    (-1, 1, 1), (1 << 32, 1, 1), (1, -1, 1), (1, 1 << 32, 1), (1, 1, 1 << 63), (1.5, 1, 1), (1, "1", 1), (1, 1, None),
])  # fmt: skip
def test_what_is_no_number_of_the_format_changes_nothing(
    mapped: mmap.mmap, meta: int, key: int, count: int
) -> None:
    """A word that its field cannot hold is an error, and the segment stays as it was."""
    with pytest.raises((TypeError, OverflowError)):
        KERNELS.store(mapped, 256, b"payload", meta, key, count)
    assert mapped[:] == b"\xaa" * SIZE


def test_only_memory_that_may_be_written_is(mapped: mmap.mmap) -> None:
    """Bytes, a closed mapping, every second byte, an address off the grid: each is refused, and none is written to."""
    constant, memory = bytes(1000), bytearray(b"\xaa" * 1000)
    with mmap.mmap(-1, SIZE) as closed:
        pass
    with mmap.mmap(-1, SIZE, access=mmap.ACCESS_READ) as read_only:
        refused = [constant, memoryview(constant), read_only, closed, memoryview(memory)[::2]]
        for wrong in [*refused, memoryview(memory)[1:], memory[:255], "text", None]:
            with pytest.raises((TypeError, ValueError, BufferError)):
                KERNELS.store(wrong, 256, b"payload", 0, KEY, 5)
    assert constant == bytes(1000)
    assert memory == b"\xaa" * 1000
