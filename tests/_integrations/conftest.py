"""What the tests of integrations share: observations as they end, and traced clients."""

from collections.abc import Callable, Iterator
from typing import Any

import openai as sdk
import pytest

from tests.providers.clients import to_loopback
from tests.providers.server import Provider
from trackway.openai import wrap
from trackway.testing import Spans, capture

Connect = Callable[..., Any]


@pytest.fixture
def spans() -> Iterator[Spans]:
    """What is observed in this test."""
    with capture() as captured:
        yield captured


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes traced synchronous clients of a provider, under any address; they are closed afterwards."""
    made: list[Any] = []

    def make(provider: Provider, cls: Any = None, *, traced: bool = True, **given: Any) -> Any:
        given = {"api_key": "sk-test", "max_retries": 0, **given}
        if "base_url" in given or "azure_endpoint" in given:
            given["http_client"] = to_loopback(provider, asynchronous=False)
        else:
            given["base_url"] = provider.base_url
        client = (cls or sdk.OpenAI)(**given)
        made.append(client)
        return wrap(client) if traced else client

    yield make
    for client in made:
        client.close()
