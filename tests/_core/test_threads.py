"""`attach_threads`: users and parents in threads and pools, and nobody's user in the next job."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.context import get_current
from opentelemetry.instrumentation.threading import ThreadingInstrumentor

from tests.spans import only, spans
from trackway import Trackway, attach_threads, observe, propagate_attributes, set_user

START, SUBMIT = threading.Thread.start, ThreadPoolExecutor.submit


@pytest.fixture
def detach() -> Iterator[Callable[[], None]]:
    undo = attach_threads()
    yield undo
    undo()
    assert threading.Thread.start is START
    assert ThreadPoolExecutor.submit is SUBMIT


def users(home: Path) -> dict[str, object]:
    return {span.name: span.attributes.get("user.id") for span in spans(home)}


def ran(thread: threading.Thread) -> None:
    thread.start()
    thread.join(10)


def test_a_thread_carries_user_and_parent(
    home: Path, client: Trackway, detach: Callable[[], None]
) -> None:
    """What a thread observes is for the user, below the observation, that were current when it was started."""

    class Own(threading.Thread):
        def run(self) -> None:
            client.create_event(name="subclass")

    with propagate_attributes(user_id="alice"):
        with client.start_as_current_observation(name="root") as root:
            target = threading.Thread(target=client.create_event, kwargs={"name": "target"})
            ran(target)
            own = Own()
            ran(own)
            timer = threading.Timer(0, client.create_event, kwargs={"name": "timer"})
            ran(timer)
    for name in ("target", "subclass", "timer"):
        assert only(home, name).parent_span_id == root.id
    assert set(users(home).values()) == {"alice"}
    assert "run" not in vars(target) | vars(own) | vars(timer)


def test_each_job_of_a_pool_has_its_own_submitter(
    home: Path, client: Trackway, detach: Callable[[], None]
) -> None:
    """On one reused thread every job is for who submitted it, and for nobody where nobody was said."""

    def job(name: str) -> None:
        client.create_event(name=name)
        set_user("left behind")

    with ThreadPoolExecutor(1) as pool:
        for user in ("alice", "bob"):
            with propagate_attributes(user_id=user):
                pool.submit(job, f"of {user}").result()
            pool.submit(job, f"after {user}").result()
        with propagate_attributes(user_id="carol"):
            assert list(pool.map(job, ["mapped"])) == [None]
        assert pool.submit(get_current).result() == {}
    assert users(home) == {
        "of alice": "alice",
        "after alice": None,
        "of bob": "bob",
        "after bob": None,
        "mapped": "carol",
    }


def test_a_thread_of_a_pool_keeps_nobody_alive(
    client: Trackway, detach: Callable[[], None]
) -> None:
    """The thread that a submit starts does not hold the submitter's context when the job is done."""
    found: list[object] = []
    with ThreadPoolExecutor(1, initializer=lambda: found.append(get_current())) as pool:
        with propagate_attributes(user_id="alice"):
            pool.submit(lambda: None).result()
    assert found == [{}]


def test_random_jobs_are_for_the_right_user(
    home: Path, client: Trackway, detach: Callable[[], None], count: Callable[[int, int], int]
) -> None:
    """Jobs of many users on few threads, submitting jobs themselves: 0 with a wrong user."""

    @observe
    def step(user: str, depth: int) -> None:
        client.create_event(name=f"event of {user}")
        if depth:
            inner.submit(step, user, depth - 1).result(60)

    with ThreadPoolExecutor(3) as outer, ThreadPoolExecutor(8) as inner:
        jobs = []
        for number in range(count(200, 20_000)):
            with propagate_attributes(user_id=f"user {number % 7}"):
                jobs.append(outer.submit(step, f"user {number % 7}", number % 2))
        for job in jobs:
            job.result(60)
    events = [span for span in spans(home) if span.name.startswith("event of ")]
    assert len(events) == len(jobs) + len(jobs) // 2
    wrong = [s for s in events if s.name != f"event of {s.attributes.get('user.id')}"]
    assert wrong == []


def test_a_coroutines_executor_carries_too(
    home: Path, client: Trackway, detach: Callable[[], None]
) -> None:
    """`run_in_executor` and `to_thread` are for the user of the task that awaits them."""

    async def request(user: str) -> None:
        loop = asyncio.get_running_loop()
        with propagate_attributes(user_id=user):
            await loop.run_in_executor(None, lambda: client.create_event(name=f"e {user}"))
            await asyncio.to_thread(client.create_event, name=f"t {user}")

    async def both() -> None:
        await asyncio.gather(request("alice"), request("bob"))

    asyncio.run(both())
    assert users(home) == {"e alice": "alice", "t alice": "alice", "e bob": "bob", "t bob": "bob"}


def test_results_and_errors_are_the_jobs_own(detach: Callable[[], None]) -> None:
    """Arguments, results and exceptions pass unchanged; a thread that cannot start is as it was."""

    def job(a: int, *, fn: int) -> int:
        return a // fn

    with ThreadPoolExecutor() as pool, propagate_attributes(user_id="alice"):
        assert pool.submit(job, 4, fn=2).result() == 2
        with pytest.raises(ZeroDivisionError):
            pool.submit(job, 4, fn=0).result()
        thread = threading.Thread(target=lambda: None)
        ran(thread)
        with pytest.raises(RuntimeError, match="once"):
            thread.start()
        assert "run" not in vars(thread)


def test_it_is_idempotent_and_reversible(home: Path, client: Trackway) -> None:
    """Twice is once; undone, Python's own methods are back and threads start empty again."""
    first, second = attach_threads(), attach_threads()
    assert threading.Thread.start.__wrapped__ is START  # type: ignore[attr-defined]  # put there by us
    first()
    second()
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == (START, SUBMIT)
    with propagate_attributes(user_id="alice"):
        ran(threading.Thread(target=client.create_event, kwargs={"name": "e"}))
    assert users(home) == {"e": None}


def test_opentelemetrys_instrumentation_can_be_there_as_well(home: Path, client: Trackway) -> None:
    """With OpenTelemetry's own instrumentation of threads on top, undoing ours leaves theirs in place, and working."""
    undo = attach_threads()
    ThreadingInstrumentor().instrument()
    undo()
    try:
        with propagate_attributes(user_id="alice"), ThreadPoolExecutor(1) as pool:
            pool.submit(client.create_event, name="theirs").result()
        again = attach_threads()
        with propagate_attributes(user_id="bob"), ThreadPoolExecutor(1) as pool:
            pool.submit(client.create_event, name="both").result()
    finally:
        ThreadingInstrumentor().uninstrument()
    again()
    assert users(home) == {"theirs": "alice", "both": "bob"}
    assert threading.Thread.start is START


PROGRAM = """
import threading
from trackway import get_client, propagate_attributes
def work():
    get_client().create_event(name="in the thread")
with propagate_attributes(user_id="alice"):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
"""


@pytest.mark.parametrize(("value", "user"), [("1", "alice"), ("0", None), ("", None)])
def test_the_variable_holds_from_the_first_thread_on(
    home: Path, value: str, user: str | None
) -> None:
    """`TRACKWAY_THREADS=1` is in force before any client is made; without it nothing is patched."""
    environment = {**os.environ, "TRACKWAY_THREADS": value}
    subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=True, timeout=60)
    assert users(home) == {"in the thread": user}


def test_a_client_can_ask_for_it(home: Path) -> None:
    """`Trackway(threads=True)` is the same."""
    client = Trackway(threads=True)
    try:
        with propagate_attributes(user_id="alice"):
            ran(threading.Thread(target=client.create_event, kwargs={"name": "e"}))
    finally:
        attach_threads()()
    assert users(home) == {"e": "alice"}
    assert trace.get_current_span() is trace.INVALID_SPAN
