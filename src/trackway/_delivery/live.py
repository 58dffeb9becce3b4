"""The chain that this process appends to: its lock, the spare segment that was made ahead, and those that are full.

`take` and `retire` run with the spool's lock held, on the application's threads, and make no system call when a spare
is ready. All else is the worker's.
"""

import errno
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from itertools import islice
from pathlib import Path
from typing import Final, final

from trackway._delivery import platform
from trackway._delivery.chain import ChainLock, Clock, create_chain, describe
from trackway._delivery.segment import (
    FIRST_SIZE,
    GROWN_SIZE,
    LARGEST_SIZE,
    RECORDS_AT,
    segment_path,
)
from trackway._delivery.writers import FileSegment, MappedSegment, Segment

__all__ = ["LiveChain", "open_chain"]

Space = Callable[[Path], tuple[int, int]]
"""The free bytes of the disk that a folder is on, and all of them."""

PAGE: Final = 4096
# What is left to others: 5 % of a small disk, 2 GiB of a large one.
FLOOR_SHARE: Final = 20
FLOOR_BYTES: Final = 2 << 30
MAPPED: Final = 4 * LARGEST_SIZE
"""Bytes of the segments that may be mapped at a time."""
# Attempts to put a spare before the next segment that an append makes for itself.
OVERTAKEN: Final = 3
# The disk is full, or the process may not write larger files: a smaller segment may still fit.
_TOO_LARGE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Nothing that a plain file would do better.
_HOPELESS: Final = {errno.ENOENT, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EROFS}


def open_chain(
    root: Path, destination: str, description: Mapping[str, str], clock: Clock
) -> "LiveChain":
    """A new chain of this process, without a segment yet; OSError when the disk gives none."""
    lock = create_chain(root, destination, clock)
    # Words for people: when they cannot be written, the next process does.
    with suppress(OSError):
        describe(root, destination, description)
    return LiveChain(lock)


@final
class LiveChain:
    """Makes, keeps ready, puts away and recycles the segments of one chain.

    8 MiB are mapped at most. Without recycling these are the current segment, a spare and the one before; with it, full
    segments stay mapped until they are delivered, as far as there is room: the oldest, which come back first.
    """

    __slots__ = (
        "_closing",
        "_coming",
        "_full",
        "_lock",
        "_mappable",
        "_names_changed",
        "_number",
        "_size",
        "_spares",
        "_strays",
        "_young",
        "count",
        "recycle",
        "settled",
        "space",
    )

    def __init__(self, lock: ChainLock) -> None:
        self._lock = lock
        self._number = 0
        self._size = FIRST_SIZE
        self._spares: deque[Segment] = deque()
        """In the order of their numbers, which are all higher than the current one's."""
        self._coming = 0
        """Bytes of the mappings that are on their way to be spares."""
        self._strays: set[int] = set()
        """Numbers of segments that were put away, and whose files are to be removed when they are delivered."""
        self.recycle = False
        self.space: Space | None = None
        """Tells how full the disk is, for a chain that leaves the last of it to others."""
        self._full: list[Segment] = []
        self._closing: deque[Segment] = deque()
        """Delivered and removed; the upkeep closes them."""
        self._mappable = platform.capabilities.map
        self._names_changed = self._young = True
        self.count = 0
        """Records in the segments that were put away."""
        self.settled = 0
        """Records that are delivered, as far as the deliverer said."""

    @property
    def path(self) -> Path:
        """The folder."""
        return self._lock.chain

    def take(self, needed: int, dropped: Mapping[str, int], now_ns: int) -> Segment:
        """A segment in use, with room for *needed* bytes; OSError when the disk gives none."""
        while self._spares:
            spare = self._spares.popleft()
            self._begin(spare, dropped, now_ns)
            if spare.limit >= needed:
                return spare
            # Too small: it stays empty, because the next number must not be used before it.
            self._full.append(spare)
        segment = self._make(self._next_number(), needed)
        self._begin(segment, dropped, now_ns)
        return segment

    def retire(self, segment: Segment) -> None:
        """Puts away a segment that is full; `prepare` truncates and closes it.

        Where that is behind, mappings go now: a burst maps no more than is allowed. Descriptors stay: the upkeep may be
        syncing them.
        """
        self.count = segment.count
        if self.recycle:
            self._full.append(segment)
            self._unmap_beyond(MAPPED - (0 if self._spares else LARGEST_SIZE))
            return
        for earlier in self._full:
            earlier.unmap()
        self._full.append(segment)

    def prepare(self, current: Segment, lock: AbstractContextManager[object]) -> None:
        """Closes what is full, then makes the next segment once the current one is half full."""
        self._close_delivered()
        self._finish(sync=True)
        if not self._spares and self._mappable and current.offset * 2 >= current.limit:
            with lock:
                number = self._next_number()
                self._coming += LARGEST_SIZE
                if self.recycle:
                    self._unmap_beyond(MAPPED - current.limit)
            try:
                spare: Segment | None = self._make(number, RECORDS_AT)
            except OSError:
                self._coming -= LARGEST_SIZE
                raise
            with lock:
                self._coming -= LARGEST_SIZE
                # Not when an append could not wait and went on in a later number meanwhile.
                if spare is not None and self._number == number:
                    self._spares.append(spare)
                    spare = None
            if spare is not None:
                spare.discard()

    def release(self, before: int, lock: AbstractContextManager[object]) -> None:
        """Takes back the segments before number *before*, which are delivered: as spares, else their files are removed.

        For the deliverer, which does not wait for who syncs a slow disk meanwhile. It has written down its place: who
        is killed from here on will not look for them. Descriptors are left to the upkeep, which may be syncing them: a
        number that is closed under it may be that of another file by then.
        """
        for segment in [segment for segment in tuple(self._full) if segment.number < before]:
            with lock:
                if segment not in self._full:
                    continue
                self._full.remove(segment)
                size = segment.limit if segment.mapped else 0
                self._coming += size
            if not self._recycled(segment, lock):
                segment.unmap()
                segment.path.unlink(missing_ok=True)
                self._closing.append(segment)
            with lock:
                self._coming -= size
        for number in [number for number in tuple(self._strays) if number < before]:
            self._strays.discard(number)
            with suppress(OSError):
                segment_path(self.path, number).unlink(missing_ok=True)

    def find(self, number: int, current: Segment | None) -> Segment | None:
        """The segment of that number, if it is still open."""
        if current is not None and current.number == number:
            return current
        return next((segment for segment in tuple(self._full) if segment.number == number), None)

    def sync(self, current: Segment | None) -> None:
        """Returns when all that stands in the chain is on the disk, names included."""
        self._close_delivered()
        for segment in [*self._full, *([] if current is None else [current])]:
            segment.sync()
        if self._names_changed:
            self.sync_names()

    def sync_names(self) -> None:
        """Makes the chain's and its segments' names survive a power cut."""
        self._names_changed = False
        platform.sync_directory(self.path)
        platform.sync_directory(self.path.parent)
        if self._young:
            self._young = False
            # The first process makes the folders above, the one of the library with them; not all can be opened.
            for folder in islice(self.path.parent.parents, 3):
                with suppress(OSError):
                    platform.sync_directory(folder)

    def close(self, current: Segment | None) -> None:
        """Closes everything, gives back unused space and the ownership; the spare is removed."""
        try:
            if current is not None:
                self.retire(current)
            self.recycle = False
            while self._spares:
                self._spares.popleft().discard()
            self._close_delivered()
            self._finish(sync=False)
        finally:
            self._lock.release()

    def abandon(self, current: Segment | None) -> None:
        """Closes without changing any file or lock: copies in a forked child, or files that are gone."""
        self._close_delivered()
        for segment in [*self._full, *self._spares, current]:
            if segment is not None:
                segment.abandon()
        self._full, self._spares = [], deque()
        self._lock.abandon()

    def _close_delivered(self) -> None:
        while self._closing:
            self._closing.popleft().abandon()

    def after(self, number: int, current: Segment) -> int:
        """The next segment with records behind *number*; the current one when there is none, or it is that."""
        there = [*[segment.number for segment in self._full], *tuple(self._strays)]
        return min([n for n in there if n > number], default=current.number)

    def _begin(self, segment: Segment, dropped: Mapping[str, int], now_ns: int) -> None:
        try:
            segment.begin(self.count, dropped, now_ns)
        except BaseException:
            # A signal handler's exception too: the descriptor would be nobody's.
            segment.discard()
            raise

    def _recycled(self, segment: Segment, lock: AbstractContextManager[object]) -> bool:
        """Makes a spare of a delivered segment, if it is of the size of the next one and still mapped."""
        if (
            not isinstance(segment, MappedSegment)
            or not segment.mapped
            or segment.limit < self._size
        ):
            return False
        for _ in range(OVERTAKEN):
            with lock:
                number = self._next_number()
            try:
                segment.recycle(self.path, number)
            except (OSError, ValueError):
                # The files, or the mapping, were removed meanwhile.
                return False
            self._names_changed = True
            with lock:
                # Not when an append could not wait and went on in a later number meanwhile.
                if self._number == number and self.recycle:
                    self._spares.append(segment)
                    return True
        return False

    def _unmap_beyond(self, allowed: int) -> None:
        """With the spool's lock held: lets go of mappings, the last to be delivered first."""
        mapped = [segment for segment in (*self._spares, *self._full) if segment.mapped]
        size = sum([segment.limit for segment in mapped]) + self._coming
        for segment in reversed(self._full):
            if size <= allowed:
                return
            if segment.mapped:
                size -= segment.limit
                segment.unmap()

    def _finish(self, *, sync: bool) -> None:
        """Closes what is full; with *sync* only what is not kept for recycling."""
        for segment in tuple(self._full):
            if sync and self.recycle and segment.mapped:
                continue
            if segment.count > segment.base:
                # First: at no moment may the deliverer believe that there is nothing between two others.
                self._strays.add(segment.number)
            try:
                self._full.remove(segment)
            except ValueError:
                # Delivered meanwhile.
                self._strays.discard(segment.number)
                continue
            try:
                if sync:
                    segment.sync()
            finally:
                if segment.count > segment.base:
                    segment.finish()
                else:
                    # The disk would not take its first record: an hour of that must not leave 3,600 files.
                    segment.discard()

    def _next_number(self) -> int:
        """With the spool's lock held: numbers are used in ascending order, or never."""
        self._number += 1
        return self._number

    def _make(self, number: int, needed: int) -> Segment:
        if self.space is not None:
            _leave_room(*self.space(self.path))
        self._names_changed = True
        page_needed = -(-needed // PAGE) * PAGE
        size = max(self._size, page_needed)
        # Larger than any other segment: not mapped, because the mappings are bounded.
        if self._mappable and size <= LARGEST_SIZE:
            for attempt in dict.fromkeys((size, max(FIRST_SIZE, page_needed))):
                segment = self._map(number, attempt)
                if segment is not None:
                    return segment
        return FileSegment(self.path, number, max(LARGEST_SIZE, page_needed))

    def _map(self, number: int, size: int) -> Segment | None:
        try:
            segment = MappedSegment(self.path, number, size)
        except OSError as error:
            if error.errno in _HOPELESS:
                raise
            if error.errno not in _TOO_LARGE:
                # This mount does not map.
                self._mappable = False
            return None
        self._size = min(self._size * 2, GROWN_SIZE)
        return segment


def _leave_room(free: int, total: int) -> None:
    """Refuses to take the last of a disk."""
    floor = min(total // FLOOR_SHARE, FLOOR_BYTES)
    if free < floor:
        raise OSError(errno.ENOSPC, f"less than {floor >> 20} MiB are free on this disk")
