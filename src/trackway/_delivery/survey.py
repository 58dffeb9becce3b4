"""A destination as its files tell it, for `stats` and `trackway spool ls`: all processes, living and dead."""

from dataclasses import dataclass
from pathlib import Path

from trackway._delivery.chain import chains
from trackway._delivery.counters import (
    DeliveryCounters,
    chain_counters,
    load_totals,
    totals_lock,
)
from trackway._delivery.cursor import Cursor
from trackway._delivery.segment import segment_numbers, segment_path

__all__ = ["Survey", "survey", "used_bytes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The counters of a destination, the memory of living processes not included."""

    delivery: DeliveryCounters
    in_spool: int
    chains: int
    bytes: int

    @property
    def ended(self) -> int:
        """All that ended for the destination."""
        return self.delivery.settled + self.in_spool


def survey(root: Path, destination: str) -> Survey:
    """One consistent sum: who wants to remove a chain meanwhile waits for it."""
    folder = root / destination
    if not folder.is_dir():
        return Survey(delivery=DeliveryCounters(), in_spool=0, chains=0, bytes=0)
    with totals_lock(folder, shared=True):
        sums, folded = load_totals(folder)
        there = [chain for chain in chains(root, destination) if chain.name not in folded]
        in_spool = size = 0
        for chain in there:
            # In this order: a living chain grows between the two.
            delivered = Cursor(chain).load().counters
            owned = chain_counters(chain)
            sums = sums + delivered + DeliveryCounters(dropped=owned.dropped)
            in_spool += max(owned.appended - delivered.settled, 0)
            size += used_bytes(chain)
    return Survey(delivery=sums, in_spool=in_spool, chains=len(there), bytes=size)


def used_bytes(chain: Path) -> int:
    """What the segments of a chain occupy on disk."""
    return sum(_blocks(segment_path(chain, number)) for number in segment_numbers(chain))


def _blocks(path: Path) -> int:
    try:
        found = path.stat()
    except OSError:
        return 0
    return getattr(found, "st_blocks", -(-found.st_size // 512)) * 512
