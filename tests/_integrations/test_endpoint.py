"""Tests for `trackway._integrations.endpoint`: what every accumulator keeps to."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers import anthropic, openai
from trackway._integrations.anthropic.messages import MessagesAccumulator
from trackway._integrations.endpoint import Accumulator, not_taken
from trackway._integrations.openai.chat import ChatAccumulator, TextAccumulator
from trackway._integrations.openai.responses import ResponsesAccumulator

junk: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        7,
        -1,
        0.5,
        "",
        "0",
        "x",
        [],
        ["x"],
        [0],
        [{}],
        {},
        {"type": "x"},
        {"index": "0"},
    ]
)


@st.composite
def broken(draw: st.DrawFn, event: Any) -> Any:
    """*event* with something in it replaced, at any depth."""
    if isinstance(event, dict | list) and event and draw(st.integers(0, 5)):
        keys = list(event) if isinstance(event, dict) else list(range(len(event)))
        at = draw(st.sampled_from(keys))
        made = event.copy()
        made[at] = draw(broken(event[at]))
        return made
    return draw(junk)


@pytest.mark.parametrize(
    ("make", "usual"),
    [
        (ChatAccumulator, openai.chat_chunks()),
        (TextAccumulator, [openai.chunk({"index": 0, "text": openai.ANSWER})]),
        (ResponsesAccumulator, openai.response_events()[:-1]),
        (MessagesAccumulator, anthropic.events()),
    ],
)
@given(st.data())
def test_what_a_server_says_wrong_costs_no_more_than_itself(
    make: Callable[[], Accumulator], usual: list[dict[str, Any]], data: st.DataObject
) -> None:  # fmt: skip
    """Whatever stands between the events of an answer, there is a result of the rest."""
    accumulator = make()
    wrong = [data.draw(broken(data.draw(st.sampled_from(usual)))) for _ in range(2)]
    wrong = [event for event in wrong if isinstance(event, dict)]
    at = data.draw(st.integers(0, len(usual)))
    for event in [*usual[:at], *wrong, *usual[at:]]:
        try:
            accumulator.add(event)
        except (AttributeError, KeyError, TypeError, ValueError):
            assert any(event is each for each in wrong)  # and the call's guard counts it
    assert accumulator.started
    assert accumulator.result().output is not None


def test_what_has_no_short_way_takes_nothing() -> None:
    """Anything is for `add`."""
    assert not any(not_taken(given) for given in (None, {}, [], object()))
