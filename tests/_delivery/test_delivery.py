"""A client's delivery: flush, shutdown, forks, the end of the process, and the sums."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine

from tests import backend as b
from tests._delivery.sending import delivery_to, fill, span_id
from tests.backend import Backend, Connection, Request
from trackway._core.settings import Settings
from trackway._delivery.chain import chains, dating
from trackway._delivery.delivery import open_delivery


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("trackway")}


def test_nothing_happens_before_the_first_span(home: Path) -> None:
    """Opening a delivery makes no file and starts no thread."""
    delivery = delivery_to("http://127.0.0.1:9", home, local=True)
    assert [sink.destination_id for sink in delivery.sinks][1:] == ["local"]
    assert threads() == set()
    assert not home.exists()
    assert delivery.flush(1)
    assert delivery.shutdown(1)
    assert not home.exists()


def test_disabled_means_nothing(home: Path) -> None:
    """A disabled delivery has no sinks and does what it is asked, which is nothing."""
    delivery = open_delivery(Settings.from_env(enabled=False, directory=str(home)))
    assert delivery.sinks == ()
    assert delivery.flush()
    assert delivery.shutdown()
    assert delivery.stats().destinations == ()


def test_spans_arrive_by_themselves(home: Path) -> None:
    """Without any flush what ended is delivered soon, by a thread that the first span started."""
    with Backend() as backend:
        delivery = delivery_to(backend, home)
        fill(delivery.sinks[0], range(10))
        assert backend.wait_for(lambda: len(backend.spans) == 10)
        assert delivery.shutdown(5)
        assert threads() == set()


def test_flush_is_true_when_all_has_arrived(home: Path) -> None:
    """After a flush that says True the backend has every span that had ended."""
    with Backend() as backend:
        delivery = delivery_to(backend, home)
        for start in range(0, 1_000, 100):
            fill(delivery.sinks[0], range(start, start + 100))
            assert delivery.flush(10)
            assert len(backend.spans) == start + 100
        assert delivery.shutdown(5)


def test_flush_while_others_trace(home: Path) -> None:
    """A flush ends though other threads never stop ending spans."""
    with Backend() as backend:
        delivery = delivery_to(backend, home)
        spool = delivery.sinks[0]
        enough = threading.Event()
        ids = fill(spool, range(10))

        def trace() -> None:
            number = 10
            while not enough.is_set():
                fill(spool, range(number, number + 1))
                number += 1
                enough.wait(0.0001)

        thread = threading.Thread(target=trace)
        thread.start()
        for _ in range(5):
            assert delivery.flush(10)
        enough.set()
        thread.join()
        assert set(ids) <= set(backend.spans)
        assert delivery.shutdown(5)
        assert max(backend.spans.values()) == 1


@pytest.mark.parametrize(
    "behaviour", [b.status(503, Retry_After="600"), b.status(401), b.status(500), b.never]
)
def test_flush_keeps_its_time(home: Path, behaviour: b.Behaviour) -> None:
    """However the backend behaves, a flush says False in time, and the spans stay."""
    with Backend(behaviour) as backend:
        delivery = delivery_to(backend, home, timeout=0.5)
        fill(delivery.sinks[0], range(3))
        began = time.monotonic()
        assert not delivery.flush(0.4)
        assert time.monotonic() - began < 2.0
        assert delivery.stats().waiting == 3
        backend.play([b.ok()])
        delivery.shutdown(0.1)


def test_flush_does_not_wait_out_a_rest(home: Path) -> None:
    """When the destination rests for longer than the flush may take, the flush says so at once."""
    with Backend(b.status(401)) as backend:
        delivery = delivery_to(backend, home)
        fill(delivery.sinks[0], range(3))
        began = time.monotonic()
        assert not delivery.flush(30)
        assert not delivery.flush(30)
        assert time.monotonic() - began < 5.0
        assert len(backend.requests) == 1
        delivery.shutdown(0.1)


def test_flush_ends_a_backoff(home: Path) -> None:
    """A flush does not wait for a backoff of a minute: it tries at once."""
    with Backend(b.status(500), b.ok()) as backend:
        delivery = delivery_to(backend, home)
        assert delivery.exporter is not None
        delivery.exporter.policy._jitter = lambda: 1.0
        delivery.exporter.policy.failures = 6
        fill(delivery.sinks[0], range(3))
        assert backend.wait_for(lambda: len(backend.requests) == 1)
        assert delivery.flush(10)
        assert len(backend.spans) == 3
        delivery.shutdown(1)


def test_flush_of_the_local_destination_is_on_disk(home: Path) -> None:
    """Locally a flush is a sync, and True."""
    delivery = open_delivery(Settings.from_env(directory=str(home)))
    (spool,) = delivery.sinks
    fill(spool, range(3))
    assert delivery.flush(1)
    segment = spool._segment
    assert segment is not None
    assert segment.synced == segment.offset
    assert threads() <= {"trackway-spool"}
    assert delivery.shutdown(1)


def test_flush_inside_an_event_loop(home: Path) -> None:
    """A flush in a coroutine works; it only blocks."""
    with Backend() as backend:
        delivery = delivery_to(backend, home)
        fill(delivery.sinks[0], range(3))

        async def main() -> bool:
            return delivery.flush(10)

        assert asyncio.run(main())
        assert len(backend.spans) == 3
        delivery.shutdown(1)


def test_shutdown_leaves_nothing(home: Path) -> None:
    """After a shutdown that delivered all no thread, no chain and no connection is left; a second one is True."""
    with Backend() as backend:
        delivery = delivery_to(backend, home)
        fill(delivery.sinks[0], range(3))
        assert delivery.shutdown(10)
        assert delivery.shutdown(10)
        assert delivery.flush(1)
        assert chains(delivery.root, delivery.sinks[0].destination_id) == []
        stats = delivery.stats().destinations[0]
        assert (stats.ended, stats.acked, stats.accounted) == (3, 3, 3)


def test_shutdown_says_what_stays(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Spans that could not be delivered are said to stay, how many and where."""
    delivery = delivery_to("http://127.0.0.1:9", home)
    fill(delivery.sinks[0], range(7))
    assert not delivery.shutdown(0.2)
    assert any("7 spans stay in the spool" in record.getMessage() for record in caplog.records)
    # Where the next process of the same destination finds them.
    assert len(chains(delivery.root, delivery.sinks[0].destination_id)) == 1


def test_shutdown_does_not_wait_for_a_request(home: Path) -> None:
    """A request that hangs does not hold a shutdown, and the spans stay for the next process."""
    with Backend(b.never) as backend:
        delivery = delivery_to(backend, home, timeout=1.0)
        fill(delivery.sinks[0], range(3))
        began = time.monotonic()
        assert not delivery.shutdown(0.3)
        assert time.monotonic() - began < 1.0
    assert len(chains(delivery.root, delivery.sinks[0].destination_id)) == 1


def test_shutdown_takes_no_connection_from_under_a_flush(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a flush sends on its own thread, its descriptor stays its own until the reply is there, or given up."""
    start, waiting, go = threading.Thread.start, threading.Event(), threading.Event()

    def started(thread: threading.Thread) -> None:
        # As at the end of an interpreter from Python 3.12 on.
        if thread.name == "trackway-export":
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    def slowly(connection: Connection, request: Request) -> bool:
        waiting.set()
        go.wait(30)
        return b.ok()(connection, request)

    monkeypatch.setattr(threading.Thread, "start", started)
    with Backend(b.ok(), slowly) as backend:
        delivery = delivery_to(backend, home)
        fill(delivery.sinks[0], range(1_500), 2_000)
        flushing = threading.Thread(target=delivery.flush, args=(20.0,))
        flushing.start()
        assert waiting.wait(30)
        assert not delivery.shutdown(0.2)
        assert backend.closed == 0
        go.set()
        flushing.join(30)
        assert not flushing.is_alive()
        assert delivery.stats().destinations[0].acked == len(backend.spans) > 0


def test_the_sums_are_right_at_every_moment(home: Path) -> None:
    """Accepted, refused, dropped and waiting add up to what ended, for both destinations."""
    poison = {span_id(number) for number in range(0, 100, 10)}
    with Backend(b.refusing(poison.__contains__, 400)) as backend:
        delivery = delivery_to(backend, home, local=True)
        for number in range(100):
            for sink in delivery.sinks:
                fill(sink, range(number, number + 1))
            delivery.sinks[0].count_dropped("sampled", 2)
            if not number % 25:
                delivery.flush(10)
                found = delivery.stats()
                assert all(one.ended == one.accounted for one in found.destinations)
        assert delivery.flush(10)
        remote, local = delivery.stats().destinations
        assert (remote.ended, remote.acked, remote.rejected) == (300, 90, {"400": 10})
        assert remote.dropped == {"sampled": 200}
        assert (local.ended, local.in_spool) == (100, 100)
        assert delivery.shutdown(5)


# -- forks ------------------------------------------------------------------------------------------------------------


def in_child(function: Callable[[], object]) -> int:
    """Runs *function* in a forked child; its exit status."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            function()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_parent_and_child_deliver_their_own(home: Path) -> None:
    """After a fork both go on: the child delivers what it ended, the parent the rest, nothing twice."""
    with Backend() as backend:
        delivery = delivery_to(backend, home)
        spool = delivery.sinks[0]
        fill(spool, range(10))
        assert delivery.flush(10)
        fill(spool, range(10, 20))

        def child() -> None:
            fill(spool, range(100, 110))
            assert delivery.flush(10)
            fill(spool, range(110, 120))
            assert delivery.shutdown(10)

        assert in_child(child) == 0
        fill(spool, range(20, 30))
        assert delivery.flush(10)
        expected = map(span_id, [*range(30), *range(100, 120)])
        assert backend.spans == dict.fromkeys(expected, 1)
        assert delivery.shutdown(5)


def test_a_child_that_exits_hard_loses_nothing(home: Path) -> None:
    """What ended in a child that called `os._exit` is delivered by its parent."""
    with Backend() as backend:
        delivery = delivery_to(backend, home)
        spool = delivery.sinks[0]
        fill(spool, range(10))
        assert in_child(lambda: fill(spool, range(100, 110))) == 0
        assert delivery.shutdown(10)
        assert backend.spans == dict.fromkeys(map(span_id, [*range(10), *range(100, 110)]), 1)


def test_no_thread_is_there_at_the_fork(home: Path) -> None:
    """The workers are gone when the fork happens."""
    with Backend() as backend:
        delivery = delivery_to(backend, home)
        fill(delivery.sinks[0], range(10))
        assert delivery.flush(10)
        assert threads()
        # Once os.fork has returned here the parent has not started them again yet.
        assert in_child(lambda: None) == 0
        assert threads() == set()
        fill(delivery.sinks[0], range(10, 11))
        assert delivery.shutdown(10)


def test_a_fork_does_not_wait_for_a_backend(home: Path) -> None:
    """A request that hangs delays a fork by a third of a second at most."""
    with Backend(b.never) as backend:
        delivery = delivery_to(backend, home, timeout=1.0)
        fill(delivery.sinks[0], range(10))
        assert backend.wait_for(lambda: bool(backend.requests))
        began = time.monotonic()
        assert in_child(lambda: None) == 0
        assert time.monotonic() - began < 1.0
        delivery.shutdown(0.1)


# -- the end of the process -------------------------------------------------------------------------------------------

PROGRAM = """
import sys, atexit, os, signal
from pathlib import Path
from tests._delivery.sending import delivery_to, fill

delivery = delivery_to(sys.argv[1], Path(sys.argv[2]))
spool = delivery.sinks[0]
{body}
"""


def run(body: str, backend: Backend, home: Path) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])}
    program = PROGRAM.format(body=body)
    command = [sys.executable, "-W", "error", "-c", program, backend.url, str(home)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=environment
    )


@pytest.mark.parametrize(
    "end",
    [
        "",
        "sys.exit(3)",
        "raise KeyError",
        "atexit.register(fill, spool, range(5, 10))",
        "atexit.register(delivery.flush, 5)",
    ],
)
def test_the_end_delivers(home: Path, end: str) -> None:
    """However a process ends by itself, what ended before is delivered, what ends in atexit handlers too or later."""
    with Backend() as backend:
        run(f"fill(spool, range(5))\n{end}", backend, home)
        assert {span_id(number) for number in range(5)} <= set(backend.spans)
        assert max(backend.spans.values()) == 1


def test_the_end_takes_two_seconds_at_most(home: Path) -> None:
    """A backend that does not answer holds the exit for 2 s, and the process says what stays."""
    with Backend(b.never) as backend:
        began = time.monotonic()
        done = run("fill(spool, range(5))", backend, home)
        assert time.monotonic() - began < 6.0
        assert done.returncode == 0
        assert "5 spans stay in the spool" in done.stderr


def test_spans_are_dated_by_a_clock_that_is_never_set_back() -> None:
    """A clock that is set back a day goes on where it was; one that is set ahead, or slept through, is followed."""
    second, day = 10**9, 86_400 * 10**9
    with time_machine.travel(1_700_000_000, tick=False) as wall:
        clock = dating()
        began = clock()
        wall.shift(-86_400)
        assert began <= clock() < began + 60 * second
        wall.shift(2 * 86_400)
        assert abs(clock() - began - day) < 60 * second
