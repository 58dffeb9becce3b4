"""Killed at any instant, a process has lost nothing that it was told is kept."""

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests._delivery.spools import DESTINATION, number_of, read_all, start
from trackway._delivery.chain import chains, claim
from trackway._delivery.counters import DeliveryCounters, chain_counters, fold
from trackway._delivery.survey import survey

APPEND = """
import os, random, sys, threading
from dataclasses import replace
from pathlib import Path
from trackway._delivery import platform
from trackway._delivery.spool import Spool

root, destination, kind, seed = sys.argv[1:]
platform.capabilities = replace(platform.capabilities, map=kind == "mmap")
spool = Spool(Path(root), destination)
scope = spool.register_scope(b"r", b"s")
sizes = random.Random(int(seed))

def work():
    while True:
        spool.prepare()
        spool.sync()

threading.Thread(target=work, daemon=True).start()
number = 0
while True:
    spool.append(b"%d:" % number + b"x" * sizes.randrange(3000), scope)
    os.write(1, b"%d\\n" % number)
    number += 1
"""


@pytest.mark.parametrize("kind", ["mmap", "file"])
def test_what_was_reported_is_read(
    home: Path, count: Callable[[int, int], int], chance: random.Random, kind: str
) -> None:
    """Every record whose append had returned before SIGKILL is read back, in order, and all others at most once."""
    root = home / "spool"
    ended = 0
    for _ in range(count(6, 500)):
        sizes = chance.randrange(1 << 32)
        child = start(APPEND, str(root), DESTINATION, kind, str(sizes))
        assert child.stdout is not None
        for _ in range(chance.choice((1, 10, 100, 2000))):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        reported = child.stdout.read().split("\n")
        child.communicate(timeout=60)
        # A number without its line end was being written; its append had returned all the same.
        told = max((int(text) for text in reported if text), default=0)
        (chain,) = chains(root, DESTINATION)
        with claim(chain) or pytest.fail("the dead own nothing") as lock:
            numbers = [number_of(record) for record in read_all(chain, live=False)]
            assert numbers == list(range(len(numbers)))
            assert len(numbers) > told
            assert 0 <= chain_counters(chain).appended - len(numbers) <= 1
            ended += chain_counters(chain).appended
            assert survey(root, DESTINATION).ended == ended
            fold(lock, DeliveryCounters(acked=len(numbers)))
        assert survey(root, DESTINATION).ended == ended
