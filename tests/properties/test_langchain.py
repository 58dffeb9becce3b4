"""LangChain's runs under concurrency: each below the right parent, for the right user, each once."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.properties.runnables import ASYNC, SYNC, Step, Trees
from tests.spans import Tail
from trackway import Trackway, propagate_attributes
from trackway._core.propagate import Propagation
from trackway._integrations.langchain.runs import runs
from trackway._wire.decode import DecodedSpan
from trackway.langchain import CallbackHandler

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig

AT_ONCE = 4


class Program:
    """One tree, one way to run it, one user, said by a block or by the configuration."""

    def __init__(self, chance: random.Random, number: int, handler: CallbackHandler) -> None:
        self.user = f"user {number}"
        self.request = f"{number} request"
        self.by_config = chance.random() < 0.5
        self.trees = Trees(chance, f"{number}")
        ways = ASYNC if chance.random() < 0.6 else SYNC
        self.how = chance.choice([*ways])
        self.is_async = ways is ASYNC
        self.times = 2 if self.how in {"batch", "abatch"} else 1
        self.tree: Step = self.trees.tree(self.request, self.times)
        self.config: RunnableConfig = {"callbacks": [handler]}
        if self.by_config:
            self.config["metadata"] = {"trackway_user_id": self.user}

    def run(self, client: Trackway) -> None:
        with self.scope(), client.start_as_current_observation(name=self.request):
            SYNC[self.how](self.tree, self.config)

    async def run_async(self, client: Trackway) -> None:
        with self.scope(), client.start_as_current_observation(name=self.request):
            await ASYNC[self.how](self.tree, self.config)

    def scope(self) -> Propagation:
        other = "somebody else" if self.by_config else self.user
        return propagate_attributes(user_id=other)


@pytest.mark.timeout(0)
def test_every_run_has_its_parent_and_its_user(
    home: Path, count: Callable[[int, int], int], chance: random.Random
) -> None:
    """Whatever runs at once, in tasks and threads: each observation is where and whose it should be, and there once."""
    client, handler = Trackway(), CallbackHandler()
    with Tail(home) as tail:
        for number in range(count(int(__import__("os").environ.get("N", "40")), 5_000)):
            programs = [Program(chance, AT_ONCE * number + n, handler) for n in range(AT_ONCE)]
            asyncio.run(_together(client, programs))
            assert len(runs) == 0
            found = tail.read()
            for program in programs:
                _check(program, found)
            assert len(found) == sum(
                1 + sum(program.trees.expected.counts.values()) for program in programs
            )


async def _together(client: Trackway, programs: list[Program]) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        await asyncio.gather(
            *(
                program.run_async(client)
                if program.is_async
                else loop.run_in_executor(pool, program.run, client)
                for program in programs
            )
        )


def _check(program: Program, found: list[DecodedSpan]) -> None:
    names = {span.span_id: span.name for span in found}
    ours = [span for span in found if span.name.startswith(f"{program.request.split()[0]} ")]
    expected = program.trees.expected
    inside = [span for span in ours if span.name != program.request]
    assert Counter(span.name for span in inside) == expected.counts, program.how
    for span in inside:
        told = program.how, span.name, names.get(span.parent_span_id or "")
        assert names.get(span.parent_span_id or "") == expected.parents[span.name], told
        assert span.attributes["user.id"] == program.user, told
