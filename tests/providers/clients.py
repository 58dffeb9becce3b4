"""Real clients of the SDKs for the tests, and one way to write a program for the synchronous and asynchronous ones."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import openai as sdk

from tests.providers.server import Provider

OPENAI_MAJOR = int(sdk.VERSION.partition(".")[0])


def http_module() -> ModuleType:
    """The HTTP library that the installed SDK of OpenAI talks through."""
    if OPENAI_MAJOR < 3:
        import httpx

        return httpx
    import httpx2

    return httpx2


def to_loopback(provider: Provider, *, asynchronous: bool) -> Any:
    """An HTTP client for `http_client=` that reaches the provider under whatever name it is called by."""
    http: Any = http_module()

    def there(request: Any) -> Any:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=provider.port)
        return request

    class Sync(http.HTTPTransport):  # type: ignore[misc]  # of either library
        def handle_request(self, request: Any) -> Any:
            return super().handle_request(there(request))

    class Async(http.AsyncHTTPTransport):  # type: ignore[misc]  # as above
        async def handle_async_request(self, request: Any) -> Any:
            return await super().handle_async_request(there(request))

    if asynchronous:
        return http.AsyncClient(transport=Async())
    return http.Client(transport=Sync())


def run(program: Coroutine[Any, Any, Any]) -> Any:
    """Runs a program to its end."""
    return asyncio.run(program)


async def got(value: Any) -> Any:
    """*value*, awaited where it is to be."""
    return await value if inspect.isawaitable(value) else value


async def each(stream: Any) -> AsyncIterator[Any]:
    """The items of a stream of either kind."""
    if hasattr(stream, "__aiter__"):
        async for item in stream:
            yield item
    else:
        for item in stream:
            yield item


@asynccontextmanager
async def block(manager: Any) -> AsyncIterator[Any]:
    """A `with` or an `async with`."""
    if hasattr(manager, "__aenter__"):
        async with manager as entered:
            yield entered
    else:
        with manager as entered:
            yield entered


async def closed(client: Any) -> None:
    """Closes a client of either kind."""
    await got(client.close())


Make = Callable[..., Any]
