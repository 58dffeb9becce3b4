"""What has ended is on disk when append returns, is counted, and is the process's own after a fork."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests._delivery.spools import (
    DESTINATION,
    live_chain,
    number_of,
    numbered,
    payloads,
    read_all,
    spool_at,
)
from trackway._delivery import platform
from trackway._delivery.chain import chains, claim, description
from trackway._delivery.counters import ChainCounters
from trackway._delivery.reader import ChainReader
from trackway._delivery.record import FLAG_PARTIAL, KIND_SCORE, MAX_PAYLOAD
from trackway._delivery.spool import Spool, Sync
from trackway._delivery.survey import survey


@pytest.fixture(params=["mmap", "file"])
def writer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    changed = replace(platform.capabilities, map=request.param == "mmap")
    monkeypatch.setattr(platform, "capabilities", changed)
    return str(request.param)


def only_chain(home: Path) -> Path:
    (chain,) = chains(home / "spool", DESTINATION)
    return chain


def test_nothing_is_opened_before_the_first_append(home: Path) -> None:
    """A spool that nobody appends to makes no file."""
    spool, _ = spool_at(home)
    spool.prepare()
    spool.sync()
    spool.close()
    assert not home.exists()


def test_a_record_is_there_at_once(home: Path, writer: str) -> None:
    """As soon as append returns another process reads the record, with kind, flags and scope."""
    spool, scope = spool_at(home)
    assert spool.writer_kind == writer
    spool.append(b"payload", scope, KIND_SCORE, FLAG_PARTIAL)
    assert spool.writer_kind == writer
    with ChainReader(live_chain(spool)) as reader:
        (record,) = reader.read()
        assert record[3:] == (KIND_SCORE, scope, FLAG_PARTIAL, b"payload")
        assert reader.scopes == {scope: (b"the resource", b"the scope")}
        assert reader.position == spool.tail()
    assert description(home / "spool", DESTINATION) == {"kind": "test"}
    spool.close()


def test_every_segment_knows_its_scopes(home: Path) -> None:
    """Each segment can be read without the ones before it."""
    spool, first = spool_at(home)
    second = spool.register_scope(b"r", b"other")
    for n in range(300):
        spool.append(numbered(n, 1000), (first, second)[n % 2])
    spool.close()
    for number in (1, 2, 3):
        with ChainReader(only_chain(home), number) as reader:
            for record in reader.read():
                assert reader.scopes[record.scope][1] in {b"the scope", b"other"}


def test_threads_lose_nothing(home: Path, writer: str) -> None:
    """Eight threads append beside a worker: all is there, each thread's records in its order."""
    spool, scope = spool_at(home)
    done = threading.Event()

    def work(thread: int) -> None:
        for n in range(300):
            spool.append(numbered(thread * 1000 + n, n), scope)

    def keep() -> None:
        while not done.is_set():
            spool.prepare()
            spool.sync()

    worker = threading.Thread(target=keep)
    worker.start()
    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    worker.join()
    spool.close()
    numbers = [number_of(record) for record in read_all(only_chain(home))]
    assert len(numbers) == 2400
    for thread_number in range(8):
        own = [n for n in numbers if n // 1000 == thread_number]
        assert own == sorted(own)
    assert survey(home / "spool", DESTINATION).in_spool == 2400


def test_the_gil_is_kept(home: Path) -> None:
    """Append never gives up the GIL: a spinning thread that would keep it for long does not get it."""
    spool, scope = spool_at(home)
    payload = bytes(20_000)
    for _ in range(40):
        spool.append(payload, scope)
        spool.prepare()
    spins, done = [0], threading.Event()

    def spin() -> None:
        while not done.is_set():
            spins[0] += 1

    before = sys.getswitchinterval()
    sys.setswitchinterval(0.3)
    thread = threading.Thread(target=spin)
    thread.start()
    try:
        for _ in range(3):
            # Once around, so that the next 0.3 s are this thread's.
            time.sleep(0)
            spinning = spins[0]
            for _ in range(5):
                spool.append(payload, scope)
            assert spins[0] == spinning
    finally:
        done.set()
        sys.setswitchinterval(before)
        thread.join()
    spool.close()


def test_what_is_too_large_is_dropped_and_counted(home: Path) -> None:
    """A payload beyond the limit is not kept, and counted."""
    spool, scope = spool_at(home)
    spool.append(bytes(MAX_PAYLOAD + 1), scope)
    spool.append(bytes(MAX_PAYLOAD // 8), scope)
    assert spool.counters() == ChainCounters(appended=1, dropped={"too_large": 1})
    spool.close()


def test_drops_stand_in_the_chain(home: Path, writer: str) -> None:
    """What was dropped before or after the first append is in the counters that other processes read."""
    spool, scope = spool_at(home)
    spool.count_dropped("sampled")
    spool.append(b"x", scope)
    spool.count_dropped("sampled", 2)
    spool.count_dropped("of the user's own making")
    spool.sync()
    assert survey(home / "spool", DESTINATION).delivery.dropped == {"sampled": 3, "other": 1}
    assert spool.counters().ended == survey(home / "spool", DESTINATION).ended == 5
    spool.close()
    spool.append(b"y", scope)
    assert spool.counters().ended == survey(home / "spool", DESTINATION).ended == 6
    spool.close()


def test_drops_without_a_chain_reach_the_totals(home: Path) -> None:
    """A process that dropped all it ended leaves its count, though never a record."""
    spool, _ = spool_at(home)
    spool.count_dropped("sampled", 7)
    spool.close()
    assert survey(home / "spool", DESTINATION).ended == 7
    assert chains(home / "spool", DESTINATION) == []


def test_an_append_after_close_opens_a_new_chain(home: Path) -> None:
    """A span that ends after shutdown is kept like any other."""
    spool, scope = spool_at(home)
    spool.append(b"1", scope)
    spool.close()
    spool.append(b"2", scope)
    spool.close()
    first, second = chains(home / "spool", DESTINATION)
    assert payloads(first) + payloads(second) == [b"1", b"2"]
    with claim(first) or pytest.fail("closed, but not free"):
        pass


def test_the_hook_is_called_after_each_append(home: Path) -> None:
    """Whoever wants to wake a worker hears of every append when it is done."""
    spool, scope = spool_at(home)
    seen: list[int] = []
    spool.on_append = lambda: seen.append(spool.counters().appended)
    for _ in range(3):
        spool.append(b"x", scope)
    assert seen == [1, 2, 3]
    spool.close()


@pytest.mark.parametrize("sync", ["always", "never", 0.5])
def test_syncing_as_told(home: Path, monkeypatch: pytest.MonkeyPatch, sync: Sync) -> None:
    """Each append syncs with "always"; "never" does not at all, and a number does when the worker says so."""
    synced: list[int] = []
    sync_data = platform.sync_data

    def count(descriptor: int) -> None:
        synced.append(descriptor)
        sync_data(descriptor)

    monkeypatch.setattr(platform, "sync_data", count)
    spool = Spool(home / "spool", DESTINATION, sync=sync)
    for _ in range(3):
        spool.append(b"x", 0)
    assert len(synced) == (3 if sync == "always" else 0)
    spool.sync()
    spool.sync()
    assert len(synced) == {"always": 3, "never": 0}.get(str(sync), 1)
    spool.close()


def in_child(work: Iterator[None]) -> None:
    """Runs the rest of a generator in a forked child; its result is its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            next(work, None)
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_forked_child_has_a_chain_of_its_own(home: Path, writer: str) -> None:
    """Parent and child append to different chains, with the same scope ids, and neither frees the other's."""
    spool, scope = spool_at(home)
    for n in range(100):
        spool.append(numbered(n, 1000), scope)
        if n == 90:
            spool.prepare()
    mine = live_chain(spool)
    before = mine / "00000001.seg"
    content = before.read_bytes()

    def work() -> Iterator[None]:
        spool.after_fork_in_child()
        assert spool.counters().ended == 0
        assert spool.live_chain() is None
        for n in range(100, 103):
            spool.append(numbered(n), scope)
        assert live_chain(spool) != mine
        spool.prepare()
        spool.close()
        yield

    in_child(work())
    assert before.read_bytes() == content
    assert claim(mine) is None
    spool.append(numbered(103), scope)
    (theirs,) = (chain for chain in chains(home / "spool", DESTINATION) if chain != mine)
    with ChainReader(theirs) as reader:
        assert [number_of(record) for record in reader.read()] == [100, 101, 102]
        assert reader.scopes[scope] == (b"the resource", b"the scope")
    spool.close()
    assert [number_of(record) for record in read_all(mine)] == [*range(100), 103]


def test_a_fork_while_another_thread_appends(home: Path) -> None:
    """A child that is forked while a thread holds the spool's locks appends all the same."""
    spool, scope = spool_at(home)
    spool.append(numbered(0), scope)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with spool._upkeep, spool._lock:
            held.set()
            release.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)

    def work() -> Iterator[None]:
        spool.after_fork_in_child()
        spool.append(numbered(1), scope)
        spool.close()
        yield

    try:
        in_child(work())
    finally:
        release.set()
        thread.join()
    spool.close()
    found = [n for c in chains(home / "spool", DESTINATION) for n in map(number_of, read_all(c))]
    assert sorted(found) == [0, 1]
