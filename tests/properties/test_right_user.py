"""The property above all: every observation carries the right user."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.properties.async_programs import AsyncProgram
from tests.properties.programs import Program
from tests.spans import Tail
from trackway import Trackway

# A program of so many observations and more; small enough that a seed that fails can be read.
SIZE = 400


@contextmanager
def collecting_on_demand() -> Iterator[None]:
    """Garbage is collected where programs say so and nowhere else; what is there already is passed over, for speed."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()


def wrong_users(
    programs: Callable[[int], Program], home: Path, total: int
) -> tuple[int, list[str]]:
    """Runs programs until they have made *total* observations; gives how many, and what is wrong with which."""
    made, seed, wrong = 0, 0, list[str]()
    with Tail(home) as tail, collecting_on_demand():
        while made < total and not wrong:
            program = programs(seed)
            expected = {e.name: e.user for e in program.run()}
            gc.collect()
            found = {span.name: span.attributes.get("user.id") for span in tail.read()}
            wrong += [
                f"seed {seed}: {name} is for {found.get(name, 'nobody: it is missing')!r}, not {user!r}"
                for name, user in expected.items()
                if name not in found or found[name] != user
            ]
            wrong += [f"seed {seed}: {name} was not expected" for name in found.keys() - expected]
            made, seed = made + len(expected), seed + 1
    return made, wrong


def test_functions_generators_and_threads(home: Path, count: Callable[[int, int], int]) -> None:
    """Whatever functions, generators and threads do beside one another, no observation has a wrong or missing user."""
    client = Trackway()
    total = count(10_000, 500_000)
    made, wrong = wrong_users(lambda seed: Program(seed, client, SIZE), home, total)
    assert wrong == []
    assert made >= total


def test_tasks_and_async_generators(home: Path, count: Callable[[int, int], int]) -> None:
    """Whatever tasks, cancellations, async generators and threads do, no observation has a wrong or missing user."""
    client = Trackway()
    total = count(10_000, 500_000)
    made, wrong = wrong_users(lambda seed: AsyncProgram(seed, client, SIZE), home, total)
    assert wrong == []
    assert made >= total
