"""Token counts in every vocabulary: each says the same."""

import json

from hypothesis import given
from hypothesis import strategies as st

from trackway._core.counts import usage_bytes
from trackway._core.kinds import DIALECTS
from trackway._core.propagated import LANGFUSE, OPENINFERENCE
from trackway._core.usage import Usage
from trackway._wire.decode import decode_attributes

BUCKETS = ["input", "input_cached_tokens", "input_cached_audio_tokens", "input_cache_creation",
           "input_cache_creation_1h", "input_audio_tokens", "output", "output_reasoning_tokens", "images"]  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(BUCKETS), st.integers(0, 1 << 50), min_size=1),
    st.sampled_from(sorted(DIALECTS)),
)
def test_every_vocabulary_says_the_same_of_tokens(buckets: dict[str, int], wire: str) -> None:
    """For any usage the sides are the sums of their buckets, and no key is written twice."""
    usage = Usage(buckets=buckets)
    encoded = usage_bytes(usage, DIALECTS[wire])
    told = decode_attributes(encoded)
    inputs = [count for name, count in buckets.items() if name.startswith("input")]
    outputs = [count for name, count in buckets.items() if name.startswith("output")]
    assert told.get("gen_ai.usage.input_tokens") == (sum(inputs) if inputs else None)
    assert told.get("gen_ai.usage.output_tokens") == (sum(outputs) if outputs else None)
    cached = [count for name, count in buckets.items() if name.startswith("input_cached")]
    assert told.get("gen_ai.usage.cache_read.input_tokens") == (sum(cached) if cached else None)
    written = [count for name, count in buckets.items() if name.startswith("input_cache_")]
    assert told.get("gen_ai.usage.cache_creation.input_tokens") == (
        sum(written) if written else None
    )
    reasoning = told.get("gen_ai.usage.reasoning.output_tokens")
    assert reasoning == buckets.get("output_reasoning_tokens")
    if DIALECTS[wire] & OPENINFERENCE:
        assert told.get("llm.token_count.prompt_details.cache_read") == (
            sum(cached) if cached else None
        )
        assert told.get("llm.token_count.completion_details.reasoning") == reasoning
        audio = told.get("llm.token_count.prompt_details.audio")
        assert audio == buckets.get("input_audio_tokens")
        assert told["llm.token_count.total"] == usage.total
    details = told.get("langfuse.observation.usage_details", told.get("trackway.usage.details"))
    if details is None:
        assert not DIALECTS[wire] & LANGFUSE
        assert not {"input_audio_tokens", "images", "input_cached_audio_tokens"} & buckets.keys()
    else:
        assert json.loads(str(details)) == {**buckets, "total": sum(buckets.values())}
