"""From the inbox into parts: at most one process at a time, exactly once.

Theory of operation. Under the lock: delete what was left over, then take what is new from every chain, decode,
normalise, write parts, and register them together with the chains' new positions in one transaction (`state`, rule
1). Killed before it: the parts are no one's, the positions are the old ones, all is read again. Killed after it:
everything counts, and only the clearing up is left. There is no moment in between.

A handle that is never ended is written when it is made (FLAG_PARTIAL) and again later (FLAG_UPDATE). Rows of one
span that arrive together are one row here; when the first one is already in a part, the span is noted as superseded.
A row that will not be written again outranks every partial one whatever the order of arrival: after a fork the two
come from different chains.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import orjson

from trackway._core.log import warn
from trackway._delivery.chain import spool_root
from trackway._delivery.platform import change_private, try_lock
from trackway._delivery.record import FLAG_PARTIAL, FLAG_UPDATE, Record
from trackway._prices.book import PriceBook
from trackway._store import normalize, pricing
from trackway._store.compact import compact
from trackway._store.engines.duckdb import Engine
from trackway._store.inbox import Delivery, Inbox
from trackway._store.parts import Lines, Parts
from trackway._store.retention import Retention
from trackway._store.rows import OBSERVATIONS, SCORES, Row
from trackway._store.state import Position, State, Superseded
from trackway._wire.decode import DecodeError, decode_resource, decode_span

__all__ = ["IngestReport", "Ingester"]

# A commit costs some 20 ms of syncing and renaming, a row some 100 µs: from here on waiting for more saves nothing.
ROWS_PER_COMMIT: Final = 20_000
BYTES_PER_COMMIT: Final = 48 << 20
# In a process that must not be noticed: 230 MB at its peak instead of 620 with spans of 2 KB, for a tenth more time.
LEAN: Final = 4
# Each claimed chain is an open file.
CHAINS_PER_COMMIT: Final = 64
# Above every number that a partial row can have.
_FINAL: Final = 1 << 62
_RETRY_LOCK_S: Final = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What one ingest did."""

    records: int = 0
    """Spans and scores that became rows."""
    malformed: int = 0
    """Records that were no span; counted, never read again."""
    damaged_bytes: int = 0
    """Bytes of segments that were no record."""
    seconds: float = 0.0
    busy: bool = False
    """Another process was ingesting and did not finish in time: the newest spans may be missing from the answer."""


class Batch:
    """What goes into one commit."""

    def __init__(self, sequence: int, share: int = 1) -> None:
        self._share = share
        self.observations = Lines(OBSERVATIONS)
        self.scores = Lines(SCORES)
        self.sequence = sequence
        self.positions: dict[str, Position] = {}
        self._handles: dict[tuple[object, object, object], tuple[int, int]] = {}
        self._created: set[tuple[object, object, object]] = set()

    @property
    def full(self) -> bool:
        """Whether it is time to commit."""
        size = self.observations.size + self.scores.size
        return (
            len(self.observations.texts) + len(self.scores.texts) >= ROWS_PER_COMMIT // self._share
            or size >= BYTES_PER_COMMIT // self._share
        )

    def add_observation(self, row: Row, flags: int) -> None:
        """A row, or the newer row of a span that is in the batch already."""
        self.sequence += 1
        partial = bool(flags & FLAG_PARTIAL)
        row["sequence"] = sequence = self.sequence if partial else self.sequence | _FINAL
        start, has_user = row["start_time"], "user_id" in row
        assert isinstance(start, int)  # noqa: S101 - for the type checker
        key = (row["project"], row["trace_id"], row["span_id"])
        if flags or key in self._handles:
            if partial and not flags & FLAG_UPDATE:
                self._created.add(key)
            index, known = self._handles.get(key, (len(self.observations.texts), -1))
            if sequence < known:
                return
            self._handles[key] = (index, sequence)
            if known >= 0:
                self.observations.put(index, _text(row), start, has_user=has_user)
                return
        self.observations.add(_text(row), start, has_user=has_user)

    def add_score(self, row: Row) -> None:
        """A score's row."""
        self.sequence += 1
        row["sequence"] = self.sequence
        start = row["start_time"]
        assert isinstance(start, int)  # noqa: S101 - for the type checker
        self.scores.add(_text(row), start, has_user=True)

    def superseded(self) -> list[Superseded]:
        """Spans of this batch of which an older row may be in a part, or may still come."""
        return [
            Superseded(str(project), str(trace_id), str(span_id), sequence)
            for (project, trace_id, span_id), (_, sequence) in self._handles.items()
            if (project, trace_id, span_id) not in self._created
        ]


@final
class Ingester:
    """Takes the spool of a directory into its store.

    Any number of threads and processes may ask; one at a time does it.
    """

    def __init__(  # noqa: PLR0913 - what it works on
        self,
        directory: Path,
        parts: Parts,
        state: State,
        engine: Engine,
        *,
        retention: Retention,
        prices: PriceBook | None,
    ) -> None:
        self.prices = prices
        self.retention = retention
        self._root = spool_root(directory)
        self._lock_path = parts.directory.parent / "ingest.lock"
        self._parts = parts
        self._state = state
        self._engine = engine

    def ingest(self, wait: float) -> IngestReport:
        """Everything that has ended becomes rows. Waits at most *wait* seconds for another ingester."""
        begun = time.perf_counter()
        with self.alone(wait) as mine:
            if not mine:
                return IngestReport(busy=True, seconds=time.perf_counter() - begun)
            report = self._ingest()
        return IngestReport(
            records=report.records,
            malformed=report.malformed,
            damaged_bytes=report.damaged_bytes,
            seconds=time.perf_counter() - begun,
        )

    def _ingest(self) -> IngestReport:
        self._state.create()
        self._parts.create()
        self._parts.sweep()
        share = LEAN if self._engine.lean else 1
        run = _Run(Inbox(self._root), self._parts, self._state, self.prices, share=share)
        try:
            report = run.take_everything()
        finally:
            run.inbox.close()
        self.retention.enforce()
        if report.records:
            compact(self._parts, self._state, self._engine, time.time_ns() // 1_000)
        return report

    @contextmanager
    def alone(self, wait: float) -> Iterator[bool]:
        """The ingest lock; False where another process has it for longer than *wait* seconds."""
        deadline = time.monotonic() + wait
        descriptor = change_private(self._lock_path)
        try:
            while not (mine := try_lock(descriptor)) and time.monotonic() < deadline:
                time.sleep(_RETRY_LOCK_S)
            yield mine
        finally:
            # Closing frees it, unless a child was forked meanwhile, which then holds it until it ends.
            os.close(descriptor)


class _Run:
    """One ingest."""

    def __init__(
        self, inbox: Inbox, parts: Parts, state: State, prices: PriceBook | None, *, share: int
    ) -> None:
        self.inbox = inbox
        self._parts = parts
        self._state = state
        self._positions = state.positions()
        self._prices = prices
        self._share = share
        self._batch = Batch(state.counter("sequence"), share)
        self._shared: dict[bytes, Row] = {}
        self._records = 0
        self._malformed = 0

    def take_everything(self) -> IngestReport:
        self._state.forget(chains=self.inbox.lost_sight_of(list(self._positions)))
        for delivery in self.inbox.deliveries(dict(self._positions)):
            self._take(delivery)
            if self._batch.full or self.inbox.claimed >= CHAINS_PER_COMMIT:
                self._commit()
        self._commit()
        return IngestReport(
            records=self._records, malformed=self._malformed, damaged_bytes=self.inbox.damaged_bytes
        )

    def _take(self, delivery: Delivery) -> None:
        before = self._positions.get(delivery.chain, Position())
        malformed = 0
        for record in delivery.records:
            try:
                self._take_record(record, delivery.scopes)
            except DecodeError:
                malformed += 1
                warn(
                    f"store:malformed:{delivery.chain}",
                    "a record at %d of segment %d of %s is no span; it is counted and left out",
                    record.offset, record.segment, delivery.chain,
                )  # fmt: skip
        taken = len(delivery.records) - malformed
        self._records += taken
        self._malformed += malformed
        after = Position(*delivery.position, before.records + taken, before.malformed + malformed)
        self._positions[delivery.chain] = self._batch.positions[delivery.chain] = after

    def _take_record(self, record: Record, scopes: dict[int, tuple[bytes, bytes]]) -> None:
        resource, _ = scopes.get(record.scope, (b"", b""))
        shared = self._shared.get(resource)
        if shared is None:
            shared = self._shared[resource] = normalize.base(
                decode_resource(resource) if resource else {}
            )
        span = decode_span(record.payload)
        if normalize.is_score(span):
            self._batch.add_score(normalize.score(span, shared))
        else:
            flags = record.flags & (FLAG_PARTIAL | FLAG_UPDATE)
            row = normalize.observation(span, shared)
            pricing.price(row, span, self._prices)
            self._batch.add_observation(row, flags)

    def _commit(self) -> None:
        batch = self._batch
        pieces = (*batch.observations.by_day(), *batch.scores.by_day())
        written = [self._parts.load(piece) for piece in pieces]
        if written or batch.positions:
            self._state.commit(
                written,
                positions=batch.positions,
                superseded=batch.superseded(),
                sequence=batch.sequence,
            )
        self._batch = Batch(batch.sequence, self._share)
        gone = self.inbox.settle({**batch.positions, **self.inbox.read_out(self._positions)})
        if gone:
            self._state.forget(chains=gone)


def _text(row: Row) -> bytes:
    return orjson.dumps(row)
