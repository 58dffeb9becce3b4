"""Model, provider and parameters, of real integrations of LangChain where they can run."""

import asyncio
import json
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, Generation, LLMResult
from langchain_core.tools import tool
from langchain_openai import AzureChatOpenAI, ChatOpenAI
from openai import BadRequestError
from pydantic import SecretStr

from tests._integrations.langchain.applications import usage_of
from tests._integrations.langchain.loopback import MODEL, openai_server
from tests.spans import level_of, only, spans, value_of
from trackway import Trackway
from trackway._integrations.langchain.models import (
    describe_response,
    is_delta,
    parameters,
    provider,
    request_model,
    says_something,
    tools_in,
)
from trackway.langchain import CallbackHandler

KEY = SecretStr("sk-proj-9f8e7d6c5b4a39281706f5e4d3c2b1a0")


@tool
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


def test_a_call_of_openai_is_told_in_full(home: Path, handler: CallbackHandler) -> None:
    """The real `ChatOpenAI` against a server: model, provider, sent parameters, choices, disjoint usage, no key."""
    with openai_server() as url:
        model = ChatOpenAI(
            model="gpt-4o", base_url=url, api_key=KEY, temperature=0.5, n=2, max_retries=0,
            default_headers={"x-secret": "header-value"},
        )  # fmt: skip
        model.invoke("hi", {"callbacks": [handler]}, stop=["END"])
    found = only(home)
    told = found.attributes
    assert (told["gen_ai.request.model"], told["gen_ai.response.model"]) == ("gpt-4o", MODEL)
    assert (told["gen_ai.provider.name"], told["gen_ai.response.id"]) == ("127.0.0.1", "chatcmpl-1")
    assert told["gen_ai.response.finish_reasons"] == ("stop", "stop")
    sent = {"temperature": 0.5, "n": 2, "stop": ["END"]}
    assert json.loads(str(told["llm.invocation_parameters"])) == sent
    assert told["gen_ai.request.temperature"] == 0.5
    assert value_of(found) == [{"role": "assistant", "content": "hello"}] * 2
    # Cached and audio tokens overlap nothing, and are taken out of the input once.
    assert usage_of(found) == {
        "input": 2, "input_cached_tokens": 4, "input_audio_tokens": 4,
        "output": 2, "output_reasoning_tokens": 1, "total": 13,
    }  # fmt: skip
    assert "9f8e7d6c" not in repr(found)
    assert "header-value" not in repr(found)


def test_a_stream_of_openai_is_told_in_full(home: Path, handler: CallbackHandler) -> None:
    """Streamed, sync and async: the whole answer, its usage, the time of its first token."""
    with openai_server() as url:
        model = ChatOpenAI(model="gpt-4o", base_url=url, api_key=KEY, stream_usage=True)
        list(model.stream("hi", {"callbacks": [handler]}))

        async def program() -> None:
            async for _ in model.astream("hi", {"callbacks": [handler]}):
                pass
            await model.root_async_client.close()

        asyncio.run(program())
    for found in spans(home):
        assert value_of(found) == {"role": "assistant", "content": "hello"}
        assert (usage_of(found) or {})["total"] == 13
        assert "gen_ai.response.time_to_first_chunk" in found.attributes
        assert found.attributes["gen_ai.response.model"] == MODEL
    assert len(spans(home)) == 2


def test_tools_are_told_with_the_messages(home: Path, handler: CallbackHandler) -> None:
    """The tools that the model may call stand beside the messages."""
    with openai_server() as url:
        model = ChatOpenAI(model="gpt-4o", base_url=url, api_key=KEY).bind_tools([add])
        model.invoke("hi", {"callbacks": [handler]})
    given = value_of(only(home), "input")
    assert isinstance(given, dict)
    assert given["messages"] == [{"role": "user", "content": "hi"}]
    assert given["tools"][0]["function"]["name"] == "add"
    assert "tools" not in str(only(home).attributes.get("llm.invocation_parameters"))


def test_a_refused_call_has_failed(home: Path, handler: CallbackHandler) -> None:
    """An error of the provider is the generation's."""
    with openai_server() as url:
        model = ChatOpenAI(model="refused", base_url=url, api_key=KEY, max_retries=0)
        with pytest.raises(BadRequestError):
            model.invoke("hi", {"callbacks": [handler]})
    status, message, _ = level_of(only(home))
    assert status == 2
    assert message.endswith("Error code: 400 - no such model")
    assert only(home).attributes["gen_ai.request.model"] == "refused"


@pytest.mark.parametrize(
    ("base", "told"),
    [
        (None, "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://vllm.internal:8000/v1", "vllm.internal"),
        ("not an address", "openai"),
        ("http://[", "openai"),
        (5, "openai"),
    ],
)
def test_who_speaks_openais_api_is_not_openai(base: object, told: str) -> None:
    """`ChatOpenAI` with an address is told, and priced, as who answers there."""
    serialized = {"kwargs": {"model_name": "m", "openai_api_base": base}}
    assert provider({"ls_provider": "openai"}, serialized) == told
    assert provider({"ls_provider": "groq"}, serialized) == "groq"
    assert provider({"ls_provider": "openai"}, {"kwargs": None}) == "openai"
    assert provider({"ls_provider": "openai"}) == "openai"


def test_azure_is_azure(home: Path, handler: CallbackHandler) -> None:
    """A deployment of Azure is told as Azure's."""
    with openai_server() as url:
        model = AzureChatOpenAI(
            azure_endpoint=url.removesuffix("/v1"), api_key=KEY, api_version="2024-10-21",
            azure_deployment="ours", model="gpt-4o", max_retries=0,
        )  # fmt: skip
        model.invoke("hi", {"callbacks": [handler]})
    assert only(home).attributes["gen_ai.provider.name"] == "azure.ai.openai"
    assert only(home).attributes["gen_ai.request.model"] == "gpt-4o"


def test_only_what_was_sent_is_a_parameter() -> None:
    """Of what LangChain tells, that which is set and goes to the model; 0 and false are set."""
    params: dict[str, object] = {
        "model": "m", "model_name": "m", "_type": "x", "temperature": 0, "top_p": None, "stop": None,
        "logprobs": False, "api_key": "k", "openai_api_key": "k", "max_tokens": 9, "token": "t",
        "base_url": "u", "default_headers": {"a": 1}, "client": object(), "credentials": "c", "timeout": 3,
        "stream": True, "streaming": False, "tools": [1], "extra_body": {}, "response_format": {"type": "json_object"},
    }  # fmt: skip
    assert parameters({}, params) == {
        "temperature": 0, "logprobs": False, "max_tokens": 9, "response_format": {"type": "json_object"},
    }  # fmt: skip
    assert parameters({"ls_temperature": 0.1, "ls_max_tokens": 5, "ls_stop": ["x"]}, {}) == {
        "temperature": 0.1, "max_tokens": 5, "stop": ["x"],
    }  # fmt: skip
    assert parameters({"ls_max_tokens": 5}, {"max_completion_tokens": 5}) == {
        "max_completion_tokens": 5
    }


@pytest.mark.parametrize(
    ("metadata", "params", "model"),
    [
        ({"ls_model_name": "a"}, {"model": "b"}, "a"),
        ({}, {"model": "b"}, "b"),
        ({}, {"model_id": "anthropic.claude"}, "anthropic.claude"),
        ({"ls_model_name": 7}, {"deployment_name": "ours"}, "ours"),
        ({}, {}, None),
    ],
)
def test_the_model_that_is_asked_for(
    metadata: dict[str, object], params: dict[str, object], model: str | None
) -> None:
    """The model stands under one of several names."""
    assert request_model(metadata, params) == model


def test_providers_have_opentelemetrys_names() -> None:
    """Names that OpenTelemetry has are used; others stay; what is no name is none."""
    assert provider({"ls_provider": "google_vertexai"}) == "gcp.vertex_ai"
    assert provider({"ls_provider": "amazon_bedrock"}) == "aws.bedrock"
    assert provider({"ls_provider": "anthropic"}) == "anthropic"
    assert provider({"ls_provider": None}) is None
    assert provider({}) is None


def test_tools_may_be_functions() -> None:
    """The older name for tools is understood."""
    assert tools_in({"functions": [1]}) == [1]
    assert tools_in({"tools": [], "x": 1}) is None


def test_a_response_is_described_from_where_it_says_so(client: Trackway, home: Path) -> None:
    """What answered and why it stopped: from the message, the generation, or the whole result."""
    message = AIMessage("x", response_metadata={"model": "llama3", "done_reason": "stop"})
    text = Generation(text="x", generation_info={"finish_reason": "length"})
    results = {
        "ollama": LLMResult(generations=[[ChatGeneration(message=message)]]),
        "whole": LLMResult(
            generations=[[text]],
            llm_output={"model_name": "gpt-x", "id": "1", "service_tier": "flex"},
        ),
        "nothing": LLMResult(generations=[]),
    }
    for name, result in results.items():
        with client.start_as_current_observation(name=name, as_type="generation") as observation:
            describe_response(observation, result)
    keys = ("response.model", "response.id", "response.finish_reasons")
    told = {
        span.name: [span.attributes.get(f"gen_ai.{key}") for key in keys] for span in spans(home)
    }
    assert told == {
        "ollama": ["llama3", None, ("stop",)],
        "whole": ["gpt-x", "1", ("length",)],
        "nothing": [None, None, None],
    }
    assert "flex" in only(home, "whole").attributes.values()


def test_a_part_of_an_answer_is_told_from_an_empty_chunk() -> None:
    """Text, reasoning and calls of tools are parts; the chunks that open and close a stream are not."""

    def part(message: AIMessageChunk) -> bool:
        return says_something(ChatGenerationChunk(message=message))

    call = tool_call_chunk(name="f", args="", id="1", index=0)
    assert not part(AIMessageChunk(content=""))
    assert not says_something(None)
    assert part(AIMessageChunk(content="", tool_call_chunks=[call]))
    assert part(AIMessageChunk(content="", additional_kwargs={"reasoning_content": "hm"}))
    assert is_delta({"event": "content-block-delta"})
    assert not is_delta({"event": "message-start"})
    assert not is_delta(None)
