"""Usage as OpenAI tells it: the short way and the long one come to the same."""

from hypothesis import given
from hypothesis import strategies as st

from trackway._core.openai_usage import _chat, _ordinary, openai_chat
from trackway._core.usage import Usage

ORDINARY = {
    "prompt_tokens": 200, "completion_tokens": 100, "total_tokens": 300,
    "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 10, "accepted_prediction_tokens": 3},
}  # fmt: skip

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


def test_most_calls_take_the_short_way() -> None:
    """What OpenAI tells of a text is taken apart by the short way."""
    usage = Usage(
        buckets={"input": 136, "output": 90, "input_cached_tokens": 64, "output_reasoning_tokens": 10},
        raw=ORDINARY,
    )  # fmt: skip
    assert _ordinary(ORDINARY) == usage
    assert openai_chat(ORDINARY) == usage


@given(
    st.fixed_dictionaries(
        {"prompt_tokens": counts, "completion_tokens": counts},
        optional={
            "total_tokens": st.one_of(counts, st.integers(0, 24)),
            "prompt_tokens_details": details,
            "completion_tokens_details": details,
            "citation_tokens": counts,
        },
    )
)
def test_the_short_way_is_the_long_one(said: dict[str, object]) -> None:
    """For any counts the short way gives what the long one does, or leaves the call to it."""
    short = _ordinary(said)
    assert short is None or short == _chat(said)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_ordinary_counts(inputs: int, outputs: int, cached: int, reasoning: int) -> None:
    """For any ordinary call both ways come to the same."""
    said = {
        "prompt_tokens": inputs + cached, "completion_tokens": outputs + reasoning,
        "total_tokens": inputs + cached + outputs + reasoning,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }  # fmt: skip
    assert _ordinary(said) == _chat(said)
