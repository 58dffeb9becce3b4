"""What the application's threads call when a span ends, and what the worker does so that they need not wait.

Theory of operation.

1. `append` takes one lock, which is never held across I/O while all is well: it stores into a mapping and returns. A kill
   at any moment afterwards loses nothing (see `record` for the order of the stores).
2. The worker calls `prepare` after every batch and at least as often as it syncs: it takes the page faults of the next
   64 KiB, makes the next segment ready when the current one is half full, gives back the rest of the segments that are
   full, and looks whether the files are still there. Without it everything still works, and an append that finds the
   segment full makes the next one itself, about 100 µs.
3. *Re-entrancy.* A signal handler or a `__del__` that runs in the middle of an append on the same thread may append too:
   the lock lets it in, the busy flag sends its record to a side queue, and the interrupted append writes it before it
   returns.
4. *No usable disk.* Full, read-only, not ours, out of descriptors: records wait in memory, at most 8 MiB, the oldest go
   first and are counted; `prepare` tries the disk again once a second, and what waits then goes to disk.
5. *Fork.* A child owns nothing: it closes its copies, never unlocks, never stores into the parent's mapping, and opens a
   chain of its own at its next append. What waited in the parent's memory is the parent's.
6. Nothing is logged from `append`: a log handler may hold a lock for which a tracing thread waits. `prepare` does it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Literal, final

from trackway._core import log
from trackway._delivery import chain as chain_files
from trackway._delivery import platform
from trackway._delivery.chain import ChainLock, Clock
from trackway._delivery.counters import ChainCounters, DeliveryCounters, add_totals
from trackway._delivery.record import (
    HEADER_SIZE,
    KIND_SCOPE,
    KIND_SPAN,
    MAX_PAYLOAD,
    Record,
    pack_scope,
    padded,
)
from trackway._delivery.segment import DROP_REASONS, RECORDS_AT
from trackway._delivery.writers import MemoryRing, Segment
from trackway._delivery.shelf import Shelf

__all__ = ["Spool"]

# Scopes are instrumentation libraries: dozens. An application that makes them up must not fill segments with them.
MAX_SCOPES: Final = 4_096
RETRY_DISK_NS: Final = 1_000_000_000

Sync = float | Literal["always", "never"]


@final
class Spool:
    """One destination's write side in this process; safe from every thread, from signal handlers and after forks."""

    def __init__(  # noqa: PLR0913 - the plan of a destination, each by name
        self,
        root: Path,
        destination_id: str,
        *,
        description: Mapping[str, str] | None = None,
        quota: int | None = None,
        sync: Sync = 0.5,
        clock: Clock = time.time_ns,
        monotonic: Clock = time.monotonic_ns,
    ) -> None:
        self.root = root
        self.destination_id = destination_id
        self.quota = quota
        """Bytes that the destination may occupy; whoever delivers it sees to that."""
        self.on_append: Callable[[], object] | None = None
        """Called after every append, on the application's thread: has to be cheap and must not raise."""
        self.settled = 0
        """How many records of the live chain are delivered; kept by its deliverer, for the case that the files vanish."""
        self._description = dict(description or {})
        self._sync: Sync = sync
        self._always = sync == "always"
        self._clock = clock
        self._monotonic = monotonic
        # By scope id; the place 0 stands for spans that no scope was registered for.
        self._scopes: list[tuple[bytes, bytes]] = [(b"", b"")]
        self._scope_ids: dict[tuple[bytes, bytes], int] = {}
        self._reset()

    def _reset(self) -> None:
        """The state of a process that has not appended yet."""
        self._lock = threading.RLock()
        """Guards what is below; held for one record, or for making a segment when none was ready."""
        self._busy = False
        self._nested: deque[tuple[bytes, int, int, int]] = deque()
        self._nested_drops: deque[tuple[str, int]] = deque()
        self._segment: Segment | None = None
        self._chain: ChainLock | None = None
        self._shelf: Shelf | None = None
        self._ring = MemoryRing()
        self._trouble: OSError | None = None
        self._retry_at = 0
        self._dropped: dict[str, int] = {}
        """Of the live chain, or of the next one while there is none."""
        self._count = 0
        """Records of the live chain in the segments before the current one."""
        self._past = ChainCounters()
        """Of the chains that this process has closed."""
        self._from_memory = 0
        self._upkeep = threading.RLock()
        """One at a time for everything that touches the disk and is not an append."""
        self._in_upkeep = False

    # -- the application's threads -------------------------------------------------------------------------------

    def register_scope(self, resource: bytes, scope: bytes) -> int:
        """The id under which spans of this resource and scope are appended; the same as long as the spool lives."""
        pair = (resource, scope)
        known = self._scope_ids.get(pair)
        if known is not None:
            return known
        with self._lock:
            if len(self._scopes) >= MAX_SCOPES:
                return 1
            self._scopes.append(pair)
            return self._scope_ids.setdefault(pair, len(self._scopes) - 1)

    def append(self, payload: bytes, scope: int, kind: int = KIND_SPAN, flags: int = 0) -> None:
        """Keeps an ended span: on disk when this returns. Never raises, never waits; 1.3 µs for 1.2 KB."""
        with self._lock:
            if self._busy:
                self._nested.append((payload, scope, kind, flags))
                return
            self._busy = True
            try:
                segment = self._segment
                if (
                    segment is None
                    or self._always
                    or scope not in segment.scopes
                    or not segment.append(payload, scope, kind, flags)
                ):
                    self._append_slowly(payload, scope, kind, flags)
                if self._nested or self._nested_drops:
                    self._drain_nested()
            except OSError as error:
                # Only a plain file raises here: its disk is full. The record is not written.
                self._give_up(error)
                self._keep_in_memory(payload, scope, kind, flags)
            finally:
                self._busy = False
        hook = self.on_append
        if hook is not None:
            hook()

    def count_dropped(self, reason: str, n: int = 1) -> None:
        """Counts spans that ended and are not kept ("sampled", "filtered" …; see `segment.DROP_REASONS`)."""
        with self._lock:
            if self._busy:
                self._nested_drops.append((reason, n))
                return
            self._busy = True
            try:
                self._drop(reason, n)
            finally:
                self._busy = False

    def counters(self) -> ChainCounters:
        """What this process has ended so far, chains that it has closed included."""
        with self._lock:
            dropped = dict(self._past.dropped)
            for reason, n in self._dropped.items():
                dropped[reason] = dropped.get(reason, 0) + n
            for reason, n in self._nested_drops:
                dropped[reason] = dropped.get(reason, 0) + n
            return ChainCounters(
                appended=self._past.appended + self._appended(),
                in_memory=len(self._ring) + len(self._nested),
                from_memory=self._from_memory,
                dropped=dropped,
            )

    @property
    def writer_kind(self) -> Literal["mmap", "file", "memory"]:
        """Where an append goes now, or would go first."""
        segment = self._segment
        if segment is not None:
            return segment.kind
        if self._trouble is not None:
            return "memory"
        return "mmap" if platform.capabilities.map else "file"

    @property
    def trouble(self) -> OSError | None:
        """Why records wait in memory, if they do."""
        return self._trouble

    @property
    def scopes(self) -> dict[int, tuple[bytes, bytes]]:
        """Resource and scope by id, as `ChainReader.scopes`: for records that come out of memory."""
        return dict(enumerate(self._scopes))

    def live_chain(self) -> Path | None:
        """The chain that this process appends to."""
        chain = self._chain
        return None if chain is None else chain.chain

    def tail(self) -> tuple[int, int]:
        """Segment and offset behind the last append: a reader that is there has read all."""
        with self._lock:
            segment = self._segment
            return (0, 0) if segment is None else (segment.number, segment.offset)

    # -- the worker ----------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Does ahead what appends would have to wait for, and brings back a disk that has healed. Never raises."""
        with self._upkeep:
            if self._in_upkeep:
                return
            self._in_upkeep = True
            try:
                self._prepare()
            finally:
                self._in_upkeep = False

    def sync(self) -> None:
        """Returns when what was appended before is on the disk, whatever happens to the power. Never raises."""
        if self._sync == "never":
            return
        with self._upkeep:
            if self._in_upkeep:
                return
            self._in_upkeep = True
            try:
                self._look_after_files()
                shelf, segment = self._shelf, self._segment
                if shelf is not None:
                    shelf.sync(segment)
            except OSError as error:
                log.warn(
                    "spool.sync", "the spool in %s cannot be synced: %s", self.root, error.strerror
                )
            finally:
                self._in_upkeep = False

    def read_memory(self, max_bytes: int = 1 << 20, max_records: int = 1_000) -> list[Record]:
        """Records that wait in memory, for a worker that can deliver them from there; see `scopes`."""
        with self._lock:
            return self._ring.read(max_bytes, max_records)

    def release_memory(self, end: int) -> int:
        """Forgets the records before *end* that were delivered; how many were still there to be counted so."""
        with self._lock:
            released = self._ring.release(end)
            self._from_memory += released
            return released

    def close(self) -> None:
        """Gives the chain up for whoever delivers it; an append after this opens a new one. Never raises."""
        with self._upkeep:
            if self._ring or self._nested or self._nested_drops:
                self._retry_at = 0
                self.prepare()
            with self._lock:
                segment, shelf, chain = self._segment, self._shelf, self._chain
                for _ in range(len(self._ring)):
                    self._ring.take()
                    self._drop("no_disk", 1)
                self._past = self.counters_of_closed()
                dropped = self._dropped
                self._forget_chain()
            try:
                if shelf is not None and segment is not None:
                    shelf.retire(segment)
                if shelf is not None:
                    shelf.close()
                if chain is None and dropped:
                    add_totals(self.root, self.destination_id, DeliveryCounters(dropped=dropped))
            except OSError as error:
                log.warn(
                    "spool.close",
                    "the spool in %s was not closed well: %s",
                    self.root,
                    error.strerror,
                )
            finally:
                if chain is not None:
                    chain.release()

    def after_fork_in_child(self) -> None:
        """Makes this spool the child's own: called in a forked child before anything else, logs and starts nothing."""
        segment, shelf, chain = self._segment, self._shelf, self._chain
        self._reset()
        self.settled = 0
        if segment is not None:
            segment.abandon()
        if shelf is not None:
            shelf.abandon()
        if chain is not None:
            chain.abandon()

    # -- below: with the lock held -------------------------------------------------------------------------------

    def _append_slowly(self, payload: bytes, scope: int, kind: int, flags: int) -> None:
        """An append that has to open something, or to write a scope, or has nowhere to go."""
        if len(payload) > MAX_PAYLOAD:
            self._drop("too_large", 1)
            return
        if self._segment is None and self._trouble is not None:
            self._keep_in_memory(payload, scope, kind, flags)
            return
        try:
            self._write(payload, scope, kind, flags)
        except OSError as error:
            self._give_up(error)
            self._keep_in_memory(payload, scope, kind, flags)

    def _write(self, payload: bytes, scope: int, kind: int, flags: int) -> None:
        described = pack_scope(*self._scopes[scope if scope < len(self._scopes) else 0])
        if self._segment is None or not self._place(described, payload, scope, kind, flags):
            needed = (
                RECORDS_AT
                + padded(HEADER_SIZE + len(described))
                + padded(HEADER_SIZE + len(payload))
            )
            self._roll(needed)
            self._place(described, payload, scope, kind, flags)
        if self._always and self._segment is not None:
            self._segment.sync()

    def _place(self, described: bytes, payload: bytes, scope: int, kind: int, flags: int) -> bool:
        segment = self._segment
        if segment is None:
            return False
        if scope not in segment.scopes:
            if not segment.append(described, scope, KIND_SCOPE, 0):
                return False
            segment.scopes.add(scope)
        return segment.append(payload, scope, kind, flags)

    def _roll(self, needed: int) -> None:
        """Goes on in a segment that has room for *needed* bytes: the spare one, or one made here and now."""
        if self._chain is None or self._shelf is None:
            self._open_chain()
        try:
            self._next_segment(needed)
        except FileNotFoundError:
            # The folder was removed underneath.
            self._leave_lost_chain()
            self._open_chain()
            self._next_segment(needed)

    def _next_segment(self, needed: int) -> None:
        shelf = self._shelf
        if shelf is None:
            return
        full, count = self._segment, self._appended()
        segment = shelf.take(needed, count, self._dropped, self._clock())
        self._segment, self._count = segment, count
        if full is not None:
            shelf.retire(full)
        if self._always:
            shelf.sync_names()

    def _open_chain(self) -> None:
        chain = chain_files.create_chain(self.root, self.destination_id, self._clock)
        try:
            chain_files.describe(self.root, self.destination_id, self._description)
        except OSError:
            # Words for people: the next process writes them.
            pass
        self._chain, self._shelf, self._count, self.settled = chain, Shelf(chain.chain), 0, 0
        self._trouble = None

    def _give_up(self, error: OSError) -> None:
        """From now on records wait in memory, until `prepare` finds the disk healed."""
        segment, self._count = self._segment, self._appended()
        self._segment, self._trouble = None, error
        self._retry_at = self._monotonic() + RETRY_DISK_NS
        if segment is not None and self._shelf is not None:
            self._shelf.retire(segment)

    def _keep_in_memory(self, payload: bytes, scope: int, kind: int, flags: int) -> None:
        if gone := self._ring.append(payload, scope, kind, flags):
            self._drop("no_disk", gone)

    def _drop(self, reason: str, n: int) -> None:
        known = reason if reason in DROP_REASONS else "other"
        self._dropped[known] = total = self._dropped.get(known, 0) + n
        segment = self._segment
        if segment is not None:
            segment.count_dropped(known, total)

    def _drain_nested(self) -> None:
        while self._nested_drops:
            self._drop(*self._nested_drops.popleft())
        while self._nested:
            self._append_slowly(*self._nested.popleft())

    def _appended(self) -> int:
        segment = self._segment
        return self._count if segment is None else segment.count

    def _forget_chain(self) -> None:
        self._segment = self._chain = self._shelf = None
        self._dropped, self._count = {}, 0

    def counters_of_closed(self) -> ChainCounters:
        """The sum over this process's chains, the live one included."""
        now = self.counters()
        return ChainCounters(appended=now.appended, dropped=now.dropped)

    def _leave_lost_chain(self) -> None:
        """The chain's files were removed underneath: what nobody had read yet is lost, and is counted."""
        lost = max(self._appended() - self.settled, 0)
        segment, shelf, chain = self._segment, self._shelf, self._chain
        past = self._past.appended + self._appended() - lost
        dropped = {**self._dropped, "deleted": self._dropped.get("deleted", 0) + lost}
        self._forget_chain()
        self._past = ChainCounters(appended=past, dropped=self._past.dropped)
        self._dropped = dropped
        if segment is not None:
            segment.abandon()
        if shelf is not None:
            shelf.abandon()
        if chain is not None:
            chain.release()

    # -- below: with the upkeep held -----------------------------------------------------------------------------

    def _prepare(self) -> None:
        try:
            self._look_after_files()
            with self._lock:
                if not self._busy and (self._nested or self._nested_drops):
                    self._drain_nested()
            self._heal()
            shelf, segment = self._shelf, self._segment
            if shelf is not None and segment is not None:
                shelf.prepare(segment)
                segment.touch_ahead(self._lock)
        except OSError as error:
            log.warn(
                "spool.prepare", "the spool in %s is in trouble: %s", self.root, error.strerror
            )
        trouble = self._trouble
        if trouble is not None:
            log.warn(
                "spool.memory",
                "spans cannot be written to %s (%s): at most 8 MiB of them wait in memory; TRACKWAY_DIR sets the place",
                self.root / self.destination_id,
                trouble.strerror,
            )

    def _look_after_files(self) -> None:
        segment = self._segment
        if segment is None or not segment.deleted():
            return
        with self._lock:
            if self._segment is not segment:
                return
            self._leave_lost_chain()
        log.warn(
            "spool.deleted",
            "the spool in %s was removed while in use; a new one is begun",
            self.root,
        )

    def _heal(self) -> None:
        if self._trouble is None or self._monotonic() < self._retry_at:
            return
        with self._lock:
            try:
                self._roll(RECORDS_AT)
            except OSError as error:
                self._give_up(error)
                return
            self._trouble = None
        # One at a time, so that no append waits for all of them.
        while self._move_one():
            pass

    def _move_one(self) -> bool:
        with self._lock:
            if not self._ring or self._segment is None or self._busy:
                return False
            self._append_slowly(*self._ring.take())
            return self._segment is not None
