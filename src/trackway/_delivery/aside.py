"""Calls of code that is not ours, one at a time in a thread of their own: one that never returns keeps nobody waiting.

The thread is there while there is something to call. Where none can be started (from Python 3.12 on the end of the
interpreter allows none) the call is made at once, and its own patience is the limit.
"""

import os
import queue
import threading
from collections.abc import Callable
from typing import Final, final

__all__ = ["Aside", "Errand"]

# For the thread to end after its last call; a fork beside a second thread is warned about.
GOODBYE_S: Final = 0.1


@final
class Errand:
    """A call, and whether it has returned."""

    __slots__ = ("_call", "done")

    def __init__(self, call: Callable[[], None]) -> None:
        self._call = call
        self.done = threading.Event()

    def run(self) -> None:
        """Makes the call."""
        try:
            self._call()
        finally:
            self.done.set()


@final
class Aside:
    """Made by one thread at a time; *name* is the thread's."""

    __slots__ = ("_name", "_pid", "_queue", "_thread")

    def __init__(self, name: str) -> None:
        self._name = name
        self._pid = 0
        self._thread: threading.Thread | None = None
        self._queue: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()

    def begin(self, call: Callable[[], None]) -> Errand:
        """Has *call* made after those that were begun before."""
        errand = Errand(call)
        if self._ready():
            self._queue.put(errand)
        else:
            errand.run()
        return errand

    def end(self) -> None:
        """Has the thread end after its last call, without waiting for one that does not return."""
        thread, self._thread = self._thread, None
        if thread is not None and self._pid == os.getpid():
            self._queue.put(None)
            thread.join(GOODBYE_S)

    def _ready(self) -> bool:
        """Whether there is a thread; the one of a parent process is none."""
        if self._thread is not None and self._pid == os.getpid():
            return True
        self._pid = os.getpid()
        self._queue = queue.SimpleQueue()
        thread = threading.Thread(target=_work, args=(self._queue,), name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True


def _work(errands: "queue.SimpleQueue[Errand | None]") -> None:
    while (errand := errands.get()) is not None:
        errand.run()
