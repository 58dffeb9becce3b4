"""Mapped file, plain file, memory: the same records come out."""

import os
import threading
from pathlib import Path

import pytest

from trackway._delivery.reader import ChainReader
from trackway._delivery.record import KIND_SCOPE
from trackway._delivery.segment import RECORDS_AT, read_counters
from trackway._delivery.writers import (
    FileSegment,
    MappedSegment,
    Segment,
    place,
)

SIZE = 64 << 10


def begun(kind: type[Segment], chain: Path) -> Segment:
    segment = kind(chain, 1, SIZE)
    segment.begin(10, {"sampled": 3}, 0)
    return segment


@pytest.mark.parametrize("kind", [MappedSegment, FileSegment])
def test_both_files_hold_the_same(tmp_path: Path, kind: type[Segment]) -> None:
    """Records, counters and the size at the end are the same for either writer."""
    segment = begun(kind, tmp_path)
    payloads = [os.urandom(n) for n in (0, 1, 7, 8, 4096, 4097, 20_000)]
    assert place(segment, b"described", (payloads[0], 1, 0, 0))
    for payload in payloads[1:]:
        assert segment.append(payload, 1, 0, 2)
    segment.count_dropped("sampled", 5)
    segment.sync()
    segment.finish()
    with ChainReader(tmp_path, live=False) as reader:
        assert [record.payload for record in reader.read()] == payloads
    data = segment.path.read_bytes()
    assert read_counters(data) == (17, {"sampled": 5})
    assert len(data) == segment.offset


@pytest.mark.parametrize("kind", [MappedSegment, FileSegment])
def test_a_full_segment_says_so(tmp_path: Path, kind: type[Segment]) -> None:
    """What does not fit is refused, and what stands there is left alone."""
    segment = begun(kind, tmp_path)
    assert segment.append(bytes(SIZE - RECORDS_AT - 16), 1, 0, 0)
    assert segment.offset == SIZE
    assert not segment.append(b"", 1, 0, 0)
    assert not place(segment, b"no room for a scope", (b"", 2, 0, 0))
    assert segment.count == 11
    segment.finish()


@pytest.mark.parametrize("kind", [MappedSegment, FileSegment])
def test_a_segment_is_never_written_twice(tmp_path: Path, kind: type[Segment]) -> None:
    """A file that is there already is not opened again; one that is discarded is gone."""
    segment = begun(kind, tmp_path)
    with pytest.raises(FileExistsError):
        kind(tmp_path, 1, SIZE)
    assert not segment.deleted()
    segment.discard()
    assert not segment.path.exists()


def test_scopes_are_no_spans(tmp_path: Path) -> None:
    """A scope record is not counted."""
    segment = begun(MappedSegment, tmp_path)
    segment.append(b"s", 1, KIND_SCOPE, 0)
    assert segment.count == 10
    segment.finish()


def test_touching_pages_changes_nothing(tmp_path: Path) -> None:
    """Page faults are taken ahead of the appends, before and after a sync, without a trace in the file."""
    segment = begun(MappedSegment, tmp_path)
    lock = threading.RLock()
    payload = b"\xff" * 5000
    for _ in range(12):
        segment.touch_ahead(lock)
        assert segment.append(payload, 1, 0, 0)
        segment.touch_ahead(lock)
        segment.sync()
    segment.touch_ahead(lock)
    segment.finish()
    segment.touch_ahead(lock)
    with ChainReader(tmp_path, live=False) as reader:
        assert [record.payload for record in reader.read()] == [payload] * 12
        assert reader.damaged_bytes == 0


def test_behind_the_last_record_is_nothing(tmp_path: Path) -> None:
    """In a file that was full before, a reader that comes to the end of each append finds zeros as in a fresh one."""
    segment = begun(MappedSegment, tmp_path)
    assert isinstance(segment, MappedSegment)
    while segment.append(b"\xff" * 90, 1, 0, 0):
        pass
    segment.recycle(tmp_path, 2)
    segment.begin(0, {}, 0)
    for size in (1, 200, 8, 0, 3_000, 17):
        assert os.pread(segment.descriptor, 8, segment.offset) == bytes(8)
        assert segment.peek(segment.offset, 8) == b""
        assert segment.append(b"\xee" * size, 1, 0, 0)
        segment.touch_ahead(threading.RLock())
    assert os.pread(segment.descriptor, 8, segment.offset) == bytes(8)
    assert segment.append(bytes(segment.limit - segment.offset - 16), 1, 0, 0)
    assert not segment.append(b"", 1, 0, 0)
    segment.finish()
    assert segment.peek(256, 8) is None
