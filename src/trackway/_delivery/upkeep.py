"""What a spool's files need from time to time, so that appends wait for nothing and a power cut costs half a second."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Literal, final

from trackway._delivery.segment import LARGEST_SIZE
from trackway._delivery.spool import Spool

__all__ = ["Upkeep"]

LONGEST_S: Final = 0.5
SHORTEST_S: Final = 0.02
# Bytes appended between two looks, as far as the pace allows: a spare segment is made when the current one, 2 MiB
# at most, is half full.
STRIDE: Final = LARGEST_SIZE // 4


@final
class Upkeep:
    """Looks after some spools; for one thread at a time."""

    __slots__ = ("_clock", "_every", "_seen", "_spools", "_sync_at", "appended")

    def __init__(
        self,
        spools: Sequence[Spool],
        sync: float | Literal["always", "never"],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spools = spools
        self._every = sync if isinstance(sync, float) else LONGEST_S
        self._clock = clock
        self._seen: list[tuple[int, int]] = [(0, 0) for _ in spools]
        self._sync_at = 0.0
        self.appended = 0
        """About how many bytes were appended, as far as looked."""

    def step(self, _timeout: float | None = None) -> float | None:
        """Does what is due; seconds until the next time, None when nothing was appended since the last."""
        grown = 0
        for index, spool in enumerate(self._spools):
            spool.prepare()
            growth = self._growth(index, spool)
            self.appended += growth
            grown = max(grown, growth)
        now = self._clock()
        if now >= self._sync_at:
            self._sync_at = now + self._every
            for spool in self._spools:
                spool.sync()
        elif not grown:
            return self._sync_at - now
        if not grown and not any(spool.trouble for spool in self._spools):
            return None
        wait = LONGEST_S * STRIDE / max(grown, STRIDE)
        return min(max(wait, SHORTEST_S), self._every)

    def _growth(self, index: int, spool: Spool) -> int:
        """About how many bytes were appended since the last look."""
        (segment, offset), before = spool.tail(), self._seen[index]
        self._seen[index] = segment, offset
        return (
            offset - before[1]
            if segment == before[0]
            else offset + LARGEST_SIZE * (segment > before[0])
        )
