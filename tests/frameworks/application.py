"""An application that answers users with a stream, as ASGI, as WSGI, as a task of Celery, and as a plain function."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from trackway import get_client, observe, propagate_attributes, set_user

TOKENS = 3
# What one request of a user makes: name and parent's name.
ANSWER = [("retrieve", "request"), ("generate", "request"), *[("token", "generate")] * TOKENS]


@observe
def retrieve(user: str) -> str:
    return f"what {user} may know"


@observe
def token(number: int) -> str:
    return f"{number} "


@observe
def generate(found: str) -> Iterator[str]:
    for number in range(TOKENS):
        yield token(number)


@observe(name="generate")
async def agenerate(found: str) -> AsyncIterator[str]:
    for number in range(TOKENS):
        yield token(number)


@observe(name="request")
def answer(user: str) -> Iterator[str]:
    """A stream that goes on when this has returned."""
    set_user(user)
    return generate(retrieve(user))


# -- ASGI -------------------------------------------------------------------------------------------------------------


class UserMiddleware:
    """A block around each request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with propagate_attributes(user_id=scope.get("path", "").strip("/") or None):
            await self.app(scope, receive, send)


@observe(name="request")
async def endpoint(request: Request) -> StreamingResponse:
    return StreamingResponse(agenerate(retrieve(request.path_params["user"])))


asgi = UserMiddleware(Starlette(routes=[Route("/{user}", endpoint)]))


# -- WSGI -------------------------------------------------------------------------------------------------------------


def wsgi(
    environ: dict[str, str], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return (piece.encode() for piece in answer(environ["PATH_INFO"].strip("/")))


def preloaded() -> Callable[..., Iterable[bytes]]:  # type: ignore[explicit-any]  # what gunicorn calls
    """The same for a server that loads before it forks: something is traced before, in the parent."""
    with get_client().start_as_current_observation(name="preload"):
        pass
    return wsgi
