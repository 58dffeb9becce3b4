"""One chain on its way to a backend: what is read of it and not settled yet, and how far it is delivered.

Everything of a chain is settled in the order in which it was written, so one place says how far it is: who is
killed and comes back sends at most the batch again whose answer had not been written down.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, final

from trackway._delivery import platform
from trackway._delivery.batch import MOST, RECORDS, TARGET, Batch
from trackway._delivery.chain import ChainLock, created_ns
from trackway._delivery.counters import DeliveryCounters, fold
from trackway._delivery.cursor import Cursor, CursorState
from trackway._delivery.own import OwnChain
from trackway._delivery.own_reader import OwnReader
from trackway._delivery.reader import ChainReader
from trackway._delivery.record import FLAG_UNPRICED
from trackway._delivery.segment import RECORDS_AT, read_header, segment_numbers, segment_path
from trackway._delivery.spool import Spool

__all__ = ["ChainLane", "Complete", "Lane", "MemoryLane"]

Complete = Callable[[bytes], bytes]
"""Makes a record that was written without its cost one with it, or leaves it."""


class _Pieces:
    """The batches that were read, the first to be sent first."""

    __slots__ = ("_complete", "_pieces", "stuck_since", "suspects")

    def __init__(self, complete: Complete | None) -> None:
        self._complete = complete
        self._pieces: deque[Batch] = deque()
        self.suspects: list[Batch] = []
        """Single spans that were answered 500, before all pieces; see rule 4 of the policy."""
        self.stuck_since: float | None = None
        """Since when the foremost spans have been answered 500."""

    def next(self, limit: int) -> Batch | None:
        """What to send now, in *limit* bytes if it is more than one record; None when there is nothing."""
        if not self._pieces:
            found = self._read(min(limit, MOST))
            complete = self._complete
            self._pieces.extend(
                found if complete is None else (batch.completed(complete) for batch in found)
            )
        return self._pieces[0] if self._pieces else None

    @property
    def pending(self) -> bool:
        """Whether something was read that is not settled."""
        return bool(self._pieces or self.suspects)

    def behind(self, batch: Batch) -> bool:
        """Whether there is enough for another batch after *batch* without waiting for more."""
        return batch.size >= TARGET // 4

    def halve(self) -> None:
        """Puts the halves of the foremost batch in its place."""
        first, second = self._pieces.popleft().halves()
        self._pieces.extendleft((second, first))

    def suspect(self) -> int:
        """Passes over the foremost batch for now; how many were passed over."""
        self.suspects.append(self._pieces.popleft())
        return len(self.suspects)

    def settle(self, batch: Batch, counters: DeliveryCounters) -> None:
        """*batch* is done, and *counters* is what became of it."""
        if self._pieces and self._pieces[0] is batch:
            self._pieces.popleft()
            if not self._pieces:
                self.stuck_since = None
        self._remember(batch, counters)

    def rewind(self) -> None:
        """Forgets what was read and not settled; it will be read again."""
        self._pieces.clear()
        self.suspects.clear()

    @contextmanager
    def held(self, _batch: Batch) -> Iterator[bool]:
        """While a batch is on its way nobody else may move its records; False where they were moved before."""
        yield True

    def _read(self, limit: int) -> list[Batch]:
        raise NotImplementedError

    def _remember(self, batch: Batch, counters: DeliveryCounters) -> None:
        raise NotImplementedError


@final
class ChainLane(_Pieces):
    """A chain of this process (no lock; *spool* is what appends to it) or of a dead one (claimed)."""

    __slots__ = ("_cursor", "_lock", "_own", "_reader", "chain", "state")

    def __init__(
        self,
        chain: Path,
        lock: ChainLock | None,
        spool: Spool | None = None,
        *,
        complete: Complete | None = None,
    ) -> None:
        super().__init__(complete)
        self.chain = chain
        self._lock = lock
        self._own = None if spool is None else OwnChain(spool, chain)
        self._cursor = Cursor(chain)
        self.state: CursorState = self._cursor.load()
        self._reader = self._new_reader()

    @property
    def live(self) -> bool:
        """Whether this process still appends to it."""
        return self._lock is None

    @property
    def born(self) -> int:
        """When the chain was begun, for the order of dropping."""
        return created_ns(self.chain)

    def adopt(self, lock: ChainLock) -> None:
        """The chain has been closed and claimed: nothing more will be appended."""
        self._lock = lock
        self._own = None
        self.rewind()

    def rewind(self) -> None:
        """Goes back to the last settled place."""
        super().rewind()
        self._reader.close()
        self._reader = self._new_reader()

    def behind(self, batch: Batch) -> bool:
        """The same: a segment that is full is enough, and when it is, the worker is woken."""
        if self._own is None or not self._own.recycles:
            return super().behind(batch)
        return self._reader.position[0] < self._own.tail()[0]

    def finish(self) -> bool:
        """Removes a dead chain that is settled; False where files of a newer version are left in it."""
        if self._lock is not None and not self._reader.unreadable:
            fold(self._lock, self.state.counters)
            return True
        return False

    def release(self) -> None:
        """Lets go of the chain, settled or not."""
        self._reader.close()
        self._cursor.close()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def abandon(self) -> None:
        """The same in a forked child, for which nothing of it is its own."""
        self._reader.close()
        self._cursor.close()
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.abandon()

    def drop_oldest(self, reason: str) -> bool:
        """Gives up the oldest segment, counted under *reason*; False where there is none to give up."""
        state = self._cursor.drop_oldest(self.state, reason)
        if state is not None:
            self.state = state
            if self._own is not None:
                self._own.release(state.segment)
            self.rewind()
            return True
        if self.live:
            return False
        return self._drop_rest(reason)

    def older_than(self, time_ns: int) -> bool:
        """Whether all that the oldest segment holds was written before *time_ns*."""
        numbers = segment_numbers(self.chain)
        if len(numbers) > 1 and (following := _begun(self.chain, numbers[1])):
            return following < time_ns
        try:
            if self.live or _begun(self.chain, numbers[0]) >= time_ns:
                return False
            return segment_path(self.chain, numbers[0]).stat().st_mtime_ns < time_ns
        except (IndexError, OSError):
            return False

    def _drop_rest(self, reason: str) -> bool:
        """Gives up all that is left of a dead chain."""
        self.rewind()
        lost = 0
        while records := self._reader.read(TARGET, RECORDS):
            lost += len(records)
        counters = self.state.counters.with_dropped(reason, lost)
        self.state = CursorState(*self._reader.position, counters)
        return lost > 0 and self._cursor.store(self.state)

    def _new_reader(self) -> ChainReader:
        segment, offset, _ = self.state
        if self._own is not None:
            return OwnReader(self.chain, segment, offset, self._own)
        return ChainReader(self.chain, segment, offset, live=self._lock is None)

    def _read(self, limit: int) -> list[Batch]:
        if isinstance(self._reader, OwnReader):
            return self._read_own(self._reader, limit)
        return Batch.runs(self._reader.read(limit, RECORDS), self._reader.scopes)

    def _read_own(self, reader: OwnReader, limit: int) -> list[Batch]:
        avoid = 0 if self._complete is None else FLAG_UNPRICED
        runs = reader.gather(limit, RECORDS, avoid)
        size = sum([len(run.payloads) for run in runs])
        if size >= min(limit // 2, TARGET // 4):
            return [Batch.of_runs(runs, reader.scopes)]
        # Scopes that take turns, or a few that need a look: a request for each would be one for each record.
        records = [record for run in runs for record in run.records()]
        records += reader.read(limit - size, RECORDS - len(records))
        return Batch.runs(records, reader.scopes)

    def _remember(self, batch: Batch, counters: DeliveryCounters) -> None:
        before = self.state.segment
        self.state = CursorState(*batch.end, self.state.counters + counters)
        stored = self._cursor.store(self.state)
        if self._own is not None and self._own.recycles:
            # A place that could not be written down would be looked for in a file that holds something else.
            if stored:
                self._own.release(batch.end[0])
        elif batch.end[0] > before:
            self._cursor.release_segments(batch.end[0])


@final
class MemoryLane(_Pieces):
    """What waits in a spool's memory because no disk would take it."""

    __slots__ = ("_spool", "counters")

    live: Final = True

    def __init__(self, spool: Spool, *, complete: Complete | None = None) -> None:
        super().__init__(complete)
        self._spool = spool
        self.counters = DeliveryCounters()
        """What became of records that no file knows of."""

    @contextmanager
    def held(self, batch: Batch) -> Iterator[bool]:
        """Keeps the spool from writing them to a disk that has healed, which would send them twice."""
        with self._spool._upkeep:
            foremost = self._spool.read_memory(1, 1)
            there = bool(foremost) and foremost[0].offset == batch.records[0].offset
            if not there:
                self.rewind()
            yield there

    def _read(self, limit: int) -> list[Batch]:
        return Batch.runs(self._spool.read_memory(limit, RECORDS), self._spool.scopes)

    def _remember(self, batch: Batch, counters: DeliveryCounters) -> None:
        # Those that had to go meanwhile are counted as dropped already.
        released = self._spool.release_memory(batch.end[1])
        if released == len(batch):
            self.counters += counters
        else:
            self.counters += DeliveryCounters(acked=released)


Lane = ChainLane | MemoryLane


def _begun(chain: Path, number: int) -> int:
    """When a segment was put in use; 0 where that cannot be told."""
    try:
        descriptor = platform.open_existing(segment_path(chain, number))
    except OSError:
        return 0
    try:
        header = read_header(os.pread(descriptor, RECORDS_AT, 0), number)
    finally:
        os.close(descriptor)
    return header.created_ns if header is not None else 0
