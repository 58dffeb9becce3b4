"""Arguments by name, whatever is called: methods in either order of decorators, partials, builtins, objects."""

import asyncio
import functools
import inspect
import pickle
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from tests.spans import only, spans, value_of
from trackway import Trackway, observe


class Calculator:
    """Methods of every kind, decorated in either order."""

    @observe
    def method(self, a: int) -> int:
        return a

    @observe
    async def async_method(self, a: int) -> int:
        return a

    @classmethod
    @observe
    def inner_class(cls, a: int) -> tuple[str, int]:
        return cls.__name__, a

    @observe
    @classmethod
    def outer_class(cls, a: int) -> tuple[str, int]:
        return cls.__name__, a

    @staticmethod
    @observe
    def inner_static(a: int) -> int:
        return a

    @observe
    @staticmethod
    def outer_static(a: int) -> int:
        return a

    @observe
    def steps(self, a: int) -> Generator[int, None, None]:
        yield a

    @property
    @observe
    def answer(self) -> int:
        return 42


class Adder:
    """An object that can be called."""

    def __call__(self, a: int, b: int) -> int:
        return a + b


class AsyncAdder:
    """An object that can be called, and awaited."""

    async def __call__(self, a: int, b: int) -> int:
        return a + b


def test_methods_are_recorded_without_their_instance(home: Path, client: Trackway) -> None:
    """Methods, static and class methods in either order work, and `self` or `cls` is no input."""
    calculator = Calculator()
    calls: list[Callable[[int], object]] = [
        calculator.method, Calculator.inner_class, Calculator.outer_class, calculator.outer_class,
        Calculator.inner_static, calculator.outer_static, lambda a: list(calculator.steps(a)),
        lambda a: asyncio.run(calculator.async_method(a)),
    ]  # fmt: skip
    results = [call(7) for call in calls]
    assert results == [7, ("Calculator", 7), ("Calculator", 7), ("Calculator", 7), 7, 7, [7], 7]
    assert calculator.answer == 42
    assert [value_of(s, "input") for s in spans(home)] == [{"a": 7}] * 8 + [{}]


def test_self_of_a_function_is_an_argument(home: Path, client: Trackway) -> None:
    """A first parameter that is called `self` is left out of methods only."""

    @observe
    def greet(self: str) -> str:
        return self

    greet("me")
    assert value_of(only(home), "input") == {"self": "me"}


def test_other_callables_are_recorded(home: Path, client: Trackway) -> None:
    """Partials, builtins and objects with `__call__` can be observed, async ones as such."""
    partial = observe(functools.partial(Adder(), 1))
    named = observe(functools.partial(add, 1))
    awaited = observe(AsyncAdder())
    assert partial(b=2) == named(2) == 3
    assert inspect.iscoroutinefunction(awaited)
    assert asyncio.run(cast("Coroutine[object, object, int]", awaited(1, 2))) == 3
    assert observe(max)([1, 3]) == 3
    assert [s.name for s in spans(home)] == ["Adder", "add", "AsyncAdder", "max"]


def test_a_static_method_can_be_pickled(client: Trackway) -> None:
    """A decorated static method is pickled by its name."""
    assert pickle.loads(pickle.dumps(Calculator.outer_static)) is Calculator.outer_static


def test_every_way_to_pass_arguments_is_recorded(home: Path, client: Trackway) -> None:
    """Positional-only, keyword-only and collected arguments are found under the names that the function gives them."""

    @observe
    def everything(a: int, /, b: int, *rest: int, c: int = 0, **more: int) -> None: ...

    everything(1, 2, 3, 4, c=5, d=6)
    everything(1, 2)
    assert [value_of(s, "input") for s in spans(home)] == [
        {"a": 1, "b": 2, "rest": [3, 4], "c": 5, "d": 6},
        {"a": 1, "b": 2},
    ]


def test_arguments_that_do_not_fit_raise_as_ever(home: Path, client: Trackway) -> None:
    """A call that Python refuses is refused, and recorded with what it was called with."""

    @observe
    def one(a: int) -> None: ...

    for attempt in (partial(one, 1, 2), partial(one), partial(one, 1, b=2)):  # type: ignore[call-arg]  # on purpose
        with pytest.raises(TypeError, match=r"one\(\)"):
            attempt()
    inputs = [value_of(s, "input") for s in spans(home)]
    assert inputs == [{"a": 1, "args": [2]}, {}, {"a": 1, "b": 2}]


def add(a: int, b: int) -> int:
    return a + b
