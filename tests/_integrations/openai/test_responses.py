"""Tests for `trackway._integrations.openai.responses`: events, however cut, and answers that did not succeed."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.providers.openai import ANSWER, MESSAGE, response, response_events
from trackway._integrations.endpoint import Outcome
from trackway._integrations.openai.responses import ResponsesAccumulator, read_response

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def accumulated(events: list[dict[str, Any]]) -> Outcome:
    accumulator = ResponsesAccumulator()
    for each in events:
        accumulator.add(each)
    return accumulator.result()


def test_a_stream_is_the_whole_answer() -> None:
    """All events together give what the whole answer gives."""
    part = {"type": "output_text", "text": ANSWER, "annotations": [], "logprobs": []}
    assert accumulated(response_events()) == read_response(response({**MESSAGE, "content": [part]}))


@given(TEXT, TEXT, TEXT, st.randoms(use_true_random=False))
def test_any_cut_of_the_deltas_gives_the_same(
    text: str, summary: str, arguments: str, chance: random.Random
) -> None:
    """Without the end, the deltas alone give text, reasoning and arguments, wherever they were cut."""
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response(status="in_progress")}
    ]
    said = [
        ("response.reasoning_summary_text.delta", {"output_index": 0, "summary_index": 0}, summary),
        ("response.output_text.delta", {"output_index": 1, "content_index": 0}, text),
        ("response.function_call_arguments.delta", {"output_index": 2}, arguments),
    ]
    for kind, where, whole in said:
        left = whole
        while left:
            size = chance.randint(1, len(left))
            events.append({"type": kind, **where, "delta": left[:size]})
            left = left[size:]
    outcome = accumulated(events)
    assert outcome.output == [
        {"summary": [{"type": "summary_text", "text": summary}]},
        {"content": [{"type": "output_text", "text": text}]},
        {"arguments": arguments},
    ]
    assert outcome.response_id == "resp_1"


def test_what_had_arrived() -> None:
    """A stream that stops half way gives the items that were complete and the text so far."""
    events = response_events()[:6]
    outcome = accumulated(events)
    assert outcome.output["content"] == [{"type": "output_text", "text": "Forty-two, as"}]
    assert (outcome.usage, outcome.error) == (None, None)


def test_the_first_token_is_a_delta() -> None:
    """What is said of the response before it says anything is no token."""
    accumulator = ResponsesAccumulator()
    for event in response_events()[:4]:
        accumulator.add(event)
    assert not accumulator.started
    accumulator.add(response_events()[4])
    assert accumulator.started


def test_a_response_that_failed() -> None:
    """A failure that arrives with status 200 is an error, and why is said."""
    failed = response(status="failed", error={"code": "server_error", "message": "too bad"})
    assert read_response(failed).error == "server_error: too bad"
    assert (
        accumulated([{"type": "response.failed", "response": failed}]).error
        == "server_error: too bad"
    )
    stopped = {"type": "error", "code": "rate_limit", "message": "slow down"}
    assert accumulated([*response_events()[:6], stopped]).error == "rate_limit: slow down"


def test_a_response_that_is_incomplete() -> None:
    """Why a response stopped early is its finish reason."""
    answer = response(
        MESSAGE, status="incomplete", incomplete_details={"reason": "max_output_tokens"}
    )
    assert read_response(answer).finish_reasons == ("max_output_tokens",)
