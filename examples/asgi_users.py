"""A user for each request of an ASGI application: thirty lines of middleware, for FastAPI, Starlette, Quart and others.

It wraps the whole call of the application, streamed responses included. `python examples/asgi_users.py` serves on
http://127.0.0.1:8000; try `curl -H 'x-user: alice' http://127.0.0.1:8000/`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from trackway import observe, propagate_attributes

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]


class UserMiddleware:
    """Propagates the user of each request, from a header that your authentication has checked."""

    def __init__(
        self, app: Callable[[Scope, Receive, Send], Awaitable[None]], *, header: str = "x-user"
    ) -> None:
        self.app = app
        self.header = header.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request, or one connection, as its user's."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        user = headers[self.header].decode() if self.header in headers else None
        with propagate_attributes(user_id=user, tags=[scope["path"]]):
            await self.app(scope, receive, send)


@observe(as_type="generation")
async def tokens(prompt: str) -> AsyncIterator[str]:
    """A streamed answer."""
    for word in ("You", " said: ", prompt):
        yield word


@observe(as_type="agent")
async def chat(request: Request) -> Response:
    """Answers in a stream; the observation ends when the stream does."""
    return StreamingResponse(
        tokens(request.query_params.get("q", "nothing")), media_type="text/plain"
    )


async def health(_: Request) -> Response:
    """Not observed."""
    return PlainTextResponse("ok")


app = UserMiddleware(Starlette(routes=[Route("/", chat), Route("/health", health)]))

if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=8000)
