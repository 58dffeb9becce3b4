"""Tests for `trackway._integrations.anthropic.messages`: any cut of the deltas gives the whole message."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.providers.anthropic import events, message, thinking_and_tool
from trackway._integrations.anthropic.messages import MessagesAccumulator, read_message
from trackway._integrations.endpoint import Outcome


def accumulated(chunks: list[dict[str, Any]]) -> Outcome:
    accumulator = MessagesAccumulator()
    for each in chunks:
        accumulator.add(each)
    return accumulator.result()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_cut_of_a_text_is_the_whole_message(text: str) -> None:
    """A text, word by word, gives what the whole message gives."""
    whole = message({"type": "text", "text": text})
    assert accumulated(events(text)) == read_message(whole)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_thinking_and_tools(city: str) -> None:
    """Thinking with its signature and the input of a tool are put together as in the whole message."""
    whole = message(
        {"type": "thinking", "thinking": "Weather it is.", "signature": "c2ln"},
        {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": city}},
        reason="tool_use",
    )
    assert accumulated(thinking_and_tool(city)) == read_message(whole)


def test_a_tool_whose_input_did_not_come_to_its_end() -> None:
    """The part of the input that has come is kept as text."""
    outcome = accumulated(thinking_and_tool()[:10])
    assert outcome.output["content"][1]["input"] == '{"city": "'
    assert outcome.finish_reasons == ()


def test_the_first_token_is_a_delta() -> None:
    """The start of a message and of a block bring nothing yet."""
    accumulator = MessagesAccumulator()
    for event in events()[:3]:
        accumulator.add(event)
    assert not accumulator.started
    accumulator.add(events()[3])
    assert accumulator.started


def test_an_error_among_the_events() -> None:
    """An error event is the error of the outcome, beside what had arrived."""
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    outcome = accumulated([*events()[:4], error])
    assert outcome.error == "overloaded_error: Overloaded"
    assert outcome.output is not None
