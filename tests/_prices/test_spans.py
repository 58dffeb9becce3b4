"""What a span says of its call: in our words, in OpenTelemetry's and OpenInference's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._core.counts import usage_bytes
from trackway._core.kinds import DIALECTS
from trackway._core.usage import Usage
from trackway._prices.spans import call_of, has_cost, usage_in
from trackway._wire import attributes as names
from trackway._wire.decode import decode_attributes
from trackway._wire.encode import AttributeValue

OURS: dict[str, AttributeValue] = {
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.provider.name": "openai",
    "langfuse.observation.usage_details": '{"input": 3, "output": 2, "total": 5}',
    "trackway.usage.units": '{"web_searches": 1}',
    "openai.response.service_tier": "flex",
}


def test_our_own_words() -> None:
    """Buckets, units, both models, the provider and the tier."""
    call = call_of(OURS)
    assert call is not None
    assert call.provider == "openai"
    assert call.models == ("gpt-4o-2024-08-06", "gpt-4o")
    assert call.tier == "flex"
    assert (call.usage.buckets, call.usage.units) == (
        {"input": 3, "output": 2},
        {"web_searches": 1},
    )


@pytest.mark.parametrize(
    "given",
    [
        {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5, "gen_ai.usage.cache_read.input_tokens": 4,
         "gen_ai.usage.reasoning.output_tokens": 2},
        {"llm.token_count.prompt": 10, "llm.token_count.completion": 5, "llm.token_count.prompt_details.cache_read": 4,
         "llm.token_count.completion_details.reasoning": 2},
        {"trackway.usage.details":
         '{"input": 6, "input_cached_tokens": 4, "output": 3, "output_reasoning_tokens": 2, "total": 15}'},
    ],
)  # fmt: skip
def test_inclusive_counts_come_apart(given: dict[str, AttributeValue]) -> None:
    """Whichever vocabulary tells them, the buckets are the same."""
    found = usage_in(given)
    assert found is not None
    assert found.buckets == {
        "input": 6,
        "input_cached_tokens": 4,
        "output": 3,
        "output_reasoning_tokens": 2,
    }


@pytest.mark.parametrize(
    "without",
    [
        {key: value for key, value in OURS.items() if not key.endswith(".model")},
        {"gen_ai.request.model": "gpt-4o"},
        {**OURS, "openinference.span.kind": "AGENT"},
        {**OURS, "langfuse.observation.type": "chain"},
        {**OURS, "gen_ai.operation.name": "invoke_agent"},
    ],
)
def test_what_is_no_call(without: dict[str, AttributeValue]) -> None:
    """Without a model, without tokens, and where it sums up the calls inside."""
    assert call_of(without) is None


def test_a_cost_is_seen_in_every_vocabulary() -> None:
    """Langfuse's, MLflow's, OpenInference's, OpenTelemetry's."""
    for name in (
        names.LANGFUSE_COST_DETAILS,
        names.MLFLOW_LLM_COST,
        names.LLM_COST_TOTAL,
        names.GEN_AI_USAGE_COST,
    ):
        assert has_cost({name: 1})
    assert not has_cost(OURS)


values: st.SearchStrategy[AttributeValue] = st.one_of(
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.sampled_from(["[]", "{}", '{"input": -1}', "{"]),
)


@given(
    st.dictionaries(st.sampled_from(sorted([*OURS, *names.OPENINFERENCE, *names.GENAI])), values)
)
def test_whatever_a_span_says_nothing_is_raised(given: dict[str, AttributeValue]) -> None:
    """For any attributes there is a call with counts of at least 0, or none."""
    call = call_of(given)
    if call is not None:
        assert call.models
        assert all(count >= 0 for count in call.usage.buckets.values())


NAMES = ["input", "input_cached_tokens", "input_cached_audio_tokens", "input_cache_creation", "input_audio_tokens",
         "input_cache_creation_1h", "output", "output_reasoning_tokens", "output_audio_tokens", "mine"]  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 1 << 40), min_size=1),
    st.dictionaries(st.sampled_from(["web_searches", "audio_seconds"]), st.integers(1, 99)),
    st.sampled_from(sorted(DIALECTS)),
)
def test_what_is_written_is_read(buckets: dict[str, int], units: dict[str, int], wire: str) -> None:
    """For any usage and any wire, who prices the record finds the same tokens in the same buckets."""
    written = usage_bytes(Usage(buckets=buckets, units=units), DIALECTS[wire])
    found = usage_in(decode_attributes(written))
    assert found is not None
    assert {name: n for name, n in found.buckets.items() if n} == {
        name: n for name, n in buckets.items() if n
    }
    assert found.units == units
