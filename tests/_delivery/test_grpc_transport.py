"""gRPC, against a real server: what a request looks like, and what each answer is to the policy."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme
from google.protobuf.any_pb2 import Any as PackedAny  # type: ignore[import-untyped]  # it has no types
from google.protobuf.duration_pb2 import Duration  # type: ignore[import-untyped]  # as above
from google.rpc.error_details_pb2 import DebugInfo, RetryInfo  # type: ignore[import-untyped]  # as above
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # as above

from tests import grpc_backend as g
from tests._delivery.sending import RESOURCE, SCOPE, delivery_to, fill, span, span_id
from tests.grpc_backend import GrpcBackend
from trackway._delivery.grpc_transport import STATUSES, GrpcTransport, retry_delay
from trackway._delivery.policy import Outcome, Rule, rule
from trackway._delivery.stats import DestinationStats
from trackway._version import __version__
from trackway._wire import encode

BODY = encode.request([(RESOURCE, SCOPE, [span(0), span(1)])])


@pytest.fixture
def backend() -> Iterator[GrpcBackend]:
    with GrpcBackend() as found:
        yield found


def post(backend: GrpcBackend | str, body: bytes = BODY, **options: object) -> Outcome:
    """One request over a channel of its own."""
    url = backend if isinstance(backend, str) else backend.url
    transport = GrpcTransport(url, **options)  # type: ignore[arg-type]  # by name
    outcome = transport.post(body)
    transport.close()
    return outcome


def test_a_request_is_otlp_over_grpc(backend: GrpcBackend) -> None:
    """The body arrives as it is, with the configured headers and the name of who sends it."""
    headers = (("Authorization", "Basic abc"), ("x-key-bin", "raw"))
    assert post(backend, headers=headers) == Outcome(status=200, name="OK")
    assert backend.bodies == [BODY]
    (metadata,) = backend.metadata
    assert (metadata["authorization"], metadata["x-key-bin"]) == ("Basic abc", b"raw")
    assert str(metadata["user-agent"]).startswith(f"trackway/{__version__} ")
    assert backend.spans == {span_id(0): 1, span_id(1): 1}


def test_a_compressed_request_arrives(backend: GrpcBackend) -> None:
    """With compression the server reads the same bytes."""
    assert post(backend, compress=True).status == 200
    assert backend.bodies == [BODY]


def test_a_channel_is_used_again_and_after_it_was_closed(backend: GrpcBackend) -> None:
    """One transport sends many requests, also after it has been closed in between."""
    transport = GrpcTransport(backend.url)
    assert [transport.post(BODY).status for _ in range(3)] == [200] * 3
    transport.close()
    assert transport.post(BODY).status == 200
    transport.close()


def test_a_partial_success_is_told(backend: GrpcBackend) -> None:
    """How many spans were refused, and why, is read from the reply; a reply that is none is noted, not held against."""
    backend.play(g.reply(b"\x0a\x08\x08\x03\x12\x04nope"), g.reply(b"\xff"))
    assert post(backend) == Outcome(status=200, name="OK", rejected=3, detail="nope")
    assert post(backend) == Outcome(status=200, name="OK", readable=False)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("UNAVAILABLE", Rule.THROTTLED),
        ("ABORTED", Rule.THROTTLED),
        ("CANCELLED", Rule.THROTTLED),
        ("OUT_OF_RANGE", Rule.THROTTLED),
        ("DATA_LOSS", Rule.THROTTLED),
        ("RESOURCE_EXHAUSTED", Rule.THROTTLED),
        ("DEADLINE_EXCEEDED", Rule.UNAVAILABLE),
        ("INTERNAL", Rule.STUMBLED),
        ("UNKNOWN", Rule.STUMBLED),
        ("ALREADY_EXISTS", Rule.STUMBLED),
        ("INVALID_ARGUMENT", Rule.MALFORMED),
        ("FAILED_PRECONDITION", Rule.MALFORMED),
        ("UNAUTHENTICATED", Rule.MISCONFIGURED),
        ("PERMISSION_DENIED", Rule.MISCONFIGURED),
        ("NOT_FOUND", Rule.MISCONFIGURED),
        ("UNIMPLEMENTED", Rule.MISCONFIGURED),
    ],
)
def test_every_status_has_its_rule(code: str, expected: Rule, backend: GrpcBackend) -> None:
    """Each status of gRPC falls under the rule of its meaning, and is called by its own name."""
    backend.play(g.refuse(grpc.StatusCode[code], "because \x1b[31m"))
    outcome = post(backend)
    assert rule(outcome) is expected
    assert outcome.answer == code
    assert "\x1b" not in outcome.detail
    assert backend.spans == {}


def test_an_answer_does_not_repeat_our_credentials(backend: GrpcBackend) -> None:
    """What a server says of a request is told without the values of our headers, whether it took the spans or not."""
    headers = (("authorization", "Bearer s3cr3t-of-ours"),)
    taken = encode_partial(b"no s3cr3t-of-ours")
    backend.play(
        g.refuse(grpc.StatusCode.UNAUTHENTICATED, "bad s3cr3t-of-ours"),
        g.refuse(grpc.StatusCode.UNKNOWN, "Invalid metadata: s3cr3t-of-ours"),
        g.reply(taken),
    )
    told = [post(backend, headers=headers).detail for _ in range(3)]
    assert told == [
        "bad [redacted: header]",
        "UNKNOWN Invalid metadata: [redacted: header]",
        "no [redacted: header]",
    ]


def encode_partial(message: bytes) -> bytes:
    """A reply with one refused span and this *message*."""
    partial = bytes((0x08, 1, 0x12, len(message))) + message
    return bytes((0x0A, len(partial))) + partial


def test_no_status_is_forgotten() -> None:
    """The statuses that are not in the table are those that OTLP says to send again."""
    kept = {"OK", "UNAVAILABLE", "ABORTED", "CANCELLED", "OUT_OF_RANGE", "DATA_LOSS"}
    assert {code.name for code in grpc.StatusCode} - {code.name for code in STATUSES} == {
        *kept,
        "DEADLINE_EXCEEDED",
    }


def details(seconds: int, nanos: int = 0) -> bytes:
    """A google.rpc.Status with a RetryInfo behind another detail."""
    packed = [PackedAny(), PackedAny()]
    packed[0].Pack(DebugInfo(detail="x"))
    packed[1].Pack(RetryInfo(retry_delay=Duration(seconds=seconds, nanos=nanos)))
    return bytes(Status(code=8, message="later", details=packed).SerializeToString())


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_a_server_may_name_the_time(code: str, backend: GrpcBackend) -> None:
    """The delay of a RetryInfo is obeyed like `Retry-After`."""
    backend.play(g.refuse(grpc.StatusCode[code], "later", details(7, 500_000_000)))
    outcome = post(backend)
    assert (outcome.retry_after, rule(outcome)) == (7.5, Rule.THROTTLED)


def test_a_delay_is_bounded_and_may_be_nonsense() -> None:
    """More than an hour is an hour, less than nothing is nothing, and bytes that say nothing are none."""
    key = "grpc-status-details-bin"
    assert retry_delay(((key, details(10**9)),)) == 3_600.0
    assert retry_delay(((key, details(-5)),)) == 0.0
    assert retry_delay(((key, b"\xff\xff"), ("other", "x"))) is None
    assert retry_delay(((key, Status(code=8).SerializeToString()),)) is None
    assert retry_delay(()) is None


def test_what_is_too_large_is_told_from_a_full_server(backend: GrpcBackend) -> None:
    """A message above the server's limit is 413, whether it was compressed or not; it was never handled."""
    body = encode.request([(RESOURCE, SCOPE, [span(0, 5 << 20)])])
    assert [post(backend, body, compress=packed).status for packed in (False, True)] == [413, 413]
    assert backend.bodies == []


def test_a_reply_that_is_too_large_is_an_acknowledgement(backend: GrpcBackend) -> None:
    """A server that took the spans and answers with 5 MiB has taken them."""
    backend.play(g.reply(bytes(5 << 20)))
    assert post(backend) == Outcome(status=200, name="OK", readable=False)


def test_nobody_there_is_waited_for(backend: GrpcBackend) -> None:
    """A refused connection is kept and tried again, at once where the server is back: no pause is grpcio's own."""
    transport = GrpcTransport(backend.url)
    backend.close()
    assert rule(transport.post(BODY)) is Rule.THROTTLED
    with GrpcBackend(port=backend.port) as again:
        assert transport.post(BODY).status == 200
        assert len(again.bodies) == 1
    transport.close()


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    """A connection that stays silent ends with the time of the request, of the setting or of the caller."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        transport = GrpcTransport(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=30.0)
        assert transport.post(BODY, timeout=0.2) == Outcome(
            failure="network", detail="DEADLINE_EXCEEDED"
        )
        transport.close()


def test_headers_that_grpc_cannot_send_are_told(backend: GrpcBackend) -> None:
    """A header name that HTTP allows and gRPC does not is a matter for a person, not for patience."""
    outcome = post(backend, headers=(("x!y", "1"),))
    assert rule(outcome) is Rule.MISCONFIGURED
    assert "Invalid metadata" in outcome.detail


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An https address is TLS with the system's certificates; an unknown issuer or the wrong name is a refusal."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    chain = b"".join(pem.bytes() for pem in issued.cert_chain_pems)
    credentials = grpc.ssl_server_credentials([(issued.private_key_pem.bytes(), chain)])
    with GrpcBackend(tls=credentials) as backend:
        outcome = post(backend)
        assert (outcome.failure, rule(outcome)) == ("unusable", Rule.MISCONFIGURED)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert post(backend).status == 200
        assert post(f"https://127.0.0.1:{backend.port}").failure == "unusable"
        assert rule(post(f"http://127.0.0.1:{backend.port}")) is not Rule.ACCEPTED


def test_a_forked_child_opens_a_channel_of_its_own(backend: GrpcBackend) -> None:
    """In a child of a fork a transport sends through a new channel, and the parent's goes on."""
    transport = GrpcTransport(backend.url)
    assert transport.post(BODY).status == 200
    child = os.fork()
    if not child:
        status = transport.post(BODY, timeout=20.0).status
        transport.close()
        os._exit(0 if status == 200 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert transport.post(BODY).status == 200
    assert len(backend.bodies) == 3
    transport.close()


def stats_after(backend: GrpcBackend, home: Path, numbers: range) -> DestinationStats:
    """Delivers spans to *backend*; what became of them."""
    delivery = delivery_to(backend.url, home, local=False, protocol="grpc")
    fill(delivery.sinks[0], numbers)
    assert delivery.flush(10)
    (stats,) = delivery.stats().destinations
    delivery.shutdown(5)
    return stats


def test_a_delivery_by_grpc(home: Path, backend: GrpcBackend) -> None:
    """With the setting, what ended arrives once each and is counted."""
    stats = stats_after(backend, home, range(50))
    assert backend.spans == dict.fromkeys(map(span_id, range(50)), 1)
    assert (stats.ended, stats.acked, stats.in_spool) == (50, 50, 0)


def test_a_refused_span_is_put_aside(home: Path, backend: GrpcBackend) -> None:
    """INVALID_ARGUMENT halves the batch until the span at fault is found; the others arrive."""
    backend.play(g.refusing({span_id(7)}.__contains__, grpc.StatusCode.INVALID_ARGUMENT))
    stats = stats_after(backend, home, range(20))
    assert stats.rejected == {"400": 1}
    assert len(backend.spans) == stats.acked == 19
