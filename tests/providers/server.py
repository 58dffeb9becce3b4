"""A provider of the tests' own: the HTTP that OpenAI and Anthropic really speak, on loopback, as the script says.

Bodies are JSON, streams are server-sent events in HTTP chunks that may be cut at any byte, errors have the providers'
shapes, connections break where they are told to. Delays are events that a test sets; nothing sleeps.
"""

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tests.backend import Backend, Behaviour, Connection, Request

PATIENCE = 20.0


class Provider(Backend):
    """A server that plays its script; what it was sent can be looked at."""

    @property
    def base_url(self) -> str:
        """What an OpenAI client is given."""
        return f"{self.url}/v1"

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The JSON bodies of the requests, in order."""
        return [json.loads(request.raw) for request in self.requests]

    @property
    def paths(self) -> list[str]:
        return [request.line.split(" ")[1] for request in self.requests]


def answer(body: object, status: int = 200, **headers: str) -> Behaviour:
    """A JSON document."""
    data = json.dumps(body).encode()

    def behave(connection: Connection, request: Request) -> bool:
        connection.reply(status, data, Content_Type="application/json", **headers)
        return True

    return behave


def blob(data: bytes, content_type: str) -> Behaviour:
    """A file."""

    def behave(connection: Connection, request: Request) -> bool:
        connection.reply(200, data, Content_Type=content_type)
        return True

    return behave


def openai_error(
    status: int, message: str = "no", kind: str = "invalid_request_error"
) -> Behaviour:
    """An error as OpenAI reports it; it is not to be tried again."""
    error = {"message": message, "type": kind, "param": None, "code": None}
    return answer({"error": error}, status, x_should_retry="false")


def anthropic_error(status: int, message: str = "no", kind: str = "api_error") -> Behaviour:
    """An error as Anthropic reports it; it is not to be tried again."""
    error = {"type": "error", "error": {"type": kind, "message": message}}
    return answer(error, status, x_should_retry="false")


def stream(
    events: Iterable[bytes],
    *,
    size: int | None = None,
    gates: Sequence[threading.Event] = (),
    reached: threading.Event | None = None,
    cut: bool = False,
) -> Behaviour:
    """Events, each in an HTTP chunk of its own, or in chunks of *size* bytes.

    The first chunk waits for the first of *gates*, the second for the second, and so on; *reached* is set before the
    last of them is waited for. With *cut* the connection breaks after the last event.
    """
    pieces = list(events)
    if size is not None:
        whole = b"".join(pieces)
        pieces = [whole[i : i + size] for i in range(0, len(whole), size)]

    def behave(connection: Connection, request: Request) -> bool:
        connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for index, piece in enumerate(pieces):
            if index < len(gates):
                if reached is not None and index == len(gates) - 1:
                    reached.set()
                gates[index].wait(PATIENCE)
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        if cut:
            return False
        connection.send(b"0\r\n\r\n")
        return True

    return behave


def routed(choose: Callable[[str, dict[str, Any]], Behaviour]) -> Behaviour:
    """What *choose* says of the path and the body."""

    def behave(connection: Connection, request: Request) -> bool:
        path = request.line.split(" ")[1]
        body = json.loads(request.raw) if request.raw[:1] == b"{" else {}
        return choose(path, body)(connection, request)

    return behave


def data_events(chunks: Iterable[object], *, done: bool = True) -> list[bytes]:
    """`data:` lines, as chat completions are streamed."""
    events = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    return [*events, b"data: [DONE]\n\n"] if done else events


def named_events(chunks: Iterable[dict[str, Any]]) -> list[bytes]:
    """`event:` and `data:` lines, as responses and Anthropic's messages are streamed."""
    return [
        b"event: %s\ndata: %s\n\n" % (chunk["type"].encode(), json.dumps(chunk).encode())
        for chunk in chunks
    ]
