"""`@observe` on every kind of function: the function stays what it is, and every call is recorded."""

import asyncio
import copy
import inspect
import logging
import multiprocessing
import pickle
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import cast, get_type_hints

import pytest

from tests.spans import level_of, only, spans, value_of
from trackway import Trackway, get_client, observe
from trackway._core.kinds import KINDS
from trackway.types import ObservationKind


@observe(as_type="tool")
def plain(a: int, b: int = 2) -> int:
    """Adds."""
    return a + b


@observe(as_type="tool")
async def coroutine(a: int, b: int = 2) -> int:
    """Adds."""
    await asyncio.sleep(0)
    return a + b


@observe(as_type="tool")
def generator(a: int, b: int = 2) -> Generator[str, str, str]:
    """Repeats what it is sent."""
    got = yield f"{a + b}"
    while got:
        got = yield got
    return "done"


@observe(as_type="tool")
async def async_generator(a: int, b: int = 2) -> AsyncGenerator[str, str]:
    """Repeats what it is sent."""
    got = yield f"{a + b}"
    while got:
        got = yield got


# -- kinds of function -------------------------------------------------------------------------------------------------


def test_a_function_keeps_its_kind() -> None:
    """`inspect` sees the same kind of function before and after."""
    told = [
        (inspect.isfunction, plain),
        (inspect.iscoroutinefunction, coroutine),
        (asyncio.iscoroutinefunction, coroutine),
        (inspect.isgeneratorfunction, generator),
        (inspect.isasyncgenfunction, async_generator),
    ]
    assert all(is_kind(function) for is_kind, function in told)  # type: ignore[operator]  # each its own
    functions = (coroutine, generator, async_generator)
    assert not any(inspect.isgeneratorfunction(f) for f in functions if f is not generator)
    assert not any(inspect.iscoroutinefunction(f) for f in functions if f is not coroutine)


def test_a_function_keeps_its_face() -> None:
    """Name, docstring, signature and type hints are the function's own."""
    assert plain.__name__ == "plain"
    assert plain.__qualname__ == "plain"
    assert plain.__doc__ == "Adds."
    assert plain.__module__ == __name__
    assert str(inspect.signature(plain)) == "(a: int, b: int = 2) -> int"
    assert get_type_hints(plain) == {"a": int, "b": int, "return": int}


def test_a_function_is_recorded(home: Path, client: Trackway) -> None:
    """A call gives its result; the observation has name, kind, arguments by name and the result."""
    assert plain(1, b=4) == 5
    found = only(home)
    assert found.name == "plain"
    assert found.attributes["langfuse.observation.type"] == "tool"
    assert value_of(found, "input") == {"a": 1, "b": 4}
    assert value_of(found, "output") == 5
    assert level_of(found) == (0, "", None)
    assert found.parent_span_id is None


def test_a_coroutine_function_is_recorded(home: Path, client: Trackway) -> None:
    """An awaited call is recorded like a function's, children included."""

    @observe
    async def outer() -> int:
        return sum(await asyncio.gather(coroutine(1), coroutine(2)))

    assert asyncio.run(outer()) == 7
    found = {(s.name, str(value_of(s))): s for s in spans(home)}
    parent = found["outer", "7"]
    assert found["coroutine", "3"].parent_span_id == parent.span_id
    assert found["coroutine", "4"].parent_span_id == parent.span_id


def test_a_coroutine_that_is_never_awaited_is_no_call(home: Path, client: Trackway) -> None:
    """What never ran is not recorded."""
    coroutine(1).close()
    assert spans(home) == []


def test_a_generator_is_recorded(home: Path, client: Trackway) -> None:
    """Strings of a generator are joined, `send` reaches it, its return value its consumer."""
    steps = generator(1)
    assert next(steps) == "3"
    assert steps.send("4") == "4"
    with pytest.raises(StopIteration) as stop:
        steps.send("")
    assert stop.value.value == "done"
    assert value_of(only(home), "input") == {"a": 1}
    assert value_of(only(home), "output") == "34"


def test_an_async_generator_is_recorded(home: Path, client: Trackway) -> None:
    """Strings of an async generator are joined, and `asend` reaches it."""

    async def consume() -> list[str]:
        steps = async_generator(1)
        items = [await anext(steps), await steps.asend("4")]
        with suppress(StopAsyncIteration):
            await steps.asend("")
        return items

    assert asyncio.run(consume()) == ["3", "4"]
    assert value_of(only(home)) == "34"


def test_a_generator_begins_with_its_first_step(home: Path, client: Trackway) -> None:
    """A generator that is made and never asked is no call; one that is asked elsewhere belongs there."""
    unasked, asked = generator(1), generator(2)
    with client.start_as_current_observation(name="consumer") as consumer:
        next(asked)
    asked.close()
    unasked.close()
    assert only(home, "generator").parent_span_id == consumer.id


def test_throw_reaches_a_generator(home: Path, client: Trackway) -> None:
    """An exception that is thrown in may be handled there, and the generator goes on."""

    @observe
    def patient() -> Generator[str, None, None]:
        while True:
            try:
                yield "waiting"
            except KeyError:
                yield "handled"
                return

    steps = patient()
    assert next(steps) == "waiting"
    assert steps.throw(KeyError("k")) == "handled"
    assert list(steps) == []
    assert value_of(only(home)) == "waitinghandled"
    assert level_of(only(home)) == (0, "", None)


def test_athrow_reaches_an_async_generator(home: Path, client: Trackway) -> None:
    """The same of an async generator."""

    @observe
    async def patient() -> AsyncGenerator[str, None]:
        try:
            yield "waiting"
        except KeyError:
            yield "handled"

    async def consume() -> list[str]:
        steps = patient()
        return [await anext(steps), await steps.athrow(KeyError("k")), *[i async for i in steps]]

    assert asyncio.run(consume()) == ["waiting", "handled"]
    assert value_of(only(home)) == "waitinghandled"


def test_closing_reaches_a_generator(home: Path, client: Trackway) -> None:
    """`close` runs the generator's `finally`, inside its observation; leaving early is no failure, and is said."""

    @observe
    def stream() -> Generator[str, None, None]:
        try:
            yield "one"
            yield "two"
        finally:
            client.create_event(name="cleaned up")

    steps = stream()
    next(steps)
    steps.close()
    found = only(home, "stream")
    assert only(home, "cleaned up").parent_span_id == found.span_id
    assert value_of(found) == "one"
    assert level_of(found) == (0, "", None)
    assert found.attributes["langfuse.observation.status_message"] == "closed before its end"


def test_aclose_reaches_an_async_generator(home: Path, client: Trackway) -> None:
    """The same of an async generator."""

    @observe
    async def stream() -> AsyncGenerator[str, None]:
        try:
            yield "one"
            yield "two"
        finally:
            await asyncio.sleep(0)
            client.create_event(name="cleaned up")

    async def consume() -> None:
        steps = stream()
        await anext(steps)
        await steps.aclose()

    asyncio.run(consume())
    found = only(home, "stream")
    assert only(home, "cleaned up").parent_span_id == found.span_id
    assert found.attributes["langfuse.observation.status_message"] == "closed before its end"


def test_a_generator_that_ignores_its_end_is_told_so(home: Path, client: Trackway) -> None:
    """A generator that yields when it is closed gets Python's own error, which is recorded."""

    @observe
    def stubborn() -> Generator[int, None, None]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    steps = stubborn()
    next(steps)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        steps.close()
    assert only(home).status_message == "RuntimeError: generator ignored GeneratorExit"


# -- copies and other processes ----------------------------------------------------------------------------------------


def test_a_function_can_be_pickled_and_copied(client: Trackway) -> None:
    """A decorated function is pickled by its name, as any function, and copied as itself."""
    for function in (plain, coroutine, generator, async_generator):
        assert pickle.loads(pickle.dumps(function)) is function
        assert copy.deepcopy(function) is function


POOL = """
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from trackway import observe

@observe
def double(number):
    return 2 * number

if __name__ == "__main__":
    for method in multiprocessing.get_all_start_methods():
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            assert list(pool.map(double, [1, 2])) == [2, 4]
"""


def test_a_process_pool_runs_decorated_functions(home: Path, tmp_path: Path) -> None:
    """What runs in the processes of a pool, however they are started, is recorded, and found in the same spool."""
    program = tmp_path / "pool.py"
    program.write_text(POOL)
    subprocess.run([sys.executable, "-W", "error", program], check=True)
    ways = len(multiprocessing.get_all_start_methods())
    assert sorted(str(value_of(s)) for s in spans(home)) == ["2"] * ways + ["4"] * ways


# -- settings of the decorator -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "event"])
def test_every_kind_can_be_asked_for(home: Path, client: Trackway, kind: ObservationKind) -> None:
    """`as_type` is the kind of the observation."""
    observe(as_type=kind, name="a name")(lambda: None)()
    assert only(home, "a name").attributes["langfuse.observation.type"] == kind


@pytest.mark.parametrize("kind", ["llm", "event", "", 7, ["span"]])
def test_an_unknown_kind_is_a_span(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture, kind: object
) -> None:
    """A kind that does not exist is a warning when the function is decorated, and a span."""
    observe(as_type=cast("ObservationKind", kind))(lambda: None)()
    assert only(home).attributes["langfuse.observation.type"] == "span"
    assert "Valid types are: span, generation" in caplog.text


def test_what_cannot_be_observed_is_given_back(
    client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """A class, or what cannot be called, stays as it is, and a warning says so."""
    decorate = cast("Callable[[object], object]", observe)
    assert decorate(Path) is Path
    assert decorate("text") == "text"
    assert "cannot observe the class Path" in caplog.text
    assert "was given a str" in caplog.text


def test_a_call_without_a_client_uses_the_environments(home: Path) -> None:
    """Nothing needs to be set up: the first call makes the default client."""
    assert plain(1) == 3
    assert only(home).name == "plain"
    assert get_client()._core.settings.directory == home


def test_a_wrong_environment_disturbs_no_function(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    swallowing: None,
) -> None:
    """With a setting that cannot be used, functions run untraced, and it is said once."""
    monkeypatch.setenv("TRACKWAY_SAMPLE_RATE", "2")
    assert [plain(n) for n in range(3)] == [2, 3, 4]
    assert not home.exists()
    assert len([r for r in caplog.records if r.levelno >= logging.WARNING]) == 1


def test_off_means_off(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With tracing off functions of every kind run as they are, and no file is made."""
    monkeypatch.setenv("TRACKWAY_ENABLED", "false")
    special = {"trackway_trace_id": "ab" * 16}
    assert plain(1, **special) == 3  # type: ignore[arg-type]  # taken out of the call
    assert asyncio.run(coroutine(1, **special)) == 3  # type: ignore[arg-type]  # likewise
    assert next(generator(1, **special)) == "3"  # type: ignore[arg-type]  # likewise
    assert not home.exists()
