"""What became of every span that ended, for each destination.

``ended = acked + rejected{reason} + dropped{reason} + handed_over + in_spool + in_memory``

over living and dead processes: read from the files of the spool, which every process keeps current, and from the
memory of this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trackway._delivery.counters import DeliveryCounters, chain_counters, sum_reasons
from trackway._delivery.spool import Spool
from trackway._delivery.survey import survey

__all__ = ["DeliveryStats", "DestinationStats", "destination_stats"]

NOTHING: Final = DeliveryCounters()


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationStats:
    """One destination: a remote one by its id, or `local`."""

    destination: str
    ended: int
    """Spans that ended and were meant for it."""
    acked: int
    """Accepted by the backend."""
    rejected: Mapping[str, int]
    """Refused by the backend and kept as dead letters, by status; `partial`: only their number is known."""
    dropped: Mapping[str, int]
    """Not kept, by reason."""
    handed_over: int
    """Moved to another destination."""
    in_spool: int
    """On disk, waiting."""
    in_memory: int
    """In this process's memory, waiting, because no disk could be used."""
    spool_bytes: int
    """Disk that the waiting ones use."""

    @property
    def accounted(self) -> int:
        """The right side of the identity; equals `ended`."""
        return (
            self.acked
            + sum(self.rejected.values())
            + sum(self.dropped.values())
            + self.handed_over
            + self.in_spool
            + self.in_memory
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryStats:
    """All destinations of a client, the remote one first."""

    destinations: tuple[DestinationStats, ...]

    @property
    def ended(self) -> int:
        """Spans that ended; one that is meant for two destinations counts twice."""
        return sum(destination.ended for destination in self.destinations)

    @property
    def waiting(self) -> int:
        """Spans that are not settled: on disk or in memory."""
        return sum(found.in_spool + found.in_memory for found in self.destinations)


def destination_stats(
    root: Path,
    destination: str,
    spool: Spool | None = None,
    from_memory: DeliveryCounters = NOTHING,
) -> DestinationStats:
    """The counters of one destination; *spool* and *from_memory*: of this process."""
    found = survey(root, destination)
    sums = found.delivery + from_memory
    in_memory = 0
    if spool is not None:
        in_memory = spool.counters().in_memory
        sums += DeliveryCounters(dropped=_unwritten(spool))
    return DestinationStats(
        destination=destination,
        ended=sums.settled + found.in_spool + in_memory,
        acked=sums.acked,
        rejected=sum_reasons([sums.rejected]),
        dropped=sum_reasons([sums.dropped]),
        handed_over=sums.handed_over,
        in_spool=found.in_spool,
        in_memory=in_memory,
        spool_bytes=found.bytes,
    )


def _unwritten(spool: Spool) -> dict[str, int]:
    """What the spool has dropped and its chain does not tell yet: a plain file tells it at the next sync."""
    chain = spool.live_chain()
    written = {} if chain is None else chain_counters(chain).dropped
    more = {reason: n - written.get(reason, 0) for reason, n in spool._tally.dropped.items()}
    return {reason: n for reason, n in more.items() if n > 0}
