"""A thread that is there only while there is something to do.

Theory of operation. A worker calls its `step` again and again, as soon as the step asks for. It is started by the
first append, ends after some seconds without work, and is started by the next append. Rules:

1. *The application never waits for it.* `start_soon` takes no lock that another holds for long, and `Thread.start`,
   which waits until the new thread runs and gives up the GIL for it, is called from a helper thread.
2. *No lost wake-up.* The thread says that it sleeps (`awake = False`) before its last look for work; who appends
   looks at `awake` afterwards. One of the two sees the other.
3. *Forks.* Python 3.12 warns of a fork beside any second thread, and a child inherits locks as they are: `pause`
   ends the thread before the fork, `resume` allows the next one. In the child everything is new.
4. *The end of the interpreter.* Python 3.12 starts no thread any more then: `wake` says so, and the caller does the
   steps itself.
5. Instrumentations of the application must not trace what we send: the thread runs under OpenTelemetry's keys for
   that.
"""

import _thread
import threading
import time
from collections.abc import Callable
from typing import Final, final

from opentelemetry import context as otel_context

from trackway._core.guard import guard

__all__ = ["Worker", "suppressing"]

IDLE_S: Final = 5.0
LOOK_EVERY_S: Final = 0.5
"""While there is nothing to do, and after an internal error."""
SUPPRESSION: Final = (
    "suppress_instrumentation",
    "suppress_http_instrumentation",
)


SUPPRESSED: Final = True


@final
class Worker:
    """Runs *step* in a thread of its own.

    *step* gets the seconds that it may take, None for as many as it needs, and returns those until it wants
    to be called again, None for "idle".

    *on_exit* runs in the thread when it ends.
    """

    __slots__ = (
        "_condition",
        "_idle_s",
        "_leaving",
        "_name",
        "_on_exit",
        "_paused",
        "_poked",
        "_starting",
        "_step",
        "_stepping",
        "_stopping",
        "_thread",
        "awake",
    )

    def __init__(
        self,
        step: Callable[[float | None], float | None],
        *,
        name: str,
        on_exit: Callable[[], None] = lambda: None,
        idle_s: float = IDLE_S,
    ) -> None:
        self._step = step
        self._name = name
        self._on_exit = on_exit
        self._idle_s = idle_s
        self._reset()

    def _reset(self) -> None:
        self.awake = False
        """Whether the thread will see what is appended now."""
        self._condition = threading.Condition(threading.Lock())
        """Guards the flags and the thread."""
        self._starting = threading.Lock()
        """Held from a `start_soon` until its thread has been started."""
        self._stepping = threading.Lock()
        """One step at a time, whichever thread does it."""
        self._poked = self._stopping = self._paused = False
        self._thread: threading.Thread | None = None
        self._leaving = False
        """Whether it has done its last step."""

    def start_soon(self) -> None:
        """Has the thread started; for the application's threads, so it does not wait for anything."""
        if self._paused or self._stopping or not self._starting.acquire(blocking=False):
            return
        self.awake = True
        try:
            _thread.start_new_thread(self._start, ())
        except RuntimeError:
            # No more threads at the end of the interpreter, or none to be had: the next append, or the exit, tries
            # again.
            self.awake = False
            self._starting.release()

    @property
    def alive(self) -> bool:
        """Whether the thread is there."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def is_me(self) -> bool:
        """Whether the thread that asks is this one."""
        return self._thread is threading.current_thread()

    def wake(self) -> bool:
        """Has a step done at once; False when no thread can do it."""
        with self._condition:
            if self._paused or self._stopping:
                return False
            self._poked = True
            self._condition.notify_all()
            return self._spawn()

    def nudge(self) -> None:
        """Has the thread, if it is there, do a step soon; for the application's threads, so it waits for nothing."""
        self._poked = True
        # Who holds it looks at the flag next, or goes to sleep for no longer than it would have anyway.
        if self._condition.acquire(blocking=False):
            try:
                self._condition.notify_all()
            finally:
                self._condition.release()

    def inline(self, timeout: float) -> float | None:
        """Does a step of *timeout* seconds at most on the caller's thread."""
        if not self._stepping.acquire(timeout=timeout):
            return None
        try:
            return self._step(timeout)
        finally:
            self._stepping.release()

    def alone(self, timeout: float, action: Callable[[], None]) -> None:
        """Does *action* while no step is under way; not at all if one is for longer than *timeout* seconds."""
        if not self._stepping.acquire(timeout=timeout):
            return
        try:
            action()
        finally:
            self._stepping.release()

    def stop(self, timeout: float) -> bool:
        """Ends the thread and lets none start; False when it is still busy after *timeout* seconds."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        return self._joined(timeout)

    def pause(self, timeout: float) -> bool:
        """The same until `resume`."""
        with self._condition:
            self._paused = True
            self._condition.notify_all()
        return self._joined(timeout)

    def resume(self) -> None:
        """Allows a thread again; the next append or `wake` starts it."""
        with self._condition:
            self._paused = False

    def after_fork_in_child(self) -> None:
        """Forgets the parent's thread and the state of its locks."""
        stopped = self._stopping
        self._reset()
        self._stopping = stopped

    # -- inside ------------------------------------------------------------------------------------

    def _start(self) -> None:
        """What the helper thread does."""
        try:
            with self._condition:
                if not self._spawn():
                    self.awake = False
        finally:
            self._starting.release()

    def _spawn(self) -> bool:
        """Starts the thread unless it is there; with the condition held."""
        if self.alive and not self._leaving:
            return True
        if self._paused or self._stopping:
            return False
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread, self._leaving, self.awake = thread, False, True
        return True

    def _joined(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        if self._starting.acquire(timeout=timeout):
            self._starting.release()
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return True
        thread.join(max(deadline - time.monotonic(), 0.0))
        return not thread.is_alive()

    def _run(self) -> None:
        otel_context.attach(suppressing())
        # Once, so that the first append after a pause does not travel alone.
        wait: float | None = None
        idle_since = time.monotonic()
        while self._waited(LOOK_EVERY_S if wait is None else wait):
            wait = self._stepped()
            if wait is not None:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since >= self._idle_s and self._falls_asleep():
                break
        # A thread that was started meanwhile waits for this with its first step.
        with guard("delivery.exit"), self._stepping:
            self._on_exit()

    def _stepped(self) -> float | None:
        with guard("delivery.step"), self._stepping:
            return self._step(None)
        return LOOK_EVERY_S

    def _waited(self, wait: float) -> bool:
        """Waits until the next step; False when there is to be none."""
        with self._condition:
            if not (self._poked or self._paused or self._stopping):
                self._condition.wait(wait)
            self._poked = False
            if self._paused or self._stopping:
                self._leave()
            return not self._leaving

    def _falls_asleep(self) -> bool:
        """Says so, looks for work once more, and whether it ends: nobody has asked for it meanwhile either."""
        self.awake = False
        found = self._stepped()
        with self._condition:
            if found is None and not (self.awake or self._poked):
                self._leave()
                return True
            self.awake = True
            return False

    def _leave(self) -> None:
        """With the condition held: from now on the next append starts another thread."""
        self._leaving = True
        self.awake = False


def suppressing() -> otel_context.Context:
    """The current context, with OpenTelemetry's keys for "do not trace what is sent from here"."""
    current = otel_context.get_current()
    for key in (
        *SUPPRESSION,
        otel_context._SUPPRESS_INSTRUMENTATION_KEY,
        otel_context._SUPPRESS_HTTP_INSTRUMENTATION_KEY,
    ):
        current = otel_context.set_value(key, SUPPRESSED, current)
    return current
