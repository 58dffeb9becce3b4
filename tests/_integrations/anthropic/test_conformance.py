"""The conformance table of Anthropic's messages: the same machinery as OpenAI's, against the other real SDK."""

import asyncio
import gc
from typing import Any

import anthropic as sdk
import pytest

from tests.providers.anthropic import ANSWER, BUCKETS, events, message
from tests.providers.clients import block, closed, each, got, run
from tests.providers.server import Provider, answer, anthropic_error, named_events, stream
from trackway.anthropic import wrap
from trackway.testing import Span, Spans

kinds = pytest.mark.parametrize("kind", ["sync", "async"])
ASK: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 100,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "What is six times seven?"}],
}
OUTPUT = {"role": "assistant", "content": [{"type": "text", "text": ANSWER}]}
EVENTS = named_events(events())

WAYS = {
    "create": lambda c: c.messages.create(**ASK, stream=True),
    "beta": lambda c: c.beta.messages.create(**ASK, stream=True),
    "stream": lambda c: c.messages.stream(**ASK),
    "beta.stream": lambda c: c.beta.messages.stream(**ASK),
}
streams = pytest.mark.parametrize("way", ["create", "beta"])
blocks = pytest.mark.parametrize("way", ["stream", "beta.stream"])


def client_of(kind: str, provider: Provider) -> Any:
    make: Any = sdk.Anthropic if kind == "sync" else sdk.AsyncAnthropic
    return wrap(make(api_key="sk-test", base_url=provider.url, max_retries=0))


def only(spans: Spans) -> Span:
    assert len(spans) == 1, spans
    return spans[0]


def said(span: Span) -> tuple[str, str | None]:
    return span["level"], span["status_message"]


@kinds
@pytest.mark.parametrize("path", ["messages", "beta.messages"])
@pytest.mark.parametrize("raw", [False, True])
def test_a_whole_message(kind: str, path: str, raw: bool, spans: Spans) -> None:
    """A call is one generation with system, messages, parameters, blocks, cache tokens and stop reason."""

    async def program() -> None:
        with Provider(answer(message())) as provider:
            client = client_of(kind, provider)
            resource = client.messages if path == "messages" else client.beta.messages
            resource = resource.with_raw_response if raw else resource
            found = await got(resource.create(**ASK, name="ask", trackway_user_id="alice"))
            found = await got(found.parse()) if raw else found
            assert found.content[0].text == ANSWER
            assert provider.sent[0].keys() == ASK.keys()
            await closed(client)

    run(program())
    span = only(spans)
    assert (span["name"], span["kind"], span["user_id"]) == ("ask", "generation", "alice")
    assert span["input"] == {"messages": ASK["messages"], "system": "Be brief."}
    assert (span["output"], span["usage"]) == (OUTPUT, BUCKETS)
    assert span["model_parameters"] == {"max_tokens": 100}
    assert span["attributes"]["gen_ai.response.finish_reasons"] == ["end_turn"]
    assert said(span) == ("DEFAULT", None)


@kinds
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, "BadRequestError"), (401, "AuthenticationError"), (429, "RateLimitError"), (500, "InternalServerError")],
)  # fmt: skip
def test_an_error(kind: str, status: int, error: str, spans: Spans) -> None:
    """What the provider refuses is raised as without us, and recorded with its type and status."""

    async def program() -> None:
        with Provider(anthropic_error(status, "not so")) as provider:
            client = client_of(kind, provider)
            with pytest.raises(getattr(sdk, error), match="not so"):
                await got(client.messages.create(**ASK))
            await closed(client)

    run(program())
    span = only(spans)
    assert span["status"] == "ERROR"
    assert span["attributes"]["http.response.status_code"] == status


async def read(way: str, client: Any) -> list[Any]:
    if way.endswith("stream"):
        async with block(WAYS[way](client)) as found:
            return [item async for item in each(found)]
    return [item async for item in each(await got(WAYS[way](client)))]


@kinds
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [None, 7])
def test_a_stream(kind: str, way: str, size: int | None, spans: Spans) -> None:
    """A stream that is read to its end is one generation, as of the whole message, wherever the bytes were cut."""

    async def program() -> None:
        with Provider(stream(EVENTS, size=size)) as provider:
            client = client_of(kind, provider)
            assert await read(way, client)
            await closed(client)

    run(program())
    span = only(spans)
    assert (span["output"], span["usage"], said(span)) == (OUTPUT, BUCKETS, ("DEFAULT", None))


@kinds
@pytest.mark.parametrize("way", WAYS)
def test_a_stream_that_breaks(kind: str, way: str, spans: Spans) -> None:
    """A connection that breaks in the middle is an error, with what had arrived."""

    async def program() -> None:
        with Provider(stream(EVENTS[:5], cut=True)) as provider:
            client = client_of(kind, provider)
            with pytest.raises(Exception, match=r"(?i)connection|peer closed|incomplete"):
                await read(way, client)
            await closed(client)

    run(program())
    span = only(spans)
    assert span["status"] == "ERROR"
    assert span["output"] == {
        "role": "assistant",
        "content": [{"type": "text", "text": "Forty-two, as"}],
    }


@kinds
@pytest.mark.parametrize("way", WAYS)
def test_an_error_in_a_stream(kind: str, way: str, spans: Spans) -> None:
    """An error event in the middle is raised by the SDK and recorded as what it is."""
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

    async def program() -> None:
        with Provider(stream([*EVENTS[:4], *named_events([overloaded])])) as provider:
            client = client_of(kind, provider)
            with pytest.raises(sdk.APIStatusError):
                await read(way, client)
            await closed(client)

    run(program())
    span = only(spans)
    assert span["status"] == "ERROR"
    assert "verloaded" in (span["status_message"] or "")


@kinds
@streams
def test_a_stream_that_is_closed(kind: str, way: str, spans: Spans) -> None:
    """`close` in the middle ends the observation at once."""

    async def program() -> None:
        with Provider(stream(EVENTS)) as provider:
            client = client_of(kind, provider)
            found = await got(WAYS[way](client))
            await anext(each(found))
            await got(found.close())
            assert len(spans) == 1
            await closed(client)

    run(program())
    assert said(only(spans)) == ("DEFAULT", "closed before its end")


@kinds
@streams
def test_a_stream_that_nobody_reads(kind: str, way: str, spans: Spans) -> None:
    """A stream that is never iterated is recorded when it is dropped."""

    async def program() -> None:
        with Provider(stream(EVENTS)) as provider:
            client = client_of(kind, provider)
            found = await got(WAYS[way](client))
            await got(found.response.aclose() if kind == "async" else found.response.close())
            del found
            gc.collect()
            assert len(spans) == 1
            await closed(client)

    run(program())
    assert said(only(spans)) == ("DEFAULT", "never read")


@kinds
@blocks
def test_a_block_that_is_left(kind: str, way: str, spans: Spans) -> None:
    """A block that is left early ends the observation at once."""

    async def program() -> None:
        with Provider(stream(EVENTS)) as provider:
            client = client_of(kind, provider)
            async with block(WAYS[way](client)) as found:
                await anext(each(found))
            assert len(spans) == 1
            await closed(client)

    run(program())
    assert said(only(spans)) == ("DEFAULT", "closed before its end")


def test_a_call_that_is_cancelled(spans: Spans) -> None:
    """A task that is cancelled while it waits leaves an observation that says so."""

    async def program() -> None:
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait(connection: Any, request: Any) -> bool:
            loop.call_soon_threadsafe(asked.set)
            connection.backend.waiting.wait()
            return False

        with Provider(wait) as provider:
            client = client_of("async", provider)
            task = asyncio.ensure_future(client.messages.create(**ASK))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await closed(client)

    run(program())
    assert said(only(spans)) == ("ERROR", "CancelledError")
