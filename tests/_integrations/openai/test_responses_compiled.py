"""The kernel of `_integrations/openai/responses.py` takes what `ResponsesAccumulator.add` would, and nothing else."""

from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import ResponseStreamEvent

from tests import twins
from tests.providers.openai import response_events
from trackway._integrations import content
from trackway._integrations.content import fields_of
from trackway._integrations.endpoint import Outcome
from trackway._integrations.openai import responses

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._integrations.openai.responses")
TABLES = content.MODELS, content.EXTRA, responses._NAMES, responses._NUMBERS


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


texts = st.text(max_size=6)
numbers: st.SearchStrategy[Any] = st.sampled_from(
    [0, 0, 0, 1, 2, True, None, "0", -1, 1_000, 10**9]
)
odd: st.SearchStrategy[Any] = st.sampled_from([None, 0, b"x", Text("y"), [], {}])
kinds = st.sampled_from(
    [*responses._DELTAS, "response.audio.delta", "response.output_text.done", ""]
)
events = st.fixed_dictionaries(
    {"type": kinds | kinds | kinds | st.builds(Text, kinds), "delta": texts | texts | odd},
    optional={
        "output_index": numbers,
        "content_index": numbers,
        "summary_index": numbers,
        "item_id": texts,
        "obfuscation": texts,
    },
)


def as_sdk(given: dict[str, Any]) -> object:
    """The event as the SDK hands it over, which checks nothing."""
    from openai._models import construct_type

    return construct_type(type_=ResponseStreamEvent, value=given)


wholes = events | events.map(as_sdk) | events.map(OrderedDict)


def outcome(accumulator: Any, given: list[Any]) -> Outcome:
    """What comes of the events, as a call hands them over."""
    for each in given:
        if accumulator.started and accumulator.take(each):
            continue
        accumulator.add(fields_of(each))
    result: Outcome = accumulator.result()
    return result


@given(st.lists(wholes, max_size=8))
def test_any_stream_is_what_the_twin_makes_of_it(given: list[Any]) -> None:
    """However odd the events are, what is made of them with the short way is what is made without it."""
    given = given * 2  # each text is begun, and added to
    assert outcome(responses.ResponsesAccumulator(), given) == outcome(
        PURE.ResponsesAccumulator(), given
    )


@pytest.mark.parametrize("make", [dict, as_sdk])
def test_most_events_go_the_short_way(make: Any) -> None:
    """Of a usual stream all texts but the first, and nothing else."""
    accumulator, ways = responses.ResponsesAccumulator(), []
    for each in response_events("a b c d"):
        ways.append((each["type"].endswith(".delta"), accumulator.take(make(each))))
        if not ways[-1][1]:
            accumulator.add(fields_of(make(each)))
    assert [taken for is_text, taken in ways if is_text] == [False, True, True, True]
    assert not any(taken for is_text, taken in ways if not is_text)


def test_wrong_tables_are_refused() -> None:
    """What is handed over beside an event is checked: an error or nothing, never a crash."""
    event = {
        "type": "response.output_text.delta",
        "delta": "x",
        "output_index": 0,
        "content_index": 0,
    }
    key = ("response.output_text.delta", 0, 0)
    pieces: list[Any] = [{}, {key: 1}, {key: ("x",)}]
    for each in pieces:
        assert not KERNELS.piece(*TABLES, each, event)
    several: list[Any] = [
        (),
        (set(), "x", (), {}, {}, event),
        (*TABLES, (), event),
        (*TABLES[:3], (), {}, event),
    ]
    for wrong in several:
        with pytest.raises(TypeError):
            KERNELS.piece(*wrong)
