"""A hostile backend: for every behaviour, the exact number and times of requests, and what became of the spans.

Times are seconds of a clock that the test tells; the jitter is the longest allowed, so a backoff is 1, 2, 4 … 60 s.
"""

import gzip
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests import backend as b
from tests._delivery.sending import Sending, fill, span_id, spool_at
from tests.backend import Backend, Behaviour, Connection, Request

SPANS = 4
BACKOFF = [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]
# Obeyed once, then the backoff.
STORM = [0, 0, 2, 6, 14, 30, 62, 122, 182, 242]
HOLD = [0, 60, 120, 180, 240]
BIG = (4 << 20) + 1


def poison(*numbers: int) -> Callable[[str], bool]:
    return {span_id(number) for number in numbers}.__contains__


def half_close(connection: Connection, request: Request) -> bool:
    """Says that it will say nothing, and listens on."""
    connection.socket.shutdown(socket.SHUT_WR)
    connection.backend.waiting.wait(0.2)
    return False


def bomb() -> bytes:
    """64 MiB of zeros in 64 KiB."""
    return gzip.compress(bytes(64 << 20), 9)


def chunked(size: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"%x\r\n" % size + bytes(size)


PROTOBUF_JUNK = b"\xff\xff\xff\xff"
LINE = b"HTTP/1.1 200 OK\r\n"


@dataclass(frozen=True)
class Case:
    """A script, and what has to come of it."""

    name: str
    script: list[Behaviour]
    times: Sequence[float]
    acked: int = SPANS
    rejected: tuple[tuple[str, int], ...] = ()
    doubled: bool = False
    seconds: float = 299.0
    timeout: float = 30.0
    """Of a request; short where it has to run out, long where a busy machine must not matter."""


ELSEWHERE = "http://127.0.0.1:9/v1/traces"
JSON = "application/json"
PASSING = (408, 425, 429, 500, 502, 503, 504, 599)
MISCONFIGURED = (401, 402, 403, 404, 405, 407, 409, 410, 415, 426)
REDIRECTS = (301, 302, 303, 307, 308)
ENDLESS_400 = b.endless(b"HTTP/1.1 400 No\r\n\r\n", bytes(1 << 16))
SLOW_BODY = b.slowly(bytes(99), 0.02, LINE + b"Content-Length: 99\r\n\r\n")
ONE_OF_TWO_JSON = b'{"partialSuccess":{"rejectedSpans":"2"}}'

CASES = [
    # accepted
    Case("200 empty", [b.ok()], [0]),
    Case("202", [b.ok_with(202)], [0]),
    Case("200 JSON", [b.ok(b"{}", Content_Type=JSON)], [0]),
    Case("200 JSON null", [b.ok(b"null", Content_Type=JSON)], [0]),
    Case("200 partial", [b.partly(1, "no")], [0], acked=3, rejected=(("partial", 1),)),
    Case("200 partial, more than were sent", [b.partly(100)], [0], acked=0, rejected=(("partial", 4),)),
    Case(
        "200 JSON partial",
        [b.ok(ONE_OF_TWO_JSON, Content_Type="application/json; charset=utf-8")],
        [0],
        acked=2,
        rejected=(("partial", 2),),
    ),
    Case("200 with a message only", [b.partly(0, "slow down")], [0]),
    Case("200 unreadable protobuf", [b.ok(PROTOBUF_JUNK)], [0]),
    Case("200 unreadable JSON", [b.ok(b"{", Content_Type=JSON)], [0]),
    Case("200 JSON of other kinds", [b.ok(b'{"partialSuccess":[]}', Content_Type=JSON)], [0]),
    Case("200 a login page", [b.ok(b"<html>", Content_Type="text/html")], [0]),
    Case("200 longer than 4 MiB", [b.ok(bytes(BIG))], [0]),
    Case("200 chunked, longer than 4 MiB", [b.accepting(b.raw(chunked(BIG)))], [0]),
    Case("200 without an end", [b.accepting(b.endless(LINE + b"\r\n", bytes(1 << 16)))], [0], timeout=0.4),
    Case("200 gzip bomb", [b.ok(bomb(), Content_Encoding="gzip")], [0]),
    Case("200 gzip", [b.ok(gzip.compress(b""), Content_Encoding="gzip")], [0]),
    Case("200 broken gzip", [b.ok(gzip.compress(b"")[:-3], Content_Encoding="gzip")], [0]),
    Case("200 that is no gzip", [b.ok(b"\0\0", Content_Encoding="gzip")], [0]),
    Case("200 breaks off", [b.accepting(b.raw(LINE + b"Content-Length: 100\r\n\r\nhalf"))], [0]),
    Case("200 body at one byte a while", [b.accepting(SLOW_BODY)], [0], timeout=0.4),
    # passing
    *[Case(str(code), [b.status(code)] * 3 + [b.ok()], [0, 1, 3, 7]) for code in PASSING],
    Case("500 for ever", [b.status(500)], BACKOFF, acked=0),
    Case("503 Retry-After 7", [b.status(503, Retry_After="7"), b.ok()], [0, 7]),
    Case("429 Retry-After 0", [b.status(429, Retry_After="0"), b.ok()], [0, 0]),
    Case("429 Retry-After 0 for ever", [b.status(429, Retry_After="0")], STORM, acked=0),
    Case("429 a date", [b.status(429, Retry_After="Tue, 14 Nov 2023 22:14:20 GMT"), b.ok()], [0, 60]),
    Case("429 a date gone by", [b.status(429, Retry_After="Tue, 14 Nov 2000 22:14:20 GMT"), b.ok()], [0, 0]),
    Case("503 Retry-After of a year", [b.status(503, Retry_After="31536000"), b.ok()], [0, 3_600], seconds=4_000),
    Case("503 Retry-After rubbish", [b.status(503, Retry_After="a while"), b.ok()], [0, 1]),
    Case("502 Retry-After is not for it", [b.status(502, Retry_After="50"), b.ok()], [0, 1]),
    Case("closes at once", [b.hang_up] * 2 + [b.ok()], [0, 1, 3]),
    Case("RST", [b.reset] * 2 + [b.ok()], [0, 1, 3]),
    Case("half-close", [half_close, b.ok()], [0, 1]),
    Case("accepts and closes without a word", [b.accept_and_hang_up, b.ok()], [0, 1], doubled=True),
    Case("no answer", [b.never], [0, 1, 3], acked=0, seconds=6, timeout=0.4),
    Case("head at one byte a while", [b.slowly(LINE * 99, 0.02), b.ok()], [0, 1], timeout=1.0),
    Case("no HTTP", [b.raw(b"\x15\x03\x01\0\x02\x02F"), b.ok()], [0, 1]),
    Case("HTTP/0.9", [b.raw(b"hello"), b.ok()], [0, 1]),
    Case("a header without an end", [b.raw(LINE + b"X: " + b"x" * 70_000), b.ok()], [0, 1]),
    Case("thousands of headers", [b.raw(LINE + b"X: y\r\n" * 5_000 + b"\r\n"), b.ok()], [0, 1]),
    Case("100 Continue for ever", [b.endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), b.ok()], [0, 1], timeout=1.0),
    Case("a status out of range", [b.raw(b"HTTP/1.1 99999 Odd\r\n\r\n"), b.ok()], [0, 1]),
    Case("a status of no hundred", [b.status(999), b.ok()], [0, 1]),
    Case("101", [b.raw(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), b.ok()], [0, 1]),
    # a person has to mend it
    *[Case(str(code), [b.status(code)] * 2 + [b.ok()], [0, 60, 120]) for code in MISCONFIGURED],
    *[Case(f"{code} to another host", [b.status(code, Location=ELSEWHERE)], HOLD, acked=0) for code in REDIRECTS],
    Case("401, Retry-After is not for it", [b.status(401, Retry_After="1"), b.ok()], [0, 60]),
    # the data's fault
    Case("413 for two and more", [b.at_most(400)], [0] * 7),
    Case("413 for all", [b.status(413)], [0] * 7, acked=0, rejected=(("413", 4),)),
    Case("400 for one", [b.refusing(poison(2), 400)], [0] * 5, acked=3, rejected=(("400", 1),)),
    Case("422 for one", [b.refusing(poison(2), 422)], [0] * 5, acked=3, rejected=(("422", 1),)),
    Case("400 for all", [b.status(400)], [0] * 7, acked=0, rejected=(("400", 4),)),
    Case("400 with a body without an end", [ENDLESS_400], [0] * 7, acked=0, rejected=(("400", 4),), timeout=0.4),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_requests_and_their_times(case: Case, home: Path) -> None:
    """Requests come at exactly these times; spans are accepted, refused and kept in exactly these numbers."""
    spool = spool_at(home)
    ids = fill(spool, range(SPANS))
    with Backend(*case.script) as backend:
        sending = Sending(backend.url, home, spool, timeout=case.timeout)
        assert sending.run(case.seconds) == case.times
        assert len(backend.requests) == len(case.times)
        stats = sending.stats()
        assert stats.acked == case.acked
        assert dict(stats.rejected) == dict(case.rejected)
        assert stats.ended == stats.accounted == SPANS
        if stats.acked == SPANS:
            assert set(backend.spans) == set(ids)
            assert set(backend.spans.values()) == ({2} if case.doubled else {1})
        letters = [letter.reason for letter in sending.exporter.letters]
        assert letters == [
            reason for reason, n in case.rejected if reason != "partial" for _ in range(n)
        ]
        sending.close()
    spool.close()


def test_a_redirect_reaches_nobody_else(home: Path) -> None:
    """A redirect to another host is not followed: the credentials stay."""
    spool = spool_at(home)
    fill(spool, range(SPANS))
    with Backend() as other, Backend(b.status(307, Location=other.url + "/v1/traces")) as backend:
        sending = Sending(backend.url, home, spool)
        sending.run()
        assert other.requests == []
        sending.close()
    spool.close()


def test_nobody_listens(home: Path) -> None:
    """A refused connection backs off, and the spans arrive when somebody listens."""
    spool = spool_at(home)
    ids = fill(spool, range(SPANS))
    with Backend() as backend:
        port = backend.port
    sending = Sending(f"http://127.0.0.1:{port}", home, spool)
    assert sending.run(299) == BACKOFF
    with Backend(port=port) as backend:
        sending.run()
        assert set(backend.spans) == set(ids)
    sending.close()
    spool.close()


def test_a_name_that_cannot_be_one_is_held(home: Path) -> None:
    """An address that no resolver could take is a misconfiguration, held like a 404."""
    spool = spool_at(home)
    fill(spool, range(SPANS))
    sending = Sending("http://" + "x" * 70 + ".example", home, spool)
    assert sending.run(299) == HOLD
    sending.close()
    spool.close()


def test_500_for_an_hour_finds_the_poison(home: Path) -> None:
    """After an hour of 500 the one span at fault is put aside and the others arrive."""
    spool = spool_at(home)
    ids = fill(spool, range(64))
    with Backend(b.refusing(poison(0, 17), 500)) as backend:
        sending = Sending(backend.url, home, spool)
        sending.run(3_599)
        assert sending.stats().acked == 0
        sending.run(3_600)
        assert set(backend.spans) == set(ids) - {span_id(0), span_id(17)}
        assert dict(sending.stats().rejected) == {"500": 2}
        assert [letter.reason for letter in sending.exporter.letters] == ["500", "500"]
        sending.close()
    spool.close()


def test_500_for_everything_loses_nothing(home: Path) -> None:
    """A server that answers 500 to everything for a day finds fault with no span, and gets few requests."""
    spool = spool_at(home)
    ids = fill(spool, range(64))
    with Backend(b.status(500)) as backend:
        sending = Sending(backend.url, home, spool, retry_for=1e9)
        posts = sending.run(86_400, posts=10_000)
        assert len(posts) < 86_400 / 60 + 24 * 40
        assert not sending.stats().rejected
        backend.play([b.ok()])
        sending.run(posts=len(posts) + 9)
        assert set(backend.spans) == set(ids)
        sending.close()
    spool.close()


def test_the_limit_of_413_is_remembered(home: Path) -> None:
    """After one 413 later batches are made small enough from the start."""
    spool = spool_at(home)
    fill(spool, range(400), 1_000)
    with Backend(b.at_most(100_000)) as backend:
        sending = Sending(backend.url, home, spool)
        sending.run()
        too_large = len(backend.requests)
        fill(spool, range(400, 800), 1_000)
        sending.run()
        assert all(len(r.body) <= 100_000 for r in backend.requests[too_large:])
        assert sending.stats().acked == 800
        sending.close()
    spool.close()


# -- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """A certificate authority that this process trusts."""
    ca = trustme.CA()
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return ca


def server_side(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def times_with(certificate: trustme.LeafCert, home: Path) -> tuple[list[float], int]:
    """When connections were tried, and how many spans arrived."""
    spool = spool_at(home)
    fill(spool, range(SPANS))
    with Backend(tls=server_side(certificate)) as backend:
        sending = Sending(backend.url, home, spool)
        times = sending.run(299)
        sending.close()
        arrived = len(backend.spans)
    spool.close()
    return times, arrived


def test_tls_that_is_right(authority: trustme.CA, home: Path) -> None:
    """Spans travel over TLS to a host whose certificate is trusted."""
    assert times_with(authority.issue_cert("localhost"), home) == ([0], SPANS)


def test_tls_of_an_unknown_authority(authority: trustme.CA, home: Path) -> None:
    """A certificate of an authority that is not trusted is held for a minute at a time."""
    assert times_with(trustme.CA().issue_cert("localhost"), home) == (HOLD, 0)


def test_tls_of_another_host(authority: trustme.CA, home: Path) -> None:
    """A certificate for another name is held for a minute at a time."""
    assert times_with(authority.issue_cert("example.org"), home) == (HOLD, 0)


def test_tls_that_has_expired(authority: trustme.CA, home: Path) -> None:
    """A certificate that has expired is held for a minute at a time."""
    now = datetime.now(UTC)
    old = authority.issue_cert(
        "localhost", not_before=now - timedelta(9), not_after=now - timedelta(1)
    )
    assert times_with(old, home) == (HOLD, 0)


def test_tls_to_a_server_without_it(authority: trustme.CA, home: Path) -> None:
    """A server that does not speak TLS is held for a minute at a time."""
    spool = spool_at(home)
    fill(spool, range(SPANS))
    with Backend(b.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as backend:
        backend.greeting = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        sending = Sending(f"https://localhost:{backend.port}", home, spool)
        assert sending.run(299) == HOLD
        sending.close()
    spool.close()
