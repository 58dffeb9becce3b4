"""Random trees of LangChain's runnables, and what must be recorded of them: each name below which other, how often.

Every runnable has a name of its own. Leaves call an observed function each, which may call another tree.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.language_models import FakeListLLM, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda, RunnableParallel
from langchain_core.tools import StructuredTool

from trackway import observe

Step = Runnable[object, object]
DEPTH = 3


@dataclass
class Expected:
    """What a tree must leave behind: parent by name, and how many observations of each name one run makes."""

    parents: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)


class Search(BaseRetriever):  # type: ignore[explicit-any]  # pydantic's own methods
    """A retriever of LangChain, with an observed function inside."""

    inside: Callable[[object], object]
    inside_async: Callable[[object], Awaitable[object]]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(str(self.inside(query)))]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(str(await self.inside_async(query)))]


class Trees:
    """Draws trees by *chance*; names are unique within one instance."""

    def __init__(self, chance: random.Random, prefix: str) -> None:
        self.chance = chance
        self.prefix = prefix
        self.expected = Expected()
        self._number = 0

    def name(self, kind: str, above: str, times: int) -> str:
        self._number += 1
        name = f"{self.prefix} {kind} {self._number}"
        self.expected.parents[name] = above
        self.expected.counts[name] += times
        return name

    def tree(self, above: str, times: int = 1, depth: int = DEPTH) -> Step:
        """A runnable, as a text in and text out, below the observation named *above*, run so many *times*."""
        inner = [self.sequence, self.parallel, self.each]
        leaves = [self.model, self.text_model, self.work, self.tool, self.search]
        draw = self.chance.choice(leaves if depth == 0 else inner + leaves)
        return draw(above, times, depth)

    # -- containers ------------------------------------------------------------------------------

    def sequence(self, above: str, times: int, depth: int) -> Step:
        name = self.name("sequence", above, times)
        steps = [self.tree(name, times, depth - 1) for _ in range(self.chance.randint(2, 3))]
        chain = steps[0]
        for step in steps[1:]:
            chain = chain | self.texts(name, times) | step
        return (chain | self.texts(name, times)).with_config(run_name=name)

    def texts(self, above: str, times: int) -> Step:
        """Makes a text of whatever a step gives."""
        name = self.name("text", above, times)
        return RunnableLambda[object, object](
            lambda given: f"text {type(given).__name__}"
        ).with_config(run_name=name)

    def parallel(self, above: str, times: int, depth: int) -> Step:
        name = self.name("parallel", above, times)
        branches = {f"b{n}": self.tree(name, times, depth - 1) for n in range(2)}
        return RunnableParallel(branches).with_config(run_name=name)

    def each(self, above: str, times: int, depth: int) -> Step:
        name = self.name("each", above, times)
        inner = self.tree(name, times * 2, depth - 1)

        def each(_: object, config: RunnableConfig) -> str:
            # Not `batch`: inside of another run, LangChain names that one as the parent of a sequence's steps.
            return f"{[inner.invoke(text, config) for text in ('one', 'two')]!r:.10}"

        async def each_async(_: object, config: RunnableConfig) -> str:
            both = asyncio.gather(*(inner.ainvoke(text, config) for text in ("one", "two")))
            return f"{await both!r:.10}"

        return RunnableLambda(each, afunc=each_async).with_config(run_name=name)

    # -- leaves ----------------------------------------------------------------------------------

    def model(self, above: str, times: int, _depth: int) -> Step:
        name = self.name("model", above, times)
        answers = itertools.repeat(AIMessage("an answer in words"))
        return cast("Step", GenericFakeChatModel(messages=answers).with_config(run_name=name))

    def text_model(self, above: str, times: int, _depth: int) -> Step:
        name = self.name("llm", above, times)
        model = FakeListLLM(responses=["an answer"])
        return cast("Step", model.with_config(run_name=name))

    def work(self, above: str, times: int, depth: int) -> Step:
        name = self.name("lambda", above, times)
        work, work_async = self.inside(name, times, depth)
        return RunnableLambda(work, afunc=work_async).with_config(run_name=name)

    def tool(self, above: str, times: int, depth: int) -> Step:
        name = self.name("tool", above, times)
        work, work_async = self.inside(name, times, depth)

        def use(text: str) -> object:
            return work(text)

        async def use_async(text: str) -> object:
            return await work_async(text)

        tool = StructuredTool.from_function(use, use_async, name="use", description="works")
        return cast("Step", tool.with_config(run_name=name))

    def search(self, above: str, times: int, _depth: int) -> Step:
        name = self.name("retriever", above, times)
        # LangChain hands no configuration to what a retriever calls: a tree inside would not be traced.
        work, work_async = self.inside(name, times, 0)
        found = Search(inside=work, inside_async=work_async)
        return cast("Step", found.with_config(run_name=name))

    def inside(
        self, leaf: str, times: int, depth: int
    ) -> tuple[Callable[[object], object], Callable[[object], Coroutine[object, object, object]]]:
        """What a leaf does: an observed function, sync and async, that may run another tree."""
        name = self.name("observed", leaf, times)
        more = self.tree(name, times, 0) if depth and self.chance.random() < 0.4 else None

        @observe(name=name)
        def work(given: object) -> object:
            return "done" if more is None else f"{more.invoke('text')!r:.10}"

        @observe(name=name)
        async def work_async(given: object) -> object:
            await asyncio.sleep(0)
            return "done" if more is None else f"{await more.ainvoke('text')!r:.10}"

        return work, work_async


# -- ways to run -----------------------------------------------------------------------------------

INPUTS = ["first", "second"]


def _invoke(tree: Step, config: RunnableConfig) -> None:
    tree.invoke("first", config)


def _batch(tree: Step, config: RunnableConfig) -> None:
    tree.batch([*INPUTS], config)


def _stream(tree: Step, config: RunnableConfig) -> None:
    list(tree.stream("first", config))


async def _ainvoke(tree: Step, config: RunnableConfig) -> None:
    await tree.ainvoke("first", config)


async def _abatch(tree: Step, config: RunnableConfig) -> None:
    await tree.abatch([*INPUTS], config)


async def _astream(tree: Step, config: RunnableConfig) -> None:
    await _drain(tree.astream("first", config))


async def _astream_events(tree: Step, config: RunnableConfig) -> None:
    await _drain(tree.astream_events("first", config, version="v2"))


async def _drain(items: AsyncIterator[object]) -> None:
    async for _ in items:
        pass


SYNC: dict[str, Callable[[Step, RunnableConfig], None]] = {
    "invoke": _invoke,
    "batch": _batch,
    "stream": _stream,
}
ASYNC: dict[str, Callable[[Step, RunnableConfig], Coroutine[object, object, None]]] = {
    "ainvoke": _ainvoke,
    "abatch": _abatch,
    "astream": _astream,
    "astream_events": _astream_events,
}
