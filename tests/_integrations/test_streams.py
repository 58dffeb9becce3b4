"""Tests for `trackway._integrations.streams`: streams that outlive what made them, and readers that are interrupted."""

import asyncio
import copy
import gc
import inspect
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import openai as sdk
import pytest
from openai.types.chat import ChatCompletionChunk

from tests._integrations.conftest import Connect
from tests.providers.openai import chat, chat_chunks
from tests.providers.server import Provider, answer, data_events, stream
from tests.spans import only
from trackway.openai import wrap
from trackway.testing import Spans

ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def test_a_process_that_ends_while_it_reads(home: Path) -> None:
    """A stream that is open when the process ends is recorded with what had arrived."""
    program = """
import sys
from trackway.openai import OpenAI
client = OpenAI(api_key="k", base_url=sys.argv[1])
stream = client.chat.completions.create(model="gpt-4o", messages=[], stream=True)
next(stream), next(stream)
"""
    with Provider(stream(data_events(chat_chunks()))) as provider:
        subprocess.run([sys.executable, "-c", program, provider.base_url], check=True, timeout=60)
    span = only(home)
    assert span.attributes["output.value"] == '{"role":"assistant","content":"Forty-two,"}'
    assert span.status_message == "closed before its end" or (
        span.attributes["langfuse.observation.status_message"] == "closed before its end"
    )


def test_an_interrupted_reader(connect: Connect, spans: Spans) -> None:
    """Ctrl-C while a chunk is awaited leaves an observation that says so, and is not swallowed."""
    with Provider(stream(data_events(chat_chunks()))) as provider:
        found = connect(provider).chat.completions.create(**ASK, stream=True)
        inner = found._iterator._iterator

        def interrupted() -> Any:
            yield next(inner)
            raise KeyboardInterrupt

        found._iterator._iterator = interrupted()
        with pytest.raises(KeyboardInterrupt):
            list(found)
    (span,) = spans
    assert (span["level"], span["status_message"]) == ("ERROR", "KeyboardInterrupt")


@pytest.mark.parametrize(
    "method", ["read", "text", "json", "iter_bytes", "iter_text", "iter_lines", "parse"]
)
def test_every_way_to_read_a_body(connect: Connect, spans: Spans, method: str) -> None:
    """A response whose body the caller reads is recorded whole, however it is read."""
    with Provider(answer(chat())) as provider:
        client = connect(provider)
        with client.chat.completions.with_streaming_response.create(**ASK) as response:
            value = getattr(response, method)()
            if method.startswith("iter"):
                assert list(value)
            assert len(spans) == 1
    (span,) = spans
    assert span["output"] == {"role": "assistant", "content": "Forty-two, as ever."}
    assert span["status_message"] is None


def test_a_body_that_nobody_reads(connect: Connect, spans: Spans) -> None:
    """A block that is left without a look at the body says so."""
    with Provider(answer(chat())) as provider:
        client = connect(provider)
        with client.chat.completions.with_streaming_response.create(**ASK) as response:
            assert response.status_code == 200
    assert spans[0]["status_message"] == "never read"


def test_bytes_of_a_stream(connect: Connect, spans: Spans) -> None:
    """The events of a stream that is read as bytes are put together as well."""
    with Provider(stream(data_events(chat_chunks()), size=11)) as provider:
        client = connect(provider)
        create = client.chat.completions.with_streaming_response.create
        with create(**ASK, stream=True) as response:
            assert b"".join(response.iter_bytes()).endswith(b"[DONE]\n\n")
    assert spans[0]["output"] == {"role": "assistant", "content": "Forty-two, as ever."}


def _parsed(client: Any) -> int:
    return len(list(client.chat.completions.with_raw_response.create(**ASK, stream=True).parse()))


def _lines(client: Any) -> int:
    block = client.chat.completions.with_streaming_response.create(**ASK, stream=True)
    lines = block.__enter__().iter_lines()
    return sum(bool(line) for line in lines)


def _closed(client: Any) -> int:
    return client.chat.completions.create(**ASK, stream=True).close() or 0


@pytest.mark.parametrize("read", [_parsed, _lines, _closed])
def test_a_response_that_nothing_else_holds(
    connect: Connect, spans: Spans, read: Callable[[Any], int]
) -> None:
    """What a response or stream is asked in the line that makes it is answered, and recorded, as without us."""
    with Provider(stream(data_events(chat_chunks()))) as provider:
        bare = read(connect(provider, traced=False))
        assert read(connect(provider)) == bare
    (span,) = spans
    if read is _closed:
        assert span["status_message"] == "never read"
    else:
        assert span["output"] == {"role": "assistant", "content": "Forty-two, as ever."}
        assert span["status_message"] is None


def test_awaited_responses_that_nothing_else_holds(spans: Spans) -> None:
    """The same for asynchronous clients."""

    async def read(provider: Provider) -> int:
        async with wrap(sdk.AsyncOpenAI(api_key="k", base_url=provider.base_url)) as client:
            raw = client.chat.completions.with_raw_response
            found = [chunk async for chunk in (await raw.create(**ASK, stream=True)).parse()]
            await (await client.chat.completions.create(**ASK, stream=True)).close()
            return len(found)

    with Provider(stream(data_events(chat_chunks()))) as provider:
        assert asyncio.run(read(provider)) == len(chat_chunks())
    assert [span["status_message"] for span in spans] == [None, "never read"]


def test_a_response_is_what_it_was(connect: Connect) -> None:
    """An observed response is of its class, by a class that is called the same; its methods are bound, and named."""
    with Provider(answer(chat())) as provider:
        found = [
            connect(provider, traced=traced).chat.completions.with_raw_response.create(
                **ASK, stream=True
            )
            for traced in (False, True)
        ]
    bare, traced = found
    assert isinstance(traced, type(bare))
    assert type(traced).__qualname__ == type(bare).__qualname__
    assert type(traced).__module__ == type(bare).__module__
    assert traced.parse.__self__ is traced
    assert (traced.parse.__name__, traced.parse.__doc__) == ("parse", bare.parse.__doc__)


T = TypeVar("T")


class Noting(sdk.Stream[T]):
    """A stream of a class of an application's own, which looks at itself when it is closed and dropped."""

    __slots__ = ("closed",)
    dropped = 0

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.closed = 0

    def close(self) -> None:
        self.closed += 1
        super().close()

    def __del__(self) -> None:
        Noting.dropped += 1


class Static(sdk.Stream[T]):
    """One that is closed by what is no method."""

    @staticmethod
    def close() -> str:  # type: ignore[override]  # as an application may have it
        return "closed"


class Bound(sdk.Stream[T]):
    """And by what is one of its class."""

    @classmethod
    def close(cls) -> str:  # type: ignore[override]  # as above
        return cls.__qualname__


def _of_class(client: Any, cls: Any) -> Any:
    body = {**ASK, "stream": True}
    of = cls[ChatCompletionChunk]
    return client.post(
        "/chat/completions", body=body, cast_to=ChatCompletionChunk, stream=True, stream_cls=of
    )


@pytest.mark.parametrize("cls", [Static, Bound])
@pytest.mark.parametrize("traced", [False, True])
def test_a_stream_that_is_closed_by_no_method(
    connect: Connect, cls: type[Any], *, traced: bool
) -> None:
    """A class of the application's own is closed as it says, whatever its `close` is."""
    with Provider(stream(data_events(chat_chunks()))) as provider:
        found = _of_class(connect(provider, traced=traced), cls)
        assert found.close() == ("closed" if cls is Static else "Bound")
        found.response.close()


@pytest.mark.parametrize("traced", [False, True])
def test_a_stream_of_a_class_of_the_application(connect: Connect, *, traced: bool) -> None:
    """What it notes of itself when it is closed is in itself, and it is dropped once."""
    Noting.dropped = 0
    with Provider(stream(data_events(chat_chunks()))) as provider:
        found = _of_class(connect(provider, traced=traced), Noting)
        assert len(list(found)) == len(chat_chunks())
        with found:
            assert found.closed == 0
        copy.copy(found)
        assert found.closed == 1
    del found
    gc.collect()
    assert Noting.dropped == 2


def test_a_stream_is_what_it_was(connect: Connect) -> None:
    """An observed stream is of its class, and what closes it takes what its own method takes."""
    with Provider(stream(data_events(chat_chunks()))) as provider:
        bare, traced = (
            connect(provider, traced=traced).chat.completions.create(**ASK, stream=True)
            for traced in (False, True)
        )
        assert type(traced) is type(bare)
        assert inspect.signature(traced.close) == inspect.signature(bare.close)
        bare.close()
        traced.close()


def test_a_replaced_method_is_not_remembered(
    connect: Connect, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who replaces a method of the SDK's for a while finds it called, and gone afterwards."""
    seen: list[Any] = []

    class Mine(sdk.Stream[T]):
        pass

    with Provider(stream(data_events(chat_chunks()))) as provider:
        client = connect(provider)
        first = _of_class(client, Mine)
        with monkeypatch.context() as patch:
            patch.setattr(Mine, "close", partial(seen.append, "closed"))
            second = _of_class(client, Mine)
            first.close()
            second.close()
        assert seen == ["closed"] * 2
        first.close()
        second.close()
        assert first.response.is_closed
        assert second.response.is_closed
    assert [span["status_message"] for span in spans] == ["never read"] * 2


def test_a_copy_of_a_response(connect: Connect, spans: Spans) -> None:
    """A copy that outlives the response is read, and recorded, as the response would be."""
    with Provider(stream(data_events(chat_chunks()))) as provider:
        create = connect(provider).chat.completions.with_raw_response.create
        copied = copy.copy(create(**ASK, stream=True))
        gc.collect()
        assert len(spans) == 0
        assert len(list(copied.parse())) == len(chat_chunks())
        copy.copy(create(**ASK, stream=True)).http_response.close()
    assert [span["status_message"] for span in spans] == [None, "never read"]


class Shy(sdk.BaseModel):
    """An answer of the application's own, which raises when it is asked for what it has not."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.usefixtures("swallowing")
def test_an_answer_that_raises_when_it_is_looked_at(connect: Connect) -> None:
    """What the application has its answer parsed to may do anything: it gets it as without us."""
    with Provider(answer(chat())) as provider:
        for traced in (False, True):
            client = connect(provider, traced=traced)
            with client.chat.completions.with_streaming_response.create(**ASK) as response:
                assert type(response.parse(to=Shy)) is Shy
