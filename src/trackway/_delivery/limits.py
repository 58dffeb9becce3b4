"""What a destination may cost: too old, and beyond the quota, is given up in whole segments, the oldest first."""

from collections.abc import Sequence
from pathlib import Path

from trackway._core import log
from trackway._delivery.lane import ChainLane
from trackway._delivery.survey import used_bytes

__all__ = ["enforce_age", "enforce_quota"]


def enforce_age(lanes: Sequence[ChainLane], now_ns: int, retry_for: float) -> None:
    """Gives up segments in which everything is older than *retry_for* seconds."""
    before = now_ns - int(retry_for * 1e9)
    for lane in lanes:
        while lane.older_than(before) and lane.drop_oldest("age"):
            words = "spans were given up: for %d s nobody took them (retry_for)"
            log.warn("delivery.age", words, retry_for)


def enforce_quota(lanes: Sequence[ChainLane], chains: Sequence[Path], quota: int) -> None:
    """Gives up segments of *lanes*, oldest first, until all *chains* of the destination fit into *quota* bytes."""
    excess = sum(map(used_bytes, chains)) - quota
    for lane in lanes:
        while excess > 0:
            used = used_bytes(lane.chain)
            if not lane.drop_oldest("quota"):
                break
            excess -= used - used_bytes(lane.chain)
            words = "the oldest spans were given up: the spool has reached %d bytes (spool_quota)"
            log.warn("delivery.quota", words, quota)
