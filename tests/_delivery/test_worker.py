"""A thread that is there while there is something to do."""

import threading
from collections.abc import Callable

import pytest
from opentelemetry import context

from trackway._delivery.worker import Worker


class Work:
    """Steps that a test can wait for; *pending* of them have something to do."""

    def __init__(self, pending: int = 0) -> None:
        self.pending = pending
        self.steps = 0
        self.changed = threading.Condition()
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.seen: list[object] = []

    def step(self, _timeout: float | None) -> float | None:
        self.entered.set()
        self.gate.wait(10)
        with self.changed:
            self.steps += 1
            self.seen.append(context.get_value("suppress_instrumentation"))
            self.changed.notify_all()
            if self.pending:
                self.pending -= 1
                return 0.0
            return None

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, 10)


def test_it_works_until_nothing_is_left() -> None:
    """A woken worker does all steps that have something to do."""
    work = Work(pending=5)
    worker = Worker(work.step, name="test")
    assert worker.wake()
    assert work.wait_for(lambda: work.pending == 0)
    assert worker.stop(10)


def test_it_starts_soon_without_making_the_caller_wait() -> None:
    """`start_soon` has the thread started by another, and says at once that it is awake."""
    work = Work(pending=1)
    worker = Worker(work.step, name="test")
    worker.start_soon()
    assert worker.awake
    assert work.wait_for(lambda: work.pending == 0)
    assert worker.stop(10)
    assert not worker.awake


def test_it_falls_asleep_and_wakes_again() -> None:
    """Without work the thread ends by itself, tells so, and can be started again."""
    ended = threading.Semaphore(0)
    work = Work()
    worker = Worker(work.step, name="test", on_exit=ended.release, idle_s=0.0)
    for _ in range(3):
        worker.start_soon()
        worker.wake()
        assert ended.acquire(timeout=10)
        assert not worker.awake
    assert worker.stop(10)


def test_no_wake_up_is_lost() -> None:
    """What is put while the thread falls asleep is done, whoever of the two notices."""
    work = Work()
    worker = Worker(work.step, name="test", idle_s=0.0)
    for _ in range(200):
        work.pending += 1
        if not worker.awake:
            worker.start_soon()
        worker.wake()
        assert work.wait_for(lambda: work.pending == 0)
    assert worker.stop(10)


def test_a_pause_ends_the_thread() -> None:
    """While paused no thread is there and none can be started; afterwards it can."""
    work = Work(pending=1)
    worker = Worker(work.step, name="test")
    worker.wake()
    assert worker.pause(10)
    assert not worker.alive
    worker.start_soon()
    assert not worker.wake()
    assert not worker.alive
    worker.resume()
    assert worker.wake()
    assert worker.stop(10)


def test_a_pause_does_not_wait_for_ever() -> None:
    """A thread that is busy is not waited for longer than asked."""
    work = Work()
    work.gate.clear()
    worker = Worker(work.step, name="test")
    worker.wake()
    assert work.entered.wait(10)
    assert not worker.pause(0.05)
    work.gate.set()
    assert worker.stop(10)


def test_a_stopped_worker_stays_stopped() -> None:
    """After `stop` nothing starts the thread again."""
    work = Work()
    worker = Worker(work.step, name="test")
    assert worker.stop(1)
    worker.start_soon()
    assert not worker.wake()
    assert work.steps == 0


@pytest.mark.usefixtures("swallowing")
def test_an_internal_error_ends_nothing() -> None:
    """A step that raises is counted by the guard, and the next one is done."""
    work = Work()
    failures = [True, False]

    def step(timeout: float | None) -> float | None:
        if failures and failures.pop(0):
            raise RuntimeError
        return work.step(timeout)

    worker = Worker(step, name="test")
    worker.wake()
    assert work.wait_for(lambda: work.steps > 0)
    assert worker.stop(10)


def test_what_it_does_is_not_traced() -> None:
    """Instrumentations of the application leave the thread's requests alone."""
    work = Work()
    worker = Worker(work.step, name="test")
    worker.wake()
    assert work.wait_for(lambda: work.steps > 0)
    assert worker.stop(10)
    assert set(work.seen) == {True}
    assert context.get_value("suppress_instrumentation") is None


def test_a_nudge_ends_a_wait() -> None:
    """A thread that waits for long does a step at once; where there is none, none is started."""
    steps = threading.Semaphore(0)

    def step(_: float | None) -> float:
        steps.release()
        return 600.0

    worker = Worker(step, name="nudged")
    worker.nudge()
    assert not worker.alive
    worker.wake()
    assert steps.acquire(timeout=30)
    worker.nudge()
    assert steps.acquire(timeout=30)
    assert worker.stop(30)
