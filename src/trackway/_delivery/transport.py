"""The exporter's sockets: one POST at a time over one kept connection, with a limit on everything.

Theory of operation. `http.client` does the protocol. It was chosen over httpx by measurement: a request of 1 MiB
takes 140 µs of CPU against 335, importing it 21 ms against 53, a client 0 against 28, and 1 MiB of memory against
15, where the worker may take 16 in all. What it leaves open is closed here:

- *Time.* Connecting takes at most 3 s, a pause of the server 10 s, the whole request `timeout`: every read from the
  socket gets what is left of it, so a server that sends one byte in a while cannot hold the worker.
- *Size.* At most 4 MiB of a reply are read, and inflated.
- *Redirects* are never followed: the credentials would go along.
- *Early replies.* A server may answer and close before it has read the body (413): the reply is looked for even
  when sending failed.
- *Kept connections.* One that the server has closed meanwhile is noticed before it is used, so no request is spent
  on it. Without TLS the requests behind its first one go around `http.client`; see `kept`.

Proxies: the standard variables (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY), read by the standard library's own
reader. Certificates: the system's store (SSL_CERT_FILE, SSL_CERT_DIR), certifi's where the system has none.
"""

import base64
import encodings.idna  # noqa: F401 - the first connection loads it otherwise, and a fork waits for no connection
import http.client
import os
import select
import socket
import ssl
import time
import urllib.request
import zlib
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, cast, final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

import orjson

from trackway._core.loading import loading
from trackway._delivery.kept import MOST_PIECES, STALE, Template, YesReply, exchange, milliseconds
from trackway._delivery.policy import Failure, Outcome, retry_after
from trackway._delivery.replies import printable, secrets_of
from trackway._delivery.timed import TimedSocket
from trackway._version import __version__
from trackway._wire import decode

__all__ = ["Transport", "gzipped"]

CONNECT_S: Final = 3.0
PAUSE_S: Final = 10.0
REPLY_LIMIT: Final = 4 << 20
# Of a reply that says no: enough for its reason, and to keep the connection.
REASON_LIMIT: Final = 64 << 10
PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
# zlib's way to say "with the header and the trailer of gzip".
GZIP: Final = 31
# Set by the body that we send; a header of the user's must not contradict it.
_OURS: Final = {f"content-{part}" for part in ("type", "length", "encoding")} | {
    "transfer-encoding",
    "host",
    "connection",
}


@final
class Transport:
    """Posts bodies to one URL. For one thread at a time; never raises for what the network or the server does."""

    __slots__ = (
        "_clock",
        "_compress",
        "_connection",
        "_deadline",
        "_headers",
        "_kept",
        "_proxy",
        "_scores_headers",
        "_scores_path",
        "_secrets",
        "_target",
        "_timeout",
        "_tls",
        "_url",
        "_wall",
    )

    def __init__(  # noqa: PLR0913 - what it is made of, each by name
        self,
        url: str,
        headers: tuple[tuple[str, str], ...] = (),
        *,
        timeout: float = 15.0,
        compress: bool = False,
        scores_path: str = "",
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._url = urlsplit(url)
        self._headers = {
            "User-Agent": f"trackway/{__version__}".encode(),
            **{name: value.encode() for name, value in headers if name.lower() not in _OURS},
            "Content-Type": PROTOBUF.encode(),
        }
        self._secrets = secrets_of(headers)
        self._compress = compress
        if compress:
            self._headers["Content-Encoding"] = b"gzip"
        self._timeout = timeout
        self._clock = clock
        self._wall = wall
        self._deadline = 0.0
        self._proxy = _proxy_for(self._url)
        if self._proxy is not None and self._url.scheme == "http":
            self._headers.update({k: v.encode() for k, v in self._proxy.headers.items()})
        self._target = self._target_of(self._url.path)
        # A JSON API that need not know how to inflate.
        plain = {name: value for name, value in self._headers.items() if name != "Content-Encoding"}
        self._scores_headers = {**plain, "Content-Type": JSON.encode()}
        self._scores_path = scores_path
        self._connection: http.client.HTTPConnection | None = None
        self._kept: dict[bool, Template] = {}
        """The heads of spans and of scores that this connection has taken."""
        self._tls: ssl.SSLContext | None = None

    def post(self, *body: bytes, timeout: float | None = None, scores: bool = False) -> Outcome:
        """Sends *body* as one and tells what came of it, within *timeout* seconds if that is less than the setting.

        *scores*: the body is a JSON array for the backend's address of scores.
        """
        limit = self._timeout if timeout is None else min(timeout, self._timeout)
        self._deadline = self._clock() + limit
        try:
            if self._compress and not scores:
                body = (gzipped(b"".join(body)),)
            outcome = self._exchange(body, scores=scores)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self.close()
            return Outcome(failure=_failure(error), detail=_describe(error))
        except BaseException:
            # Of a signal handler: the reply that is still to come would be taken for that of the next request.
            self.close()
            raise
        return outcome

    def close(self) -> None:
        """Closes the connection; the next request opens another. In a forked child: closes its copy."""
        connection, self._connection = self._connection, None
        self._kept.clear()
        if connection is not None:
            connection.close()

    # -- one request -------------------------------------------------------------------------------

    def _exchange(self, body: tuple[bytes, ...], *, scores: bool = False) -> Outcome:
        return self._again(body, scores=scores) or self._anew(b"".join(body), scores=scores)

    def _again(self, body: tuple[bytes, ...], *, scores: bool) -> Outcome | None:
        """As the connection's request before; None where there was none, or the connection has ended."""
        connection, template = self._connection, self._kept.get(scores)
        if connection is None or template is None or exchange is None or len(body) > MOST_PIECES:
            return None
        line = cast("TimedSocket", connection.sock)
        head = template.head(sum(map(len, body)))
        pause, left = self._patience(), self._deadline - self._clock()
        error, reply = exchange(line.fileno(), (head, *body), *map(milliseconds, (pause, left)))
        if error == STALE:
            self.close()
            return None
        if error and not _readable(connection.sock):
            raise OSError(error, os.strerror(error))
        if (yes := YesReply.of(reply)) is not None:
            return self._accepted(yes.body, yes)
        line.put_back(reply)
        response = http.client.HTTPResponse(connection.sock, method="POST")
        response.begin()
        return self._received(response, failed=bool(error))

    def _anew(self, body: bytes, *, scores: bool) -> Outcome:
        target = self._target_of(self._scores_path) if scores else self._target
        headers = self._scores_headers if scores else self._headers
        connection = self._connected()
        failed: OSError | None = None
        try:
            connection.request("POST", target, body, cast("Mapping[str, str]", headers))
        except OSError as error:
            if isinstance(error, ssl.SSLError) or not _readable(connection.sock):
                raise
            failed = error
        outcome = self._received(connection.getresponse(), failed=failed is not None)
        if exchange is not None and connection.sock is not None and not self._tls:
            template = Template.of(cast("TimedSocket", connection.sock).head)
            if template is not None:
                self._kept[scores] = template
        return outcome

    def _received(self, response: http.client.HTTPResponse, *, failed: bool) -> Outcome:
        try:
            return self._outcome(response)
        finally:
            # A body that was not read to its end would be taken for the next reply. After a 1xx that is none of
            # ours to understand, nobody knows what the connection is.
            odd = response.status < 200  # noqa: PLR2004 - where final replies begin
            if failed or odd or not response.isclosed() or response.will_close:
                self.close()
            response.close()

    def _outcome(self, response: http.client.HTTPResponse) -> Outcome:
        wait = retry_after(response.getheader("Retry-After"), self._wall())
        if response.status // 100 != 2:  # noqa: PLR2004 - the hundred of success
            reason = _read(response, REASON_LIMIT)
            return Outcome(
                status=response.status,
                retry_after=wait,
                detail=printable(reason or b"", self._secrets),
            )
        return self._accepted(_read(response, REPLY_LIMIT), response)

    def _accepted(
        self, body: bytes | None, response: http.client.HTTPResponse | YesReply
    ) -> Outcome:
        try:
            rejected, message = _partial_success(body, response)
        except ValueError:
            return Outcome(status=response.status, readable=False)
        detail = printable(message.encode(), self._secrets) if message else ""
        return Outcome(status=response.status, rejected=rejected, detail=detail)

    # -- the connection ----------------------------------------------------------------------------

    def _connected(self) -> http.client.HTTPConnection:
        connection = self._connection
        if (
            connection is not None
            and connection.sock is not None
            and not _readable(connection.sock)
        ):
            return connection
        self.close()
        self._connection = connection = self._new_connection()
        connection.connect()
        # From here on `http.client` writes and reads through what knows the deadline.
        connection.sock = cast("socket.socket", TimedSocket(connection.sock, self._patience))
        return connection

    def _new_connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        patience = max(min(CONNECT_S, self._deadline - self._clock()), 0.001)
        via = self._proxy
        if self._url.scheme == "http":
            return http.client.HTTPConnection(
                *(via.address if via else (host, port)), timeout=patience
            )
        if self._tls is None:
            self._tls = _tls_context()
        address = via.address if via else (host, port)
        connection = http.client.HTTPSConnection(*address, timeout=patience, context=self._tls)
        if via:
            connection.set_tunnel(host, port or 443, via.headers)
        return connection

    def _target_of(self, path: str) -> str:
        """What a request names: the path, or behind a proxy the whole address."""
        target = urlunsplit(("", "", path or "/", self._url.query, ""))
        via_proxy = self._proxy is not None and self._url.scheme == "http"
        return f"http://{self._url.netloc}{target}" if via_proxy else target

    def _patience(self) -> float:
        """How long the next wait may last."""
        left = self._deadline - self._clock()
        if left <= 0:
            raise TimeoutError("the request took too long")
        return min(left, PAUSE_S)


class _Proxy(NamedTuple):
    address: tuple[str, int | None]
    headers: dict[str, str]


def _proxy_for(url: SplitResult) -> _Proxy | None:
    """The proxy that the standard variables name for *url*."""
    proxies = urllib.request.getproxies_environment()
    proxy = urlsplit(proxies.get(url.scheme) or proxies.get("all") or "")
    if proxy.scheme not in {"http", "https"} or not proxy.hostname:
        return None
    if urllib.request.proxy_bypass(url.netloc.rpartition("@")[2]):
        return None
    headers = {}
    if proxy.username:
        pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    return _Proxy((proxy.hostname, proxy.port), headers)


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and not paths.capath:
        # A slim container image without `ca-certificates`.
        with loading():
            import certifi  # noqa: PLC0415 - 20 ms, and hardly ever needed

        context.load_verify_locations(certifi.where())
    return context


def gzipped(body: bytes) -> bytes:
    """*body* as gzip, level 1: twice as fast as the default for 10 % more bytes. Gives up the GIL once."""
    return zlib.compress(body, 1, GZIP)


def _readable(connected: socket.socket) -> bool:
    """Whether something can be read at once: a reply, or the news that the other side has closed."""
    if not hasattr(select, "poll"):  # pragma: no cover - Windows
        return bool(select.select([connected], [], [], 0)[0])
    # Not select(): it fails for descriptors above 1,024.
    poll = select.poll()
    poll.register(connected.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _read(response: http.client.HTTPResponse, limit: int) -> bytes | None:
    """The body; None where it is longer than *limit* or breaks off."""
    pieces = []
    size = 0
    try:
        while piece := response.read(min(REASON_LIMIT, limit - size + 1)):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                return None
    except (OSError, http.client.HTTPException):
        return None
    return b"".join(pieces)


def _partial_success(
    body: bytes | None, response: http.client.HTTPResponse | YesReply
) -> tuple[int, str]:
    """How many spans were refused and why; ValueError where that cannot be read."""
    if body is None:
        raise ValueError("the reply is too long, or broke off")
    if not body:
        return 0, ""
    if response.getheader("Content-Encoding", "identity").lower() in {"gzip", "x-gzip"}:
        body = _inflated(body)
    kind = response.getheader("Content-Type", PROTOBUF).partition(";")[0].strip().lower()
    if kind == PROTOBUF:
        return decode.partial_success(body)
    if kind == "application/json":
        return _json_partial_success(orjson.loads(body))
    raise ValueError("the reply is of another kind")


def _json_partial_success(reply: object) -> tuple[int, str]:
    partial = reply.get("partialSuccess") if isinstance(reply, dict) else None
    if not isinstance(partial, dict):
        return 0, ""
    # 64-bit numbers are texts in the JSON of protobuf.
    rejected = partial.get("rejectedSpans") or 0
    return int(rejected) if isinstance(rejected, int | str) else 0, str(
        partial.get("errorMessage") or ""
    )


def _inflated(body: bytes) -> bytes:
    """At most 4 MiB of what *body* holds; ValueError where it is more, or damaged."""
    inflate = zlib.decompressobj(GZIP)
    try:
        data = inflate.decompress(body, REPLY_LIMIT)
    except zlib.error as error:
        raise ValueError("the reply is damaged") from error
    if not inflate.eof:
        raise ValueError("the reply is too long, or broke off")
    return data


def _failure(error: Exception) -> Failure:
    """Whether waiting can help."""
    passing = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
    if isinstance(error, ssl.SSLError) and not isinstance(error, passing):
        return "unusable"
    return "unusable" if isinstance(error, UnicodeError | http.client.InvalidURL) else "network"


def _describe(error: Exception) -> str:
    """The kind of an error and what the system says of it; not the text of `http.client`, which quotes the server."""
    said = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or ""
    return printable(f"{type(error).__name__} {said}".strip().encode())
