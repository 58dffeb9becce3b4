"""A long outage under load: memory stays bounded, the caller is not disturbed, and all arrives when it is over."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import backend as b
from tests.backend import Backend, Connection, Request
from tests.torture import outage, quiet
from tests.torture.children import start_file

A_SECOND = 1_000
BYTES = 10_000
# What the caller may ask of the system: its own process id (a fork below Python would go unseen), the time where the
# kernel does not map it, memory, and the interpreter's lock when another thread is there.
HARMLESS = {"getpid", "clock_gettime", "gettimeofday", "mmap", "munmap", "brk", "madvise", "futex"}


def test_all_arrives_after_the_outage(home: Path, count: Callable[[int, int], int]) -> None:
    """An outage at 1,000 spans of 10 KB a second: memory grows by 16 MiB at most, and every span arrives once."""
    arrived = Counter[str]()

    def take(connection: Connection, request: Request) -> bool:
        arrived.update(request.span_ids)
        connection.backend.requests.clear()
        return b.status(200)(connection, request)

    with Backend(take, listening=False) as backend:
        program = start_file(
            Path(outage.__file__),
            str(count(4, 600)),
            str(A_SECOND),
            str(BYTES),
            TRACKWAY_ENDPOINT=backend.url,
            TRACKWAY_DIR=str(home),
            TRACKWAY_SPOOL_QUOTA="40GiB",
        )
        with program:
            assert program.stdin is not None
            assert program.stdout is not None
            during = json.loads(program.stdout.readline())
            backend.listen()
            program.stdin.write("\n")
            program.stdin.flush()
            after = json.loads(program.stdout.readline())
        print(during, after, f"drained {during['ended'] / after['took_s']:.0f} spans a second")
    assert (program.returncode, after["delivered"]) == (0, True)
    assert set(arrived.values()) == {1}
    assert len(arrived) == during["ended"]
    assert during["grown_mib"] <= 16
    assert after["grown_mib"] <= 16
    assert 0 < during["mapped_mib"] <= 8


def test_the_caller_asks_nothing_of_the_system(
    home: Path, tmp_path: Path, count: Callable[[int, int], int]
) -> None:
    """From a decorated call to the spool there is no system call but for the process id; page faults are none."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed, so system calls cannot be listed")
    listed = tmp_path / "calls"
    with Backend(listening=False) as backend:
        program = start_file(
            Path(quiet.__file__),
            str(count(20, 2_000)),
            before=[strace, "-f", "-qq", "-o", str(listed)],
            TRACKWAY_ENDPOINT=backend.url,
            TRACKWAY_DIR=str(home),
        )
        _, errors = program.communicate()
    if program.returncode:
        pytest.skip(f"strace cannot follow a process here: {errors.splitlines()[-1:]}")
    windows = made_in_windows(listed.read_text())
    print(sum(windows, Counter()))
    assert len(windows) == count(20, 2_000)
    assert set(sum(windows, Counter[str]())) <= HARMLESS
    # Other threads come and go; what tracing itself did would be in every window.
    assert min(windows, key=Counter.total).keys() <= {"getpid", "clock_gettime"}


def made_in_windows(listed: str) -> list[Counter[str]]:
    """The system calls of the marking thread, by name, in each of the windows that it marked."""
    windows: list[Counter[str]] = []
    thread = None
    for line in listed.splitlines():
        made_by, _, call = line.partition(" ")
        if quiet.BEGIN in line:
            windows.append(Counter())
            thread = made_by
        elif quiet.END in line:
            thread = None
        elif made_by == thread and (name := call.lstrip().partition("(")[0]).isidentifier():
            windows[-1][name] += 1
    return windows
