"""`propagate_attributes` and `set_user`: what is stamped on whom, how blocks nest, where they are carried."""

import asyncio
import contextvars
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from tests.spans import only, spans
from trackway import Trackway, observe, propagate_attributes, set_user
from trackway._core.signatures import display_name
from trackway._wire.decode import DecodedSpan

EVERYTHING = {
    "user_id": "alice",
    "session_id": "s-1",
    "version": "v2",
    "trace_name": "chat",
    "environment": "staging",
    "tags": ["a", "b"],
    "metadata": {"plan": "pro", "seats": 3},
    "prompt": {"name": "answer", "version": 7},
}
STAMPED = {
    "user.id": "alice",
    "session.id": "s-1",
    "langfuse.version": "v2",
    "langfuse.trace.name": "chat",
    "langfuse.environment": "staging",
    "deployment.environment.name": "staging",
    "langfuse.trace.tags": ("a", "b"),
    "tag.tags": ("a", "b"),
    "langfuse.trace.metadata.plan": "pro",
    "langfuse.trace.metadata.seats": "3",
    "metadata": '{"plan":"pro","seats":"3"}',
    "langfuse.observation.prompt.name": "answer",
    "langfuse.observation.prompt.version": 7,
    "gen_ai.prompt.name": "answer",
}


def user_of(span: DecodedSpan) -> object:
    return span.attributes.get("user.id")


def users(home: Path) -> dict[str, object]:
    """Whom each observation is for."""
    return {span.name: user_of(span) for span in spans(home)}


# -- what is stamped on whom -------------------------------------------------------------------------------------------


def test_everything_is_stamped_on_what_starts_inside(home: Path, client: Trackway) -> None:
    """Each attribute of the block is on every observation that starts in it, at whatever depth, and on none after."""
    client.create_event(name="before")
    with propagate_attributes(**EVERYTHING):  # type: ignore[arg-type]  # one mapping for the test
        with client.start_as_current_observation(name="inside"):
            client.create_event(name="below")
    client.create_event(name="after")
    found = {span.name: span.attributes for span in spans(home)}
    assert {key: found["inside"].get(key) for key in STAMPED} == STAMPED
    assert {key: found["below"].get(key) for key in STAMPED} == STAMPED
    assert found["before"].keys().isdisjoint(STAMPED)
    assert found["after"].keys().isdisjoint(STAMPED)


def test_the_current_observation_gets_what_it_has_no_value_for(
    home: Path, client: Trackway
) -> None:
    """The observation that is current on entry is stamped as well; one further out is not."""
    with (
        client.start_as_current_observation(name="outer"),
        client.start_as_current_observation(name="inner"),
        propagate_attributes(user_id="alice", session_id="s"),
    ):
        pass
    assert users(home) == {"inner": "alice", "outer": None}


def test_an_inner_block_never_overwrites_an_outer_observation(home: Path, client: Trackway) -> None:
    """The observation around keeps its values; what it has none of it takes from the first block that says it."""
    with (
        propagate_attributes(user_id="alice", tags=["a"], metadata={"k": "1"}),
        client.start_as_current_observation(name="outer"),
    ):
        inner_metadata = {"k": "2", "l": "3"}
        with propagate_attributes(
            user_id="bob", session_id="s-1", tags=["b"], metadata=inner_metadata
        ):
            client.create_event(name="inner")
        with propagate_attributes(session_id="s-2"):
            pass
    outer, inner = only(home, "outer").attributes, only(home, "inner").attributes
    assert (outer["user.id"], outer["session.id"]) == ("alice", "s-1")
    assert outer["langfuse.trace.tags"] == ("a",)
    assert outer["langfuse.trace.metadata.k"] == "1"
    assert outer["langfuse.trace.metadata.l"] == "3"
    assert (inner["user.id"], inner["session.id"]) == ("bob", "s-1")
    assert inner["langfuse.trace.tags"] == ("a", "b")
    assert inner["langfuse.trace.metadata.k"] == "2"


def test_an_observation_that_ended_is_left_alone(home: Path, client: Trackway) -> None:
    """A block that opens when the current observation has ended changes nothing on the wire."""
    with client.start_as_current_observation(name="ended") as ended:
        ended.end()
        with propagate_attributes(user_id="alice"):
            pass
    assert user_of(only(home)) is None


# -- where blocks are carried ------------------------------------------------------------------------------------------


def test_a_block_can_be_entered_by_coroutines(home: Path, client: Trackway) -> None:
    """`async with` is the same block."""

    async def main() -> None:
        async with propagate_attributes(user_id="alice"):
            await asyncio.gather(*(one(n) for n in range(2)))
        client.create_event(name="after")

    async def one(number: int) -> None:
        client.create_event(name=f"task {number}")

    asyncio.run(main())
    assert users(home) == {"task 0": "alice", "task 1": "alice", "after": None}


def test_a_block_can_decorate(home: Path, client: Trackway) -> None:
    """As a decorator it opens at every call, of any kind of function, which stays of its kind."""

    @propagate_attributes(user_id="alice")
    def function(name: str) -> None:
        client.create_event(name=name)

    @propagate_attributes(user_id="alice")
    async def coroutine(name: str) -> None:
        client.create_event(name=name)

    @propagate_attributes(user_id="alice")
    def generator(name: str) -> Generator[int, None, None]:
        client.create_event(name=name)
        yield 1
        client.create_event(name=name + " later")

    @propagate_attributes(user_id="alice")
    async def async_generator(name: str) -> AsyncGenerator[int, None]:
        client.create_event(name=name)
        yield 1

    async def consume() -> None:
        async for _ in async_generator("async generator"):
            client.create_event(name="between async")

    function("function")
    asyncio.run(coroutine("coroutine"))
    for _ in generator("generator"):
        client.create_event(name="between")
    asyncio.run(consume())
    told = users(home)
    assert {name for name, user in told.items() if user is None} == {"between", "between async"}
    assert {user for user in told.values() if user is not None} == {"alice"}
    assert len(told) == 7


def test_an_error_leaves_the_block(home: Path, client: Trackway) -> None:
    """After an exception what was before is in force again, and the exception goes on its way."""
    with pytest.raises(KeyError), propagate_attributes(user_id="alice"):
        raise KeyError
    client.create_event(name="e")
    assert user_of(only(home)) is None


def test_threads_inherit_where_the_context_is_copied(home: Path, client: Trackway) -> None:
    """A thread starts with nobody, unless the context is copied into it or `asyncio.to_thread` does."""

    def work(name: str) -> None:
        client.create_event(name=name)

    with propagate_attributes(user_id="alice"), ThreadPoolExecutor(1) as pool:
        pool.submit(work, "fresh").result()
        pool.submit(contextvars.copy_context().run, work, "copied").result()
        asyncio.run(_to_thread(work))
    assert users(home) == {"fresh": None, "copied": "alice", "to_thread": "alice"}


async def _to_thread(work: Callable[[str], None]) -> None:
    await asyncio.to_thread(work, "to_thread")


def test_one_block_can_be_open_in_many_places(home: Path, client: Trackway) -> None:
    """One object that is entered in several tasks at once puts back, in each, what that one had."""
    shared = propagate_attributes(user_id="shared")

    async def one(user: str, entered: asyncio.Event, leave: asyncio.Event) -> None:
        with propagate_attributes(user_id=user):
            with shared:
                entered.set()
                await leave.wait()
            client.create_event(name=user)

    async def main() -> None:
        entered, go, stay = asyncio.Event(), asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(one("first", entered, go))
        await entered.wait()
        entered.clear()
        second = asyncio.create_task(one("second", entered, stay))
        await entered.wait()
        go.set()
        await first
        stay.set()
        await second

    asyncio.run(main())
    assert users(home) == {"first": "first", "second": "second"}


def test_an_undecorated_generator_raises_nothing(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """A block that stays open over a `yield` and is closed elsewhere is no error, and changes no one else's user."""

    def leaky() -> Generator[int, None, None]:
        with propagate_attributes(user_id="alice"):
            yield 1

    steps = leaky()
    contextvars.copy_context().run(next, steps)
    with propagate_attributes(user_id="bob"):
        steps.close()
        client.create_event(name="e")
    assert users(home) == {"e": "bob"}
    assert caplog.records == []


# -- set_user ----------------------------------------------------------------------------------------------------------


def test_a_helper_sets_the_user_of_the_request(home: Path, client: Trackway) -> None:
    """A user that an observed helper learns is the user of the observation around it, and of what follows there."""

    @observe
    def authenticate() -> None:
        set_user("alice", session_id="s")

    @observe
    def request() -> None:
        client.create_event(name="before")
        authenticate()
        client.create_event(name="after")

    request()
    client.create_event(name="next request")
    assert users(home) == {
        "before": None, "authenticate": "alice", "after": "alice", "request": "alice", "next request": None,
    }  # fmt: skip
    assert only(home, "after").attributes["session.id"] == "s"


def test_an_async_helper_sets_the_user_of_the_request(home: Path, client: Trackway) -> None:
    """The same of coroutines, also where the helper is a function that returns one."""

    @observe
    async def authenticate() -> None:
        set_user("alice")

    @observe
    def deferred() -> object:
        return authenticate.__wrapped__()  # type: ignore[attr-defined]  # of functools.wraps

    async def request(helper: Callable[[], object]) -> None:
        await cast("Awaitable[None]", helper())
        client.create_event(name=f"after {display_name(helper)}")

    for helper in (authenticate, deferred):
        asyncio.run(observe(request, name=f"request {helper.__name__}")(helper))
    told = users(home)
    assert told["after authenticate"] == told["request authenticate"] == "alice"
    assert told["after deferred"] == told["request deferred"] == "alice"


def test_a_block_bounds_what_is_set_inside(home: Path, client: Trackway) -> None:
    """A user that is set in a block is in force to its end, and the block's own user is back outside of it."""
    with propagate_attributes(user_id="alice"):
        with propagate_attributes(tags=["t"]):
            set_user("bob")
            client.create_event(name="inside")
        client.create_event(name="outside")
    assert users(home) == {"inside": "bob", "outside": "alice"}


def test_what_cannot_be_used_changes_nothing(home: Path, client: Trackway) -> None:
    """None, or what is no user id, leaves the user that was set before."""
    with client.start_as_current_observation(name="request"):
        with client.start_as_current_observation(name="helper"):
            set_user("alice")
            set_user(None, session_id="s")
            set_user("x" * 201)
        client.create_event(name="after")
    assert set(users(home).values()) == {"alice"}
    assert only(home, "after").attributes["session.id"] == "s"


def test_the_last_user_wins_for_what_starts_later(home: Path, client: Trackway) -> None:
    """An observation keeps its first user; what starts after the second is the second's."""
    with client.start_as_current_observation(name="request"):
        set_user("alice")
        set_user("bob")
        client.create_event(name="after")
    assert users(home) == {"request": "alice", "after": "bob"}


def test_outside_of_everything_a_user_holds_for_the_thread(home: Path, client: Trackway) -> None:
    """Without an observation or block around, a user holds for the rest of the context."""

    def work() -> None:
        set_user("alice")
        observe(name="first")(lambda: None)()
        client.create_event(name="second")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    client.create_event(name="other thread")
    assert users(home) == {"first": "alice", "second": "alice", "other thread": None}
