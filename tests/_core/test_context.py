"""What this context holds, where blocks end elsewhere than they began."""

import contextvars
import gc
from collections.abc import Callable, Coroutine, Generator, Iterator
from pathlib import Path

import pytest

from tests.spans import Tail
from trackway import Trackway, observe, propagate_attributes


class Once:
    """Awaited once, it gives way for ever: whoever awaits it is abandoned in the middle."""

    def __await__(self) -> Generator[None]:
        yield


def block(client: Trackway) -> Iterator[int]:
    with client.start_as_current_observation(name="left open"):
        yield 1


def span(client: Trackway) -> Iterator[int]:
    tracer = client._provider.get_tracer("an instrumentation")
    with tracer.start_as_current_span("left open"):
        yield 1


def scope(_: Trackway) -> Iterator[int]:
    with propagate_attributes(user_id="carol"):
        yield 1


@observe(name="left open")
def decorated(client: Trackway) -> Iterator[int]:
    yield from block(client)


@observe(name="left open")
async def coroutine() -> None:
    await Once()


@propagate_attributes(user_id="carol")
async def scoped_coroutine() -> None:
    await Once()


def begun_generator(make: Callable[[Trackway], Iterator[int]]) -> Callable[[Trackway], object]:
    def begin(client: Trackway) -> object:
        generator = make(client)
        next(generator)
        return generator

    return begin


def begun_coroutine(
    make: Callable[[], Coroutine[object, object, None]],
) -> Callable[[Trackway], object]:
    def begin(_: Trackway) -> object:
        awaited = make()
        awaited.send(None)
        return awaited

    return begin


@pytest.mark.parametrize(
    "begin",
    [
        begun_generator(block),
        begun_generator(span),
        begun_generator(scope),
        begun_generator(decorated),
        begun_coroutine(coroutine),
        begun_coroutine(scoped_coroutine),
    ],
    ids=["observation", "OpenTelemetry span", "propagation", "@observe", "coroutine", "decorator"],
)
def test_what_the_collector_ends_changes_nobodys_context(
    begin: Callable[[Trackway], object], home: Path
) -> None:
    """A block that one request abandoned and the collector ends during another's does not make it that user's."""
    client = Trackway()

    def request(user: str, *, abandon: bool) -> None:
        with (
            propagate_attributes(user_id=user),
            client.start_as_current_observation(name=f"root of {user}"),
        ):
            if abandon:
                cycle: list[object] = [begin(client)]
                cycle.append(cycle)
                del cycle
            else:
                gc.collect()
            client.start_observation(name=f"work of {user}").end()

    gc.disable()
    try:
        contextvars.Context().run(request, "alice", abandon=True)
        contextvars.Context().run(request, "bob", abandon=False)
    finally:
        gc.enable()
    with Tail(home) as tail:
        spans = {span.name: span for span in tail.read()}
    assert spans["work of bob"].attributes["user.id"] == "bob"
    assert spans["work of bob"].trace_id == spans["root of bob"].trace_id
    assert spans["work of bob"].parent_span_id == spans["root of bob"].span_id


TEAM = propagate_attributes(tags=["team"])  # one object for every request


async def in_shared() -> None:
    with TEAM:
        await Once()


def shared() -> Iterator[int]:
    with TEAM:
        yield 1


@observe(name="left open")
def decorated_shared() -> Iterator[int]:
    with TEAM, propagate_attributes(user_id="carol"):
        yield 1


def begun(made: Generator[object, None, None] | Coroutine[object, object, None]) -> object:
    made.send(None)
    return made


@pytest.mark.parametrize(
    "begin",
    [in_shared, shared, decorated_shared],
    ids=["coroutine", "generator", "@observe"],
)
def test_what_the_collector_ends_is_no_block_of_the_same_object(
    begin: Callable[[], Generator[object, None, None]], home: Path
) -> None:
    """Where one object is entered by every request, the collector ends no other request's block of it."""
    client = Trackway()

    def abandon() -> None:
        cycle: list[object] = [begun(begin())]
        cycle.append(cycle)

    def request() -> None:
        with TEAM, propagate_attributes(user_id="bob"):
            gc.collect()
            client.create_event(name="work of bob")
        client.create_event(name="after")

    gc.disable()
    try:
        contextvars.Context().run(abandon)
        contextvars.Context().run(request)
    finally:
        gc.enable()
    with Tail(home) as tail:
        spans = {span.name: span.attributes for span in tail.read()}
    assert spans["work of bob"]["user.id"] == "bob"
    assert spans["work of bob"]["langfuse.trace.tags"] == ("team",)
    assert "user.id" not in spans["after"]
    assert "langfuse.trace.tags" not in spans["after"]


def test_a_leak_ends_with_the_block_around_it() -> None:
    """What an unfinished generator leaves current is gone after the block in which it was begun."""
    client = Trackway()
    with client.start_as_current_observation(name="around"):
        generator = block(client)
        next(generator)
        assert client.get_current_observation_id() is not None
    assert client.get_current_observation_id() is None
    generator.close()  # type: ignore[attr-defined]  # it is a generator
    assert client.get_current_observation_id() is None
