"""Tokens, in the places and shapes in which models of LangChain say them; and answers from LangChain's own cache."""

from pathlib import Path

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, Generation, LLMResult
from langchain_core.runnables import RunnableConfig

from tests._integrations.langchain.applications import answering, metadata_of, usage_of
from tests.spans import only, spans
from trackway._integrations.langchain.tokens import is_cache_hit, usage_in
from trackway.langchain import CallbackHandler


def buckets(result: LLMResult) -> dict[str, int] | None:
    usage = usage_in(result)
    return None if usage is None else usage.details()


def chat(llm_output: dict[str, object] | None = None, **message: object) -> LLMResult:
    generation = ChatGeneration(message=AIMessage("x", **message))
    return LLMResult(generations=[[generation]], llm_output=llm_output)


OPENAI = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}


@pytest.mark.parametrize(
    ("result", "told"),
    [
        pytest.param(
            chat(usage_metadata={
                "input_tokens": 10, "output_tokens": 5, "total_tokens": 15,
                "input_token_details": {"cache_read": 4, "audio": 4},
                "output_token_details": {"reasoning": 2},
            }),
            {"input": 2, "input_cached_tokens": 4, "input_audio_tokens": 4,
             "output": 3, "output_reasoning_tokens": 2, "total": 15},
            id="message",
        ),
        pytest.param(
            chat(usage_metadata={
                "input_tokens": 10, "output_tokens": 5, "total_tokens": 15,
                "input_token_details": {"cache_read": 8, "audio": 8},
            }),
            {"input": 0, "input_cached_tokens": 8, "input_audio_tokens": 2, "output": 5, "total": 15},
            id="details that overlap",
        ),
        pytest.param(
            chat(response_metadata={"token_usage": OPENAI}),
            {"input": 10, "output": 5, "total": 15}, id="OpenAI, response",
        ),
        pytest.param(
            chat({"token_usage": OPENAI, "model_name": "m"}),
            {"input": 10, "output": 5, "total": 15}, id="OpenAI, whole result",
        ),
        pytest.param(
            chat(response_metadata={"usage": {
                "input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 3,
                "cache_creation_input_tokens": 2, "cache_creation": {"ephemeral_5m_input_tokens": 2},
            }}),
            {"input": 10, "input_cached_tokens": 3, "input_cache_creation_5m": 2, "output": 5, "total": 20},
            id="Anthropic",
        ),
        pytest.param(
            chat(response_metadata={"usage": {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}}),
            {"input": 10, "output": 5, "total": 15}, id="Bedrock, Converse",
        ),
        pytest.param(
            chat(response_metadata={"amazon-bedrock-invocationMetrics": {
                "inputTokenCount": 10, "outputTokenCount": 5, "invocationLatency": 70,
            }}),
            {"input": 10, "output": 5, "total": 15}, id="Bedrock, metrics",
        ),
        pytest.param(
            LLMResult(generations=[[Generation(text="x", generation_info={"usage_metadata": {
                "prompt_token_count": 10, "candidates_token_count": 5, "total_token_count": 15,
            }})]]),
            {"input": 10, "output": 5, "total": 15}, id="Vertex",
        ),
        pytest.param(
            chat(response_metadata={"prompt_eval_count": 10, "eval_count": 5, "total_duration": 1}),
            {"input": 10, "output": 5, "total": 15}, id="Ollama",
        ),
        pytest.param(
            LLMResult(generations=[[Generation(text="x", generation_info={
                "prompt_eval_count": 10, "eval_count": 5,
            })]]),
            {"input": 10, "output": 5, "total": 15}, id="Ollama, texts",
        ),
        pytest.param(chat(), None, id="nothing"),
        pytest.param(chat({"token_usage": {}}), None, id="empty"),
        pytest.param(LLMResult(generations=[]), None, id="no generation"),
    ],
)  # fmt: skip
def test_every_place_is_read(result: LLMResult, told: dict[str, int] | None) -> None:
    """Wherever and however a model says what it used: disjoint buckets, whose sum is the total."""
    assert buckets(result) == told


def test_several_choices_are_one_call() -> None:
    """Each choice carries the usage of the whole call; it is counted once."""
    message = AIMessage(
        "x", usage_metadata={"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}
    )
    result = LLMResult(generations=[[ChatGeneration(message=message)] * 3])
    assert buckets(result) == {"input": 3, "output": 4, "total": 7}


def test_the_second_of_several_prompts_has_its_own(home: Path, handler: CallbackHandler) -> None:
    """Each prompt of one call is a run with its own tokens."""
    answering().batch(["1", "2"], {"callbacks": [handler]})
    assert [(usage_of(span) or {})["total"] for span in spans(home)] == [15, 15]


def test_answers_from_langchains_cache_cost_nothing(home: Path, handler: CallbackHandler) -> None:
    """What LangChain answers from its own cache used nothing, costs 0, and is marked; the first call is as ever."""
    set_llm_cache(InMemoryCache())
    model, config = answering(), RunnableConfig(callbacks=[handler])
    model.with_config(run_name="first").invoke("?", config)
    model.with_config(run_name="second").invoke("?", config)
    first, second = only(home, "first"), only(home, "second")
    assert (usage_of(first) or {})["total"] == 15
    assert "langfuse.observation.cost_details" not in first.attributes
    assert usage_of(second) is None
    assert second.attributes["langfuse.observation.cost_details"] == '{"total":0.0}'
    assert metadata_of(second) == {"cache_hit": "true"}


def test_a_cached_text_is_no_run(home: Path, handler: CallbackHandler) -> None:
    """For models of texts LangChain tells of no run where it answers from its cache."""
    set_llm_cache(InMemoryCache())
    model, config = FakeListLLM(responses=["a"]), RunnableConfig(callbacks=[handler])
    model.invoke("?", config)
    model.invoke("?", config)
    assert len(spans(home)) == 1


def test_a_model_that_costs_nothing_is_no_cache_hit() -> None:
    """Only LangChain's own mark says that an answer came from its cache."""
    assert not is_cache_hit(
        chat(usage_metadata={"input_tokens": 0, "output_tokens": 0, "total_tokens": 0})
    )
    assert not is_cache_hit(LLMResult(generations=[[Generation(text="x")]]))


@pytest.mark.parametrize(
    ("message", "units"),
    [
        ({"response_metadata": {"usage": {"input_tokens": 1, "server_tool_use": {"web_search_requests": 2}}}},
         {"web_searches": 2}),
        ({"content": [{"type": "web_search_call", "action": {"type": "search"}}, {"type": "text", "text": "x"}]},
         {"web_searches": 1}),
        ({"additional_kwargs": {"tool_outputs": [{"type": "file_search_call"}]}}, {"file_searches": 1}),
        ({}, {}),
    ],
)  # fmt: skip
def test_searches_of_the_providers_are_counted(
    message: dict[str, object], units: dict[str, int]
) -> None:
    """What LangChain's own counts leave out is in what the provider sent, or in what the model did."""
    counts = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    said = AIMessage(**{"content": "x", "usage_metadata": counts, **message})  # type: ignore[call-overload]  # fields by name
    usage = usage_in(LLMResult(generations=[[ChatGeneration(message=said)]]))
    assert usage is not None
    assert (usage.total, usage.units) == (15, units)
