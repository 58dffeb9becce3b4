"""The segments of a chain that are not written to: the spare one that was made ahead, and those that are full.

`take` and `retire` run with the spool's lock held, on the application's threads, and make no system call when a spare is
ready. All else is the worker's.
"""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Final, final

from trackway._delivery import platform
from trackway._delivery.segment import FIRST_SIZE, LARGEST_SIZE, RECORDS_AT
from trackway._delivery.writers import FileSegment, MappedSegment, Segment

__all__ = ["Shelf"]

PAGE: Final = 4096
# The disk is full, or the process may not write larger files: a smaller segment may still fit.
_TOO_LARGE: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@final
class Shelf:
    """Makes, keeps ready and puts away the segments of one chain; at most two are mapped at a time, 8 MiB in all."""

    __slots__ = ("_chain", "_full", "_mappable", "_names_changed", "_number", "_size", "_spare")

    def __init__(self, chain: Path) -> None:
        self._chain = chain
        self._number = 0
        self._size = FIRST_SIZE
        self._spare: Segment | None = None
        self._full: list[Segment] = []
        self._mappable = platform.capabilities.map
        self._names_changed = True

    def take(self, needed: int, count: int, dropped: Mapping[str, int], now_ns: int) -> Segment:
        """A segment in use, with room for *needed* bytes; OSError when the disk gives none."""
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.begin(count, dropped, now_ns)
            if spare.limit >= needed:
                return spare
            # Too small: it stays empty, because the next number must not be used before it.
            self._full.append(spare)
        segment = self._make(needed)
        try:
            segment.begin(count, dropped, now_ns)
        except OSError:
            segment.discard()
            raise
        return segment

    def retire(self, segment: Segment) -> None:
        """Puts away a segment that is full; `prepare` truncates and closes it."""
        self._full.append(segment)

    def prepare(self, current: Segment) -> None:
        """Closes what is full, then makes the next segment once the current one is half full."""
        self._finish()
        if self._spare is None and self._mappable and current.offset * 2 >= current.limit:
            self._spare = self._make(RECORDS_AT)

    def sync(self, current: Segment | None) -> None:
        """Returns when all that stands in the chain is on the disk, names included."""
        for segment in [*self._full, *([] if current is None else [current])]:
            segment.sync()
        if self._names_changed:
            self.sync_names()

    def sync_names(self) -> None:
        """Makes the chain's and its segments' names survive a power cut."""
        self._names_changed = False
        platform.sync_directory(self._chain)
        platform.sync_directory(self._chain.parent)

    def close(self) -> None:
        """Closes everything; the spare is removed."""
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.discard()
        self._finish()

    def abandon(self) -> None:
        """Closes copies and changes nothing."""
        for segment in self._full:
            segment.abandon()
        if self._spare is not None:
            self._spare.abandon()
        self._full, self._spare = [], None

    def _finish(self) -> None:
        while self._full:
            self._full[0].sync()
            self._full.pop(0).finish()

    def _make(self, needed: int) -> Segment:
        self._number += 1
        self._names_changed = True
        page_needed = -(-needed // PAGE) * PAGE
        size = max(self._size, page_needed)
        # Larger than any other segment: not mapped, because the mappings are bounded.
        if self._mappable and size <= LARGEST_SIZE:
            for attempt in dict.fromkeys((size, max(FIRST_SIZE, page_needed))):
                try:
                    segment = MappedSegment(self._chain, self._number, attempt)
                except OSError as error:
                    if error.errno in _TOO_LARGE:
                        continue
                    if error.errno in {errno.ENOENT, errno.EMFILE, errno.ENFILE}:
                        raise
                    # This mount does not map.
                    self._mappable = False
                    break
                self._size = min(self._size * 2, LARGEST_SIZE)
                return segment
        return FileSegment(self._chain, self._number, max(LARGEST_SIZE, page_needed))
