"""Files of delivered segments are written again, and at no moment does anybody take an old byte for a record.

A *use* is the life of a file as one segment. The states of the first tests are those that a kill can leave (between any
two stores or system calls) and those that a power cut can leave (any sector of the old use beside any of the new one).
"""

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests._delivery.spools import (
    DESTINATION,
    live_chain,
    number_of,
    numbered,
    read_all,
    start,
)
from trackway._delivery.chain import chains, claim
from trackway._delivery.counters import DeliveryCounters, chain_counters, fold
from trackway._delivery.cursor import Cursor
from trackway._delivery.lane import ChainLane
from trackway._delivery.reader import ChainReader
from trackway._delivery.segment import segment_numbers, segment_path
from trackway._delivery.spool import Spool
from trackway._delivery.survey import survey
from trackway._delivery.writers import MappedSegment

if TYPE_CHECKING:
    from _typeshed import TraceFunction

SIZE = 16 << 10
SECTOR = 512
OLD, NEW = 1_000, 2_000


def used_twice(folder: Path) -> tuple[bytes, bytes]:
    """The bytes of a segment that was filled to its end, and those after half of it was written again."""
    segment = MappedSegment(folder, 1, SIZE)
    segment.begin(0, {}, 0)
    sizes = random.Random(5)
    number = OLD
    while segment.append(numbered(number, sizes.randrange(700)), 1, 0, 0):
        number += 1
    old = segment.path.read_bytes()
    segment.recycle(folder, 2)
    segment.begin(number - OLD, {}, 0)
    for number in range(NEW, NEW + 20):
        assert segment.append(numbered(number, sizes.randrange(700)), 1, 0, 0)
    new = segment.path.read_bytes()
    segment.abandon()
    segment.path.unlink()
    return old, new


def found(folder: Path, content: bytes, number: int = 2) -> tuple[list[int], int]:
    """What a reader finds where a file of that content is called segment *number*, and what it takes for damage."""
    segment_path(folder, number).write_bytes(content)
    with ChainReader(folder, live=False) as reader:
        numbers = [number_of(record) for record in reader.read(1 << 20, 1_000)]
        assert reader.read() == []
        return numbers, reader.damaged_bytes


def test_an_old_byte_is_no_record(tmp_path: Path) -> None:
    """Wherever the new use ends and the old one begins, only whole new records are read, and old ones are no damage."""
    old, new = used_twice(tmp_path)
    whole, damaged = found(tmp_path, new)
    assert (whole, damaged) == (list(range(NEW, NEW + 20)), 0)
    segment_path(tmp_path, 2).write_bytes(new)
    ends = [record.end for record in read_all(tmp_path, live=False)]
    for cut in range(0, ends[-1] + 9, 1):
        numbers, damaged = found(tmp_path, new[:cut] + old[cut:])
        # A record may be whole before the cut where the old padding is that of the new one.
        assert numbers == whole[: len(numbers)], cut
        if cut >= 128:
            assert len(numbers) >= sum(end <= cut for end in ends), cut
        assert damaged <= 800, cut


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, SIZE // SECTOR - 1)), st.sampled_from([1, 2]))
def test_any_mixture_of_sectors(tmp_path: Path, kept: set[int], number: int) -> None:
    """Whatever sectors and whichever name a power cut keeps, what is read is a part of one of the two uses."""
    old, new = used_twice(tmp_path)
    mixed = b"".join(
        (old if n in kept else new)[n * SECTOR : (n + 1) * SECTOR] for n in range(SIZE // SECTOR)
    )
    numbers, _ = found(tmp_path, mixed, number)
    assert numbers == sorted(numbers)
    if 0 in kept:
        # The old header: a spare under the new name, and under its own the segment as it was.
        assert all(OLD <= n < NEW for n in numbers)
        assert number == 1 or not numbers
    else:
        assert all(n >= NEW for n in numbers)
        assert number == 2 or not numbers
    segment_path(tmp_path, number).unlink()


def test_killed_at_any_line(tmp_path: Path) -> None:
    """Between any two steps of recycling, beginning and appending, the dead chain holds what had ended, and no more."""
    chain = tmp_path / "chain"
    chain.mkdir()
    segment = MappedSegment(chain, 1, SIZE)
    segment.begin(0, {}, 0)
    while segment.append(numbered(OLD, 300), 1, 0, 0):
        pass
    ended: list[int] = []
    states = [0]

    def look(frame: FrameType, event: str, _: object) -> "TraceFunction":
        if frame.f_code.co_filename.endswith(("writers.py", "segment.py")) and event == "line":
            states[0] += 1
            copy = tmp_path / "copy"
            shutil.copytree(chain, copy)
            # The old segment is delivered: the cursor is behind it.
            with ChainReader(copy, 2, live=False) as reader:
                numbers = [number_of(record) for record in reader.read()]
                assert numbers[: len(ended)] == ended
                assert len(numbers) <= len(ended) + 1
                assert reader.damaged_bytes <= 800
                assert reader.unreadable == []
            shutil.rmtree(copy)
        return look

    sys.settrace(look)
    try:
        segment.recycle(chain, 2)
        segment.begin(7, {}, 0)
        for number in range(NEW, NEW + 5):
            segment.append(numbered(number, 700 - 100 * (number % 5)), 1, 0, 0)
            ended.append(number)
    finally:
        sys.settrace(None)
    assert states[0] > 50
    segment.abandon()


RECYCLER = """
import os, random, sys, threading
from pathlib import Path
from trackway._delivery.counters import DeliveryCounters
from trackway._delivery.lane import ChainLane
from trackway._delivery.spool import Spool

root, destination, seed, first = sys.argv[1:]
spool = Spool(Path(root), destination, recycle=True)
scope = spool.register_scope(b"r", b"s")
sizes, number, turn = random.Random(int(seed)), int(first), threading.Event()

def upkeep():
    while True:
        spool.prepare()
        spool.sync()

def append():
    global number
    for _ in range(sizes.randrange(1, 60)):
        spool.append(b"%d:" % number + b"x" * sizes.randrange(60_000), scope)
        os.write(1, b"%d\\n" % number)
        number += 1

append()
lane = ChainLane(spool.live_chain(), None, spool)
threading.Thread(target=upkeep, daemon=True).start()
while True:
    append()
    while (batch := lane.next(1 << 20)) is not None and sizes.random() < 0.9:
        told = b" ".join(r.payload.partition(b":")[0] for r in batch.records)
        os.write(2, told + b"\\n")
        lane.settle(batch, DeliveryCounters(acked=len(batch)))
"""


def test_killed_while_recycling(home: Path, count: Callable[[int, int], int]) -> None:
    """Killed while files are written again and again, nothing is lost, and only the last batch may come twice."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    root, recycled = home / "spool", 0
    for _ in range(count(5, 500)):
        err = home / "delivered"
        home.mkdir(exist_ok=True)
        with err.open("wb") as output:
            child = start(
                RECYCLER, str(root), DESTINATION, str(chance.random())[2:], "0", err=output
            )
        assert child.stdout is not None
        for _ in range(chance.choice((1, 100, 1_000, 2_000))):
            child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
        told = {int(line) for line in child.stdout.read().split("\n")[:-1]}
        child.communicate(timeout=60)
        batches = [[int(n) for n in line.split()] for line in err.read_text().split("\n")[:-1]]
        (chain,) = chains(root, DESTINATION)
        recycled += max(segment_numbers(chain), default=0) > 8
        with claim(chain) or pytest.fail("the dead own nothing") as lock:
            sizes = [segment_path(chain, n).stat().st_size for n in segment_numbers(chain)]
            state = Cursor(chain).load()
            with ChainReader(chain, state.segment, state.offset, live=False) as reader:
                left = []
                while more := reader.read():
                    left += [number_of(record) for record in more]
                assert reader.damaged_bytes < 70_000
                assert reader.unreadable == []
            assert left == sorted(set(left))
            delivered = [n for batch in batches for n in batch]
            assert delivered == sorted(set(delivered))
            assert told <= {*delivered, *left}
            assert {*delivered, *left} == set(range(max(*delivered, *left, 0) + 1))
            # Killed between the answer and the note of it.
            assert set(delivered) & set(left) <= set(batches[-1] if batches else ())
            assert (
                0 <= chain_counters(chain).appended - (left[-1] + 1 if left else 0) <= 1 or not left
            )
            assert sum(sizes) <= sum(1 + 60_100 for _ in left) + 12 * (1 << 20)
            fold(lock, state.counters + DeliveryCounters(acked=len(left)))
        assert survey(root, DESTINATION).in_spool == 0
    assert recycled


WALKER = """
import sys
from pathlib import Path
from trackway._delivery.chain import chains
from trackway._delivery.cursor import Cursor
from trackway._delivery.reader import ChainReader
from trackway._delivery.survey import survey

root, destination = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
walks = seen = 0
while walks < int(sys.argv[3]):
    for chain in chains(root, destination):
        state = Cursor(chain).load()
        for begin in ((1, 0), state[:2]):
            with ChainReader(chain, *begin) as reader:
                last = -1
                for _ in range(200):
                    records = reader.read(64 << 10)
                    if not records:
                        break
                    for record in records:
                        number, _, rest = record.payload.partition(b":")
                        assert int(number) > last, "out of order"
                        assert rest == b"x" * (int(number) * 7 % 5000), "not what was written"
                        last = int(number)
                        seen += 1
                assert reader.damaged_bytes == 0, reader.damaged_bytes
                assert reader.unreadable == [], reader.unreadable
        survey(root, destination)
    walks += 1
print("done", seen, flush=True)
"""


def test_a_reader_elsewhere_is_never_misled(home: Path, count: Callable[[int, int], int]) -> None:
    """Another process that reads all the time finds records as they were written, in order, and no damage."""
    spool = Spool(home / "spool", DESTINATION, recycle=True)
    scope = spool.register_scope(b"r", b"s")
    spool.append(b"0:", scope)
    lane = ChainLane(live_chain(spool), None, spool)
    walker = start(WALKER, str(spool.root), DESTINATION, str(count(60, 5_000)))
    assert walker.stdout is not None
    assert walker.stdout.readline() == "ready\n"
    number = 1
    while walker.poll() is None:
        for _ in range(100):
            spool.append(b"%d:" % number + b"x" * (number * 7 % 5000), scope)
            number += 1
        spool.prepare()
        while (batch := lane.next(1 << 20)) is not None:
            lane.settle(batch, DeliveryCounters(acked=len(batch)))
    done, seen = walker.stdout.read().split()
    walker.communicate(timeout=60)
    assert (done, walker.returncode) == ("done", 0)
    assert int(seen) > 1_000
    assert lane.state.counters.acked == number
    assert max(segment_numbers(lane.chain)) > 20
    lane.release()
    spool.close()
