"""Every way in which the OpenAI SDK is asked, and its answer read: the rows of the conformance table."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tests.backend import Behaviour
from tests.providers.clients import block, each, got
from tests.providers.openai import (
    ANSWER,
    EMBEDDINGS,
    MESSAGE,
    USAGE,
    chat,
    chat_chunks,
    chunk,
    pieces,
    response,
    response_events,
)
from tests.providers.server import answer, data_events, named_events

QUESTION = [{"role": "user", "content": "What is six times seven?"}]
CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": QUESTION, "temperature": 0.2}
RESPONSE: dict[str, Any] = {
    "model": "gpt-4o",
    "input": "What is six times seven?",
    "temperature": 0.2,
}
TEXT: dict[str, Any] = {"model": "gpt-4o", "prompt": "What is six times seven?", "temperature": 0.2}
EMBED: dict[str, Any] = {"model": "gpt-4o", "input": ["six", "seven"]}

MESSAGE_OUT = {"role": "assistant", "content": ANSWER}
ITEM_OUT = {
    "id": "msg_1",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": ANSWER}],
}
TEXT_ANSWER = {
    "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "text": ANSWER, "finish_reason": "stop", "logprobs": None}], "usage": USAGE,
}  # fmt: skip
TEXT_CHUNKS = [
    {
        "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "text": word, "finish_reason": None, "logprobs": None}],
    }
    for word in pieces(ANSWER)
]  # fmt: skip


class Number(BaseModel):
    """What `parse` is to make of the answer."""

    number: int


NUMBER = '{"number": 42}'


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask."""

    name: str
    ask: Callable[[Any], Awaitable[Any]]
    """Asks the client, and reads the whole answer."""
    reply: Behaviour
    output: Any
    operation: str = "chat"
    path: str = "/v1/chat/completions"


def _of_raw(read: Callable[[Any], Any]) -> Callable[[Any], Awaitable[Any]]:
    """Asks for the raw response and parses it."""

    async def ask(client: Any) -> Any:
        return (await got(read(client))).parse()

    return ask


def _of_body(read: Callable[[Any], Any]) -> Callable[[Any], Awaitable[Any]]:
    """Asks for a response whose body is read in its block."""

    async def ask(client: Any) -> Any:
        async with block(read(client)) as given:
            return await got(given.json())

    return ask


def _of(read: Callable[[Any], Any]) -> Callable[[Any], Awaitable[Any]]:
    async def ask(client: Any) -> Any:
        return await got(read(client))

    return ask


_CHAT, _RESPONSES = "/v1/chat/completions", "/v1/responses"
_chat, _response = answer(chat()), answer(response(MESSAGE))
_number = answer(chat({"content": NUMBER}))
_number_item = {**MESSAGE, "content": [{"type": "output_text", "text": NUMBER, "annotations": []}]}
_NUMBER_OUT = {**ITEM_OUT, "content": [{"type": "output_text", "text": NUMBER}]}

WHOLE = [
    Way("chat", _of(lambda c: c.chat.completions.create(**CHAT)), _chat, MESSAGE_OUT),
    Way(
        "chat.parse",
        _of(lambda c: c.chat.completions.parse(**CHAT, response_format=Number)),
        _number,
        {"role": "assistant", "content": NUMBER},
    ),
    Way(
        "chat.raw",
        _of_raw(lambda c: c.chat.completions.with_raw_response.create(**CHAT)),
        _chat,
        MESSAGE_OUT,
    ),
    Way(
        "chat.body",
        _of_body(lambda c: c.chat.completions.with_streaming_response.create(**CHAT)),
        _chat,
        MESSAGE_OUT,
    ),
    Way(
        "responses",
        _of(lambda c: c.responses.create(**RESPONSE)),
        _response,
        ITEM_OUT,
        "chat",
        _RESPONSES,
    ),
    Way(
        "responses.parse",
        _of(lambda c: c.responses.parse(**RESPONSE, text_format=Number)),
        answer(response(_number_item)),
        _NUMBER_OUT,
        "chat",
        _RESPONSES,
    ),
    Way(
        "responses.raw",
        _of_raw(lambda c: c.responses.with_raw_response.create(**RESPONSE)),
        _response,
        ITEM_OUT,
        "chat",
        _RESPONSES,
    ),
    Way(
        "responses.body",
        _of_body(lambda c: c.responses.with_streaming_response.create(**RESPONSE)),
        _response,
        ITEM_OUT,
        "chat",
        _RESPONSES,
    ),
    Way(
        "embeddings",
        _of(lambda c: c.embeddings.create(**EMBED)),
        answer(EMBEDDINGS),
        {"embeddings": 2, "dimensions": 3},
        "embeddings",
        "/v1/embeddings",
    ),
    Way(
        "completions",
        _of(lambda c: c.completions.create(**TEXT)),
        answer(TEXT_ANSWER),
        ANSWER,
        "text_completion",
        "/v1/completions",
    ),
]


# -- streams -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Streamed:
    """One way to ask for a stream; *begin* is a block that gives what can be iterated."""

    name: str
    begin: Callable[[Any], Any]
    events: list[bytes]
    output: Any
    block: bool = False
    """Whether the SDK itself gives a block."""

    async def read(self, client: Any) -> list[Any]:
        """Everything."""
        if self.block:
            async with block(self.begin(client)) as stream:
                return [item async for item in self._items(stream)]
        stream = await got(self.begin(client))
        stream = stream.parse() if self.name.endswith(".raw") else stream
        return [item async for item in each(stream)]

    async def _items(self, stream: Any) -> Any:
        if self.name.endswith(".lines"):
            stream = stream.iter_lines()
        elif self.name.endswith(".body"):
            stream = await got(stream.parse())
        async for item in each(stream):
            yield item


_chat_events = data_events([*chat_chunks(), chunk(usage=USAGE)])
_response_events = named_events(response_events())

STREAMED = [
    Streamed(
        "chat",
        lambda c: c.chat.completions.create(**CHAT, stream=True),
        _chat_events,
        MESSAGE_OUT,
    ),
    Streamed(
        "chat.stream",
        lambda c: c.chat.completions.stream(**CHAT),
        _chat_events,
        MESSAGE_OUT,
        block=True,
    ),
    Streamed(
        "chat.raw",
        lambda c: c.chat.completions.with_raw_response.create(**CHAT, stream=True),
        _chat_events,
        MESSAGE_OUT,
    ),
    Streamed(
        "chat.body",
        lambda c: c.chat.completions.with_streaming_response.create(**CHAT, stream=True),
        _chat_events,
        MESSAGE_OUT,
        block=True,
    ),
    Streamed(
        "chat.lines",
        lambda c: c.chat.completions.with_streaming_response.create(**CHAT, stream=True),
        _chat_events,
        MESSAGE_OUT,
        block=True,
    ),
    Streamed(
        "responses",
        lambda c: c.responses.create(**RESPONSE, stream=True),
        _response_events,
        ITEM_OUT,
    ),
    Streamed(
        "responses.stream",
        lambda c: c.responses.stream(**RESPONSE),
        _response_events,
        ITEM_OUT,
        block=True,
    ),
    Streamed(
        "completions",
        lambda c: c.completions.create(**TEXT, stream=True),
        data_events([*TEXT_CHUNKS, {**TEXT_CHUNKS[0], "choices": [], "usage": USAGE}]),
        ANSWER,
    ),
]
PLAIN_STREAMS = [way for way in STREAMED if not way.block and not way.name.endswith(".raw")]
BLOCKS = [way for way in STREAMED if way.block]
