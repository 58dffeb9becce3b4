"""What a process knows of its own chain is what its files say, and nothing of another chain."""

import shutil
from pathlib import Path

from tests._delivery.spools import DESTINATION, live_chain, number_of, numbered, spool_at
from trackway._delivery.counters import DeliveryCounters
from trackway._delivery.lane import ChainLane
from trackway._delivery.own import OwnChain
from trackway._delivery.own_reader import OwnReader
from trackway._delivery.reader import ChainReader
from trackway._delivery.segment import read_header, segment_numbers, segment_path
from trackway._delivery.spool import Spool


def test_it_agrees_with_the_files(home: Path) -> None:
    """The tail, the bytes and the key are those that any reader finds."""
    spool, scope = spool_at(home)
    for n in range(50):
        spool.append(numbered(n, 1000), scope)
    chain = live_chain(spool)
    own = OwnChain(spool, chain)
    assert own.tail() == spool.tail()
    content = segment_path(chain, 1).read_bytes()
    assert own.peek(1, 256, 5_000) == content[256:5_256]
    header, written = own.header(1), read_header(content, 1)
    assert header is not None
    assert written is not None
    assert (header.key, header.number) == (written.key, 1)
    assert own.onward(1, spool.tail()[1]) == 1
    assert own.onward(1, 256) is None
    spool.close()
    assert own.tail() == (0, 0)
    assert own.peek(1, 256, 10) is None
    assert own.header(1) is None


def test_a_chain_that_was_lost_is_unknown(home: Path) -> None:
    """When the files were removed and another chain was begun, nothing of it is taken for the lost one's."""
    spool, scope = spool_at(home)
    spool.append(b"x", scope)
    own = OwnChain(spool, live_chain(spool))
    shutil.rmtree(live_chain(spool))
    spool.prepare()
    spool.append(b"y", scope)
    assert own.tail() == (0, 0)
    assert own.peek(1, 256, 10) is None
    assert own.onward(1, 256) is None
    own.release(9)
    assert segment_numbers(live_chain(spool)) == [1]
    spool.close()


def test_the_files_are_as_good(home: Path) -> None:
    """With what the writer knows a reader finds what it finds without it, in the same places."""
    spool = Spool(home / "spool", DESTINATION, recycle=True)
    scope = spool.register_scope(b"r", b"s")
    spool.append(numbered(0), scope)
    chain = live_chain(spool)
    knowing = OwnReader(chain, 1, 0, OwnChain(spool, chain))
    with knowing, ChainReader(chain) as plain:
        for n in range(1, 600):
            spool.append(numbered(n, 40 * (n % 300)), scope)
            if n % 9 == 0:
                spool.prepare()
            if n % 5 == 0:
                assert knowing.read() == plain.read()
                assert knowing.position == plain.position or not plain.read()
        assert [number_of(r) for r in knowing.read()] == [number_of(r) for r in plain.read()]
        assert knowing.position == spool.tail()
        assert knowing.scopes == plain.scopes
        assert (knowing.damaged_bytes, knowing.read()) == (0, [])
    spool.close()


def test_delivered_files_come_back(home: Path) -> None:
    """A chain that is delivered as it grows stays in a few files, however much goes through them."""
    spool = Spool(home / "spool", DESTINATION, recycle=True)
    scope = spool.register_scope(b"r", b"s")
    spool.append(numbered(0), scope)
    lane = ChainLane(live_chain(spool), None, spool)
    found, inodes = [], set()
    for n in range(1, 3_000):
        spool.append(numbered(n, 10_000), scope)
        if n % 50 == 0:
            spool.prepare()
            while (batch := lane.next(1 << 20)) is not None:
                found += [number_of(record) for record in batch.records]
                lane.settle(batch, DeliveryCounters(acked=len(batch)))
            numbers = segment_numbers(lane.chain)
            assert len(numbers) <= 8
            inodes |= {segment_path(lane.chain, number).stat().st_ino for number in numbers}
    assert max(segment_numbers(lane.chain)) > 25
    assert len(inodes) <= 14
    assert found == list(range(len(found)))
    lane.release()
    spool.close()
