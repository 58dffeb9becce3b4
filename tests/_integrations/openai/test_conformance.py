"""The conformance table: method × sync and async × whole and streamed × success, error, cancellation, abandonment.

Against the real SDK and the real HTTP of a provider on loopback. `make matrix` runs this file with each major release.
"""

import asyncio
import gc
import threading
from typing import Any

import openai as sdk
import pytest

from tests._integrations.openai.ways import BLOCKS, PLAIN_STREAMS, STREAMED, WHOLE, Streamed, Way
from tests.providers.clients import block, closed, each, got, run
from tests.providers.openai import BUCKETS
from tests.providers.server import Provider, openai_error, stream
from trackway.openai import wrap
from trackway.testing import Span, Spans

KINDS = ["sync", "async"]
whole = pytest.mark.parametrize("way", WHOLE, ids=lambda way: way.name)
streamed = pytest.mark.parametrize("way", STREAMED, ids=lambda way: way.name)
plain = pytest.mark.parametrize("way", PLAIN_STREAMS, ids=lambda way: way.name)
blocks = pytest.mark.parametrize("way", BLOCKS, ids=lambda way: way.name)
kinds = pytest.mark.parametrize("kind", KINDS)


def client_of(kind: str, provider: Provider) -> Any:
    """A traced client of the SDK, which tries everything once."""
    make: Any = sdk.OpenAI if kind == "sync" else sdk.AsyncOpenAI
    return wrap(make(api_key="sk-test", base_url=provider.base_url, max_retries=0))


def only(spans: Spans) -> Span:
    """The one observation that there is."""
    assert len(spans) == 1, spans
    return spans[0]


def said(span: Span) -> tuple[str, str, str | None]:
    return span["level"], span["status"], span["status_message"]


FINE = ("DEFAULT", "UNSET", None)


@whole
@kinds
def test_a_whole_answer(way: Way, kind: str, spans: Spans) -> None:
    """A call is one observation with what was sent, what came back, and its tokens; the caller gets the answer."""

    async def program() -> None:
        with Provider(way.reply) as provider:
            client = client_of(kind, provider)
            assert await way.ask(client) is not None
            assert provider.paths == [way.path]
            await closed(client)

    run(program())
    span = only(spans)
    assert span["name"] == f"{way.operation} gpt-4o"
    assert span["kind"] == ("embedding" if way.operation == "embeddings" else "generation")
    assert span["output"] == way.output
    assert span["input"] is not None
    assert span["usage"] == ({"input": 8, "total": 8} if way.operation == "embeddings" else BUCKETS)
    # What the SDK adds by itself has been sent, too.
    sent = set(span["model_parameters"]) - {"response_format", "text", "stream", "encoding_format"}
    assert sent == (set() if way.operation == "embeddings" else {"temperature"})
    assert said(span) == FINE


@whole
@kinds
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, "BadRequestError"), (401, "AuthenticationError"), (429, "RateLimitError"), (500, "InternalServerError")],
)  # fmt: skip
def test_an_error(way: Way, kind: str, status: int, error: str, spans: Spans) -> None:
    """What the provider refuses is raised as without us, and recorded with its type, text and status."""

    async def program() -> None:
        with Provider(openai_error(status, "not so")) as provider:
            client = client_of(kind, provider)
            with pytest.raises(getattr(sdk, error), match="not so"):
                await way.ask(client)
            await closed(client)

    run(program())
    span = only(spans)
    assert (span["level"], span["status"], span["output"]) == ("ERROR", "ERROR", None)
    assert (span["status_message"] or "").startswith(f"{error}: Error code: {status}")
    assert span["attributes"]["http.response.status_code"] == status
    assert span["attributes"]["error.type"] == f"openai.{error}"
    assert span["exception"] is not None


@streamed
@kinds
@pytest.mark.parametrize("size", [None, 7])
def test_a_stream(way: Streamed, kind: str, size: int | None, spans: Spans) -> None:
    """A stream that is read to its end is one observation with the whole answer, wherever the bytes were cut."""

    async def program() -> None:
        with Provider(stream(way.events, size=size)) as provider:
            client = client_of(kind, provider)
            assert len(await way.read(client)) > 3
            await closed(client)

    run(program())
    span = only(spans)
    assert span["output"] == way.output
    assert span["usage"] == BUCKETS
    assert said(span) == FINE


@streamed
@kinds
def test_a_stream_is_refused(way: Streamed, kind: str, spans: Spans) -> None:
    """A stream that the provider does not begin is an error, not an answer."""

    async def program() -> None:
        with Provider(openai_error(429, "slow down", "requests")) as provider:
            client = client_of(kind, provider)
            with pytest.raises(sdk.RateLimitError):
                await way.read(client)
            await closed(client)

    run(program())
    span = only(spans)
    assert (span["status"], span["attributes"]["http.response.status_code"]) == ("ERROR", 429)


@streamed
@kinds
def test_a_stream_that_breaks(way: Streamed, kind: str, spans: Spans) -> None:
    """A connection that breaks in the middle is an error with what had arrived; the caller gets the SDK's own error."""

    async def program() -> None:
        with Provider(stream(way.events[:4], cut=True)) as provider:
            client = client_of(kind, provider)
            with pytest.raises(Exception, match=r"(?i)connection|peer closed|incomplete"):
                await way.read(client)
            await closed(client)

    run(program())
    span = only(spans)
    assert (span["level"], span["status"]) == ("ERROR", "ERROR")
    assert span["exception"] is not None
    # What it began with has arrived.
    assert span["output"] is not None


@plain
@kinds
def test_a_stream_that_is_left(way: Streamed, kind: str, spans: Spans) -> None:
    """A stream that is dropped half way ends with what had arrived, and says so."""

    async def program() -> None:
        gate = threading.Event()
        gates = [*(threading.Event() for _ in range(4)), gate]
        for open_gate in gates[:-1]:
            open_gate.set()
        with Provider(stream(way.events, gates=gates)) as provider:
            client = client_of(kind, provider)
            answer = await got(way.begin(client))
            items = each(answer)
            for _ in range(3):
                await anext(items)
            await items.aclose()  # type: ignore[attr-defined]  # a generator
            assert len(spans) == 0
            del answer, items
            for _ in range(20):
                # An event loop closes generators that were dropped in tasks of its own.
                await asyncio.sleep(0)
            gc.collect()
            assert len(spans) == 1
            gate.set()
            await closed(client)

    run(program())
    assert said(only(spans)) == ("DEFAULT", "UNSET", "closed before its end")


@plain
@kinds
def test_a_stream_that_is_closed(way: Streamed, kind: str, spans: Spans) -> None:
    """`close` in the middle ends the observation at once, with what had arrived; to close again changes nothing."""

    async def program() -> None:
        with Provider(stream(way.events)) as provider:
            client = client_of(kind, provider)
            answer = await got(way.begin(client))
            await anext(each(answer))
            await got(answer.close())
            assert len(spans) == 1
            await got(answer.close())
            await closed(client)

    run(program())
    assert said(only(spans)) == ("DEFAULT", "UNSET", "closed before its end")


@plain
@kinds
def test_a_stream_in_a_block(way: Streamed, kind: str, spans: Spans) -> None:
    """A stream is a context manager as before, and its observation ends with the block."""

    async def program() -> None:
        with Provider(stream(way.events)) as provider:
            client = client_of(kind, provider)
            async with block(await got(way.begin(client))) as answer:
                await anext(each(answer))
            assert len(spans) == 1
            await closed(client)

    run(program())
    assert said(only(spans))[2] == "closed before its end"


@plain
@kinds
def test_a_stream_that_nobody_reads(way: Streamed, kind: str, spans: Spans) -> None:
    """A stream that is never iterated is recorded when it is dropped."""

    async def program() -> None:
        with Provider(stream(way.events)) as provider:
            client = client_of(kind, provider)
            answer = await got(way.begin(client))
            await got(answer.response.aclose() if kind == "async" else answer.response.close())
            del answer
            gc.collect()
            assert len(spans) == 1
            await closed(client)

    run(program())
    assert said(only(spans)) == ("DEFAULT", "UNSET", "never read")


@blocks
@kinds
def test_a_block_that_is_left(way: Streamed, kind: str, spans: Spans) -> None:
    """A block that is left early ends the observation at once, also by an error of the application's own."""

    async def program() -> None:
        with Provider(stream(way.events)) as provider:
            client = client_of(kind, provider)

            async def fails() -> None:
                async with block(way.begin(client)) as answer:
                    await anext(way._items(answer))
                    raise KeyError("mine")

            with pytest.raises(KeyError):
                await fails()
            assert len(spans) == 1
            await closed(client)

    run(program())
    assert said(only(spans)) == ("DEFAULT", "UNSET", "closed before its end")


@whole
def test_a_call_that_is_cancelled(way: Way, spans: Spans) -> None:
    """A task that is cancelled while it waits for the answer leaves an observation that says so."""

    async def program() -> None:
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait(connection: Any, request: Any) -> bool:
            loop.call_soon_threadsafe(asked.set)
            connection.backend.waiting.wait()
            return False

        with Provider(wait) as provider:
            client = client_of("async", provider)
            task = asyncio.ensure_future(way.ask(client))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await closed(client)

    run(program())
    span = only(spans)
    assert (span["level"], span["status_message"]) == ("ERROR", "CancelledError")


@streamed
def test_a_stream_that_is_cancelled(way: Streamed, spans: Spans) -> None:
    """A task that is cancelled between two chunks leaves an observation with what had arrived."""

    async def program() -> None:
        gates = [threading.Event() for _ in range(5)]
        for open_gate in gates[:-1]:
            open_gate.set()
        arrived = threading.Event()
        with Provider(stream(way.events, gates=gates, reached=arrived)) as provider:
            client = client_of("async", provider)
            task = asyncio.ensure_future(way.read(client))
            await asyncio.get_running_loop().run_in_executor(None, arrived.wait)
            for _ in range(20):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            gates[-1].set()
            await closed(client)

    run(program())
    span = only(spans)
    assert (span["level"], span["status_message"]) == ("ERROR", "CancelledError")


@plain
@kinds
def test_a_stream_keeps_its_kind(way: Streamed, kind: str, spans: Spans) -> None:
    """The caller gets the SDK's own stream, of its own class, with its response."""

    async def program() -> None:
        with Provider(stream(way.events)) as provider:
            client = client_of(kind, provider)
            answer = await got(way.begin(client))
            assert type(answer) is (sdk.Stream if kind == "sync" else sdk.AsyncStream)
            assert answer.response.status_code == 200
            assert [item async for item in each(answer)]
            await closed(client)

    run(program())
    assert len(spans) == 1
