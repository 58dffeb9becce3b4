"""Frameworks that know a parent which the context does not, and who records a provider's call."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import pytest

from tests.spans import only, spans
from trackway import Observation, Trackway, inject, observe, propagate_attributes
from trackway._core import parents
from trackway._core.ambient import get_current
from trackway._core.logs import FILTER
from trackway._core.propagated import NOTHING, Propagated
from trackway._core.state import SAID_AT_START

_run: ContextVar[Observation | None] = ContextVar("run", default=None)


@pytest.fixture(autouse=True)
def framework() -> Iterator[None]:
    """A framework with a context variable of its own for its innermost run."""
    before = parents.resolvers[:], parents.recorders[:]
    parents.resolvers[:], parents.recorders[:] = [], []
    parents.register(_run.get)
    yield
    parents.resolvers[:], parents.recorders[:] = before


@contextmanager
def running(client: Trackway, name: str) -> Iterator[Observation]:
    """A run of the framework: its observation is known to the framework only."""
    observation = client.start_observation(name=name, as_type="tool")
    token = _run.set(observation)
    try:
        yield observation
    finally:
        _run.reset(token)
        observation.end()


@observe
def work() -> None: ...


@observe
async def async_work() -> None: ...


def tree(home: Path) -> dict[str, str]:
    """Name → the parent's name."""
    found = spans(home)
    named = {span.span_id: span.name for span in found}
    return {span.name: named.get(span.parent_span_id or "", "") for span in found}


def test_the_run_of_a_framework_is_the_parent_of_what_starts_inside(
    client: Trackway, home: Path
) -> None:
    """`@observe` (sync, async, generators), `start_observation` and blocks start below the run around them."""

    @observe
    def items() -> Iterator[int]:
        yield 1

    with client.start_as_current_observation(name="request"), running(client, "run"):
        work()
        asyncio.run(async_work())
        list(items())
        client.start_observation(name="plain").end()
        client.create_event(name="event")
        with client.start_as_current_observation(name="block"):
            pass
        with client.tracer_provider.get_tracer("an instrumentation").start_as_current_span("span"):
            pass
    inside = ("work", "async_work", "items", "plain", "event", "block", "span")
    assert tree(home) == {"request": "", "run": "request", **dict.fromkeys(inside, "run")}


def test_the_inner_of_run_and_current_observation_is_the_parent(
    client: Trackway, home: Path
) -> None:
    """However runs and blocks nest, each is below the innermost of either."""
    with running(client, "run 1"):
        with client.start_as_current_observation(name="block 1") as block:
            with running(client, "run 2"), client.start_as_current_observation(name="block 2"):
                work()
            client.start_observation(name="in block 1").end()
            with block.start_as_current_observation(name="explicit"):
                client.start_observation(name="in explicit").end()
        client.start_observation(name="in run 1").end()
    client.start_observation(name="after").end()
    assert tree(home) == {
        "run 1": "",
        "block 1": "run 1",
        "run 2": "block 1",
        "block 2": "run 2",
        "work": "block 2",
        "in block 1": "block 1",
        "explicit": "block 1",
        "in explicit": "explicit",
        "in run 1": "run 1",
        "after": "",
    }


def test_an_explicit_parent_is_not_asked_about(client: Trackway, home: Path) -> None:
    """A child of a given observation, and one of a given trace, stay where the caller put them."""
    other = client.start_observation(name="other")
    with running(client, "run"):
        other.start_observation(name="child").end()
        client.start_observation(name="elsewhere", trace_context={"trace_id": "ab" * 16}).end()
    other.end()
    assert tree(home)["child"] == "other"
    assert tree(home)["elsewhere"] == ""
    assert only(home, "elsewhere").trace_id == "ab" * 16


def test_what_is_propagated_to_the_run_reaches_what_is_inside(client: Trackway, home: Path) -> None:
    """A child of a run carries the run's user, and what a block inside says in front of it."""
    with propagate_attributes(user_id="alice", session_id="s"):
        run = client.start_observation(name="run")
    with propagate_attributes(tags=["outside"]):
        _run.set(run)
        work()
        with propagate_attributes(user_id="bob"):
            client.start_observation(name="inside").end()
    _run.set(None)
    run.end()
    told, inside = only(home, "work").attributes, only(home, "inside").attributes
    assert (told["user.id"], told["session.id"]) == ("alice", "s")
    assert (inside["user.id"], inside["session.id"]) == ("bob", "s")


def test_a_run_may_have_a_word_of_its_own(client: Trackway, home: Path) -> None:
    """What a framework said for a run beats what was propagated around it, but not what is said inside it."""
    with propagate_attributes(user_id="around", session_id="s", metadata={"a": "1", "b": "2"}):
        around = client._provider.begin("", "span", get_current())._propagated
        run = client._provider.start("run", "chain", {}, owned=Propagated(user_id="own"))
        run._owned, run._base = SAID_AT_START, around
        _run.set(run)
        work()
        with (
            propagate_attributes(metadata={"b": "3"}),
            client.start_as_current_observation(name="block"),
        ):
            client.start_observation(name="inside").end()
        with propagate_attributes(user_id="inner"):
            client.start_observation(name="named").end()
    _run.set(None)
    run.end()
    users = {span.name: span.attributes.get("user.id") for span in spans(home)}
    assert users | {"": None} == {
        "run": "own", "work": "own", "block": "own", "inside": "own", "named": "inner", "": None,
    }  # fmt: skip
    assert only(home, "inside").attributes["langfuse.trace.metadata.a"] == "1"
    assert only(home, "inside").attributes["langfuse.trace.metadata.b"] == "3"


def test_since_is_what_was_said_later() -> None:
    """`since` gives what differs, so that the rest does not hide what was said in between."""
    before = Propagated(user_id="a", session_id="s", tags=("x",), metadata={"k": "1", "l": "2"})
    now = Propagated(user_id="b", tags=("y",), metadata={"k": "3"}).inside(before)
    said = now.since(before)
    assert said is not None
    assert (said.user_id, said.session_id, said.tags, dict(said.metadata)) == (
        "b",
        None,
        ("y",),
        {"k": "3"},
    )
    assert before.since(before) is None
    assert before.since(None) is before
    assert NOTHING.inside(before).since(before) is not None


def test_the_run_is_what_current_means(client: Trackway, home: Path) -> None:
    """Updates, scores, ids, log correlation and outgoing headers speak of the run, and a block tells it its user."""
    with client.start_as_current_observation(name="request"), running(client, "run") as run:
        client.update_current_span(metadata={"said": "here"})
        assert client.get_current_observation_id() == run.id
        assert client.get_current_trace_id() == run.trace_id
        record = logging.makeLogRecord({})
        FILTER.filter(record)
        assert record.__dict__["span_id"] == run.id
        headers: dict[str, str] = {}
        inject(headers)
        assert run.id in headers["traceparent"]
        with propagate_attributes(user_id="alice"):
            pass
    told = {span.name: span.attributes.get("user.id") for span in spans(home)}
    assert told == {"request": None, "run": "alice"}
    assert only(home, "run").attributes["langfuse.observation.metadata.said"] == "here"


def test_the_run_of_another_client_is_no_parent(client: Trackway, home: Path) -> None:
    """What starts through one client is never put below an observation of another."""
    other = Trackway(environment="other")
    with running(other, "run"):
        client.start_observation(name="ours").end()
        work()
    assert tree(home) == {"run": "", "ours": "", "work": "run"}


def test_who_records_a_providers_call_is_asked_for() -> None:
    """`recorded` gives what the first recorder says that knows; nobody registered means nobody does."""
    assert parents.recorded() is None
    marks: list[Observation] = [Observation()]
    marks[0]._ended = True
    parents.register(_run.get, lambda: None)
    parents.register(_run.get, lambda: marks[0])
    assert parents.recorded() is marks[0]
    assert parents.resolvers == [_run.get]


@pytest.mark.usefixtures("swallowing")
def test_a_resolver_that_fails_is_nobodys_parent(client: Trackway, home: Path) -> None:
    """Where a resolver fails the context decides, and nothing is raised."""

    def broken() -> Observation | None:
        raise ValueError("broken")

    parents.resolvers.insert(0, broken)
    with running(client, "run"):
        work()
    assert tree(home) == {"run": "", "work": "run"}
