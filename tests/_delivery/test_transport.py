"""The sockets: what a request looks like, and what becomes of connections. For faults see the torture."""

import gzip
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tests import backend as b
from tests._delivery.sending import RESOURCE, SCOPE, span, span_id
from tests.backend import Backend, Connection, Request
from trackway._delivery.policy import Outcome
from trackway._delivery.timed import PIECE
from trackway._delivery.transport import Transport, gzipped
from trackway._version import __version__
from trackway._wire import encode

BODY = encode.request([(RESOURCE, SCOPE, [span(0), span(1)])])


@pytest.fixture
def backend() -> Iterator[Backend]:
    with Backend() as found:
        yield found


def post(backend: Backend, **options: object) -> Outcome:
    """One request over a connection of its own."""
    transport = Transport(backend.url + "/v1/traces", **options)  # type: ignore[arg-type]  # by name
    outcome = transport.post(BODY)
    transport.close()
    return outcome


def test_a_request_is_otlp_over_http(backend: Backend) -> None:
    """The request is a POST of protobuf that says who sends it."""
    assert (
        post(backend, headers=(("Authorization", "Basic abc"), ("x-team", "blau ü"))).status == 200
    )
    (request,) = backend.requests
    assert request.line == "POST /v1/traces HTTP/1.1"
    assert request.headers["content-type"] == "application/x-protobuf"
    assert request.headers["user-agent"] == f"trackway/{__version__}"
    assert request.headers["authorization"] == "Basic abc"
    assert request.headers["x-team"].encode("latin-1").decode() == "blau ü"
    assert request.headers["host"] == f"127.0.0.1:{backend.port}"
    assert "content-encoding" not in request.headers
    assert request.span_ids == [span_id(0), span_id(1)]


def test_headers_of_the_body_are_ours(backend: Backend) -> None:
    """A configured header cannot contradict the body."""
    post(
        backend,
        headers=(
            ("Content-Type", "text/plain"),
            ("Content-Encoding", "br"),
            ("content-length", "3"),
        ),
    )
    (request,) = backend.requests
    assert request.headers["content-type"] == "application/x-protobuf"
    assert request.span_ids == [span_id(0), span_id(1)]


def test_gzip(backend: Backend) -> None:
    """A compressed body says so and is the same body."""
    post(backend, compress=True)
    (request,) = backend.requests
    assert request.headers["content-encoding"] == "gzip"
    assert request.body == BODY
    assert request.raw != BODY


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_gzip_of_every_length(size: int) -> None:
    """Compressing in pieces changes nothing about the content."""
    body = os.urandom(size)
    assert gzip.decompress(gzipped(body)) == body


def test_the_connection_is_kept(backend: Backend) -> None:
    """Many requests take one connection."""
    transport = Transport(backend.url)
    assert {transport.post(BODY).status for _ in range(5)} == {200}
    assert backend.connections == 1
    transport.close()


def test_a_connection_that_was_closed_is_noticed() -> None:
    """A server that closes after each reply, or while the connection rests, costs no failed request."""

    def goes_away(connection: Connection, request: Request) -> bool:
        b.ok()(connection, request)
        return False

    with Backend(goes_away) as backend:
        transport = Transport(backend.url)
        for number in range(1, 4):
            assert transport.post(BODY).status == 200
            assert backend.wait_for(lambda: backend.closed >= number)  # noqa: B023 - asked at once
        assert len(backend.requests) == 3
        transport.close()


def test_a_reply_before_the_body_was_read() -> None:
    """A server that says 413 and closes without reading gets its word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            client, _ = listener.accept()
            client.recv(1 << 10)
            client.sendall(
                b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            client.shutdown(socket.SHUT_WR)
            while client.recv(1 << 20):
                pass
            client.close()

        server = threading.Thread(target=refuse)
        server.start()
        transport = Transport(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        assert transport.post(bytes(8 << 20)).status == 413
        transport.close()
        server.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"


@pytest.mark.parametrize(
    "behaviour", [b.never, b.slowly(HEAD * 99, 0.01), b.slowly(bytes(999), 0.01, HEAD)]
)
def test_a_request_is_over_in_time(behaviour: b.Behaviour) -> None:
    """However slowly a server answers, a request takes no longer than its limit."""
    with Backend(behaviour) as backend:
        began = time.monotonic()
        post(backend, timeout=0.3)
        assert 0.25 < time.monotonic() - began < 2.0


def test_a_server_that_does_not_read_is_left_in_time() -> None:
    """Sending a body that nobody reads ends in time too."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = Transport(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.3)
        began = time.monotonic()
        assert transport.post(bytes(16 << 20)).failure == "network"
        assert time.monotonic() - began < 2.0
        transport.close()


def test_a_proxy_of_the_environment(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard variables name a proxy, with its credentials, and the hosts that need none."""
    monkeypatch.setenv("http_proxy", f"http://user:p%40ss@127.0.0.1:{backend.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    transport = Transport("http://collector.example:4318/v1/traces")
    assert transport.post(BODY).status == 200
    transport.close()
    (request,) = backend.requests
    assert request.line == "POST http://collector.example:4318/v1/traces HTTP/1.1"
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwQHNz"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert post(backend).status == 200


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "nonsense", "http://"])
def test_a_proxy_that_is_none(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """A proxy variable of another kind is passed over."""
    monkeypatch.setenv("http_proxy", proxy)
    assert post(backend).status == 200


def test_what_a_server_says_cannot_reach_a_terminal() -> None:
    """Control characters of a server's message are replaced, and a long one is cut."""
    with Backend(b.status(400, b"\x1b[2Jevil" + b"x" * 999)) as backend:
        detail = post(backend).detail
    assert detail.isprintable()
    assert len(detail) <= 200


def test_it_is_not_imported_with_the_package() -> None:
    """Neither `import trackway` nor the delivery loads an HTTP library, TLS or e-mail."""
    program = (
        "import sys, trackway, trackway._delivery.delivery\n"
        "print(sorted({'http.client', 'httpx', 'ssl', 'email', 'asyncio', 'duckdb'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
