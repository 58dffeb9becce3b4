"""Usage as OpenAI tells it: the short way and the long one come to the same."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._core.openai_usage import (
    _CHAT,
    _RESPONSES,
    Ordinary,
    _chat,
    _responses,
    openai_chat,
    openai_responses,
)
from trackway._core.usage import Usage

Read = Callable[[Mapping[str, object]], Usage | None]
# What a way is called: the two counts of its shape, the short and the long way, and the two together.
Shape = tuple[str, str, Ordinary, Read, Read]
SHAPES: dict[str, Shape] = {
    "chat": ("prompt_tokens", "completion_tokens", _CHAT, _chat, openai_chat),
    "responses": ("input_tokens", "output_tokens", _RESPONSES, _responses, openai_responses),
}
shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)

counts = st.one_of(st.integers(-1, 12), st.none(), st.just("many"), st.booleans(), st.just(2.0))
details = st.one_of(
    st.none(),
    st.just("odd"),
    st.dictionaries(
        st.sampled_from(
            ["cached_tokens", "audio_tokens", "reasoning_tokens", "accepted_prediction_tokens", "image_tokens"]
        ),
        counts,
    ),
)  # fmt: skip


def without_mark(usage: Usage | None) -> Usage | None:
    """*usage* as the long way gives it: only the short one knows that there is nothing to look for."""
    return None if usage is None else usage._replace(counts_alone=False)


@shapes
def test_most_calls_take_the_short_way(shape: Shape) -> None:
    """What OpenAI tells of a text is taken apart by the short way."""
    inputs, outputs, short, _, both = shape
    said = {
        inputs: 200, outputs: 100, "total_tokens": 300,
        f"{inputs}_details": {"cached_tokens": 64, "audio_tokens": 0},
        f"{outputs}_details": {"reasoning_tokens": 10, "accepted_prediction_tokens": 3, "audio_tokens": None},
    }  # fmt: skip
    usage = Usage(
        buckets={"input": 136, "output": 90, "input_cached_tokens": 64, "output_reasoning_tokens": 10},
        raw=said, counts_alone=True,
    )  # fmt: skip
    assert short.usage(said) == usage
    assert both(said) == usage


@shapes
@given(st.data())
def test_the_short_way_is_the_long_one(shape: Shape, data: st.DataObject) -> None:
    """For any counts the short way gives what the long one does, or leaves the call to it."""
    inputs, outputs, short, long, _ = shape
    said = data.draw(
        st.fixed_dictionaries(
            {inputs: counts, outputs: counts},
            optional={
                "total_tokens": st.one_of(counts, st.integers(0, 24)),
                f"{inputs}_details": details,
                f"{outputs}_details": details,
                "citation_tokens": counts,
            },
        )
    )
    found = short.usage(said)
    assert found is None or without_mark(found) == long(said)


@shapes
@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_ordinary_counts(shape: Shape, new: int, shown: int, cached: int, reasoning: int) -> None:
    """For any ordinary call both ways come to the same."""
    inputs, outputs, short, long, _ = shape
    said = {
        inputs: new + cached, outputs: shown + reasoning,
        "total_tokens": new + cached + shown + reasoning,
        f"{inputs}_details": {"cached_tokens": cached},
        f"{outputs}_details": {"reasoning_tokens": reasoning},
    }  # fmt: skip
    assert without_mark(short.usage(said)) == long(said)
