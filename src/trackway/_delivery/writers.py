"""What a record is written into: a mapped file or a plain file; memory, when no disk can be used, is `memory`'s.

A store into a shared mapping survives SIGKILL like a write(2) does, but makes no system call: beside two busy threads
its p99 is 37 µs, that of `os.write`, which gives up the GIL and has to win it back, 34 ms. The plain file is for mounts
and platforms where mappings do not work.

None of these classes locks anything: the spool does.

Recycling. A fresh page costs the kernel more than all that is done with it here (a fifth of the CPU of an observation
of 2 KB), so the file of a delivered segment becomes the next one. Rules, which make every instant one in which the
process may die and another may look:

1. A recycled file has a new *key*. Commit marks and checksums are made with the key, so no byte of an earlier use can
   pass for a record.
2. Its *name* changes first. A header that names another number than the file is a spare's, and everything in a spare
   is delivered: the deliverer writes its place down before it gives a segment back.
3. The *header* changes next, one copy after the other, so that one of them is whole, and before any record's byte: who
   still reads the file as it was looks at the header again before it believes in damage.
4. Every append writes *zeros behind its record* before anything else, so that the end looks as in a fresh file, also
   in the middle of an append.
5. A *power cut* may keep the parts of this in any order. Name without header or header without name: a spare. Records
   without the zeros behind them: the earlier use's do not have the key; the header says `recycled`, so they are no
   damage either. What the last sync brought to the disk, names included, is there in full.
"""

import errno
import mmap
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, final

from trackway._delivery import platform
from trackway._delivery.gather import Run, gather
from trackway._delivery.record import HEADER_SIZE, KIND_SCOPE, checksum, encode
from trackway._delivery.segment import (
    COUNTERS_AT,
    DROP_REASONS,
    RECORDS_AT,
    Header,
    pack_counters,
    segment_path,
)
from trackway._wire.native import kernels

__all__ = ["FileSegment", "MappedSegment", "Segment", "place"]

PREFAULT: Final = 64 << 10
# 2^32 by the golden ratio, odd: all numbers have their turn, and two in a row have little in common.
KEY_STEP: Final = 0x9E37_79B1
PAGE: Final = mmap.PAGESIZE


class _SegmentFile:
    """The file behind a segment, and how far it is written and synced."""

    __slots__ = (
        "_synced",
        "base",
        "count",
        "descriptor",
        "key",
        "limit",
        "number",
        "offset",
        "path",
        "recycled",
        "scopes",
    )

    def __init__(self, chain: Path, number: int, limit: int) -> None:
        self.path = segment_path(chain, number)
        self.number = number
        self.limit = limit
        self.offset = RECORDS_AT
        self._synced = 0, 0
        """Up to where, and in which use of the file: the deliverer may recycle it while it is being synced."""
        self.base = self.count = 0
        """Records of the chain before this segment, and with it; scopes are not counted."""
        self.scopes: set[int] = set()
        """The scopes whose records stand in this segment."""
        self.key = _new_key()
        self.recycled = False
        """Whether the file was another segment before."""
        self.descriptor = platform.create_private(self.path)

    def discard(self) -> None:
        """Removes the file: nothing was written to it."""
        self.abandon()
        self.path.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Closes without changing the file: a forked child's copies, whose parent goes on writing."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def sync(self) -> None:
        """Returns when all that was appended before the call is on disk."""
        key = self.key
        offset = self.offset
        if self.descriptor < 0 or self.synced >= offset:
            return
        platform.sync_data(self.descriptor)
        self._synced = key, offset

    @property
    def synced(self) -> int:
        """Up to where it is on disk."""
        key, offset = self._synced
        return offset if key == self.key else 0

    def deleted(self) -> bool:
        """Whether the file was removed underneath: what is appended to it nobody can read."""
        return self.descriptor >= 0 and os.fstat(self.descriptor).st_nlink == 0

    def header(self, created_ns: int, *, in_place: bool) -> Header:
        return Header(
            key=self.key,
            number=self.number,
            created_ns=created_ns,
            records_before=self.base,
            in_place=in_place,
            recycled=self.recycled,
        )


@final
class MappedSegment(_SegmentFile):
    """A preallocated segment written through a shared mapping."""

    __slots__ = ("_counters", "_map", "_pairs", "_touched", "_words")

    kind: Final = "mmap"

    def __init__(self, chain: Path, number: int, size: int) -> None:
        super().__init__(chain, number, size)
        try:
            platform.preallocate(self.descriptor, size)
            self._map = platform.map_file(self.descriptor, size)
        except OSError:
            self.discard()
            raise
        # Indexing a cast view is 35 ns for a word, `struct.pack_into` 90.
        self._words = memoryview(self._map).cast("I")
        self._pairs = memoryview(self._map).cast("Q")
        self._counters = self._pairs[COUNTERS_AT // 8 : RECORDS_AT // 8]
        self._touched = 0

    def begin(self, count: int, dropped: Mapping[str, int], now_ns: int) -> None:
        """Puts the segment in use."""
        self.base = self.count = count
        self._map[COUNTERS_AT:RECORDS_AT] = pack_counters(count, dropped)
        header = self.header(now_ns, in_place=True).pack()
        self._map[: len(header)] = header

    def append(self, payload: bytes, scope: int, kind: int, flags: int) -> bool:
        """Writes a record; False when the segment is full.

        With the spool's lock and checks 1.1 µs for 1.2 KB on touched pages, 1.35 on fresh ones; 0.26 of it is the crc.
        """
        start = self.offset
        length = HEADER_SIZE + len(payload)
        end = start + ((length + 7) & -8)
        if end > self.limit:
            return False
        if kernels is not None:
            # First the place: a signal handler that raises must not have the next record written over this one.
            self.offset = end
            count = -1
            if kind != KIND_SCOPE:
                self.count = count = self.count + 1
            kernels.store(
                self._map, start, payload, scope | kind << 16 | flags << 24, self.key, count
            )
            return True
        if end < self.limit:
            # Where the file was written before, a reader that comes here has to find nothing.
            self._pairs[end >> 3] = 0
        words = self._words
        word = start >> 2
        words[word] = length
        self.offset = end
        if kind != KIND_SCOPE:
            # Before the commit mark: who dies in between leaves a count too high, which the next reader sees and names,
            # never a record that was not counted.
            self.count = count = self.count + 1
            self._counters[0] = count
        self._map[start + HEADER_SIZE : start + length] = payload
        meta = scope | kind << 16 | flags << 24
        words[word + 3] = meta
        words[word + 2] = checksum(payload, length, meta, self.key)
        words[word + 1] = self.key
        return True

    def count_dropped(self, reason: str, total: int) -> None:
        """Writes down how many ended spans of the chain were dropped for *reason* so far."""
        self._counters[1 + DROP_REASONS.index(reason)] = total

    def touch_ahead(self, lock: AbstractContextManager[object]) -> None:
        """Takes the page faults of the next 64 KiB, so that the application's threads do not.

        A fault on a fresh page of a file waits for the file system. The last byte of a page is touched, under the lock
        and only where nothing was appended yet.
        """
        end = min(self.offset + PREFAULT, self.limit)
        if self.synced > self._touched - PREFAULT:
            # Syncing write-protects the pages again.
            self._touched = self.synced
        first = max(self.offset, self._touched)
        for last in range((first | (PAGE - 1)), end, PAGE):
            with lock:
                if self._map.closed:
                    return
                if self.offset <= last:
                    self._map[last] = 0
        self._touched = max(self._touched, end)

    def finish(self) -> None:
        """Gives back the space that was not used, and closes."""
        descriptor = self.descriptor
        self.unmap()
        try:
            if descriptor >= 0:
                os.ftruncate(descriptor, self.offset)
        finally:
            super().abandon()

    def abandon(self) -> None:
        """Closes without changing the file."""
        if hasattr(self, "_words"):
            self.unmap()
        super().abandon()

    def unmap(self) -> None:
        """Gives the mapping back, once; nothing is appended any more."""
        self._words.release()
        self._counters.release()
        self._pairs.release()
        self._map.close()

    @property
    def mapped(self) -> bool:
        """Whether the mapping is still there."""
        return not self._map.closed

    def peek(self, offset: int, size: int) -> bytes | None:
        """Bytes of the segment without a system call, as far as it is written; None when it is not mapped any more."""
        try:
            # Not the zeros behind: a poll that finds one record would copy a quarter of a megabyte.
            return self._map[offset : min(offset + size, self.offset)]
        except ValueError:
            return None

    def gather(self, offset: int, end: int, scope: int, *limits: int) -> Run | None:
        """The spans from *offset* on, see `gather`; None where there are none, or nothing is mapped any more."""
        try:
            payloads, lengths, end = gather(self._map, offset, end, self.key, scope, *limits)
        except ValueError:
            return None
        return Run(self.number, offset, end, scope, payloads, lengths) if lengths else None

    def recycle(self, chain: Path, number: int) -> None:
        """Makes a spare of a segment that is delivered, under a new number and key; OSError when it has vanished.

        In this order, so that whoever dies or looks in between finds the old segment or a spare: the name, which the
        header then contradicts; the header, one copy after the other; and only then a byte of a record.
        """
        path = segment_path(chain, number)
        self.path.rename(path)
        self.path, self.number, self.recycled = path, number, True
        self.base = self.count = self._touched = 0
        self.scopes.clear()
        # In this order: see `sync`, which looks the other way round.
        self.offset = RECORDS_AT
        self.key = _next_key(self.key)
        spare = Header(key=self.key, number=0, created_ns=0, records_before=0).pack()
        self._map[: len(spare)] = spare
        self._pairs[RECORDS_AT >> 3] = 0


@final
class FileSegment(_SegmentFile):
    """A segment written by one write(2) per record. The counters in its header are as old as the last sync."""

    __slots__ = ("_dropped",)

    kind: Final = "file"
    mapped: Final = False

    def __init__(self, chain: Path, number: int, size: int) -> None:
        super().__init__(chain, number, size)
        self._dropped: dict[str, int] = {}

    def begin(self, count: int, dropped: Mapping[str, int], now_ns: int) -> None:
        """Puts the segment in use."""
        self.base = self.count = count
        self._dropped = dict(dropped)
        header = self.header(now_ns, in_place=False).pack() + pack_counters(count, self._dropped)
        self._write(header, 0)

    def append(self, payload: bytes, scope: int, kind: int, flags: int) -> bool:
        """Writes a record; False when the segment is full, OSError when the disk is."""
        data = encode(payload, scope=scope, kind=kind, flags=flags, key=self.key)
        start = self.offset
        if start + len(data) > self.limit:
            return False
        # Before the write: a signal handler that raises after it must not have the next record written over this one,
        # which a reader may have read.
        self.offset = start + len(data)
        try:
            self._write(data, start)
        except OSError:
            self.offset = start
            raise
        if kind != KIND_SCOPE:
            self.count += 1
        return True

    def count_dropped(self, reason: str, total: int) -> None:
        """Remembers how many ended spans of the chain were dropped for *reason* so far."""
        self._dropped[reason] = total

    def sync(self) -> None:
        """Writes the counters, then syncs."""
        if self.descriptor >= 0:
            os.pwrite(self.descriptor, pack_counters(self.count, self._dropped), COUNTERS_AT)
        super().sync()

    def touch_ahead(self, lock: AbstractContextManager[object]) -> None:
        """Nothing: write(2) takes the faults in the kernel."""

    def unmap(self) -> None:
        """Nothing is mapped."""

    def peek(self, _offset: int, _size: int) -> None:
        """Nothing is mapped."""

    def gather(self, _offset: int, _end: int, _scope: int, *_limits: int) -> None:
        """Nothing is mapped."""

    def finish(self) -> None:
        """Writes the counters and closes."""
        try:
            if self.descriptor >= 0:
                os.pwrite(self.descriptor, pack_counters(self.count, self._dropped), COUNTERS_AT)
        finally:
            self.abandon()

    def _write(self, data: bytes, at: int) -> None:
        if os.pwrite(self.descriptor, data, at) == len(data):
            return
        # A disk that fills up in the middle of a record: the half is taken back.
        os.ftruncate(self.descriptor, at)
        raise OSError(errno.ENOSPC, "no space for a record")


Segment = MappedSegment | FileSegment


def _new_key() -> int:
    return int.from_bytes(os.urandom(4), "little") or 1


def _next_key(key: int) -> int:
    """One that the file had in none of its last four billion uses; asking for random bytes gives up the GIL."""
    return (key + KEY_STEP) & 0xFFFF_FFFF or KEY_STEP


def place(segment: Segment, described: bytes, record: tuple[bytes, int, int, int]) -> bool:
    """Writes a record, its scope first where this segment has not got it; False when there is no room."""
    scope = record[1]
    if scope not in segment.scopes:
        if not segment.append(described, scope, KIND_SCOPE, 0):
            return False
        segment.scopes.add(scope)
    return segment.append(*record)
