"""The next segment is ready before it is needed, and little is left when a process ends."""

import errno
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from trackway._delivery import platform
from trackway._delivery.live import LiveChain, open_chain
from trackway._delivery.reader import ChainReader
from trackway._delivery.segment import (
    FIRST_SIZE,
    GROWN_SIZE,
    LARGEST_SIZE,
    RECORDS_AT,
    segment_numbers,
    segment_path,
)
from trackway._delivery.writers import FileSegment, MappedSegment, Segment

LOCK = threading.RLock()


@pytest.fixture
def live(home: Path) -> LiveChain:
    return open_chain(home, "local", {"kind": "test"}, lambda: 1)


def fill(segment: Segment) -> None:
    assert segment.append(bytes(segment.limit - segment.offset - 16), 1, 0, 0)


def test_segments_grow(live: LiveChain) -> None:
    """The first segment is small; each next one is twice as large, up to 1 MiB."""
    segment = live.take(0, {}, 0)
    sizes = [segment.limit]
    for _ in range(8):
        fill(segment)
        live.retire(segment)
        segment = live.take(0, {}, 0)
        sizes.append(segment.limit)
    assert sizes == [min(FIRST_SIZE << n, GROWN_SIZE) for n in range(9)]
    live.close(segment)


def test_the_spare_is_taken_without_a_system_call(
    live: LiveChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once prepared, going on in the next segment opens, writes and closes nothing."""
    segment = live.take(0, {}, 0)
    live.prepare(segment, LOCK)
    assert segment_numbers(live.path) == [1]
    fill(segment)
    live.prepare(segment, LOCK)
    live.prepare(segment, LOCK)
    assert segment_numbers(live.path) == [1, 2]

    def refuse(*_: object) -> None:
        pytest.fail("a system call")

    with monkeypatch.context() as sealed:
        for name in ("open", "close", "pwrite", "ftruncate", "unlink", "fstat", "urandom"):
            sealed.setattr(os, name, refuse)
        live.retire(segment)
        following = live.take(0, {}, 0)
    assert following.number == 2
    live.close(following)


def test_at_most_two_segments_are_mapped(live: LiveChain) -> None:
    """However much is appended, with prepare in between no more than 8 MiB are mapped."""

    def mapped() -> int:
        lines = Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines()
        ours = [n for n, line in enumerate(lines) if str(live.path) in line]
        return sum(int(lines[n + 1].split()[1]) for n in ours)

    segment = live.take(0, {}, 0)
    for _ in range(10):
        fill(segment)
        live.prepare(segment, LOCK)
        assert mapped() <= 8 << 10
        live.retire(segment)
        segment = live.take(0, {}, 0)
        assert mapped() <= 8 << 10
    live.close(segment)
    assert mapped() == 0


def test_a_burst_maps_three_segments_at_most(live: LiveChain) -> None:
    """However far the worker is behind, only the current segment, the one before and a spare are mapped."""
    maps = Path("/proc/self/maps")
    segment = live.take(0, {}, 0)
    for _ in range(10):
        fill(segment)
        live.retire(segment)
        segment = live.take(0, {}, 0)
        if maps.exists():
            mapped = [line for line in maps.read_text().splitlines() if str(live.path) in line]
            assert len(mapped) <= 3
    live.close(segment)


@pytest.mark.parametrize("size", [FIRST_SIZE, LARGEST_SIZE, 2 * LARGEST_SIZE])
def test_a_large_record_gets_its_own_segment(live: LiveChain, size: int) -> None:
    """A record larger than a segment is not refused; beyond 2 MiB it is not mapped; order is kept."""
    segment = live.take(0, {}, 0)
    segment.append(b"before", 1, 0, 0)
    fill(segment)
    live.prepare(segment, LOCK)
    live.retire(segment)
    large = live.take(size + RECORDS_AT + 16, {}, 0)
    assert isinstance(large, FileSegment) == (size >= LARGEST_SIZE)
    assert large.append(bytes(size), 1, 0, 0)
    live.retire(large)
    after = live.take(0, {}, 0)
    assert isinstance(after, MappedSegment)
    after.append(b"after", 1, 0, 0)
    live.close(after)
    with ChainReader(live.path) as reader:
        sizes = [len(record.payload) for record in reader.read(1 << 30)]
    assert [sizes[0], *sizes[2:]] == [6, size, 5]


def test_an_overtaken_spare_is_given_up(live: LiveChain) -> None:
    """A spare that was not ready in time is removed: a lower number is never used after a higher one."""
    segment = live.take(0, {}, 0)
    fill(segment)
    overtaking: list[Segment] = []

    class Racing:
        """The lock, whose second use in `prepare` finds that an append went on meanwhile."""

        def __init__(self) -> None:
            self.uses = 0

        def __enter__(self) -> None:
            self.uses += 1
            if self.uses == 2:
                live.retire(segment)
                overtaking.append(live.take(0, {}, 0))

        def __exit__(self, *_: object) -> None:
            return None

    live.prepare(segment, Racing())
    assert segment_numbers(live.path) == [1, 3]
    assert overtaking[0].number == 3
    live.close(overtaking[0])


def test_closing_leaves_what_was_used(live: LiveChain) -> None:
    """A closed chain has no spare, no empty segment and no unused space."""
    segment = live.take(0, {}, 0)
    fill(segment)
    live.prepare(segment, LOCK)
    live.retire(segment)
    following = live.take(0, {}, 0)
    following.append(b"x", 1, 0, 0)
    live.prepare(following, LOCK)
    live.close(following)
    sizes = [segment_path(live.path, n).stat().st_size for n in segment_numbers(live.path)]
    assert sizes == [FIRST_SIZE, RECORDS_AT + 24]


def test_an_empty_segment_is_removed(live: LiveChain) -> None:
    """A segment that never got a record does not stay."""
    live.close(live.take(0, {}, 0))
    assert segment_numbers(live.path) == []


@pytest.mark.parametrize("code", [errno.ENODEV, errno.EINVAL, errno.EPERM])
def test_a_mount_without_mappings_gets_plain_files(
    live: LiveChain, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Where mapping fails records are written by write(2), and mapping is not tried again."""
    tries = []

    def refuse(_: int, size: int) -> None:
        tries.append(size)
        raise OSError(code, "no mappings")

    monkeypatch.setattr(platform, "map_file", refuse)
    segment = live.take(0, {}, 0)
    assert segment.kind == "file"
    assert len(tries) <= 2
    live.retire(segment)
    following = live.take(0, {}, 0)
    assert following.kind == "file"
    assert len(tries) <= 2
    live.prepare(following, LOCK)
    live.close(following)


def test_the_capability_is_asked_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without mappings does not try any."""
    monkeypatch.setattr(platform, "capabilities", replace(platform.capabilities, map=False))
    live = open_chain(home, "local", {}, lambda: 1)
    segment = live.take(0, {}, 0)
    assert segment.kind == "file"
    live.close(segment)
    with pytest.raises(OSError, match="no shared mappings"):
        platform.map_file(0, 1)


def test_names_are_synced_once(live: LiveChain) -> None:
    """Syncing a chain brings segments and their names to the disk, and may be asked for at any time."""
    segment = live.take(0, {}, 0)
    segment.append(b"x", 1, 0, 0)
    for _ in range(2):
        live.sync(segment)
        assert segment.synced == segment.offset
    live.sync(None)
    live.close(segment)


@pytest.fixture
def recycling(live: LiveChain) -> LiveChain:
    live.recycle = True
    return live


def mapped_bytes(live: LiveChain) -> int:
    lines = Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines()
    ours = [n for n, line in enumerate(lines) if str(live.path) in line]
    return sum(int(lines[n + 1].split()[1]) for n in ours) << 10


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="asks the kernel")
@pytest.mark.parametrize("prepared", [True, False])
@pytest.mark.parametrize("lag", [0, 1, 3, 30])
def test_recycling_maps_no_more(recycling: LiveChain, lag: int, prepared: bool) -> None:
    """However far delivery is behind, and whether or not the worker is, at most 8 MiB are mapped."""
    segment = recycling.take(0, {}, 0)
    for _ in range(40):
        fill(segment)
        if prepared:
            recycling.prepare(segment, LOCK)
            assert mapped_bytes(recycling) <= 8 << 20
        recycling.retire(segment)
        segment = recycling.take(0, {}, 0)
        assert mapped_bytes(recycling) <= 8 << 20
        recycling.release(segment.number - lag, LOCK)
        assert mapped_bytes(recycling) <= 8 << 20
    recycling.close(segment)
    assert mapped_bytes(recycling) == 0


def test_a_delivered_segment_comes_back(recycling: LiveChain) -> None:
    """It is taken again without a system call, empty, under the next number and another key."""
    segment = recycling.take(0, {}, 0)
    while segment.limit < GROWN_SIZE:
        fill(segment)
        recycling.retire(segment)
        segment = recycling.take(0, {}, 0)
    fill(segment)
    key, inode = segment.key, segment.path.stat().st_ino
    recycling.retire(segment)
    current = recycling.take(0, {}, 0)
    recycling.release(current.number, LOCK)
    assert segment_numbers(recycling.path) == [current.number, current.number + 1]
    fill(current)
    recycling.retire(current)
    again = recycling.take(0, {"sampled": 2}, 5)
    assert again is segment
    assert (again.path.stat().st_ino, again.number) == (inode, current.number + 1)
    assert again.key != key
    assert again.append(b"new", 1, 0, 0)
    with ChainReader(recycling.path, again.number) as reader:
        assert [record.payload for record in reader.read()] == [b"new"]
    recycling.close(again)
    # The unused rest, and with it the earlier use, is given back.
    assert again.path.stat().st_size == RECORDS_AT + 24
    assert segment_numbers(recycling.path) == [current.number, again.number]


def test_recycling_that_is_overtaken_tries_again(recycling: LiveChain) -> None:
    """A file that is recycled while an append makes a segment for itself comes after that one, or goes."""
    segment = recycling.take(0, {}, 0)
    while segment.limit < GROWN_SIZE:
        fill(segment)
        recycling.retire(segment)
        segment = recycling.take(0, {}, 0)
    fill(segment)
    recycling.retire(segment)
    taken = [recycling.take(0, {}, 0)]

    class Racing:
        """The lock, whose uses find that an append went on meanwhile: *times* times."""

        def __init__(self, times: int) -> None:
            self.uses, self.times = 0, times

        def __enter__(self) -> None:
            self.uses += 1
            # First to take it out, then in turn to draw a number and to put it in.
            if self.uses > 2 and self.uses % 2 == 1 and self.times:
                self.times -= 1
                fill(taken[-1])
                recycling.retire(taken[-1])
                taken.append(recycling.take(0, {}, 0))

        def __exit__(self, *_: object) -> None:
            return None

    recycling.release(taken[0].number, Racing(1))
    assert segment_numbers(recycling.path)[-1] > taken[-1].number
    before = taken[-1].number
    recycling.release(before, Racing(9))
    assert segment_numbers(recycling.path)[-1] <= taken[-1].number + 1
    recycling.close(taken[-1])


def test_files_that_were_removed_are_not_recycled(recycling: LiveChain) -> None:
    """When the folder has vanished underneath, nothing is made of the segments, and nothing raised."""
    segment = recycling.take(0, {}, 0)
    while segment.limit < GROWN_SIZE:
        fill(segment)
        recycling.retire(segment)
        segment = recycling.take(0, {}, 0)
    fill(segment)
    recycling.retire(segment)
    current = recycling.take(0, {}, 0)
    for number in segment_numbers(recycling.path):
        segment_path(recycling.path, number).unlink()
    recycling.release(current.number, LOCK)
    assert segment_numbers(recycling.path) == []
    recycling.abandon(current)


def test_a_sync_that_was_overtaken_is_done_again(recycling: LiveChain) -> None:
    """What is written into a file that was recycled while it was synced is not taken for synced."""
    segment = recycling.take(0, {}, 0)
    while segment.limit < GROWN_SIZE:
        fill(segment)
        recycling.retire(segment)
        segment = recycling.take(0, {}, 0)
    fill(segment)
    segment.sync()
    assert segment.synced == segment.limit
    recycling.retire(segment)
    current = recycling.take(0, {}, 0)
    recycling.release(current.number, LOCK)
    assert segment.synced < segment.offset
    recycling.close(current)
