"""The caller's path never gives up the GIL: beside a busy thread, a release costs milliseconds, and the call waits."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.properties.gil_rounds import PER_ROUND

ROUNDS = Path(__file__).with_name("gil_rounds.py")


def releases(work: str, rounds: int) -> int:
    """In how many rounds of *work* the GIL was given up."""
    run = subprocess.run(
        [sys.executable, ROUNDS, work, str(rounds)], stdout=subprocess.PIPE, text=True, check=True
    )
    return int(run.stdout)


def test_no_observation_gives_up_the_gil(count: Callable[[int, int], int]) -> None:
    """Observations of every kind give up the GIL 0 times while a spare segment is ready."""
    assert releases("observations", count(10_000, 200_000) // PER_ROUND) == 0


@pytest.mark.parametrize("work", ["write", "crc32"])
def test_a_release_is_seen(work: str) -> None:
    """A system call, or a checksum of 8 KiB, as often as requests are observed is found out."""
    # Beside a busy machine the other thread may not be there in the microsecond of a release.
    assert any(releases(work, 20) > 0 for _ in range(5))


def test_a_round_without_a_release_is_told_from_one_with() -> None:
    """Code that calls nothing is never said to have given up the GIL."""
    assert releases("nothing", 10) == 0
