"""Processes that live for one record each leave little, and nothing is lost."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests._delivery.spools import DESTINATION, numbered, payloads, spool_at
from trackway._delivery.chain import chains, claim
from trackway._delivery.counters import DeliveryCounters, fold
from trackway._delivery.survey import survey

MIB_PER_PROCESS = (1 << 20) / 100


def occupied(folder: Path) -> int:
    """Bytes on disk of everything below a folder, folders included."""
    return sum(path.lstat().st_blocks * 512 for path in (folder, *folder.rglob("*")))


def live_once(home: Path, number: int, *, clean: bool) -> None:
    """A process that appends one record, then ends well or is gone."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            spool, scope = spool_at(home)
            spool.append(numbered(number, 1200), scope)
            if clean:
                spool.close()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_clean_ends_leave_little(home: Path, count: Callable[[int, int], int]) -> None:
    """A hundred processes that end well occupy 1 MiB at most, until one drain takes all and leaves nothing."""
    processes = count(60, 300)
    for number in range(processes):
        live_once(home, number, clean=True)
    assert occupied(home) <= processes * MIB_PER_PROCESS
    assert drain(home) == [numbered(number, 1200) for number in range(processes)]
    assert occupied(home) <= 64 << 10
    found = survey(home / "spool", DESTINATION)
    assert (found.delivery.acked, found.in_spool, found.chains) == (processes, 0, 0)


def test_killed_processes_leave_little_once_claimed(
    home: Path, count: Callable[[int, int], int]
) -> None:
    """What killed processes leave takes 64 KiB each, and 1 MiB for a hundred as soon as someone claimed it."""
    processes = count(30, 300)
    for number in range(processes):
        live_once(home, number, clean=False)
    assert occupied(home) <= processes * (80 << 10)
    for chain in chains(home / "spool", DESTINATION):
        with claim(chain) or pytest.fail("the dead own nothing"):
            pass
    assert occupied(home) <= processes * MIB_PER_PROCESS
    assert survey(home / "spool", DESTINATION).in_spool == processes
    assert drain(home) == [numbered(number, 1200) for number in range(processes)]


def drain(home: Path) -> list[bytes]:
    """Takes all that dead processes left, as a deliverer does."""
    taken: list[bytes] = []
    for chain in chains(home / "spool", DESTINATION):
        with claim(chain) or pytest.fail("the dead own nothing") as lock:
            found = payloads(chain, live=False)
            taken += found
            fold(lock, DeliveryCounters(acked=len(found)))
    return taken
