"""Tests for `trackway._integrations.openai.family`: who is asked for the usage of a stream, and who is not."""

from typing import Any

import openai as sdk
import pytest

from tests._integrations.conftest import Connect
from tests.providers.openai import BUCKETS, USAGE, chat_chunks
from tests.providers.server import Provider, data_events, stream
from trackway.testing import Spans

ASK: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [{"role": "user", "content": "hi"}],
    "stream": True,
}
EVENTS = data_events(chat_chunks(usage=True))
OPENAI = "https://api.openai.com/v1"


AZURE = "https://mine.openai.azure.com/openai"


def azure(version: str) -> dict[str, Any]:
    return {
        "cls": sdk.AzureOpenAI, "azure_endpoint": "https://mine.openai.azure.com", "api_version": version,
    }  # fmt: skip


ASKED: list[dict[str, Any]] = [
    {"base_url": OPENAI}, azure("2024-10-21"), azure("preview"),
    {"base_url": f"{AZURE}/deployments/d", "default_query": {"api-version": "2024-10-21"}},
    {"base_url": f"{AZURE}/v1/"},
]  # fmt: skip
NOT_ASKED: list[dict[str, Any]] = [
    {},
    {"base_url": "https://openrouter.ai/api/v1"},
    azure("2023-05-15"),
    # Through the plain client: by a path with versions, of which one is said, or none.
    {"base_url": f"{AZURE}/deployments/d", "default_query": {"api-version": "2023-05-15"}},
    {"base_url": f"{AZURE}/deployments/d"},
]


@pytest.mark.parametrize("given", ASKED)
def test_the_usage_is_asked_for(given: dict[str, Any], connect: Connect, spans: Spans) -> None:
    """OpenAI and current versions of Azure are asked for the usage; the chunk that brings it stays with us."""
    with Provider(stream(EVENTS)) as provider:
        chunks = list(connect(provider, **given).chat.completions.create(**ASK))
        assert provider.sent[0]["stream_options"] == {"include_usage": True}
        assert len(provider.requests) == 1
    assert all(chunk.choices for chunk in chunks)
    (span,) = spans
    assert span["usage"] == BUCKETS
    assert span["model_parameters"] == {"stream": True}


@pytest.mark.parametrize("given", NOT_ASKED)
def test_others_are_not_asked(given: dict[str, Any], connect: Connect, spans: Spans) -> None:
    """Who might refuse the question is not asked; what comes all the same is handed on, and counted."""
    with Provider(stream(EVENTS)) as provider:
        chunks = list(connect(provider, **given).chat.completions.create(**ASK))
        assert "stream_options" not in provider.sent[0]
    assert chunks[-1].usage is not None
    assert spans[0]["usage"] == BUCKETS


def test_azure_refuses_the_question_beside_data(connect: Connect, spans: Spans) -> None:
    """With data of the caller's own in the request Azure is not asked, because it would refuse the call."""
    with Provider(stream(EVENTS)) as provider:
        client = connect(provider, **azure("2024-10-21"))
        list(client.chat.completions.create(**ASK, extra_body={"data_sources": [{"type": "x"}]}))
        assert "stream_options" not in provider.sent[0]
    assert spans[0]["usage"] == BUCKETS


@pytest.mark.parametrize("asked", [True, False])
def test_the_caller_decides(asked: bool, connect: Connect, spans: Spans) -> None:
    """Who says it, gets what was said: the chunk with the usage, or none."""
    options = {"include_usage": asked}
    with Provider(stream(EVENTS)) as provider:
        client = connect(provider, base_url=OPENAI)
        chunks = list(client.chat.completions.create(**ASK, stream_options=options))
        assert provider.sent[0]["stream_options"] == options
    assert chunks[-1].usage is not None


def test_other_stream_options_stay(connect: Connect, spans: Spans) -> None:
    """What the caller says of a stream beside the usage is sent as well; the caller's dict stays as it was."""
    options = {"include_obfuscation": False}
    with Provider(stream(EVENTS)) as provider:
        list(
            connect(provider, base_url=OPENAI).chat.completions.create(
                **ASK, stream_options=options
            )
        )
        sent = provider.sent[0]["stream_options"]
    assert sent == {"include_obfuscation": False, "include_usage": True}
    assert options == {"include_obfuscation": False}
    assert spans[0]["model_parameters"] == {"stream": True, "stream_options": options}


def test_a_helper_reads_what_it_would_without_us(connect: Connect, spans: Spans) -> None:
    """The SDK's `stream` helper gives the same final answer as without us."""
    given = {key: value for key, value in ASK.items() if key != "stream"}
    found = []
    for traced in (False, True):
        with Provider(stream(data_events(chat_chunks(usage=traced)))) as provider:
            client = connect(provider, base_url=OPENAI, traced=traced)
            with client.chat.completions.stream(**given) as events:
                found.append(events.get_final_completion())
    assert found[0] == found[1]
    assert spans[0]["usage"] == BUCKETS


def test_azure_is_known_by_its_client(connect: Connect, spans: Spans) -> None:
    """A deployment of Azure's has its path, and is recorded by the name that it was asked by."""
    with Provider(stream(EVENTS)) as provider:
        list(connect(provider, **azure("2024-10-21")).chat.completions.create(**ASK))
        (path,) = provider.paths
    assert path.startswith("/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21")
    assert spans[0]["name"] == "chat gpt-4o"
    assert USAGE["total_tokens"] == spans[0]["usage"]["total"]
