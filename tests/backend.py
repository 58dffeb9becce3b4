"""A backend of the tests' own: HTTP/1.1 over plain sockets on loopback, which does to its clients what the script says.

A *behaviour* is a function that gets the connection and the request that was read from it, and answers (or does not).
A backend plays its script one behaviour a request, and goes on with the last one. It remembers every request and, of
those that it accepted, every span.
"""

import gzip
import socket
import ssl
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PROTOBUF: Final = b"application/x-protobuf"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in."""

    line: str
    headers: dict[str, str]
    raw: bytes
    connection: int = 0
    """Which of the backend's connections it came over, counted from 1."""
    at: float = field(default_factory=time.monotonic)

    @property
    def body(self) -> bytes:
        return gzip.decompress(self.raw) if "content-encoding" in self.headers else self.raw

    @property
    def span_ids(self) -> list[str]:
        if self.headers.get("content-type") == "application/json":
            return []  # scores
        found = ExportTraceServiceRequest.FromString(self.body)
        scopes = (scope for resource in found.resource_spans for scope in resource.scope_spans)
        return [span.span_id.hex() for scope in scopes for span in scope.spans]


Behaviour = Callable[["Connection", Request], bool]
"""Answers a request; whether the connection is to be kept and the spans count as accepted are said by what it calls."""


class Connection:
    """One client, and what can be done to it."""

    def __init__(self, backend: "Backend", client: socket.socket, number: int) -> None:
        self.backend = backend
        self.socket = client
        self.number = number
        self._buffer = b""

    def read_request(self) -> Request | None:
        """The next request with its whole body; None when the client has closed."""
        head = self._until(b"\r\n\r\n")
        if head is None:
            return None
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (f.partition(":") for f in fields if f)}
        body = self._exactly(int(headers.get("content-length", "0")))
        return None if body is None else Request(line, headers, body, self.number)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """A whole, proper reply."""
        fields = {"Content-Type": PROTOBUF.decode(), "Content-Length": str(len(body))}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode() + body)

    def accept(self, request: Request, *, answered: bool = True) -> None:
        """Counts the request's spans as arrived."""
        self.backend.spans.update(request.span_ids)
        self.backend.accepted.append((request, answered))

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self._buffer:
            data = self.socket.recv(1 << 16)
            if not data:
                return None
            self._buffer += data
        found, _, self._buffer = self._buffer.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes | None:
        pieces = [self._buffer]
        missing = size - len(self._buffer)
        while missing > 0:
            data = self.socket.recv(min(missing, 1 << 20))
            if not data:
                return None
            pieces.append(data)
            missing -= len(data)
        whole = b"".join(pieces)
        self._buffer = whole[size:]
        return whole[:size]


class Backend:
    """A server in threads of this process; `with Backend(behaviour, …) as backend:`."""

    def __init__(
        self,
        *script: Behaviour,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        listening: bool = True,
    ) -> None:
        self.play(list(script) or [ok()])
        self.requests: list[Request] = []
        self.spans: Counter[str] = Counter()
        """How often each span was accepted."""
        self.accepted: list[tuple[Request, bool]] = []
        """The requests that were, and whether the client was told."""
        self.connections = 0
        self.closed = 0
        self.refusing = False
        """Whether connections are closed as soon as they are made."""
        self.greeting = b""
        """What is said before anything was asked; then the connection is closed."""
        self._tls = tls
        self._changed = threading.Condition()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        self._clients: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()
        self._accepting: threading.Thread | None = None
        if listening:
            self.listen()

    def listen(self) -> None:
        """Takes connections, which are refused before: the address is ours, but nobody is there."""
        self._listener.listen(128)
        self._accepting = threading.Thread(target=self._accept, name="backend")
        self._accepting.start()

    def play(self, script: list[Behaviour]) -> None:
        """Begins another script with the next request."""
        self._script = deque(script)

    @property
    def url(self) -> str:
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{'127.0.0.1' if self._tls is None else 'localhost'}:{self.port}"

    @property
    def waiting(self) -> threading.Event:
        """Set when the backend closes: for behaviours that answer never."""
        return self._closing

    def wait_for(self, condition: Callable[[], bool], timeout: float = 20.0) -> bool:
        """Waits until *condition* holds after some request."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def close(self) -> None:
        """Ends every connection and thread."""
        self._closing.set()
        self._shut(self._listener)
        if self._accepting is not None:
            self._accepting.join()
        for client in list(self._clients):
            self._shut(client)
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @staticmethod
    def _shut(found: socket.socket) -> None:
        with suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)
        found.close()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                client.close()
                continue
            self.connections += 1
            self._clients.add(client)
            served = (client, self.connections)
            thread = threading.Thread(target=self._serve, args=served, name="backend-client")
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, number: int) -> None:
        raw = client
        try:
            if self.greeting:
                client.recv(1)
                client.sendall(self.greeting)
                return
            if self._tls is not None:
                client = self._tls.wrap_socket(client, server_side=True)
                self._clients.add(client)
            connection = Connection(self, client, number)
            while (request := connection.read_request()) is not None:
                with self._changed:
                    self.requests.append(request)
                    self._changed.notify_all()
                    behaviour = self._script[0]
                    if len(self._script) > 1:
                        self._script.popleft()
                keep = behaviour(connection, request)
                with self._changed:
                    self._changed.notify_all()
                if not keep:
                    break
        except OSError:
            pass
        finally:
            for found in {raw, client}:
                self._clients.discard(found)
                found.close()
            with self._changed:
                self.closed += 1
                self._changed.notify_all()


# -- behaviours -------------------------------------------------------------------------------------------------------


def ok(body: bytes = b"", **headers: str) -> Behaviour:
    """Accepts the spans."""
    return accepting(status(200, body, **headers))


def ok_with(code: int) -> Behaviour:
    """Accepts the spans with another status of success."""
    return accepting(status(code))


def accepting(behaviour: Behaviour) -> Behaviour:
    """Counts the spans as accepted, then does as *behaviour*."""

    def behave(connection: Connection, request: Request) -> bool:
        connection.accept(request)
        return behaviour(connection, request)

    return behave


def status(code: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answers *code*; `Retry_After="7"` becomes the header."""

    def behave(connection: Connection, request: Request) -> bool:
        connection.reply(code, body, **headers)
        return True

    return behave


def raw(*pieces: bytes) -> Behaviour:
    """Answers these very bytes, then closes."""

    def behave(connection: Connection, request: Request) -> bool:
        for piece in pieces:
            connection.send(piece)
        return False

    return behave


def hang_up(connection: Connection, request: Request) -> bool:
    """Closes without a word."""
    return False


def accept_and_hang_up(connection: Connection, request: Request) -> bool:
    """Takes the spans, and closes before it says so."""
    connection.accept(request, answered=False)
    return False


def reset(connection: Connection, request: Request) -> bool:
    """Sends an RST."""
    connection.reset()
    return False


def never(connection: Connection, request: Request) -> bool:
    """Does not answer as long as the test runs."""
    connection.backend.waiting.wait()
    return False


def slowly(reply: bytes, every: float, head: bytes = b"") -> Behaviour:
    """Answers *head*, then one byte at a time, for as long as the client listens."""

    def behave(connection: Connection, request: Request) -> bool:
        connection.send(head)
        for index in range(len(reply)):
            connection.send(reply[index : index + 1])
            if connection.backend.waiting.wait(every):
                break
        return False

    return behave


def endless(head: bytes, piece: bytes) -> Behaviour:
    """Answers *head* and then *piece* for ever."""

    def behave(connection: Connection, request: Request) -> bool:
        connection.send(head)
        while not connection.backend.waiting.is_set():
            connection.send(piece)
        return False

    return behave


def refusing(poison: Callable[[str], bool], code: int) -> Behaviour:
    """Answers *code* to requests in which a span is that *poison* says so of; accepts the others."""

    def behave(connection: Connection, request: Request) -> bool:
        refused = any(map(poison, request.span_ids))
        return (status(code) if refused else ok())(connection, request)

    return behave


def at_most(size: int) -> Behaviour:
    """Answers 413 to bodies of more than *size* bytes."""

    def behave(connection: Connection, request: Request) -> bool:
        return (status(413) if len(request.body) > size else ok())(connection, request)

    return behave


def partly(rejected: int, message: str = "") -> Behaviour:
    """Accepts, but for *rejected* spans."""
    text = message.encode()
    inner = b"\x08" + bytes([rejected]) + (b"\x12" + bytes([len(text)]) + text if text else b"")
    return ok(b"\x0a" + bytes([len(inner)]) + inner)
