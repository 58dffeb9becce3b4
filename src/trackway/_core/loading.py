"""What `import trackway` loads, what the first use loads, and how that use is kept from harm.

Theory of operation
-------------------
Every process of an application pays for the import, also one that traces nothing: a command line, a worker that is
recycled. So the import loads only what *declaring* takes: `observe`, `propagate_attributes`, `set_user`, `get_client`
and OpenTelemetry's context (most of the time is the standard library below that one: `logging`, `typing`, `inspect`).
What *recording* takes (OpenTelemetry's trace API, observations, values, settings, the spool) is several times as much,
and is loaded once, at the first use. There are three, and all lead to `client.py`, whose imports are that rest:

- a decorated function is called: `runtime.provider()` has the default client made (`registry.py`);
- `get_client()` is called;
- `trackway.Trackway` or `.Observation` is asked for (the package's `__getattr__`).

Afterwards nothing is looked up anew: `runtime.default` and `runtime.call` hold what a call needs, so that laziness
costs an observation nothing. No module that declaring takes imports one of the rest above its functions; a test
compares `sys.modules`.

The first use may come at any time, and each goes through `loading()`:

- **From several threads at once**: one loads, the others wait for it, as for any import.
- **While this thread is loading**, from a signal handler or a finaliser: modules are half there, so nothing can be
  recorded; the function runs untraced. (`get_client()` has nothing to give there, and raises ImportError.)
- **While another thread forks**: a module's lock that is held by a thread which the child does not have is held for
  ever, and the child would hang in its first call. So a fork waits until the load is over, as it does for the locks of
  `logging`. A fork made in C waits for nothing (see `fork.py`).
  What delivery loads later, on threads of its own, goes through `loading()` for the same reason.
- **While the interpreter is going away**: nothing can be imported any more; the function runs untraced.

Whoever waits, waits `PATIENCE` at most. A thread that holds the lock of a module and runs a finaliser which waits here
for another that wants that module would otherwise wait for ever.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from trackway._core import fork

__all__ = ["loading"]

# Seconds. A load takes 0.1 s, and not much more than 1 s from a cold disk.
PATIENCE: Final = 5.0

_lock = threading.RLock()
_busy = False
_held = False


@contextmanager
def loading() -> Iterator[bool]:
    """A block in which one thread at a time loads, or makes the first client.

    False: now nothing can be loaded, for one of the reasons above.
    """
    global _busy  # noqa: PLW0603 - loading is a thing of the process
    lock = _lock
    if sys.is_finalizing() or not lock.acquire(timeout=PATIENCE):
        yield False
        return
    outermost, _busy = not _busy, True
    try:
        yield outermost
    finally:
        if outermost:
            _busy = False
        lock.release()


def _before_fork() -> None:
    global _held  # noqa: PLW0603 - written and read by the one thread that forks, which holds the lock
    _held = _lock.acquire(timeout=PATIENCE)


def _after_fork() -> None:
    if _held:
        _lock.release()


def _in_child() -> None:
    """The lock may be held by a thread that the child of a fork does not have."""
    global _lock, _busy
    _lock, _busy = threading.RLock(), False


fork.on_child(_in_child)
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork)
