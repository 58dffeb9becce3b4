"""A program that forks again and again beside threads that trace: `python tests/torture/storm.py FORKS`.

What anyone logs goes to standard error first and then waits for a lock that is held nearly all the time, as a handler's
may be by a thread that the child of a fork does not have: a child that logs never ends. An alarm ends it then.
"""

import json
import logging
import os
import signal
import sys
import threading
import warnings

from trackway import get_client

THREADS = 8
EACH_CHILD = 2
PATIENCE_S = 30

held = threading.Lock()
done = threading.Event()


class Blocked(logging.Handler):
    """A handler that writes only when nobody else does."""

    def emit(self, record: logging.LogRecord) -> None:
        os.write(2, f"{record.name}: {record.getMessage()}\n".encode())
        with held:
            pass


def trace(writer: str, number: int) -> None:
    with get_client().start_as_current_observation(name=f"{writer} {number}"):
        pass


def work(index: int, ended: list[int]) -> None:
    while not done.wait(0.002):
        for _ in range(2):
            trace(f"thread {index}", ended[index])
            ended[index] += 1


def keep_the_lock() -> None:
    while not done.is_set():
        with held:
            done.wait(0.01)


def child(number: int) -> None:
    """Never returns; every tenth delivers what it wrote before it ends."""
    signal.alarm(PATIENCE_S)
    status = 1
    try:
        for index in range(EACH_CHILD):
            trace(f"child {number}", index)
        status = 0 if number % 10 or get_client().shutdown(PATIENCE_S) else 2
    finally:
        os._exit(status)


def storm(forks: int) -> dict[str, int]:
    """Forks so often, one child at a time; how the children ended."""
    found = {"ended": 0, "hung": 0, "failed": 0}
    for number in range(forks):
        pid = os.fork()
        if pid == 0:
            child(number)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        found["ended" if status == 0 else "hung" if status == -signal.SIGALRM else "failed"] += 1
    return found


def main() -> None:
    # Python 3.12 warns of forks beside any thread, and these threads are the application's own.
    warnings.simplefilter("ignore", DeprecationWarning)
    logging.getLogger().addHandler(Blocked())
    ended = [0] * THREADS
    threads = [threading.Thread(target=work, args=(n, ended)) for n in range(THREADS)]
    threads.append(threading.Thread(target=keep_the_lock))
    for thread in threads:
        thread.start()
    found = storm(int(sys.argv[1]))
    done.set()
    for thread in threads:
        thread.join()
    # A fork ends the thread that delivers, so after a storm there is a backlog; what stays of it would be logged.
    get_client().flush(600.0)
    print(json.dumps({"threads": ended, **found}), flush=True)


if __name__ == "__main__":
    main()
