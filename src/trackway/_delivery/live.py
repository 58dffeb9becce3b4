"""The chain that this process appends to: its lock, the spare segment that was made ahead, and those that are full.

`take` and `retire` run with the spool's lock held, on the application's threads, and make no system call when a spare
is ready. All else is the worker's.
"""

import errno
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Final, final

from trackway._delivery import platform
from trackway._delivery.chain import ChainLock, Clock, create_chain, describe
from trackway._delivery.segment import FIRST_SIZE, LARGEST_SIZE, RECORDS_AT
from trackway._delivery.writers import FileSegment, MappedSegment, Segment

__all__ = ["LiveChain", "open_chain"]

PAGE: Final = 4096
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
    """Makes, keeps ready and puts away the segments of one chain.

    At most two are mapped at a time, 8 MiB in all.
    """

    __slots__ = (
        "_full",
        "_lock",
        "_mappable",
        "_names_changed",
        "_number",
        "_size",
        "_spare",
        "count",
        "settled",
    )

    def __init__(self, lock: ChainLock) -> None:
        self._lock = lock
        self._number = 0
        self._size = FIRST_SIZE
        self._spare: Segment | None = None
        self._full: list[Segment] = []
        self._mappable = platform.capabilities.map
        self._names_changed = True
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
        spare, self._spare = self._spare, None
        if spare is not None:
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

        Where that is behind, the mappings of earlier ones go now, so that a burst maps three segments at most: the
        current one, the spare and the one before. Descriptors stay: the upkeep may be syncing them.
        """
        self.count = segment.count
        for earlier in self._full:
            earlier.unmap()
        self._full.append(segment)

    def prepare(self, current: Segment, lock: AbstractContextManager[object]) -> None:
        """Closes what is full, then makes the next segment once the current one is half full."""
        self._finish(sync=True)
        if self._spare is None and self._mappable and current.offset * 2 >= current.limit:
            with lock:
                number = self._next_number()
            spare: Segment | None = self._make(number, RECORDS_AT)
            with lock:
                # Not when an append could not wait and went on in a later number meanwhile.
                if self._number == number:
                    self._spare, spare = spare, None
            if spare is not None:
                spare.discard()

    def sync(self, current: Segment | None) -> None:
        """Returns when all that stands in the chain is on the disk, names included."""
        for segment in [*self._full, *([] if current is None else [current])]:
            segment.sync()
        if self._names_changed:
            self.sync_names()

    def sync_names(self) -> None:
        """Makes the chain's and its segments' names survive a power cut."""
        self._names_changed = False
        platform.sync_directory(self.path)
        platform.sync_directory(self.path.parent)

    def close(self, current: Segment | None) -> None:
        """Closes everything, gives back unused space and the ownership; the spare is removed."""
        try:
            if current is not None:
                self.retire(current)
            spare, self._spare = self._spare, None
            if spare is not None:
                spare.discard()
            self._finish(sync=False)
        finally:
            self._lock.release()

    def abandon(self, current: Segment | None) -> None:
        """Closes without changing any file or lock: copies in a forked child, or files that are gone."""
        for segment in [*self._full, self._spare, current]:
            if segment is not None:
                segment.abandon()
        self._full, self._spare = [], None
        self._lock.abandon()

    def _begin(self, segment: Segment, dropped: Mapping[str, int], now_ns: int) -> None:
        try:
            segment.begin(self.count, dropped, now_ns)
        except BaseException:
            # A signal handler's exception too: the descriptor would be nobody's.
            segment.discard()
            raise

    def _finish(self, *, sync: bool) -> None:
        while self._full:
            segment = self._full.pop(0)
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
        self._size = min(self._size * 2, LARGEST_SIZE)
        return segment
