"""What providers say a call used: each shape comes to the same disjoint buckets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._core.provider_usage import SHAPES, read
from trackway._core.usage import Usage

Buckets = dict[str, int]


def details(shape: str, usage: dict[object, object]) -> tuple[Buckets, tuple[str, ...]]:
    """The buckets with their total, and what was doubted."""
    found = read(shape, usage)
    assert found is not None
    assert found.raw == usage
    return found.details(), found.doubts


CLEAN: list[tuple[str, dict[object, object], Buckets]] = [
    ("openai.chat", {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150},
     {"input": 100, "output": 50, "total": 150}),
    ("openai.chat",
     {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
      "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 10, "cache_write_tokens": 5},
      "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 5, "accepted_prediction_tokens": 3}},
     {"input": 25, "input_cached_tokens": 60, "input_audio_tokens": 10, "input_cache_creation": 5, "output": 25,
      "output_reasoning_tokens": 20, "output_audio_tokens": 5, "total": 150}),
    # xAI: reasoning beside the completion, and in the total.
    ("openai.chat",
     {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
      "completion_tokens_details": {"reasoning_tokens": 94}},
     {"input": 32, "output": 9, "output_reasoning_tokens": 94, "total": 135}),
    # DeepSeek
    ("openai.chat",
     {"prompt_tokens": 30, "completion_tokens": 5, "total_tokens": 35, "prompt_cache_hit_tokens": 20,
      "prompt_cache_miss_tokens": 10},
     {"input": 10, "input_cached_tokens": 20, "output": 5, "total": 35}),
    ("openai.embeddings", {"prompt_tokens": 8, "total_tokens": 8}, {"input": 8, "total": 8}),
    ("openai.responses",
     {"input_tokens": 75, "input_tokens_details": {"cached_tokens": 25}, "output_tokens": 1186,
      "output_tokens_details": {"reasoning_tokens": 1024}, "total_tokens": 1261},
     {"input": 50, "input_cached_tokens": 25, "output": 162, "output_reasoning_tokens": 1024, "total": 1261}),
    # Realtime
    ("openai.responses",
     {"input_tokens": 132, "output_tokens": 121, "total_tokens": 253,
      "input_token_details": {"text_tokens": 119, "audio_tokens": 13, "cached_tokens": 64,
                              "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 4}},
      "output_token_details": {"text_tokens": 30, "audio_tokens": 91}},
     {"input": 59, "input_audio_tokens": 9, "input_cached_tokens": 60, "input_cached_audio_tokens": 4, "output": 30,
      "output_audio_tokens": 91, "total": 253}),
    ("openai.images",
     {"input_tokens": 50, "output_tokens": 4160, "total_tokens": 4210,
      "input_tokens_details": {"text_tokens": 10, "image_tokens": 40}},
     {"input": 10, "input_image_tokens": 40, "output_image_tokens": 4160, "total": 4210}),
    ("openai.transcription",
     {"type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
      "output_tokens": 45, "total_tokens": 59},
     {"input": 0, "input_audio_tokens": 14, "output": 45, "total": 59}),
    ("openai.speech", {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115},
     {"input": 14, "output_audio_tokens": 101, "total": 115}),
    ("anthropic.messages",
     {"input_tokens": 20, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 300, "output_tokens": 40,
      "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
      "server_tool_use": {"web_search_requests": 2}, "service_tier": "batch"},
     {"input": 20, "input_cached_tokens": 1000, "input_cache_creation_5m": 200, "input_cache_creation_1h": 100,
      "output": 40, "total": 1360}),
    ("bedrock.converse",
     {"inputTokens": 4, "outputTokens": 54, "totalTokens": 1563, "cacheReadInputTokens": 1505},
     {"input": 4, "input_cached_tokens": 1505, "output": 54, "total": 1563}),
    ("bedrock.converse",
     {"inputTokens": 4, "outputTokens": 54, "totalTokens": 58, "cacheWriteInputTokens": 1505,
      "cacheDetails": [{"ttl": "1h", "inputTokens": 1505}]},
     {"input": 4, "input_cache_creation_1h": 1505, "output": 54, "total": 1563}),
    ("gemini",
     {"prompt_token_count": 100, "cached_content_token_count": 40, "candidates_token_count": 10,
      "thoughts_token_count": 70, "total_token_count": 180,
      "prompt_tokens_details": [{"modality": "TEXT", "token_count": 80}, {"modality": "AUDIO", "token_count": 20}],
      "cache_tokens_details": [{"modality": "AUDIO", "token_count": 5}, {"modality": "TEXT", "token_count": 35}]},
     {"input": 45, "input_cached_tokens": 35, "input_audio_tokens": 15, "input_cached_audio_tokens": 5, "output": 10,
      "output_reasoning_tokens": 70, "total": 180}),
    # The total says that the candidates contain the thoughts.
    ("gemini", {"promptTokenCount": 100, "candidatesTokenCount": 80, "thoughtsTokenCount": 70, "totalTokenCount": 180},
     {"input": 100, "output": 10, "output_reasoning_tokens": 70, "total": 180}),
    ("gemini", {"promptTokenCount": 7, "totalTokenCount": 19, "toolUsePromptTokenCount": 12},
     {"input": 7, "input_tool_tokens": 12, "total": 19}),
    ("ollama", {"prompt_eval_count": 26, "eval_count": 298}, {"input": 26, "output": 298, "total": 324}),
    ("langchain",
     {"input_tokens": 350, "output_tokens": 240, "total_tokens": 590,
      "input_token_details": {"audio": 10, "cache_creation": 200, "cache_read": 100},
      "output_token_details": {"audio": 10, "reasoning": 200}},
     {"input": 40, "input_cached_tokens": 100, "input_cache_creation": 200, "input_audio_tokens": 10, "output": 30,
      "output_reasoning_tokens": 200, "output_audio_tokens": 10, "total": 590}),
    ("langchain",
     {"input_tokens": 100, "output_tokens": 5, "total_tokens": 105,
      "input_token_details": {"cache_creation": 60, "ephemeral_5m_input_tokens": 60}},
     {"input": 40, "input_cache_creation_5m": 60, "output": 5, "total": 105}),
    ("langchain",
     {"input_tokens": 100, "output_tokens": 5, "total_tokens": 105,
      "input_token_details": {"flex": 90, "flex_cache_read": 10}, "output_token_details": {"flex_reasoning": 0}},
     {"input": 90, "input_cached_tokens": 10, "output": 5, "total": 105}),
    ("openrouter.chat",
     {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14, "cost": 0.00014},
     {"input": 10, "output": 4, "total": 14}),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "usage", "buckets"), CLEAN)
def test_shapes(shape: str, usage: dict[object, object], buckets: Buckets) -> None:
    """What each provider says comes to disjoint buckets, without a doubt."""
    assert details(shape, usage) == (buckets, ())


@pytest.mark.parametrize(
    ("shape", "usage", "buckets", "doubts"),
    [
        # Details that overlap: 80 cached and 50 audio of 100.
        ("openai.chat",
         {"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": 50}},
         {"input": 0, "input_cached_tokens": 80, "input_audio_tokens": 20, "total": 100}, ("input_audio_tokens",)),
        # Gemini behind OpenAI's shape: thoughts are in the total alone.
        ("openai.chat", {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40},
         {"input": 10, "output": 5, "output_reasoning_tokens": 25, "total": 40}, ("total",)),
        ("langchain", {"input_tokens": 10, "output_tokens": 5, "total_tokens": 12},
         {"input": 10, "output": 5, "total": 15}, ("total",)),
        ("openai.chat", {"prompt_tokens_details": {"cached_tokens": 8}},
         {"input_cached_tokens": 8, "total": 8}, ("input",)),
    ],
)  # fmt: skip
def test_what_cannot_be_is_cut_down_and_named(
    shape: str, usage: dict[object, object], buckets: Buckets, doubts: tuple[str, ...]
) -> None:
    """Where counts contradict each other the sum is the total all the same, and the doubt is named."""
    assert details(shape, usage) == (buckets, doubts)


def test_what_stands_beside_the_tokens() -> None:
    """Searches, seconds, the tier and the provider's own price are taken, too."""
    anthropic = read("anthropic.messages", {"input_tokens": 1, "server_tool_use": {"web_search_requests": 2},
                                            "service_tier": "priority"})  # fmt: skip
    assert anthropic is not None
    assert (anthropic.units, anthropic.tier) == ({"web_searches": 2}, "priority")
    spoken = read("openai.transcription", {"type": "duration", "seconds": 8.2})
    assert spoken is not None
    assert (spoken.units, spoken.total) == ({"audio_seconds": 9}, 0)
    flex = read("langchain", {"input_tokens": 1, "input_token_details": {"flex": 1}})
    assert flex is not None
    assert flex.tier == "flex"
    said = read("openrouter.chat", {"prompt_tokens": 1, "cost": 0.5, "is_byok": True,
                                    "cost_details": {"upstream_inference_cost": 0.25}})  # fmt: skip
    assert said is not None
    assert said.cost == 0.75


def test_perplexity_counts_beside_the_answer() -> None:
    """What Perplexity reasons and cites is beside its completion."""
    found = read("openai.chat", {"prompt_tokens": 10, "completion_tokens": 100, "total_tokens": 110,
                                 "citation_tokens": 30, "reasoning_tokens": 40, "num_search_queries": 3,
                                 "cost": {"total_cost": 0.01}})  # fmt: skip
    assert found is not None
    assert found.buckets == {
        "input": 10,
        "output": 100,
        "output_reasoning_tokens": 40,
        "output_citation_tokens": 30,
    }
    assert (found.units, found.cost, found.doubts) == ({"web_searches": 3}, 0.01, ("total",))


junk = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.binary(max_size=3),
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
counts = st.integers(0, 1000) | junk
nested = st.dictionaries(
    st.sampled_from(["cached_tokens", "audio_tokens", "image_tokens", "text_tokens", "reasoning_tokens", "cache_read",
                     "cache_creation", "cache_write_tokens", "ephemeral_5m_input_tokens", "audio", "reasoning",
                     "flex_cache_read", "cached_tokens_details", "modality", "token_count", "ttl", "inputTokens"])
    | st.text(max_size=3),
    counts | st.dictionaries(st.sampled_from(["audio_tokens", "image_tokens"]), counts),
    max_size=5,
)  # fmt: skip
COUNTED = ["prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cached_tokens",
           "cache_read_input_tokens", "cache_creation_input_tokens", "inputTokens", "outputTokens", "totalTokens",
           "cacheReadInputTokens", "cacheWriteInputTokens", "prompt_token_count", "candidates_token_count",
           "thoughts_token_count", "total_token_count", "cached_content_token_count", "prompt_eval_count",
           "eval_count", "reasoning_tokens", "citation_tokens", "seconds", "cost", "type", "service_tier"]  # fmt: skip
NESTED = ["prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "output_tokens_details",
          "input_token_details", "output_token_details", "cache_creation", "server_tool_use", "cost_details",
          "cacheDetails", "cache_tokens_details", "candidates_tokens_details"]  # fmt: skip
usages = st.builds(
    lambda plain, deep: {**plain, **deep},
    st.dictionaries(
        st.sampled_from(COUNTED) | st.text(max_size=3) | st.integers(), counts, max_size=8
    ),
    st.dictionaries(
        st.sampled_from(NESTED), nested | st.lists(nested, max_size=3) | junk, max_size=4
    ),
)


@given(shape=st.sampled_from(sorted(SHAPES)), usage=usages)
def test_whatever_a_provider_sends_is_a_valid_usage_or_none(
    shape: str, usage: dict[object, object]
) -> None:
    """For any mapping the buckets are disjoint counts whose sum is the total; or there is no usage."""
    found = read(shape, usage)
    if found is None:
        return
    assert isinstance(found, Usage)
    assert found.total == sum(found.buckets.values())
    for counted in (*found.buckets.values(), *found.units.values()):
        assert type(counted) is int
        assert counted >= 0


@given(
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 100),
    st.integers(0, 100),
)
def test_details_never_change_the_sum(
    inputs: int, outputs: int, cached: int, audio: int, reasoning: int
) -> None:
    """Whatever the details of inclusive counts say, the total is input plus output."""
    found = read("langchain", {"input_tokens": inputs, "output_tokens": outputs,
                               "input_token_details": {"cache_read": cached, "audio": audio},
                               "output_token_details": {"reasoning": reasoning}})  # fmt: skip
    assert found is not None
    assert found.total == inputs + outputs
    assert bool(found.doubts) == (cached + audio > inputs or reasoning > outputs)
