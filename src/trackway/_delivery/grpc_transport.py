"""OTLP over gRPC: the same bodies through a channel of grpcio, and its answers in the words of the policy.

Theory of operation. A batch is the bytes of an ExportTraceServiceRequest already, so the one method that is called
has no serializer: building the messages of the official exporter from them would cost about 90 times as much, and would
hide from the policy what the server said. What grpcio would do by itself is switched off, because the policy does it:
retries, and the pause before it connects again (a channel that failed to connect is thrown away, like a connection
of HTTP). The rest of it is the user's as in every other program: proxies, `GRPC_…` variables.

A status of gRPC stands for the status of HTTP that means the same to a sender of OTLP; that is how the policy knows
it, and how refused spans are counted. Where OTLP/gRPC and this table differ, OTLP would have us drop spans.
"""

import os
import re
import ssl
from typing import Final, cast, final
from urllib.parse import urlsplit

import grpc

from trackway._core.loading import loading
from trackway._delivery.policy import MAX_RETRY_AFTER_S, Outcome
from trackway._delivery.replies import printable, secrets_of
from trackway._version import __version__
from trackway._wire import decode
from trackway._wire.protobuf import BYTES, VARINT, DecodeError, Message, fields, int32, int64

__all__ = ["GrpcTransport", "retry_delay"]

METHOD: Final = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
REPLY_LIMIT: Final = 4 << 20
OPTIONS: Final = (
    ("grpc.primary_user_agent", f"trackway/{__version__}"),
    ("grpc.max_receive_message_length", REPLY_LIMIT),
    # What is too large is for the server to say.
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),
    ("grpc.service_config_disable_resolution", 1),
    # Else a new channel inherits the pause of the one that failed.
    ("grpc.use_local_subchannel_pool", 1),
)
STATUSES: Final = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    # A server without this method, or without this compression.
    grpc.StatusCode.UNIMPLEMENTED: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.ALREADY_EXISTS: 500,
}
# Those that OTLP says to send again, and what is none of these: UNAVAILABLE, ABORTED, OUT_OF_RANGE, DATA_LOSS …
OTHERS: Final = 503
# grpcio has one code for a full server and for a message that is too large; its texts tell them apart. The words are
# those of the implementations in C, Go and Java.
TOO_LARGE: Final = re.compile(r"larger than max|exceeds maximum", re.IGNORECASE)
# Of a reply: the spans were taken.
REPLY_TOO_LARGE: Final = "CLIENT: Received message larger"
# Of a connection that was never made; waiting does not help.
UNUSABLE: Final = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|Verification Check failed|WRONG_VERSION_NUMBER|http1\.x server|Invalid metadata",
    re.IGNORECASE,
)
OK: Final = grpc.StatusCode.OK.name
DETAILS: Final = "grpc-status-details-bin"
RETRY_INFO: Final = "google.rpc.RetryInfo"

_parked: Final[list[grpc.Channel]] = []
"""Channels of a parent process: to close one in a forked child may wait for threads that the child does not have."""


@final
class GrpcTransport:
    """Posts bodies to one server. For one thread at a time; never raises for what the network or the server does."""

    __slots__ = (
        "_call",
        "_channel",
        "_compression",
        "_metadata",
        "_pid",
        "_secrets",
        "_timeout",
        "_url",
    )

    def __init__(
        self,
        url: str,
        headers: tuple[tuple[str, str], ...] = (),
        *,
        timeout: float = 15.0,
        compress: bool = False,
    ) -> None:
        self._url = urlsplit(url)
        # Names of gRPC's metadata are in lower case; binary values have names of their own.
        self._metadata = tuple(
            (name.lower(), value.encode() if name.lower().endswith("-bin") else value)
            for name, value in headers
        )
        self._secrets = secrets_of(headers)
        self._compression = grpc.Compression.Gzip if compress else grpc.Compression.NoCompression
        self._timeout = timeout
        self._channel: grpc.Channel | None = None
        self._call: grpc.UnaryUnaryMultiCallable[bytes, bytes] | None = None
        self._pid = os.getpid()

    def post(self, *body: bytes, timeout: float | None = None, scores: bool = False) -> Outcome:  # noqa: ARG002 - no backend takes scores this way; they are spans
        """Sends *body* and tells what came of it, within *timeout* seconds if that is less than the setting."""
        limit = self._timeout if timeout is None else min(timeout, self._timeout)
        try:
            reply = self._method()(
                b"".join(body),
                timeout=limit,
                metadata=self._metadata,
                compression=self._compression,
            )
        except grpc.RpcError as error:
            outcome = _outcome_of(cast("grpc.Call", error), self._secrets)
            if outcome.status == OTHERS or outcome.status is None:
                self.close()
            return outcome
        try:
            rejected, message = decode.partial_success(reply)
        except DecodeError:
            return Outcome(status=200, name=OK, readable=False)
        detail = printable(message.encode(), self._secrets)
        return Outcome(status=200, name=OK, rejected=rejected, detail=detail)

    def close(self) -> None:
        """Closes the channel; the next request opens another. In a forked child: leaves its copy alone."""
        channel, self._channel, self._call = self._channel, None, None
        if channel is None:
            return
        if self._pid == os.getpid():
            channel.close()
        else:
            _parked.append(channel)

    def _method(self) -> "grpc.UnaryUnaryMultiCallable[bytes, bytes]":
        if self._call is None or self._pid != os.getpid():
            self.close()
            self._pid = os.getpid()
            self._channel = self._new_channel()
            self._call = self._channel.unary_unary(METHOD)
        return self._call

    def _new_channel(self) -> grpc.Channel:
        secure = self._url.scheme == "https"
        host = self._url.hostname or ""
        host = f"[{host}]" if ":" in host else host
        target = f"{host}:{self._url.port or (443 if secure else 80)}"
        with loading():  # the library loads the rest of itself here
            if secure:
                return grpc.secure_channel(target, _credentials(), options=OPTIONS)
            return grpc.insecure_channel(target, options=OPTIONS)


def _credentials() -> grpc.ChannelCredentials:
    """Certificates of the system's store, where that is one file, as HTTP uses it; else those of grpcio."""
    found = ssl.get_default_verify_paths().cafile
    if not found:
        return grpc.ssl_channel_credentials()
    with open(found, "rb") as file:  # noqa: PTH123 - no Path is needed for one name
        return grpc.ssl_channel_credentials(file.read())


def _outcome_of(error: grpc.Call, secrets: tuple[bytes, ...]) -> Outcome:
    """What a status says, in the words of the policy and with none of *secrets*."""
    code, details = error.code(), error.details() or ""
    name = code.name
    if REPLY_TOO_LARGE in details:
        return Outcome(status=200, name=OK, readable=False)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return Outcome(failure="network", detail=name)
    if UNUSABLE.search(details):
        return Outcome(failure="unusable", detail=printable(f"{name} {details}".encode(), secrets))
    wait = retry_delay(error.trailing_metadata() or ())
    status = STATUSES.get(code, OTHERS)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and wait is None and TOO_LARGE.search(details):
        status = 413
    detail = printable(details.encode(), secrets)
    return Outcome(status=status, retry_after=wait, name=name, detail=detail)


def retry_delay(metadata: "tuple[tuple[str, str | bytes], ...]") -> float | None:
    """Seconds that a server asks for with a RetryInfo, 0 to 3,600; None where there is none that can be read."""
    for key, value in metadata:
        if key == DETAILS and isinstance(value, bytes):
            try:
                return _delay_of(value)
            except DecodeError:
                return None
    return None


def _delay_of(status: bytes) -> float | None:
    """The delay among the details of a google.rpc.Status."""
    for detail in Message(fields(status, {3: BYTES})).every(3):
        packed = Message(fields(detail, {1: BYTES, 2: BYTES}))
        if packed.text(1).rpartition("/")[2] == RETRY_INFO:
            info = Message(fields(packed.last(2), {1: BYTES}))
            delay = Message(fields(info.merged(1), {1: VARINT, 2: VARINT}))
            seconds = int64(delay.number(1)) + int32(delay.number(2)) / 1e9
            return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)
    return None
