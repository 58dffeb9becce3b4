"""The requests of a kept connection behind its first, by the kernel that sends them."""

import errno
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests import backend as b
from tests import twins
from tests.backend import Backend, Connection, Request
from trackway._delivery import transport
from trackway._delivery.kept import MOST_PIECES, STALE
from trackway._delivery.policy import Outcome
from trackway._delivery.transport import Transport

exchange = twins.compiled().exchange
YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        other = server.accept()[0]
        with client, other:
            yield client, other


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the bodies that went around `http.client`."""
    found: list[int] = []

    def counting(
        descriptor: int, parts: tuple[bytes, ...], pause: int, left: int
    ) -> tuple[int, bytes]:
        found.append(sum(map(len, parts[1:])))
        return exchange(descriptor, parts, pause, left)

    monkeypatch.setattr(transport, "exchange", counting)
    return found


@pytest.mark.parametrize("size", [0, 1, 70_000, 9 << 20])
def test_a_request_goes_out_whole(pair: tuple[socket.socket, socket.socket], size: int) -> None:
    """Head and body arrive in order, however much the kernel takes at a time, and the reply's begin comes back."""
    client, server = pair
    body, found = os.urandom(size), bytearray()

    def answer() -> None:
        while len(found) < size + 4:
            found.extend(server.recv(1 << 16))
        server.sendall(b"yes")

    thread = threading.Thread(target=answer)
    thread.start()
    assert exchange(client.fileno(), (b"head", body), 10_000, 10_000) == (0, b"yes")
    thread.join(30)
    assert bytes(found) == b"head" + body


def test_a_silent_server_is_waited_for_no_longer_than_allowed(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """Neither for its reply nor for it to read; the shorter of the two limits counts."""
    client, _ = pair
    assert exchange(client.fileno(), (b"x",), 20, 10_000) == (errno.ETIMEDOUT, b"")
    assert exchange(client.fileno(), (b"x",), 10_000, 20) == (errno.ETIMEDOUT, b"")
    assert exchange(client.fileno(), (bytes(64 << 20),), 20, 20) == (errno.ETIMEDOUT, b"")


def test_a_connection_that_has_ended_is_not_used(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """Nor is one on which something came unasked; a descriptor that is none is an error like any other."""
    client, server = pair
    server.sendall(b"HTTP/1.1 408 ")
    assert server.getsockname() == client.getpeername()
    client.recv(1, socket.MSG_PEEK)
    assert exchange(client.fileno(), (b"x",), 20, 20) == (STALE, b"")
    client.recv(100)
    server.close()
    client.recv(1, socket.MSG_PEEK)
    assert exchange(client.fileno(), (b"x",), 20, 20) == (STALE, b"")
    with socket.socket() as unconnected:
        assert exchange(unconnected.fileno(), (b"x",), 20, 20)[0] == STALE


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (0, (), 1),
        (-1, (), 1, 1),
        (0, ("",), 1, 1),
        (0, [], 1, 1),
        (0, (b"",) * (MOST_PIECES + 2), 1, 1),
        (0, (), 1, 1 << 40),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple[object, ...]) -> None:
    """As by any function, before anything is sent."""
    with pytest.raises((TypeError, OverflowError)):
        exchange(*arguments)  # type: ignore[arg-type]  # on purpose


def test_later_requests_repeat_the_first(counted: list[int]) -> None:
    """They say what it said, and come by the same connection; scores have a head of their own."""
    with Backend() as backend:
        client = Transport(backend.url + "/v1/traces", (("x-team", "blue"),), scores_path="/s")
        for body in (b"", b"\x0a\x00", b""):
            assert client.post(body) == Outcome(status=200)
        for _ in range(2):
            assert client.post(b"[]", scores=True).status == 200
        client.close()
        first, second, third, *scores = backend.requests
        assert backend.connections == 1
    assert counted == [2, 0, 2]
    assert first.line == second.line == third.line
    assert [request.line for request in scores] == ["POST /s HTTP/1.1"] * 2
    assert first.headers == third.headers
    assert second.headers == {**first.headers, "content-length": "2"}
    assert scores[0].headers == scores[1].headers


def test_a_patience_of_hours_is_no_error(counted: list[int]) -> None:
    """A request may be allowed more time than the kernel counts."""
    with Backend() as backend:
        client = Transport(backend.url, timeout=1e6)
        assert [client.post(b"").status for _ in range(2)] == [200, 200]
        client.close()
    assert counted == [0]


def test_whatever_a_later_reply_says_is_understood(counted: list[int]) -> None:
    """A no with its reason, and a yes with a complaint: as if it were the first."""
    replies = iter([b.ok(), b.status(503, b"later", Retry_After="7"), b.partly(3, "too old")])

    def answer(connection: Connection, request: Request) -> bool:
        return next(replies)(connection, request)

    with Backend(answer) as backend:
        client = Transport(backend.url)
        assert client.post(b"") == Outcome(status=200)
        assert client.post(b"") == Outcome(status=503, retry_after=7.0, detail="later")
        assert client.post(b"") == Outcome(status=200, rejected=3, detail="too old")
        client.close()
        assert backend.connections == 1
    assert counted == [0, 0]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 0\r\n\r\n"], 200),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"], 200),
        ([b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"], 200),
        ([b"HTTP/1.1 400 No\r\nContent-Length: 3\r\n\r\n", b"why"], 400),
        ([b"nonsense\r\n\r\n"], None),
        ([], None),
    ],
)
def test_a_reply_may_come_in_pieces(
    counted: list[int], pieces: list[bytes], expected: int | None
) -> None:
    """What the one call did not get is read behind it, and a connection that ends is a failure of the network."""

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            for reply in ([YES + b"\x0a\x00"], pieces):
                request = b""
                while not request.endswith(b"end"):
                    request += connection.recv(1 << 16)
                for piece in reply:
                    connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        client = Transport(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        client.post(b"end")
        outcome = client.post(b"end")
        client.close()
        thread.join(30)
    assert outcome.status == expected
    assert outcome.failure == ("" if expected else "network")
    assert counted == [3]


class _Interrupted(Exception):
    """What a handler of a signal raises."""


def _interrupt(_signal: int, _frame: object) -> None:
    raise _Interrupted


@pytest.fixture
def alarm() -> Iterator[None]:
    """A handler that raises, for the signal of an alarm."""
    before = signal.signal(signal.SIGALRM, _interrupt)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_a_handler_of_a_signal_need_not_wait_for_the_reply(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """What it raises ends the wait, as it ends every wait of Python's."""
    client, _ = pair
    began = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(_Interrupted):
        exchange(client.fileno(), (b"x",), 30_000, 30_000)
    assert time.monotonic() - began < 10


@pytest.mark.usefixtures("alarm")
def test_the_reply_to_an_interrupted_request_is_not_the_next_ones() -> None:
    """A connection on which an answer is outstanding is closed, whatever ended the wait for it."""

    def answer(connection: Connection, request: Request) -> bool:
        if request.body == b"" and not asked:
            asked.append(1)
            return b.ok()(connection, request)
        if request.body == b"":
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            # Until the client has closed, or has sent the next request.
            connection.socket.recv(1, socket.MSG_PEEK)
            return b.ok()(connection, request)
        return b.status(503)(connection, request)

    asked: list[int] = []
    with Backend(answer) as backend:
        client = Transport(backend.url)
        assert client.post(b"").status == 200
        with pytest.raises(_Interrupted):
            client.post(b"")
        assert client.post(b"\x0a\x00").status == 503
        client.close()
        assert backend.connections == 2
