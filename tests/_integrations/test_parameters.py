"""What a model is told beside its input, remembered or not."""

from collections.abc import Callable
from typing import Any

import pytest

from tests._integrations.conftest import Connect
from tests.providers.openai import chat
from tests.providers.server import Provider, answer
from trackway._integrations import parameters
from trackway.testing import Spans

ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def told(connect: Connect, spans: Spans) -> Callable[..., list[object]]:
    """Makes a call with each of some parameters; what was recorded of them."""

    def each(*several: dict[str, Any]) -> list[object]:
        with Provider(*[answer(chat()) for _ in several]) as provider:
            client = connect(provider)
            for given in several:
                client.chat.completions.create(**ASK, **given)
        return [span["model_parameters"] for span in spans]

    return each


def test_the_same_again(told: Callable[..., list[object]]) -> None:
    """Parameters that were sent before are recorded as they were the first time."""
    assert told({"seed": 7}, {"seed": 7}) == [{"seed": 7}, {"seed": 7}]


def test_equal_is_not_the_same(told: Callable[..., list[object]]) -> None:
    """Values that Python takes for equal are recorded as what they are."""
    given = [{"temperature": 1}, {"temperature": 1.0}, {"logprobs": True}, {"logprobs": 1}]
    assert [repr(said) for said in told(*given)] == [repr(said) for said in given]


def test_what_can_change_is_looked_at_each_time(told: Callable[..., list[object]]) -> None:
    """A list in the parameters is recorded as it is at each call."""
    stop = ["a"]
    first = told({"stop": stop})
    stop.append("b")
    assert first == [{"stop": ["a"]}]
    assert told({"stop": stop})[-1] == {"stop": ["a", "b"]}


def test_a_bounded_table(
    told: Callable[..., list[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More sets than are remembered are recorded all the same."""
    monkeypatch.setattr(parameters, "MAX_SETS", 2)
    given = [{"seed": number} for number in range(5)]
    assert told(*given) == [{"seed": number} for number in range(5)]


def test_no_parameters(told: Callable[..., list[object]]) -> None:
    """A call that says none has none."""
    assert told({}) == [{}]
