"""A program that traces, and ends in the way that it is told: `python tests/torture/exits.py WAY OBSERVATIONS`.

It is an application like any other: it knows the public names and the environment alone. Each writer (the process, its
children) names its observations after itself, so that who looks afterwards knows what has to be there.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.context import BaseContext

from trackway import get_client

CHILDREN = ("child 0", "child 1", "child 2")


def trace(writer: str) -> None:
    """What the application does: observations that have ended when this returns."""
    client = get_client()
    for number in range(int(sys.argv[2])):
        with client.start_as_current_observation(name=f"{writer} {number}", input=[writer, number]):
            pass


def returns() -> None:
    trace("main")


def exits() -> None:
    trace("main")
    sys.exit(3)


def raises() -> None:
    trace("main")
    raise LookupError("uncaught")


def leaves() -> None:
    trace("main")
    os._exit(4)


def aborts() -> None:
    trace("main")
    os.abort()


def is_signalled() -> None:
    # Ignored where the suite itself runs in the background of a shell.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    trace("main")
    print("ready", flush=True)
    # Not `signal.pause`: a signal in the moment before it would be handled when it returns, which is never.
    forever = threading.Event()
    while not forever.wait(0.1):
        pass


def handles_sigterm() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
    is_signalled()


# -- with children ----------------------------------------------------------------------------------------------------


def pool() -> None:
    trace("main")
    # Leaving the block kills the workers with SIGTERM.
    with multiprocessing.get_context("fork").Pool(2) as workers:
        workers.map(trace, CHILDREN, chunksize=1)
    trace("main again")


def pool_of_one_task_each() -> None:
    trace("main")
    workers = multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1)
    workers.map(trace, CHILDREN, chunksize=1)
    workers.close()
    workers.join()
    trace("main again")


def executor() -> None:
    trace("main")
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as workers:
        list(workers.map(trace, CHILDREN))
    trace("main again")


def forks() -> None:
    processes(multiprocessing.get_context("fork"))


def spawns() -> None:
    processes(multiprocessing.get_context("spawn"))


def forkserver() -> None:
    processes(multiprocessing.get_context("forkserver"))


def processes(context: BaseContext) -> None:
    trace("main")
    started = [context.Process(target=trace, args=(child,)) for child in CHILDREN]  # type: ignore[attr-defined]  # typeshed has it in the subclasses
    for child in started:
        child.start()
    for child in started:
        child.join()
    trace("main again")


def os_fork() -> None:
    """Children that go on to the end of the program, as the parent does."""
    trace("main")
    for child in CHILDREN:
        if os.fork() == 0:
            trace(child)
            sys.exit(6)
    for _ in CHILDREN:
        os.wait()
    trace("main again")


def c_fork() -> None:
    """Forked below Python, as uWSGI does it: no hook of Python runs, nor does the end of the interpreter.

    Not beside a thread that waits for the interpreter's lock: the child would inherit that lock with a waiter that it
    does not have, and CPython itself hangs. So the client is there, ids were drawn, but no thread was needed yet.
    """
    get_client().create_trace_id()
    library = ctypes.PyDLL(None)
    for child in CHILDREN:
        if library.fork() == 0:
            trace(child)
            library._exit(0)
    for _ in CHILDREN:
        os.wait()
    trace("main")
    trace("main again")


# -- all of them ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """A way to end, and what follows from it."""

    run: Callable[[], None]
    status: int | None = 0
    """None where CPython itself does not always say the same."""
    sent: signal.Signals | None = None
    """The signal that ends it once it is ready."""
    abrupt: bool = True
    """Whether some process ends without a chance to write down what was answered."""
    children: bool = False

    @property
    def writers(self) -> tuple[str, ...]:
        return ("main", "main again", *CHILDREN) if self.children else ("main",)


WAYS = {
    "return": Way(returns, abrupt=False),
    "sys.exit": Way(exits, 3, abrupt=False),
    "exception": Way(raises, 1, abrupt=False),
    "os._exit": Way(leaves, 4),
    "abort": Way(aborts, -signal.SIGABRT),
    "sigterm": Way(is_signalled, -signal.SIGTERM, signal.SIGTERM),
    "sigterm-handled": Way(handles_sigterm, 5, signal.SIGTERM, abrupt=False),
    # An interrupted process whose exit hooks compile anything ends with 1 instead of the signal.
    "sigint": Way(is_signalled, None, signal.SIGINT, abrupt=False),
    "pool": Way(pool, children=True),
    "pool-one-task": Way(pool_of_one_task_each, children=True),
    "executor": Way(executor, children=True),
    "fork": Way(forks, children=True),
    "spawn": Way(spawns, children=True),
    "forkserver": Way(forkserver, children=True),
    "os.fork": Way(os_fork, children=True, abrupt=False),
    "c-fork": Way(c_fork, children=True),
}


if __name__ == "__main__":
    WAYS[sys.argv[1]].run()
