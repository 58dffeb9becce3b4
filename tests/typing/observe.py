"""What type checkers must see through `@observe` and `propagate_attributes`; nothing here runs.

mypy and pyright read this file (`make check`). An `ignore` marks what they must refuse: an unneeded one is an error.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from typing import assert_type, overload

from trackway import observe, propagate_attributes


@observe
def function(question: str, *, k: int = 3) -> list[str]:
    return [question] * k


@observe()
def with_parentheses(question: str) -> int:
    return len(question)


@observe(name="answer", as_type="generation", capture_input=False, capture_output=False)
async def coroutine(question: str) -> bytes:
    return question.encode()


@observe(as_type="tool", transform_to_string=lambda items: ",".join(str(item) for item in items))
def generator(n: int) -> Generator[int, str, bool]:
    sent = yield n
    return bool(sent)


@observe
def iterator(n: int) -> Iterator[int]:
    yield n


@observe
async def async_generator(n: int) -> AsyncGenerator[int, str]:
    yield n


@observe(as_type="retriever")
async def async_iterator(n: int) -> AsyncIterator[int]:
    yield n


class Service:
    @observe
    def method(self, question: str) -> float:
        return float(question)

    @observe(as_type="agent")
    async def async_method(self, question: str) -> float:
        return float(question)

    @classmethod
    @observe
    def made(cls, question: str) -> "Service":
        return cls()

    @staticmethod
    @observe
    def static(question: str) -> str:
        return question

    @property
    @observe
    def name(self) -> str:
        return "service"


@overload
def either(value: int) -> int: ...
@overload
def either(value: str) -> str: ...
@observe
def either(value: int | str) -> int | str:
    return value


async def every_kind_keeps_its_signature() -> None:
    assert_type(function("a", k=2), list[str])
    assert_type(with_parentheses("a"), int)
    assert_type(await coroutine("a"), bytes)
    assert_type(generator(1), Generator[int, str, bool])
    assert_type(generator(1).send("x"), int)
    assert_type(iterator(1), Iterator[int])
    assert_type(async_generator(1), AsyncGenerator[int, str])
    async for item in async_iterator(1):
        assert_type(item, int)
    assert_type(Service().method("1"), float)
    assert_type(await Service().async_method("1"), float)
    assert_type(Service.made("a"), Service)
    assert_type(Service.static("a"), str)
    assert_type(Service().name, str)
    assert_type(either(1), int)
    assert_type(either("a"), str)


def wrong_calls_are_refused() -> None:
    function(1)  # type: ignore[arg-type]
    function("a", j=1)  # type: ignore[call-arg]
    Service().method()  # type: ignore[call-arg]
    observe(as_type="oracle")  # type: ignore[call-overload]


def a_plain_callable_is_kept(plain: Callable[[int], str]) -> None:
    assert_type(observe(plain), Callable[[int], str])


@propagate_attributes(user_id="u", tags=["a"], metadata={"plan": "pro"})
def decorated(question: str) -> int:
    return len(question)


@propagate_attributes(session_id="s")
async def decorated_coroutine(question: str) -> int:
    return len(question)


async def propagation_is_a_block_and_a_decorator() -> None:
    with propagate_attributes(user_id="u"):
        assert_type(decorated("a"), int)
    async with propagate_attributes(user_id="u"):
        assert_type(await decorated_coroutine("a"), int)
    propagate_attributes("u")  # type: ignore[call-arg]
