"""Whatever runs in the middle of an append may append: nothing hangs, nothing is lost."""

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import pytest

from tests._delivery.spools import live_chain, number_of, numbered, read_all, spool_at
from trackway._delivery import platform
from trackway._delivery.reader import ChainReader
from trackway._delivery.record import checksum
from trackway._delivery.spool import Spool
from trackway._delivery.writers import FileSegment, MappedSegment


@pytest.fixture(params=["mmap", "file"], autouse=True)
def writer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = replace(platform.capabilities, map=request.param == "mmap")
    monkeypatch.setattr(platform, "capabilities", changed)


# How deep a handler may interrupt itself.
DEEPEST = 3
PERIOD_S = 1e-4


class Alarms:
    """Calls a function from a signal handler, 100 µs after the last call began or ended, wherever the thread may be.

    Not at fixed times: where a call takes longer than that, nothing else would ever run.
    """

    def __init__(self) -> None:
        self._calling = 0
        self._stopped = True

    def start(self, call: Callable[[FrameType | None], None]) -> None:
        """From now on, until `stop`."""

        def handle(_: int, frame: FrameType | None) -> None:
            self._calling += 1
            try:
                if self._calling < DEEPEST:
                    self._again()
                call(frame)
            finally:
                self._calling -= 1
                self._again()

        self._stopped = False
        signal.signal(signal.SIGALRM, handle)
        self._again()

    def stop(self) -> None:
        """None begins after this."""
        self._stopped = True
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _again(self) -> None:
        if not self._stopped:
            signal.setitimer(signal.ITIMER_REAL, PERIOD_S)


@pytest.fixture
def alarms() -> Iterator[Alarms]:
    before = signal.getsignal(signal.SIGALRM)
    made = Alarms()
    yield made
    made.stop()
    signal.signal(signal.SIGALRM, before)


def test_signal_handlers_append(
    home: Path,
    count: Callable[[int, int], int],
    alarms: Alarms,
) -> None:
    """Records of a handler that interrupts appends, upkeep and counting are all kept and counted once."""
    spool, scope = spool_at(home)
    handled = [0]

    def append(_: FrameType | None) -> None:
        handled[0] += 1
        spool.append(numbered(-handled[0]), scope)
        spool.count_dropped("sampled")
        spool.prepare()
        spool.sync()

    alarms.start(append)
    total = count(20_000, 1_000_000)
    for n in range(total):
        spool.append(numbered(n), scope)
        if n % 50 == 0:
            spool.prepare()
            spool.counters()
    alarms.stop()
    counters = spool.counters()
    assert handled[0] > 20
    assert counters.appended == total + handled[0]
    assert counters.dropped == {"sampled": handled[0]}
    numbers = [number_of(record) for record in read_all(live_chain(spool))]
    assert [n for n in numbers if n >= 0] == list(range(total))
    assert sorted(n for n in numbers if n < 0) == list(range(-handled[0], 0))
    spool.close()


def test_handlers_that_raise(
    home: Path,
    count: Callable[[int, int], int],
    alarms: Alarms,
) -> None:
    """An exception out of a signal handler may cost the record that it interrupted, never another, nor the spool."""
    spool, scope = spool_at(home)

    # Anywhere in an append but while a file is being made: what that leaves is swept, and is another story.
    places = [Spool.append, MappedSegment.append, FileSegment.append, FileSegment._write, checksum]
    codes = {place.__code__ for place in places}

    appending = False

    def interrupt(frame: FrameType | None) -> None:
        if appending and frame is not None and frame.f_code in codes:
            raise KeyboardInterrupt

    spool.append(numbered(-2), scope)
    kept, interrupted = [], 0
    with ChainReader(live_chain(spool)) as reader:
        seen = reader.read()
        alarms.start(interrupt)
        for n in range(count(20_000, 1_000_000)):
            try:
                appending = True
                spool.append(numbered(n), scope)
            except KeyboardInterrupt:
                interrupted += 1
            else:
                kept.append(n)
            appending = False
            if n % 100 == 0:
                seen += reader.read()
        alarms.stop()
        spool.append(numbered(-1), scope)
        while more := reader.read():
            seen += more
    numbers = [number_of(record) for record in seen]
    assert interrupted > 0
    assert len(set(numbers)) == len(numbers)
    assert set(numbers) >= {*kept, -1, -2}
    assert [number_of(r) for r in read_all(live_chain(spool))] == numbers
    spool.close()


class Traced:
    """Something whose end is traced, and which only the collector can end."""

    def __init__(self, spool: Spool, scope: int, ended: list[int]) -> None:
        self.me = self
        self.spool, self.scope, self.ended = spool, scope, ended

    def __del__(self) -> None:
        self.ended.append(len(self.ended))
        self.spool.append(numbered(self.ended[-1]), self.scope)


def test_finalizers_append(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `__del__` that traces, run by a collection in the middle of an append, is kept when that append returns."""
    spool, _ = spool_at(home)
    ended: list[int] = []
    slowly = Spool._append_slowly

    def collecting(self: Spool, payload: bytes, scope: int, kind: int, flags: int) -> None:
        if payload == numbered(-1):
            Traced(self, scope, ended)
            gc.collect()
        slowly(self, payload, scope, kind, flags)

    monkeypatch.setattr(Spool, "_append_slowly", collecting)
    for n in range(20):
        # A new scope is written in the slow part, where the collection waits.
        spool.append(numbered(-1), spool.register_scope(b"r", b"%d" % n))
        assert len(ended) == n + 1
        assert spool.counters().appended == 2 * (n + 1)
        assert spool.counters().in_memory == 0
    found = [number_of(record) for record in read_all(live_chain(spool))]
    assert [n for n in found if n >= 0] == ended
    spool.close()


def test_threads_and_a_collector(home: Path, count: Callable[[int, int], int]) -> None:
    """Threads that make traced garbage beside a worker neither hang nor lose a record."""
    spool, scope = spool_at(home)
    ended: list[list[int]] = [[] for _ in range(4)]
    rounds = count(300, 20_000)
    done = threading.Event()

    def work(own: list[int]) -> None:
        for _ in range(rounds):
            Traced(spool, scope, own)
            spool.append(numbered(-1), scope)

    def keep() -> None:
        while not done.is_set():
            gc.collect(0)
            spool.prepare()
            spool.sync()

    threads = [threading.Thread(target=work, args=(own,)) for own in ended]
    worker = threading.Thread(target=keep)
    for thread in (*threads, worker):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    worker.join()
    gc.collect()
    assert spool.counters().appended == 2 * 4 * rounds
    assert [len(own) for own in ended] == [rounds] * 4
    spool.close()
