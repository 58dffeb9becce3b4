"""What a spool remembers beside its files: scopes by id, and how many spans ended in which way."""

from collections.abc import Iterable
from typing import Final, final

from trackway._delivery.counters import ChainCounters, sum_reasons
from trackway._delivery.record import pack_scope
from trackway._delivery.segment import DROP_REASONS

__all__ = ["Scopes", "Tally"]

# Scopes are instrumentation libraries: dozens. One that makes them up must not fill segments with them.
MAX_SCOPES: Final = 4_096


@final
class Scopes:
    """Resource and scope by id; the same ids in every chain that this process and its children write."""

    __slots__ = ("_ids", "_pairs")

    def __init__(self) -> None:
        # The place 0 stands for spans that no scope was registered for.
        self._pairs: list[tuple[bytes, bytes]] = [(b"", b"")]
        self._ids: dict[tuple[bytes, bytes], int] = {}

    def register(self, resource: bytes, scope: bytes) -> int:
        """The id of a pair; that of the first one when there are absurdly many."""
        pair = (resource, scope)
        known = self._ids.get(pair)
        if known is not None:
            return known
        if len(self._pairs) >= MAX_SCOPES:
            return 1
        self._pairs.append(pair)
        # Looked up: a signal handler may have registered one in between.
        return self._ids.setdefault(pair, self._pairs.index(pair))

    def described(self, scope: int) -> bytes:
        """The payload of a scope's record."""
        return pack_scope(*self._pairs[scope if scope < len(self._pairs) else 0])

    def all(self) -> dict[int, tuple[bytes, bytes]]:
        """Every pair by id."""
        return dict(enumerate(self._pairs))


@final
class Tally:
    """The counts of a process for one destination; guarded by the spool's lock."""

    __slots__ = ("_past", "dropped", "from_memory")

    def __init__(self) -> None:
        self.dropped: dict[str, int] = {}
        """Of the live chain, or of the next one while there is none."""
        self.from_memory = 0
        self._past = ChainCounters()

    def drop(self, reason: str, n: int) -> tuple[str, int]:
        """Counts dropped spans; the reason as it is written down, and its total in this chain."""
        known = reason if reason in DROP_REASONS else "other"
        self.dropped[known] = total = self.dropped.get(known, 0) + n
        return known, total

    def sum(self, appended: int, in_memory: int, late: Iterable[tuple[str, int]]) -> ChainCounters:
        """All that ended, with *appended* in the live chain and drops that nobody has counted yet."""
        waiting = [{reason: n} for reason, n in late]
        return ChainCounters(
            appended=self._past.appended + appended,
            in_memory=in_memory,
            from_memory=self.from_memory,
            dropped=sum_reasons((self._past.dropped, self.dropped, *waiting)),
        )

    def close_chain(self, appended: int) -> dict[str, int]:
        """Starts a chain's counts anew; what was dropped in the one before."""
        now = self.sum(appended, 0, ())
        self._past = ChainCounters(appended=now.appended, dropped=now.dropped)
        dropped, self.dropped = self.dropped, {}
        return dropped

    def lose_chain(self, appended: int, settled: int) -> None:
        """The chain's files are gone: what was not delivered counts as dropped, in the next one."""
        lost = max(appended - settled, 0)
        kept = self._past.appended + appended - lost
        self._past = ChainCounters(appended=kept, dropped=self._past.dropped)
        if lost:
            self.drop("deleted", lost)
