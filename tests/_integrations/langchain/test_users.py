"""Who runs are for: whoever says it, and however they are run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest
from langchain_core.language_models import FakeListLLM
from langchain_core.runnables import RunnableConfig, RunnableLambda, RunnableParallel

from tests._integrations.langchain.applications import Library, Step, answering, chain, shout, users
from tests.spans import spans
from trackway import Trackway, observe, propagate_attributes
from trackway.langchain import CallbackHandler


async def _drained(items: AsyncIterator[object]) -> None:
    async for _ in items:
        pass


WAYS: dict[str, Callable[[Step, object, RunnableConfig], Awaitable[object] | object]] = {
    "invoke": lambda step, given, config: step.invoke(given, config),
    "batch": lambda step, given, config: step.batch([given, given], config),
    "stream": lambda step, given, config: list(step.stream(given, config)),
    "ainvoke": lambda step, given, config: step.ainvoke(given, config),
    "abatch": lambda step, given, config: step.abatch([given, given], config),
    "astream": lambda step, given, config: _drained(step.astream(given, config)),
    "astream_events v1": lambda s, given, config: _drained(s.astream_events(given, config, version="v1")),
    "astream_events v2": lambda s, given, config: _drained(s.astream_events(given, config, version="v2")),
}  # fmt: skip
ROOTS: dict[str, Callable[[], tuple[object, object]]] = {
    "chain": lambda: (chain(), {"question": "?"}),
    "chat model": lambda: (answering(), "?"),
    "model of texts": lambda: (FakeListLLM(responses=["x"]), "?"),
    "retriever": lambda: (Library(), "?"),
    "tool": lambda: (shout, "?"),
    "parallel": lambda: (RunnableParallel(a=chain(), b=chain()), {"question": "?"}),
}


def run(how: str, step: object, given: object, config: RunnableConfig) -> None:
    async def awaited(result: Awaitable[object]) -> None:
        await result

    if how.startswith("a"):

        async def inside() -> None:
            await cast("Awaitable[object]", WAYS[how](cast("Step", step), given, config))

        asyncio.run(inside())
    else:
        WAYS[how](cast("Step", step), given, config)


@pytest.mark.filterwarnings("ignore:.*v1.*:DeprecationWarning")
@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("said", ["block", "trackway", "langfuse"])
def test_the_user_reaches_every_observation(
    home: Path, handler: CallbackHandler, how: str, root: str, said: str
) -> None:
    """User, session, tags and metadata are on every observation, whoever says them, whatever is run, and however."""
    if (root, how) == ("model of texts", "astream_events v1"):
        pytest.skip("LangChain itself fails")
    step, given = ROOTS[root]()
    config: RunnableConfig = {"callbacks": [handler]}
    if said == "block":
        with propagate_attributes(user_id="alice", session_id="chat", tags=["x"]):
            run(how, step, given, config)
    else:
        keys = {"user_id": "alice", "session_id": "chat", "tags": ["x"]}
        config["metadata"] = {f"{said}_{key}": value for key, value in keys.items()}
        run(how, step, given, config)
    found = spans(home)
    assert found
    for span in found:
        told = span.attributes
        assert (told.get("user.id"), told.get("session.id"), told.get("langfuse.trace.tags")) == (
            "alice", "chat", ("x",),
        ), span.name  # fmt: skip
        assert not any("user_id" in key for key in told)


def test_the_configuration_beats_the_block_around_and_yields_to_one_inside(
    home: Path, handler: CallbackHandler
) -> None:
    """The nearer word counts: block, configuration of the call, of a part of it, block inside."""

    @observe
    def inner() -> None: ...

    @observe
    def named() -> None: ...

    def work(_: object) -> None:
        inner()
        with propagate_attributes(user_id="inside"):
            named()
            shout.invoke("x")

    # Of the same key LangChain hands on the call's word.
    own = {"trackway_user_id": "nobody", "trackway_session_id": "its own"}
    part = chain().with_config(run_name="part", metadata=own)
    ask: RunnableLambda[object, object] = RunnableLambda(lambda _: {"question": "?"}, name="ask")
    config: RunnableConfig = {
        "callbacks": [handler], "metadata": {"trackway_user_id": "call"}, "run_name": "whole",
    }  # fmt: skip
    with propagate_attributes(user_id="around", session_id="s"):
        (RunnableLambda(work, name="work") | ask | part).invoke(1, config)
    inside_part = ("part", "ChatPromptTemplate", "GenericFakeChatModel", "StrOutputParser")
    assert users(home) == {
        **dict.fromkeys(("whole", "work", "inner", "ask", *inside_part), "call"),
        **dict.fromkeys(("named", "shout"), "inside"),
    }
    for span in spans(home):
        session = "its own" if span.name in inside_part else "s"
        assert span.attributes["session.id"] == session, span.name


def test_the_observation_around_keeps_its_own_user(
    home: Path, client: Trackway, handler: CallbackHandler
) -> None:
    """What a call's configuration says is not stamped on what is around the call."""
    with client.start_as_current_observation(name="request"):
        chain().invoke(
            {"question": "?"}, {"callbacks": [handler], "metadata": {"trackway_user_id": "bob"}}
        )
    told = users(home)
    assert told.pop("request") is None
    assert set(told.values()) == {"bob"}
