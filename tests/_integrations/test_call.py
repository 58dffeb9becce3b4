"""Tests for `trackway._integrations.call`: what one observation says of one request."""

import base64
import copy
import threading
import time
from pathlib import Path
from typing import Any

import openai as sdk
import pytest
from pydantic import BaseModel, ValidationError

from tests._integrations.conftest import Connect
from tests.backend import Behaviour, Connection, Request
from tests.providers.openai import (
    ANSWER,
    MESSAGE,
    TOOL_CALL,
    USAGE,
    chat,
    chat_chunks,
    chunk,
    delta,
    response,
)
from tests.providers.server import Provider, answer, data_events, routed, stream
from tests.spans import only
from trackway.testing import Spans, capture

ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
]
OPENAI = "https://api.openai.com/v1"


def test_only_what_was_sent_is_a_parameter(connect: Connect, spans: Spans) -> None:
    """Parameters are those that were sent, whatever they are; messages and tools are the input."""
    sent = {
        "temperature": 0,
        "stop": ["a"],
        "tool_choice": "auto",
        "logit_bias": {"50256": -100},
        "user": "u",
    }
    with Provider(
        answer(chat({"content": None, "tool_calls": [TOOL_CALL]}, reason="tool_calls"))
    ) as provider:
        connect(provider).chat.completions.create(**ASK, tools=TOOLS, **sent)
    (span,) = spans
    assert span["model_parameters"] == sent
    assert span["input"] == {"messages": ASK["messages"], "tools": TOOLS}
    assert span["output"] == {"role": "assistant", "tool_calls": [TOOL_CALL]}
    assert span["attributes"]["gen_ai.response.finish_reasons"] == ["tool_calls"]


def test_several_answers(connect: Connect, spans: Spans) -> None:
    """Of `n` answers each is recorded, in their order."""
    with Provider(answer(chat({"content": "a"}, {"content": "b", "refusal": "no"}))) as provider:
        connect(provider).chat.completions.create(**ASK, n=2)
    assert spans[0]["output"] == [
        {"role": "assistant", "content": "a"},
        {"role": "assistant", "content": "b", "refusal": "no"},
    ]


def test_what_the_wire_says(connect: Connect, home: Path) -> None:
    """Provider, both models, response id, tier, operation, tokens and the price of an OpenAI call are on the span."""
    with Provider(answer(chat())) as provider:
        connect(provider, base_url=OPENAI).chat.completions.create(**ASK)
    attributes = only(home).attributes
    assert attributes["gen_ai.operation.name"] == "chat"
    assert attributes["gen_ai.provider.name"] == "openai"
    assert attributes["gen_ai.request.model"] == "gpt-4o"
    assert attributes["gen_ai.response.model"] == "gpt-4o-2024-08-06"
    assert attributes["gen_ai.response.id"] == "chatcmpl-1"
    assert attributes["gen_ai.usage.input_tokens"] == 19
    assert attributes["gen_ai.usage.cache_read.input_tokens"] == 4
    assert attributes["gen_ai.usage.reasoning.output_tokens"] == 6


def test_the_time_to_the_first_token(connect: Connect, home: Path) -> None:
    """The time to the first token ends with the first word, not with the chunk that says the role."""
    gates = [threading.Event() for _ in range(2)]
    gates[0].set()
    with Provider(stream(data_events(chat_chunks()), gates=gates)) as provider:
        found = connect(provider).chat.completions.create(**ASK, stream=True)
        assert next(found).choices[0].delta.role == "assistant"
        role_was_there = time.time_ns()
        gates[1].set()
        assert list(found)
    span = only(home)
    first = span.attributes["gen_ai.response.time_to_first_chunk"]
    assert isinstance(first, float)
    # Microseconds, to which the moment is rounded.
    assert role_was_there - 1_000 <= span.start + first * 1e9 <= span.end + 1_000


def test_files_are_references_and_the_callers_stay(connect: Connect, spans: Spans) -> None:
    """Images and audio are recorded as references; what the caller sent and got is as it was."""
    encoded = base64.b64encode(bytes(300)).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}}
    messages = [{"role": "user", "content": [image]}]
    before = copy.deepcopy(messages)
    audio = {"id": "a", "data": encoded, "transcript": "hi", "expires_at": 1}
    with Provider(answer(chat({"audio": audio}))) as provider:
        found = connect(provider).chat.completions.create(model="m", messages=messages)
        assert provider.sent[0]["messages"] == before
    assert messages == before
    assert found.choices[0].message.audio.data == encoded
    (span,) = spans
    assert encoded not in str(span)
    assert "<media type=image/png size=300 sha256=" in str(span["input"])
    assert "size=300" in str(span["output"])


def test_capture_off(monkeypatch: pytest.MonkeyPatch, connect: Connect) -> None:
    """Without `capture_io` neither messages nor answers are recorded; tokens and model are."""
    monkeypatch.setenv("TRACKWAY_CAPTURE_IO", "false")
    with capture() as spans, Provider(answer(chat())) as provider:
        connect(provider).chat.completions.create(**ASK)
        (span,) = spans
    assert (span["input"], span["output"]) == (None, None)
    assert span["usage"]["total"] == 29


def test_an_answer_that_parse_refuses(connect: Connect, spans: Spans) -> None:
    """Where `parse` raises because the answer was cut short, what arrived and what it cost is recorded."""

    class Number(BaseModel):
        number: int

    with Provider(answer(chat({"content": '{"nu'}, reason="length"))) as provider:
        client = connect(provider)
        with pytest.raises(sdk.LengthFinishReasonError):
            client.chat.completions.parse(**ASK, response_format=Number)
    (span,) = spans
    assert span["status"] == "ERROR"
    assert span["output"] == {"role": "assistant", "content": '{"nu'}
    assert span["usage"]["total"] == 29


def test_retries_are_one_observation(connect: Connect, spans: Spans) -> None:
    """The SDK's own retries are part of one call."""
    with Provider(answer({}, 500, retry_after_ms="1"), answer(chat())) as provider:
        connect(provider, max_retries=2).chat.completions.create(**ASK)
        assert len(provider.requests) == 2
    (span,) = spans
    assert (span["status"], span["output"]["content"]) == ("UNSET", ANSWER)  # type: ignore[index]  # a message


def test_an_error_among_the_chunks(connect: Connect, spans: Spans) -> None:
    """An error that the provider sends in the middle of a stream is raised by the SDK, and recorded with what came."""
    broken = {"error": {"message": "overloaded", "type": "server_error"}}
    with Provider(stream(data_events([*chat_chunks()[:3], broken]))) as provider:
        found = connect(provider).chat.completions.create(**ASK, stream=True)
        with pytest.raises(sdk.APIError, match="overloaded"):
            list(found)
    (span,) = spans
    assert span["status_message"] == "APIError: overloaded"
    assert span["output"] == {"role": "assistant", "content": "Forty-two, as"}


def test_an_answer_that_is_no_answer(connect: Connect, spans: Spans) -> None:
    """What is not what the provider promises is handed on, and recorded as far as it goes."""

    def html(connection: Connection, request: Request) -> bool:
        connection.reply(200, b"<html>", Content_Type="text/html")
        return True

    behaviours: list[Behaviour] = [
        html,
        answer([1, 2]),
        answer({"choices": "no"}),
        answer({"usage": 5}),
    ]
    for behaviour in behaviours:
        with Provider(behaviour) as provider:
            connect(provider).chat.completions.create(**ASK)
    assert len(spans) == 4


def test_a_reader_and_a_closer_race(connect: Connect, spans: Spans) -> None:
    """A stream that one thread reads while others close it is recorded once."""
    chunks = [chunk(delta(content="x")) for _ in range(300)]
    with Provider(stream(data_events([*chunks, chunk(usage=USAGE)]))) as provider:
        found = connect(provider).chat.completions.create(**ASK, stream=True)
        for _ in range(20):
            next(found)
        closers = [threading.Thread(target=found.close) for _ in range(4)]
        for closer in closers:
            closer.start()
        try:
            for _ in found:
                pass
        except Exception:  # noqa: BLE001 - what a closed response raises is the SDK's business
            threading.get_ident()
        for closer in closers:
            closer.join()
    assert len(spans) == 1


class Number(BaseModel):
    """What the answers below are not."""

    number: int


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.chat.completions.parse(**ASK, response_format=Number),
        lambda client: client.responses.parse(model="gpt-4o", input="x", text_format=Number),
    ],
    ids=["chat", "responses"],
)
def test_an_answer_that_parse_cannot_use(connect: Connect, spans: Spans, ask: Any) -> None:
    """An answer that does not fit the caller's type is an error, with the answer and what it cost."""
    text = '{"num'
    item = {**MESSAGE, "content": [{"type": "output_text", "text": text, "annotations": []}]}

    def reply(path: str, _: object) -> Behaviour:
        return answer(response(item) if path.endswith("responses") else chat({"content": text}))

    with Provider(routed(reply)) as provider, pytest.raises(ValidationError):
        ask(connect(provider))
    (span,) = spans
    assert (span["status"], span["usage"].get("total")) == ("ERROR", 29)
    assert span["attributes"]["error.type"] == "pydantic_core._pydantic_core.ValidationError"
    assert text in str(span["output"])
