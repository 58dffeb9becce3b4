"""Structured concurrency, on asyncio and on trio: tasks carry the user and the parent of the block they start in."""

import asyncio
from collections import Counter
from pathlib import Path

import anyio
import pytest
import trio

from tests.frameworks.tree import Told, told
from trackway import Trackway, observe, propagate_attributes

USERS = [f"user-{number}" for number in range(20)]
STEPS = 3


@observe
async def step(number: int) -> int:
    await anyio.sleep(0)
    return number


def expected() -> Counter[Told]:
    counted = Counter[Told]()
    for user in USERS:
        counted["request", None, user] += 1
        counted["step", "request", user] += STEPS
    return counted


def test_asyncio_task_groups(home: Path) -> None:
    """Tasks of nested `asyncio.TaskGroup`s, interleaved, keep parents and users apart."""

    @observe
    async def request(user: str) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(STEPS):
                group.create_task(step(number))

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for user in USERS:
                with propagate_attributes(user_id=user):
                    group.create_task(request(user))

    Trackway()
    asyncio.run(main())
    assert told(home) == expected()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_task_groups(home: Path, backend: str) -> None:
    """The same with anyio, on both loops."""

    @observe
    async def request(user: str) -> None:
        async with anyio.create_task_group() as group:
            for number in range(STEPS):
                group.start_soon(step, number)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for user in USERS:
                with propagate_attributes(user_id=user):
                    group.start_soon(request, user)

    Trackway()
    anyio.run(main, backend=backend)
    assert told(home) == expected()


def test_trio_nurseries(home: Path) -> None:
    """Tasks of trio's own nurseries keep parents and users apart."""

    @observe
    async def request(user: str) -> None:
        async with trio.open_nursery() as nursery:
            for number in range(STEPS):
                nursery.start_soon(step, number)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for user in USERS:
                with propagate_attributes(user_id=user):
                    nursery.start_soon(request, user)

    Trackway()
    trio.run(main)
    assert told(home) == expected()
