"""The delivery of one client: its spools, the threads that look after them, and when they begin and end.

Theory of operation.

- *Two workers at most.* One looks after the spools' files (what appends would have to wait for, and the sync every
  500 ms). With a remote destination another one delivers: a request may take 15 s, and a power cut must not cost
  the spans of 15 s. Both are there only while there is something to do.
- *flush* waits until all that had ended is settled at the remote destination, and on disk for the local one. It
  ends a backoff, once; it does not wait out a rest that is longer than its own patience.
- *Forks.* Before a fork the workers are stopped, for 0.3 s at most: Python 3.12 warns of a fork beside a thread.
  Parent and child start their own at the next need. The child has chains of its own and leaves its parent's alone.
- *Exit.* 2 s are spent on delivering; what is left stays in the spool, which the next process of the same
  destination, or `trackway spool drain`, delivers. From Python 3.12 on no thread starts then, so it is done on the
  exiting thread.
- *Frozen processes.* Where one may be frozen between two requests, the end of each root observation delivers, for as
  long as an exit would.
"""

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, final

from trackway._core import fork
from trackway._core.backend import Remote
from trackway._core.protocols import PriceSource
from trackway._core.settings import Settings
from trackway._delivery import platform
from trackway._delivery.caretaker import Caretaker
from trackway._delivery.chain import dating, spool_root
from trackway._delivery.complaints import Blame, tell_what_stays
from trackway._delivery.destination import LOCAL, description_of, identity_of
from trackway._delivery.exporter import Exporter, Mark, Poster
from trackway._delivery.posting import new_poster
from trackway._delivery.spool import Spool
from trackway._delivery.stats import DeliveryStats, destination_stats
from trackway._delivery.worker import Worker

if TYPE_CHECKING:
    from trackway._delivery.sdk_exporter import SdkExporter

__all__ = ["Delivery", "exporter_for", "open_delivery"]

FLUSH_S: Final = 30.0
"""The patience of a flush that names none; OpenTelemetry's `force_flush` has the same."""
EXIT_S: Final = 2.0
FORK_S: Final = 0.3
# A spool may keep 8 MiB of files to write again, which a small quota wants for spans.
RECYCLED_FROM: Final = 64 << 20
# For the shutdown of an application's exporter where the flush before it has used up the time.
GOODBYE_S: Final = 0.1


def open_delivery(
    settings: Settings,
    *,
    foreign: "SdkExporter | None" = None,
    prices: PriceSource | None = None,
    exit_timeout: float = EXIT_S,
) -> "Delivery":
    """The delivery that *settings* describe; touches no file and starts no thread before the first span ends.

    *foreign*: the exporter of the application's that the remote destination is. *prices* adds costs on the way there.
    """
    return Delivery(settings, foreign, prices, exit_timeout=exit_timeout)


def exporter_for(
    settings: Settings,
    remote: Remote,
    spool: Spool | None = None,
    foreign: "SdkExporter | None" = None,
    prices: PriceSource | None = None,
) -> Exporter:
    """What delivers to *remote*: the chain of *spool*, and those that dead processes left."""

    def poster() -> Poster:
        return new_poster(settings, remote) if foreign is None else foreign

    return Exporter(
        spool_root(settings.directory),
        identity_of(remote),
        poster,
        spool=spool,
        blame=Blame(remote.setting, remote.auth_setting),
        quota=settings.spool_quota,
        retry_for=settings.retry_for,
        complete=None if prices is None else prices.complete,
    )


@final
class Delivery:
    """Made by `open_delivery`; safe from every thread."""

    def __init__(
        self,
        settings: Settings,
        foreign: "SdkExporter | None" = None,
        prices: PriceSource | None = None,
        *,
        exit_timeout: float,
    ) -> None:
        self.foreign = foreign
        self.root = spool_root(settings.directory)
        self._settings = settings
        self._exit_timeout = exit_timeout
        self._dating = dating()
        remote = settings.remote if settings.enabled else None
        self._remote = None if remote is None else self._spool(identity_of(remote), remote)
        self._local = self._spool(LOCAL, None) if settings.enabled and settings.local else None
        self.sinks = tuple(s for s in (self._remote, self._local) if s is not None)
        """Where a span that ended is appended: the remote destination first, then the local one."""
        self._caretaker = Caretaker(self.sinks, settings)
        self.exporter: Exporter | None = None
        if remote is not None:
            self.exporter = exporter_for(settings, remote, self._remote, foreign, prices)
        self._deliverer = Worker(self._step, name="trackway-export", on_exit=self._resting)
        self._closed = self._left_behind = self._let_go = False
        self._deadline = 0.0
        """Until when a shutdown may last."""
        self._reset()
        for sink in self.sinks:
            sink.on_append = self._on_append_to(sink)
        if self._remote is not None:
            self._remote.on_roll = self._deliverer.nudge
        if self.sinks:
            _deliveries.add(self)
            fork.on_child(self._in_child)
            atexit.register(self._at_exit)

    def _reset(self) -> None:
        self._progress = threading.Condition(threading.Lock())
        """Told of every step of the exporter."""
        self._urgency = threading.Lock()
        self._busy: set[int] = set()
        """The application's threads that are in here."""

    # -- what the client calls ---------------------------------------------------------------------

    def flush(self, timeout: float | None = None) -> bool:
        """Whether all that had ended was accepted (remote) or is on disk (local) within *timeout* s, 30 by default."""
        deadline = time.monotonic() + (FLUSH_S if timeout is None else timeout)
        if self._local is not None:
            self._local.sync()
        with self._at_work():
            flushed = self._flush_remote(deadline)
        if self.foreign is None or self._remote is None or self._remote.live_chain() is None:
            return flushed
        return self.foreign.flush(max(deadline - time.monotonic(), 0.0)) and flushed

    def before_freeze(self) -> None:
        """Delivers what has ended, within 2 s: the process may not run on for long after this.

        Not where a finalizer or a signal handler ended the observation in the middle of a delivery on the same thread:
        that one goes on with it.
        """
        if (
            threading.get_ident() in self._busy
            or self._caretaker.worker.is_me()
            or self._deliverer.is_me()
        ):
            return
        with self._at_work():
            self._flush_remote(time.monotonic() + self._exit_timeout)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Remembers that this thread delivers, and may hold a lock for it."""
        me = threading.get_ident()
        nested = me in self._busy
        self._busy.add(me)
        try:
            yield
        finally:
            if not nested:
                self._busy.discard(me)

    def _take_along(self, deadline: float) -> None:
        """Delivers what dead processes left, the children of this one most likely, as far as the time allows."""
        if self.exporter is not None:
            self.exporter.look_for_orphans()
            self._flush_remote(deadline, orphans=True)

    def shutdown(self, timeout: float | None = None) -> bool:
        """Flushes, then ends the threads and closes the files; what ends afterwards is for the next process to send.

        Touches what this process wrote, not what its parent did. A second call does nothing, and says so with True.
        """
        if self._closed:
            return True
        self._deadline = deadline = time.monotonic() + (FLUSH_S if timeout is None else timeout)
        flushed = self.flush(max(deadline - time.monotonic(), 0.0))
        if flushed:
            with self._at_work():
                self._take_along(deadline)
        self._closed = True
        self._unregister()
        left = max(deadline - time.monotonic(), 0.1)
        self._caretaker.stop(left)
        ended = self._deliverer.stop(left)
        for sink in self.sinks:
            sink.on_append = sink.on_roll = None
            sink.close()
        # A request may be under way for longer than the caller has time: who makes it does the rest when it ends.
        self._left_behind = True
        if ended or not self._deliverer.alive:
            self._deliverer.alone(left, self._release)
        # Not for what others have waiting: the child of a fork would speak of its parent's, and in a log handler whose
        # lock a thread of the parent has.
        if not flushed:
            self._say_what_stays()
        return flushed

    def stats(self) -> DeliveryStats:
        """What became of every span that ended, for each destination, over living and dead processes."""
        found = []
        if self._remote is not None and self.exporter is not None:
            more = self.exporter.memory_counters
            found.append(
                destination_stats(self.root, self._remote.destination_id, self._remote, more)
            )
        if self._local is not None:
            found.append(destination_stats(self.root, LOCAL, self._local))
        return DeliveryStats(destinations=tuple(found))

    # -- the application's threads -----------------------------------------------------------------

    def _spool(self, destination: str, remote: Remote | None) -> Spool:
        settings = self._settings
        quota = None if remote is None else settings.spool_quota
        return Spool(
            self.root,
            destination,
            description=description_of(remote),
            quota=quota,
            sync=settings.sync,
            recycle=quota is not None and quota >= RECYCLED_FROM,
            space=platform.disk_space if quota is None else None,
            clock=self._dating,
        )

    def _on_append_to(self, sink: Spool) -> Callable[[], None]:
        """The hook of a spool: two attributes are looked at, 60 ns, unless a thread is missing."""
        caretaker = self._caretaker.worker
        if sink is not self._remote:

            def on_local() -> None:
                if not caretaker.awake:
                    caretaker.start_soon()

            return on_local
        deliverer = self._deliverer

        def on_remote() -> None:
            if not caretaker.awake:
                caretaker.start_soon()
            if not deliverer.awake:
                deliverer.start_soon()

        return on_remote

    # -- flush -------------------------------------------------------------------------------------

    def _flush_remote(self, deadline: float, *, orphans: bool = False) -> bool:
        exporter, spool = self.exporter, self._remote
        if exporter is None or spool is None:
            return True
        if spool.live_chain() is None and not spool.counters().in_memory:
            return True
        mark = exporter.mark(orphans=orphans)
        self._urge(exporter, 1)
        try:
            if self._deliverer.wake():
                return self._wait(exporter, mark, deadline)
            return self._drain_here(exporter, mark, deadline)
        finally:
            self._urge(exporter, -1)

    def _urge(self, exporter: Exporter, more: int) -> None:
        with self._urgency:
            exporter.urgent += more

    def _wait(self, exporter: Exporter, mark: Mark, deadline: float) -> bool:
        hurried = False
        with self._progress:
            while not exporter.passed(mark):
                left, rest = deadline - time.monotonic(), exporter.rests_for()
                if left <= 0:
                    return False
                if rest and not hurried and exporter.hurry():
                    hurried = self._deliverer.wake()
                elif rest > left:
                    return False
                self._progress.wait(min(left, 1.0))
            return True

    def _drain_here(self, exporter: Exporter, mark: Mark, deadline: float) -> bool:
        """The worker's steps, on this thread: at the end of the interpreter no other can be started."""
        exporter.hurry()
        while not exporter.passed(mark):
            left = deadline - time.monotonic()
            if left <= 0 or exporter.rests_for() > left:
                return False
            pause = self._deliverer.inline(left)
            if self._left_behind:
                self._deliverer.alone(0.0, self._release)
                break
            if pause:
                time.sleep(min(pause, left))
        return exporter.passed(mark)

    # -- the workers -------------------------------------------------------------------------------

    def _step(self, timeout: float | None = None) -> float | None:
        exporter = self.exporter
        if exporter is None:
            return None
        try:
            return exporter.step(timeout)
        finally:
            with self._progress:
                self._progress.notify_all()

    def _resting(self) -> None:
        """The delivering thread ends."""
        if self.exporter is not None:
            self.exporter.idle()
        if self._left_behind:
            self._release()

    def _release(self) -> None:
        """After the end of everything else: by whichever thread is the last."""
        with self._urgency:
            first, self._let_go = not self._let_go, True
        if first and self.exporter is not None:
            self.exporter.retire()
            self.exporter.close()
            if self.foreign is not None:
                self.foreign.shutdown(max(self._deadline - time.monotonic(), GOODBYE_S))

    # -- forks and the end -------------------------------------------------------------------------

    def before_fork(self, deadline: float) -> None:
        """Ends the threads, as far as that can be done until *deadline*."""
        for worker in (self._caretaker, self._deliverer):
            worker.pause(max(deadline - time.monotonic(), 0.0))

    def after_fork_in_parent(self) -> None:
        """Allows them again; the next append starts them."""
        self._caretaker.resume()
        self._deliverer.resume()

    def _in_child(self) -> None:
        self._reset()
        self._caretaker.after_fork_in_child()
        self._deliverer.after_fork_in_child()
        if self.exporter is not None:
            self.exporter.after_fork_in_child()
        for sink in self.sinks:
            sink.after_fork_in_child()

    def _at_exit(self) -> None:
        self._caretaker.leave = True
        self.shutdown(self._exit_timeout)

    def _unregister(self) -> None:
        _deliveries.discard(self)
        fork.forget(self._in_child)
        atexit.unregister(self._at_exit)

    def _say_what_stays(self) -> None:
        if self._remote is None:
            return
        destination = self._remote.destination_id
        left = destination_stats(self.root, destination).in_spool
        tell_what_stays(left, self.root / destination, drains=self.foreign is None)


_deliveries: Final[weakref.WeakSet[Delivery]] = weakref.WeakSet()


def _before_fork() -> None:
    deadline = time.monotonic() + FORK_S
    for delivery in tuple(_deliveries):
        delivery.before_fork(deadline)


def _after_fork_in_parent() -> None:
    for delivery in tuple(_deliveries):
        delivery.after_fork_in_parent()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent)
