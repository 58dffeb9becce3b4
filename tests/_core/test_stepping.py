"""The drivers of generators: a consumer's context is never changed, a generator's own is kept from step to step."""

import asyncio
import contextvars
import sys
from collections.abc import AsyncGenerator, Generator

import pytest
from opentelemetry.context import Context, attach, get_current, get_value, set_value

from trackway._core import stepping

other: contextvars.ContextVar[str] = contextvars.ContextVar("other", default="unset")


class Told:
    """Remembers what happened to a generator."""

    def __init__(self) -> None:
        self.life: list[object] = []

    def yielded(self, item: object) -> None:
        self.life.append(item)

    def finish(self, value: object) -> None:
        self.life.append(("finished", value))

    def fail(self, error: BaseException) -> None:
        self.life.append(("failed", type(error)))

    def close(self) -> None:
        self.life.append("closed")


def mark() -> object:
    """What the context of OpenTelemetry says here."""
    return get_value("mark")


def inside(text: str) -> Context:
    return set_value("mark", text, Context())


def leaky() -> Generator[object, str, str]:
    """Changes its context between its steps, and never puts it back."""
    got = yield mark()
    attach(set_value("mark", "changed"))
    other.set("changed")
    got = yield got
    yield mark()
    return "the end"


async def async_leaky() -> AsyncGenerator[object, str]:
    got = yield mark()
    attach(set_value("mark", "changed"))
    await asyncio.sleep(0)
    got = yield got
    yield mark()


def test_each_step_runs_where_the_last_one_ended() -> None:
    """The generator sees what it set; the consumer's context is the very same object after each step."""
    told = Told()
    steps = stepping.steps(leaky(), inside("own"), told)
    before = get_current()
    items = [next(steps)]
    assert get_current() is before
    items += [steps.send("sent"), next(steps)]
    assert get_current() is before
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert get_current() is before
    assert items == ["own", "sent", "changed"]
    assert stop.value.value == "the end"
    assert told.life == [*items, ("finished", "the end")]


def test_each_step_of_an_async_generator_runs_where_the_last_one_ended() -> None:
    """The same of async generators, with every step in a task of its own."""
    told = Told()

    async def main() -> list[object]:
        steps = stepping.async_steps(async_leaky(), inside("own"), told)
        before = get_current()
        items = [await asyncio.create_task(anext(steps))]
        items += [await steps.asend("sent"), await anext(steps)]
        assert get_current() is before
        with pytest.raises(StopAsyncIteration):
            await anext(steps)
        return items

    items = asyncio.run(main())
    assert items == ["own", "sent", "changed"]
    assert told.life == [*items, ("finished", None)]


def test_other_variables_are_the_consumers() -> None:
    """Only OpenTelemetry's variable is kept apart: all others a generator shares with its consumer, as in Python."""
    context = contextvars.copy_context()
    steps = stepping.steps(leaky(), inside("own"), Told())
    context.run(lambda: [next(steps), next(steps)])
    assert context[other] == "changed"


def test_an_exception_reaches_both_sides() -> None:
    """What a generator raises reaches its consumer unchanged; what is thrown in may be caught there."""
    told = Told()
    error = KeyError("k")

    def catching() -> Generator[int, None, None]:
        try:
            yield 1
        except ValueError:
            yield 2
        raise error

    steps = stepping.steps(catching(), inside("own"), told)
    before = get_current()
    assert (next(steps), steps.throw(ValueError())) == (1, 2)
    with pytest.raises(KeyError) as raised:
        next(steps)
    assert raised.value is error
    assert get_current() is before
    assert told.life == [1, 2, ("failed", KeyError)]


def test_closing_runs_in_the_generators_context() -> None:
    """What a generator does when it is closed sees its own context; the watcher is told once."""
    told, seen = Told(), list[object]()

    def closing() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            seen.append(mark())

    steps = stepping.steps(closing(), inside("own"), told)
    next(steps)
    before = get_current()
    steps.close()
    steps.close()
    assert get_current() is before
    assert seen == ["own"]
    assert told.life == [1, "closed"]


def test_an_error_while_closing_is_the_consumers() -> None:
    """What a generator raises in its `finally` reaches who closed it, sync or async."""

    def failing() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            raise KeyError

    async def async_failing() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            raise KeyError

    async def consume(told: Told) -> None:
        steps = stepping.async_steps(async_failing(), inside("own"), told)
        await anext(steps)
        await steps.aclose()

    told, async_told = Told(), Told()
    steps = stepping.steps(failing(), inside("own"), told)
    next(steps)
    with pytest.raises(KeyError):
        steps.close()
    with pytest.raises(KeyError):
        asyncio.run(consume(async_told))
    assert told.life == async_told.life == [1, ("failed", KeyError)]


@pytest.mark.skipif(sys.version_info < (3, 13), reason="`close` gives a value since Python 3.13")
def test_closing_gives_what_the_generator_returned() -> None:
    """As Python does, `close` gives the value of a generator that returned one."""

    def returning() -> Generator[int, None, str]:
        try:
            yield 1
        except GeneratorExit:
            return "value"
        return "never"

    steps = stepping.steps(returning(), inside("own"), Told())
    next(steps)
    assert steps.close() == "value"  # type: ignore[func-returns-value]  # from 3.13 on


def test_a_coroutine_is_awaited_in_its_context() -> None:
    """A coroutine runs in the context that it is given, its awaiter's comes back, and its end is told."""

    async def answer(error: type[Exception] | None) -> object:
        await asyncio.sleep(0)
        if error is not None:
            raise error
        return mark()

    async def main(told: Told, error: type[Exception] | None) -> object:
        before = get_current()
        try:
            return await stepping.awaited(answer(error), inside("own"), told)
        finally:
            assert get_current() is before

    told = Told()
    assert asyncio.run(main(told, None)) == "own"
    with pytest.raises(KeyError):
        asyncio.run(main(told, KeyError))
    assert told.life == [("finished", "own"), ("failed", KeyError)]


def test_a_generator_is_dropped_without_a_word() -> None:
    """An async generator that is left behind is closed by its loop, in its context, and nobody is warned."""
    told = Told()

    async def main() -> None:
        steps = stepping.async_steps(async_leaky(), inside("own"), told)
        assert await anext(steps) == "own"
        del steps
        for _ in range(3):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert told.life == ["own", "closed"]
