"""Runs whose end LangChain does not tell."""

import asyncio
import contextlib
import gc
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.outputs import ChatResult
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool

from tests._integrations.langchain.applications import Step, answering, shout, tree
from tests.spans import only, spans
from trackway import observe
from trackway._integrations.langchain.runs import runs
from trackway.langchain import CallbackHandler

LEFT = "no end was reported: it was cancelled, or left"


async def _for_ever() -> None:
    await asyncio.Event().wait()


class Model(GenericFakeChatModel):
    async def _agenerate(self, *_: object, **__: object) -> ChatResult:
        await _for_ever()
        raise AssertionError


class Library(BaseRetriever):
    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return []

    async def _aget_relevant_documents(self, *_: object, **__: object) -> list[Document]:
        await _for_ever()
        raise AssertionError


@tool
async def wait(what: str) -> None:
    """Waits for ever."""
    await observe(_for_ever, name="inside")()


WAITING: dict[str, Callable[[], object]] = {
    "Model": lambda: Model(messages=iter([])),
    "Library": Library,
    "wait": lambda: wait,
}


def told(home: Path, name: str) -> tuple[object, object]:
    attributes = only(home, name).attributes
    return (
        attributes.get("langfuse.observation.level"),
        attributes.get("langfuse.observation.status_message"),
    )


@pytest.mark.parametrize("name", WAITING)
@pytest.mark.parametrize("how", ["task", "timeout", "closed"])
def test_what_is_cancelled_ends(home: Path, handler: CallbackHandler, name: str, how: str) -> None:
    """A model, a tool, a retriever whose caller waits no longer is written at once, below the caller, and forgotten."""

    @observe
    async def ask() -> None:
        asked = cast("Step", WAITING[name]()).ainvoke("?", {"callbacks": [handler]})
        if how == "task":
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asked, 0.01)
        elif how == "timeout":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.01):
                    await asked
        else:
            asked.send(None)
            asked.close()

    asyncio.run(ask())
    gc.collect()
    assert len(runs) == 0
    assert told(home, name) == ("WARNING", LEFT)
    assert tree(home)[name] == "ask"


def test_what_is_interrupted_ends(home: Path, handler: CallbackHandler) -> None:
    """A key that interrupts a notebook leaves no tool and no retriever open."""

    class Interrupted(BaseRetriever):
        def _get_relevant_documents(self, *_: object, **__: object) -> list[Document]:
            raise KeyboardInterrupt

    @tool
    def leave(what: str) -> None:
        """Leaves."""
        raise SystemExit

    for step in (Interrupted(), leave):
        with contextlib.suppress(KeyboardInterrupt, SystemExit):
            cast("Step", step).invoke("?", {"callbacks": [handler]})
    gc.collect()
    assert len(runs) == 0
    assert told(home, "Interrupted") == told(home, "leave") == ("WARNING", LEFT)


def test_a_chain_that_goes_on_after_a_model_was_left_is_written(
    home: Path, handler: CallbackHandler
) -> None:
    """What a step of a chain gives up ends as what it is; the chain ends well, and nothing of it stays open."""

    async def ask(_: object) -> str:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(WAITING["Model"]().ainvoke("?"), 0.01)  # type: ignore[attr-defined]
        return "late"

    step = RunnableLambda[str, str](ask)
    assert asyncio.run(step.ainvoke("?", {"callbacks": [handler]})) == "late"
    gc.collect()
    assert len(runs) == 0
    assert told(home, "Model") == ("WARNING", LEFT)
    assert told(home, "ask") == (None, None)


def test_what_ends_is_watched_no_longer(home: Path, handler: CallbackHandler) -> None:
    """Runs that end as usual, whole or streamed, synchronously or not, are as ever."""

    async def ask() -> None:
        config: RunnableConfig = {"callbacks": [handler]}
        await answering().ainvoke("?", config)
        await shout.ainvoke("?", config)
        async for _ in answering().astream("?", config):
            pass

    asyncio.run(ask())
    answering().invoke("?", {"callbacks": [handler]})
    shout.invoke("?", {"callbacks": [handler]})
    gc.collect()
    assert len(spans(home)) == 5
    assert not any("langfuse.observation.level" in span.attributes for span in spans(home))
    assert all(run.teller is None for run in runs._ended.values())
