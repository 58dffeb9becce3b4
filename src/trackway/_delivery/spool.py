"""What the application's threads call when a span ends, and what the worker does so that they need not wait.

Theory of operation.

1. `append` takes one lock, which is never held across I/O while all is well: it stores into a mapping and returns. A
   kill at any moment afterwards loses nothing (see `record` for the order of the stores).
2. The worker calls `prepare` at least as often as it syncs; it does ahead what appends would wait for. Without it all
   still works: an append that finds the segment full makes the next one itself (0.5 ms). *recycle*, *space*: `live`.
3. *Re-entrancy.* A signal handler or a `__del__` that runs in the middle of an append on the same thread is let in by
   the lock; the busy flag sends its record to a side queue, which the interrupted append writes before it returns.
4. *No usable disk.* Full, read-only, not ours, out of descriptors: records wait in memory, at most 8 MiB, the oldest go
   first and are counted; `prepare` tries the disk again once a second, and what waits then goes to disk.
5. *Fork.* A child owns nothing: it closes its copies, never unlocks, never stores into the parent's mapping, and opens
   a chain of its own at its next append. What waited in the parent's memory is the parent's.
6. Nothing is logged from `append`: a log handler may hold a lock for which a tracing thread waits. `prepare` does it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, final

from trackway._core import log
from trackway._delivery import platform
from trackway._delivery.chain import Clock
from trackway._delivery.counters import ChainCounters, DeliveryCounters, add_totals
from trackway._delivery.live import LiveChain, Space, open_chain
from trackway._delivery.memory import MemoryRing
from trackway._delivery.record import HEADER_SIZE, KIND_SPAN, MAX_PAYLOAD, Record, padded
from trackway._delivery.segment import RECORDS_AT
from trackway._delivery.tally import Scopes, Tally
from trackway._delivery.writers import Segment, place

__all__ = ["Spool", "Sync"]

RETRY_DISK_NS: Final = 1_000_000_000

Sync = float | Literal["always", "never"]


@final
class Spool:
    """One destination's write side in this process; safe from every thread, from signal handlers and after forks."""

    def __init__(  # noqa: PLR0913 - what describes a destination, by name
        self,
        root: Path,
        destination_id: str,
        *,
        description: Mapping[str, str] | None = None,
        quota: int | None = None,
        sync: Sync = 0.5,
        recycle: bool = False,
        space: Space | None = None,
        clock: Clock = time.time_ns,
        monotonic: Clock = time.monotonic_ns,
    ) -> None:
        self.root, self.destination_id = root, destination_id
        self.recycle, self.space = recycle, space
        self.quota = quota
        """Bytes that the destination may occupy; who delivers it sees to that."""
        self.on_append: Callable[[], object] | None = None
        self.on_roll: Callable[[], object] | None = None
        """Called after every append, and when a segment is full, on the application's thread: cheap, never raising."""
        self._description = dict(description or {})
        self._sync: Sync = sync
        self._always = sync == "always"
        self._clock = clock
        self._monotonic = monotonic
        self._scopes = Scopes()
        self._reset()

    def _reset(self) -> None:
        """The state of a process that has not appended yet."""
        self._lock = threading.RLock()
        """Guards what is below; held for one record, or for making a segment when none was ready."""
        self._busy = False
        self._nested: deque[tuple[bytes, int, int, int]] = deque()
        self._nested_drops: deque[tuple[str, int]] = deque()
        self._segment: Segment | None = None
        self._live: LiveChain | None = None
        self._lost: list[tuple[LiveChain, Segment | None]] = []
        self._ring = MemoryRing()
        self.trouble: OSError | None = None
        """Why records wait in memory, if they do."""
        self._retry_at = 0
        self._tally = Tally()
        self._upkeep = threading.RLock()
        """One at a time for everything that touches the disk and is not an append."""
        self._in_upkeep = False

    # -- the application's threads

    def register_scope(self, resource: bytes, scope: bytes) -> int:
        """The id under which spans of this resource and scope are appended, for as long as the spool lives."""
        with self._alone():
            return self._scopes.register(resource, scope)

    def append(self, payload: bytes, scope: int, kind: int = KIND_SPAN, flags: int = 0) -> None:
        """Keeps an ended span: on disk when this returns. Never raises, never waits."""
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
            except OSError:
                # Only a plain file raises here: it cannot grow. Another one may be begun.
                self._put_segment_away()
                self._append_slowly(payload, scope, kind, flags)
            finally:
                self._busy = False
            if self._nested or self._nested_drops:
                self._drain_nested()
        if (hook := self.on_append) is not None:
            hook()

    def count_dropped(self, reason: str, n: int = 1) -> None:
        """Counts spans that ended and are not kept ("sampled", "filtered" …; see `segment.DROP_REASONS`)."""
        with self._lock:
            self._nested_drops.append((reason, n))
            if not self._busy:
                self._drain_nested()

    def counters(self) -> ChainCounters:
        """What this process has ended so far, in chains that it has closed too."""
        with self._alone():
            waiting = len(self._ring) + len(self._nested)
            return self._tally.sum(self._appended(), waiting, tuple(self._nested_drops))

    @property
    def writer_kind(self) -> Literal["mmap", "file", "memory"]:
        """Where an append goes now, or would go first."""
        if self._segment is None and self.trouble is not None:
            return "memory"
        maps = platform.capabilities.map if self._segment is None else self._segment.kind == "mmap"
        return "mmap" if maps else "file"

    @property
    def scopes(self) -> dict[int, tuple[bytes, bytes]]:
        """Resource and scope by id, as `ChainReader.scopes`: for records that come out of memory."""
        return self._scopes.all()

    def live_chain(self) -> Path | None:
        """The chain that this process appends to."""
        return None if (live := self._live) is None else live.path

    def tail(self) -> tuple[int, int]:
        """Segment and offset behind the last append: a reader of the live chain that is there has read all."""
        with self._lock:
            segment = self._segment
            return (0, 0) if segment is None else (segment.number, segment.offset)

    # -- the worker

    def prepare(self) -> None:
        """Does ahead what appends would have to wait for, and goes back to a disk that has healed. Never raises."""
        self._keep_up(self._prepare, "is in trouble")

    def sync(self) -> None:
        """Returns when what was appended before is on the disk, whatever happens to the power. Never raises."""
        if self._sync != "never":
            self._keep_up(self._sync_files, "cannot be synced")

    def settle(self, records: int) -> None:
        """Tells how many records of the live chain are delivered in all: the rest is lost if the files vanish."""
        if (live := self._live) is not None:
            live.settled = records

    def read_memory(self, max_bytes: int = 1 << 20, max_records: int = 1_000) -> list[Record]:
        """Records that wait in memory, for a worker that can deliver them from there; see `scopes`."""
        with self._alone():
            return self._ring.read(max_bytes, max_records)

    def release_memory(self, end: int) -> int:
        """Forgets the records before *end*, which were delivered; how many were still there to be counted so."""
        with self._alone():
            released = self._ring.release(end)
            self._tally.from_memory += released
            return released

    def close(self) -> None:
        """Gives the chain up to whoever delivers it; an append after this opens a new one. Never raises."""
        with self._upkeep:
            if self._in_upkeep:
                # A signal handler in the middle of `prepare`: what is left is given up at exit, by the kernel.
                return
            self._retry_at = 0
            if self._ring or self._nested or self._nested_drops:
                self.prepare()
            with self._alone():
                while self._ring:
                    self._ring.take()
                    self._drop("no_disk", 1)
                dropped = self._tally.close_chain(self._appended())
                segment, live = self._segment, self._live
                self._segment = self._live = None
            try:
                self._look_after_files()
                if live is not None:
                    live.close(segment)
                elif dropped:
                    add_totals(self.root, self.destination_id, DeliveryCounters(dropped=dropped))
            except OSError as error:
                self._warn("was not closed well", error)

    def after_fork_in_child(self) -> None:
        """Makes this spool the child's own: called in a forked child before anything else; logs and starts nothing."""
        copies = [*self._lost, *([] if self._live is None else [(self._live, self._segment)])]
        self._reset()
        for live, segment in copies:
            live.abandon(segment)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The lock, and a signal handler's appends wait until this is done."""
        with self._lock:
            interrupting, self._busy = self._busy, True
            try:
                yield
            finally:
                self._busy = interrupting
            if not interrupting:
                self._drain_nested()

    # -- below: with the lock held

    def _append_slowly(self, payload: bytes, scope: int, kind: int, flags: int) -> None:
        """An append that has to open something, or to write a scope, or has nowhere to go."""
        if len(payload) > MAX_PAYLOAD:
            self._drop("too_large", 1)
        elif self._segment is None and self.trouble is not None:
            self._keep_in_memory(payload, scope, kind, flags)
        else:
            try:
                self._write(payload, scope, kind, flags)
            except OSError as error:
                self._give_up(error)
                self._keep_in_memory(payload, scope, kind, flags)

    def _write(self, payload: bytes, scope: int, kind: int, flags: int) -> None:
        described = self._scopes.described(scope)
        segment = self._segment
        if segment is None or not place(segment, described, (payload, scope, kind, flags)):
            lengths = len(described), len(payload)
            segment = self._roll(RECORDS_AT + sum(padded(HEADER_SIZE + n) for n in lengths))
            place(segment, described, (payload, scope, kind, flags))
        if self._always:
            segment.sync()

    def _roll(self, needed: int) -> Segment:
        """Goes on in a segment that has room for *needed* bytes: the spare one, or one made here and now."""
        self._put_segment_away()
        try:
            return self._next_segment(needed)
        except FileNotFoundError:
            # The folder was removed underneath.
            self._leave_lost_chain()
            return self._next_segment(needed)

    def _next_segment(self, needed: int) -> Segment:
        live = self._live
        if live is None:
            live = self._live = open_chain(
                self.root, self.destination_id, self._description, self._clock
            )
            live.recycle, live.space = self.recycle, self.space
        self._segment = segment = live.take(needed, self._tally.dropped, self._clock())
        if self._always:
            live.sync_names()
        if (hook := self.on_roll) is not None:
            hook()
        return segment

    def _put_segment_away(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None and self._live is not None:
            self._live.retire(segment)

    def _give_up(self, error: OSError) -> None:
        """From now on records wait in memory, until `prepare` finds the disk healed."""
        self._put_segment_away()
        self.trouble = error
        self._retry_at = self._monotonic() + RETRY_DISK_NS

    def _keep_in_memory(self, payload: bytes, scope: int, kind: int, flags: int) -> None:
        if gone := self._ring.append(payload, scope, kind, flags):
            self._drop("no_disk", gone)

    def _drop(self, reason: str, n: int) -> None:
        known, total = self._tally.drop(reason, n)
        if self._segment is not None:
            self._segment.count_dropped(known, total)

    def _drain_nested(self) -> None:
        while self._nested or self._nested_drops:
            self._busy = True
            try:
                if self._nested_drops:
                    self._drop(*self._nested_drops.popleft())
                if self._nested:
                    self._append_slowly(*self._nested.popleft())
            finally:
                self._busy = False

    def _appended(self) -> int:
        """Records of the live chain."""
        if self._segment is not None:
            return self._segment.count
        return 0 if self._live is None else self._live.count

    def _leave_lost_chain(self) -> None:
        """The chain's files were removed underneath: what nobody had read yet is lost, and is counted."""
        segment, live, appended = self._segment, self._live, self._appended()
        self._segment = self._live = None
        if live is not None:
            self._tally.lose_chain(appended, live.settled)
            # Closed under the upkeep, which may be syncing these very descriptors.
            self._lost.append((live, segment))

    # -- below: with the upkeep held

    def _keep_up(self, work: Callable[[], None], failure: str) -> None:
        with self._upkeep:
            if self._in_upkeep:
                return
            self._in_upkeep = True
            try:
                work()
            except OSError as error:
                self._warn(failure, error)
            finally:
                self._in_upkeep = False

    def _sync_files(self) -> None:
        self._look_after_files()
        live, segment = self._live, self._segment
        if live is not None:
            live.sync(segment)

    def _prepare(self) -> None:
        self._look_after_files()
        if self._nested or self._nested_drops:
            # An exception out of a signal handler kept the append from doing it.
            self.counters()
        self._heal()
        live, segment = self._live, self._segment
        if live is not None and segment is not None:
            live.prepare(segment, self._lock)
            segment.touch_ahead(self._lock)
        if self.trouble is not None:
            self._warn("takes no more spans, at most 8 MiB wait in memory", self.trouble)

    def _warn(self, what: str, error: OSError | None = None) -> None:
        why = "" if error is None else f" ({error.strerror})"
        place = self.root / self.destination_id
        log.warn(f"spool: {what}", "the spool %s %s%s; see TRACKWAY_DIR", place, what, why)

    def _look_after_files(self) -> None:
        segment = self._segment
        if segment is not None and segment.deleted():
            with self._alone():
                if self._segment is segment:
                    self._leave_lost_chain()
        while self._lost:
            live, segment = self._lost.pop()
            live.abandon(segment)
            self._warn("was removed while in use; a new one is begun")

    def _heal(self) -> None:
        if self.trouble is None or self._monotonic() < self._retry_at:
            return
        with self._alone():
            try:
                self._roll(RECORDS_AT)
            except OSError as error:
                self._give_up(error)
                return
            self.trouble = None
        # One at a time, so that no append waits for all of them.
        while self._move_one():
            pass

    def _move_one(self) -> bool:
        with self._alone():
            if not self._ring or self._segment is None:
                return False
            self._append_slowly(*self._ring.take())
            return self.trouble is None
