"""One observed call: what is captured, how it ends, streams that outlive it, and where it was said to belong."""

import asyncio
import gc
import json
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import cast

import pytest
from starlette.responses import StreamingResponse

from tests.spans import exception_of, level_of, only, spans, value_of
from trackway import Trackway, observe, set_user
from trackway._core.call import MAX_ITEMS

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"
Anything = Callable[..., object]  # type: ignore[explicit-any]  # special arguments are in no signature


# -- what is captured --------------------------------------------------------------------------------------------------


def test_arguments_are_recorded_as_they_were(home: Path, client: Trackway) -> None:
    """What the function does to its arguments afterwards changes nothing that was recorded, and identities stay."""
    handed = {"documents": [1, 2]}

    @observe
    def consume(batch: dict[str, list[int]]) -> object:
        batch["documents"].clear()
        return batch

    assert consume(handed) is handed
    assert value_of(only(home), "input") == {"batch": {"documents": [1, 2]}}
    assert value_of(only(home)) == {"documents": []}


@pytest.mark.parametrize(
    ("by_setting", "by_decorator", "captured"),
    [(True, None, True), (False, None, False), (True, False, False), (False, True, True)],
)
def test_capture_can_be_switched(
    home: Path, *, by_setting: bool, by_decorator: bool | None, captured: bool
) -> None:
    """`capture_input` and `capture_output` of the decorator beat the setting `capture_io`."""
    Trackway(capture_io=by_setting)
    observe(capture_input=by_decorator, capture_output=by_decorator, name="f")(lambda a: a)(1)
    found = only(home)
    assert (value_of(found, "input"), value_of(found)) == (
        ({"a": 1}, 1) if captured else (None,) * 2
    )


def test_none_is_no_output(home: Path, client: Trackway) -> None:
    """A function that returns nothing has no output."""
    observe(lambda: None)()
    assert "output.value" not in only(home).attributes


def test_a_text_is_a_text(home: Path, client: Trackway) -> None:
    """A `str` is recorded as it is, without quotes."""
    observe(name="f")(lambda: 'says "yes"')()
    found = only(home).attributes
    assert found["output.value"] == 'says "yes"'
    assert found["output.mime_type"] == "text/plain"


def test_items_that_are_no_texts_are_a_list(home: Path, client: Trackway) -> None:
    """Items of a generator that are not all strings are recorded as a list; beyond 10,000 only their number."""

    @observe
    def numbers(count: int) -> Generator[int, None, None]:
        yield from range(count)

    assert sum(numbers(3)) == 3
    assert sum(1 for _ in numbers(MAX_ITEMS + 5)) == MAX_ITEMS + 5
    few, many = spans(home)
    assert value_of(few) == [0, 1, 2]
    assert value_of(many) == [*range(MAX_ITEMS), "<… 5 items cut>"]


def test_the_caller_can_make_a_text_of_the_items(home: Path, client: Trackway) -> None:
    """`transform_to_string` decides; where it fails the items are recorded as ever."""

    def joined(items: Iterable[object]) -> str:
        return "+".join(map(str, items))

    def broken(items: Iterable[object]) -> str:
        raise ValueError(items)

    for transform in (joined, broken):

        @observe(transform_to_string=transform)
        def numbers() -> Generator[int, None, None]:
            yield from (1, 2)

        assert list(numbers()) == [1, 2]
    assert [value_of(s) for s in spans(home)] == ["1+2", [1, 2]]


# -- how it ends -------------------------------------------------------------------------------------------------------


class Refused(Exception):
    """An application's own error."""


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (Refused("no"), "Refused: no"),
        (KeyError("k"), "KeyError: 'k'"),
        (ValueError(), "ValueError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(3), "SystemExit: 3"),
        (asyncio.CancelledError(), "CancelledError"),
        (GeneratorExit(), "GeneratorExit"),
    ],
)
def test_an_error_is_recorded_and_raised_unchanged(
    home: Path, client: Trackway, error: BaseException, message: str
) -> None:
    """Status and level ERROR, `Type: text`, an exception event; the caller gets the very object."""

    @observe
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        fail()
    assert raised.value is error
    found = only(home)
    assert level_of(found) == (2, message, "ERROR")
    kind, text, stack = exception_of(found)
    module = "" if type(error).__module__ == "builtins" else f"{type(error).__module__}."
    assert kind == module + type(error).__qualname__
    assert text == str(error)
    assert "in fail" in stack


def test_errors_of_every_kind_of_function_are_recorded(home: Path, client: Trackway) -> None:
    """Coroutines, generators and async generators fail like functions do, with what they gave before."""

    @observe
    async def coroutine() -> None:
        raise Refused

    @observe
    def generator() -> Generator[str, None, None]:
        yield "some"
        raise Refused

    @observe
    async def async_generator() -> AsyncGenerator[str, None]:
        yield "some"
        raise Refused

    async def consume() -> None:
        async for _ in async_generator():
            pass

    for attempt in (
        lambda: asyncio.run(coroutine()), lambda: list(generator()), lambda: asyncio.run(consume())
    ):  # fmt: skip
        with pytest.raises(Refused):
            attempt()
    assert [level_of(s) for s in spans(home)] == [(2, "Refused", "ERROR")] * 3
    assert [value_of(s) for s in spans(home)] == [None, "some", "some"]


def test_a_cancelled_task_is_recorded_as_that(home: Path, client: Trackway) -> None:
    """Cancellation is an end like others: every observation that was open says so, and the task is cancelled."""

    @observe
    async def inner() -> None:
        await asyncio.Event().wait()

    @observe
    async def outer() -> None:
        await inner()

    async def main() -> bool:
        task = asyncio.create_task(outer())
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return task.cancelled()

    assert asyncio.run(main())
    assert [(s.name, s.status_message) for s in spans(home)] == [
        ("inner", "CancelledError"),
        ("outer", "CancelledError"),
    ]


def test_a_hostile_error_is_recorded_by_its_type(home: Path, client: Trackway) -> None:
    """An exception whose own `__str__` fails is recorded and raised like any other."""

    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    @observe
    def fail() -> None:
        raise Hostile

    with pytest.raises(Hostile):
        fail()
    assert (
        only(home).status_message == "test_a_hostile_error_is_recorded_by_its_type.<locals>.Hostile"
    )


# -- streams that a function returns -----------------------------------------------------------------------------------


def words() -> Generator[str, None, None]:
    yield "one"
    yield "two"


async def async_words() -> AsyncGenerator[str, None]:
    yield "one"
    yield "two"


@observe
def a_stream() -> Generator[str, None, None]:
    return words()


@observe
async def an_async_stream() -> AsyncGenerator[str, None]:
    return async_words()


def test_a_returned_generator_ends_the_observation(home: Path, client: Trackway) -> None:
    """A function that returns a generator is over when the generator is; what it yields is the output."""
    stream = a_stream()
    assert isinstance(stream, Generator)
    assert spans(home) == []
    assert list(stream) == ["one", "two"]
    assert value_of(only(home)) == "onetwo"


def test_a_returned_async_generator_ends_the_observation(home: Path, client: Trackway) -> None:
    """The same of an async generator that a coroutine function returns."""

    async def consume() -> list[str]:
        stream = await an_async_stream()
        assert spans(home) == []
        return [word async for word in stream]

    assert asyncio.run(consume()) == ["one", "two"]
    assert value_of(only(home)) == "onetwo"


def test_a_returned_coroutine_ends_the_observation(home: Path, client: Trackway) -> None:
    """A function that returns a coroutine is over when that was awaited; inside, the observation is current."""

    async def answer() -> str:
        client.create_event(name="inside")
        return "42"

    @observe
    def request() -> Coroutine[object, object, str]:
        return answer()

    made = request()
    assert spans(home) == []
    assert asyncio.run(made) == "42"
    found = only(home, "request")
    assert value_of(found) == "42"
    assert only(home, "inside").parent_span_id == found.span_id


@pytest.mark.parametrize("end", ["close", "drop", "throw"])
def test_a_returned_generator_that_is_left_ends_the_observation(
    home: Path, client: Trackway, end: str
) -> None:
    """Closed, dropped or failed after its first item or before, a stream ends its observation once."""
    for steps in (1, 0):
        stream = a_stream()
        for _ in range(steps):
            next(stream)
        if end == "close":
            stream.close()
        elif end == "throw":
            with pytest.raises(Refused):
                stream.throw(Refused())
        del stream
    gc.collect()
    begun, unbegun = spans(home)
    assert value_of(begun) == "one"
    assert value_of(unbegun) is None


def test_a_streaming_response_ends_the_observation(home: Path, client: Trackway) -> None:
    """The observation of a view that streams ends with the body, and the user it learnt is the stream's too."""

    async def body() -> AsyncIterator[str]:
        client.create_event(name="inside")
        for word in ("one", "two"):
            yield word

    @observe
    async def view() -> StreamingResponse:
        set_user("alice")
        return StreamingResponse(body())

    async def serve() -> list[object]:
        response = await view()
        assert type(response) is StreamingResponse
        assert spans(home) == []
        return [chunk async for chunk in response.body_iterator]

    assert asyncio.run(serve()) == ["one", "two"]
    found, inside = only(home, "view"), only(home, "inside")
    assert value_of(found) == "onetwo"
    assert inside.parent_span_id == found.span_id
    assert inside.attributes["user.id"] == "alice"


def test_other_iterators_are_results(home: Path, client: Trackway) -> None:
    """An iterator that is no generator is given as it is, and ends nothing later."""
    iterator = iter([1, 2])
    assert observe(name="f")(lambda: iterator)() is iterator
    assert only(home).name == "f"


# -- where it belongs --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["trackway", "langfuse"])
def test_a_call_can_be_placed(home: Path, client: Trackway, prefix: str) -> None:
    """The special arguments place the observation, and the function does not get them."""
    given = {f"{prefix}_trace_id": TRACE, f"{prefix}_parent_observation_id": PARENT}

    @observe
    def place(**more: object) -> dict[str, object]:
        return more

    assert place(a=1, **given) == {"a": 1}
    found = only(home)
    assert (found.trace_id, found.parent_span_id) == (TRACE, PARENT)
    assert value_of(found, "input") == {"a": 1}


@pytest.mark.parametrize("bad", ["not hex", "g" * 32, "0" * 32, "ab" * 17, "", 7, b"ab", object()])
def test_an_id_that_is_none_is_dropped(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture, bad: object
) -> None:
    """A trace id that is not hex is dropped with one warning; the call is recorded in a trace of its own."""
    function = cast("Anything", observe(name="f")(lambda: 1))
    assert function(trackway_trace_id=bad, trackway_parent_observation_id="nor this") == 1
    assert len(only(home).trace_id) == 32
    assert only(home).parent_span_id is None
    assert "is not 32 hex digits. Dropping value." in caplog.text


def test_a_parent_needs_a_trace(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """A parent id without a trace id places nothing, and is warned about; so is a key that no client has."""
    function = cast("Anything", observe(name="f")(lambda: 1))
    assert function(trackway_parent_observation_id=PARENT, trackway_public_key="pk-none") == 1
    assert only(home).parent_span_id is None
    assert "without a trace id places nothing" in caplog.text
    assert "no client with public key 'pk-none'" in caplog.text


def test_calls_at_once_do_not_mix(home: Path, client: Trackway) -> None:
    """Threads that run one decorated function at once each get their own results, inputs and outputs."""
    barrier = threading.Barrier(8)

    @observe
    def double(number: int) -> int:
        barrier.wait(30)
        return 2 * number

    threads = [threading.Thread(target=double, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = sorted(json.dumps([value_of(s, "input"), value_of(s)]) for s in spans(home))
    assert told == sorted(json.dumps([{"number": n}, 2 * n]) for n in range(8))
