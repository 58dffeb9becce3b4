"""What the deliverer knows of the chain that its own process appends to, beside what the files tell any reader.

1. *Trust.* What stands before the tail this process has written itself: a commit mark is enough, no second checksum.
2. *No system call.* Bytes come out of the mapping: a read gives up the GIL, and beside a busy thread winning it back
   takes 5 ms, while 1 MiB is filled in 10.
3. *Recycling.* What is delivered is handed back to be written again; see `live`.

The spool may have lost the chain and begun another (its files were removed): then this is as good as no knowledge.
"""

from pathlib import Path
from typing import final

from trackway._delivery.gather import Run
from trackway._delivery.segment import Header
from trackway._delivery.spool import Spool
from trackway._delivery.writers import Segment

__all__ = ["OwnChain"]


@final
class OwnChain:
    """The inside of one chain of *spool*; for the one thread that delivers it."""

    __slots__ = ("_chain", "_spool")

    def __init__(self, spool: Spool, chain: Path) -> None:
        self._spool = spool
        self._chain = chain

    def tail(self) -> tuple[int, int]:
        """Segment and offset behind the last record; (0, 0) when the chain is no longer the spool's."""
        spool = self._spool
        with spool._lock:
            return spool.tail() if spool.live_chain() == self._chain else (0, 0)

    def peek(self, segment: int, offset: int, size: int) -> bytes | None:
        """Bytes of a segment as they are now; None where it is not mapped."""
        found = self._find(segment)
        return None if found is None else found.peek(offset, size)

    def gather(self, segment: int, offset: int, end: int, scope: int, *limits: int) -> Run | None:
        """The spans from *offset* on, see `gather`; None where there are none, or nothing is mapped."""
        found = self._find(segment)
        return None if found is None else found.gather(offset, end, scope, *limits)

    def header(self, segment: int) -> Header | None:
        """What the file of an open segment says of itself."""
        found = self._find(segment)
        return None if found is None else found.header(0, in_place=found.kind == "mmap")

    def onward(self, segment: int, offset: int) -> int | None:
        """Where to go on where nothing is: in this segment, to wait, or a later one; None: look at the files."""
        spool = self._spool
        with spool._lock:
            live, current = spool._live, spool._segment
            if live is None or current is None or live.path != self._chain:
                return None
            ended = live.find(segment, current)
            if ended is None or ended.offset != offset:
                return None
            return live.after(segment, current)

    def _find(self, segment: int) -> Segment | None:
        live, current = self._spool._live, self._spool._segment
        if live is None or live.path != self._chain:
            return None
        return live.find(segment, current)

    @property
    def recycles(self) -> bool:
        """Whether the files of delivered segments are to be left to `release`."""
        return self._spool.recycle

    def release(self, before: int) -> None:
        """Tells that the segments before number *before* are delivered, and that this is written down."""
        spool, live = self._spool, self._spool._live
        if live is None or live.path != self._chain:
            return
        live.release(before, spool._lock)
