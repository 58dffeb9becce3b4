"""Tests for `trackway._integrations.resources`: methods that take our arguments stay what they are."""

import inspect
from typing import Any

import openai as sdk
import pytest

from tests._integrations.conftest import Connect
from tests.providers.openai import chat
from tests.providers.server import Provider, answer
from trackway.openai import AsyncOpenAI, OpenAI, wrap
from trackway.testing import Spans

PATHS = [
    "chat.completions.create",
    "chat.completions.stream",
    "responses.create",
    "embeddings.create",
]


def method(client: Any, path: str) -> Any:
    for step in path.split("."):
        client = getattr(client, step)
    return client


@pytest.mark.parametrize("path", PATHS)
def test_methods_keep_their_kind(path: str) -> None:
    """Names, signatures, docstrings, and whether a method is a coroutine function, are those of the SDK's."""
    for traced, theirs in ((OpenAI, sdk.OpenAI), (AsyncOpenAI, sdk.AsyncOpenAI)):
        ours = method(traced(api_key="k"), path)
        original = method(theirs(api_key="k"), path)
        assert inspect.signature(ours) == inspect.signature(original)
        assert (ours.__name__, ours.__doc__) == (original.__name__, original.__doc__)
        assert inspect.iscoroutinefunction(ours) == inspect.iscoroutinefunction(original)
        assert inspect.ismethod(ours)
        assert type(ours.__self__) is type(original.__self__)


def test_a_method_that_the_application_put_there(connect: Connect, spans: Spans) -> None:
    """A function in the place of a method understands our arguments, too, and gets what it would without us."""
    got: list[Any] = []
    with Provider(answer(chat())) as provider:
        client = connect(provider, traced=False)
        client.chat.completions.create = lambda **given: got.append(given)
        wrap(client).chat.completions.create(model="m", extra_body={"trackway_name": "n", "x": 1})
    assert got[0]["model"] == "m"
    assert got[0]["extra_body"]["x"] == 1
    assert "trackway_name" not in got[0]["extra_body"]


def test_resources_are_the_sdks_own() -> None:
    """A resource is an object of the SDK's class, the same one each time."""
    client = OpenAI(api_key="k")
    assert type(client.chat.completions) is type(sdk.OpenAI(api_key="k").chat.completions)
    assert client.chat is client.chat
    assert client.chat.completions is client.chat.completions


def test_teaching_twice_is_teaching_once() -> None:
    """A client that is wrapped again has its methods as they were."""
    client = wrap(sdk.OpenAI(api_key="k"))
    create = client.chat.completions.create
    assert wrap(client).chat.completions.create is create


def test_the_block_of_a_stream_is_the_sdks() -> None:
    """What `stream` gives is still of the SDK's class."""
    theirs = sdk.OpenAI(api_key="k").chat.completions.stream(model="m", messages=[])
    ours = OpenAI(api_key="k").chat.completions.stream(model="m", messages=[])
    assert isinstance(ours, type(theirs))
