"""The header of a segment survives what happens to files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._delivery.segment import (
    COUNTERS_AT,
    DROP_REASONS,
    NOT_OURS,
    RECORDS_AT,
    Header,
    pack_counters,
    read_counters,
    read_header,
    segment_numbers,
    segment_path,
    segments_from,
)

HEADER = Header(key=1 << 31, number=3, created_ns=1 << 60, records_before=99, in_place=False)
PACKED = HEADER.pack() + pack_counters(5, {"sampled": 4})


def test_a_header_comes_back() -> None:
    """Key, number, time, count and the kind of counters are read as they were written."""
    assert read_header(PACKED) == HEADER


@given(st.integers(0, COUNTERS_AT * 8 - 1))
def test_one_flipped_bit_costs_no_segment(bit: int) -> None:
    """Whichever bit of the header flips, the second copy tells the same."""
    damaged = bytearray(PACKED)
    damaged[bit // 8] ^= 1 << bit % 8
    assert read_header(bytes(damaged)) == HEADER


@pytest.mark.parametrize("data", [b"", bytes(RECORDS_AT), bytes(20)])
def test_zeros_are_a_spare(data: bytes) -> None:
    """A header that nobody has written yet is no damage."""
    assert read_header(data) is None


def test_a_foreign_file_is_not_ours() -> None:
    """Bytes that are no header are not guessed at."""
    assert read_header(b"SQLite format 3\0" + bytes(300)) is NOT_OURS


def test_counters_come_back_by_reason() -> None:
    """Appended records and each reason of a drop keep their place."""
    dropped = {reason: index + 1 for index, reason in enumerate(DROP_REASONS)}
    header = HEADER.pack() + pack_counters(2**40, dropped)
    assert len(header) == RECORDS_AT
    assert read_counters(header) == (2**40, dropped)
    assert read_counters(b"short") == (0, {})


def test_segments_are_listed_by_number(tmp_path: Path) -> None:
    """Segments come in the order of their numbers, other files not at all, and a missing folder holds none."""
    for number in (10, 9, 1):
        segment_path(tmp_path, number).touch()
    (tmp_path / "cursor").touch()
    (tmp_path / "x.seg").touch()
    assert segment_numbers(tmp_path) == [1, 9, 10]
    assert segment_numbers(tmp_path / "none") == []


def test_the_segments_behind_a_place(tmp_path: Path) -> None:
    """The number asked for comes first, there or not; then those behind it that are, in the order of their numbers."""
    for number in (2, 3, 7, 10):
        segment_path(tmp_path, number).touch()
    assert list(segments_from(tmp_path, 3)) == [3, 7, 10]
    assert list(segments_from(tmp_path, 4)) == [4, 7, 10]
    assert list(segments_from(tmp_path / "none", 4)) == [4]
