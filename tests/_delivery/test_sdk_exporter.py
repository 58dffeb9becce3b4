"""Exporters of OpenTelemetry's as destinations, fed from the spool."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests._delivery.sending import (
    DESTINATION,
    RESOURCE,
    SCOPE,
    Time,
    fill,
    span,
    span_id,
    spool_at,
    traced,
)
from tests.backend import Backend
from tests.grpc_backend import GrpcBackend
from trackway._delivery.complaints import Blame
from trackway._delivery.deadletter import DeadLetters
from trackway._delivery.exporter import Exporter
from trackway._delivery.policy import Outcome
from trackway._delivery.sdk_exporter import SdkExporter
from trackway._delivery.stats import destination_stats
from trackway._wire import encode

SUCCESS: Final = SpanExportResult.SUCCESS
FAILURE: Final = SpanExportResult.FAILURE
BODY = encode.request([(RESOURCE, SCOPE, [span(0), span(1)])])

Behaviour = Callable[[Sequence[ReadableSpan]], object]


class Scripted(SpanExporter):
    """Does with each batch what *behave* says, and notes what it was asked."""

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.batches: list[list[str]] = []
        self.flushed: list[int] = []
        self.ended = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.batches.append([f"{s.context.span_id:016x}" for s in spans])
        return self.behave(spans)  # type: ignore[return-value]  # some exporters return anything

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        self.flushed.append(timeout_millis)
        return True

    def shutdown(self) -> None:
        self.ended += 1


def raising(_: Sequence[ReadableSpan]) -> SpanExportResult:
    raise RuntimeError("user data")


# -- the real ones ----------------------------------------------------------------------------------------------------


def test_the_official_exporter_of_http(home: Path) -> None:
    """With the official HTTP exporter every span arrives once at its endpoint."""
    with Backend() as backend:
        client = traced(HttpSpanExporter(endpoint=f"{backend.url}/v1/traces"))
        assert client.flush(20)
        assert sorted(backend.spans.values()) == [1, 1, 1]
        assert client.auth_check()
        assert client.shutdown(10)
    (stats,) = client.stats().destinations
    assert (stats.ended, stats.acked) == (3, 3)


def test_the_official_exporter_of_grpc(home: Path) -> None:
    """With the official gRPC exporter every span arrives once at its endpoint."""
    with GrpcBackend() as backend:
        client = traced(GrpcSpanExporter(endpoint=backend.url, insecure=True))
        assert client.flush(20)
        assert sorted(backend.spans.values()) == [1, 1, 1]
        assert client.shutdown(10)


def test_spans_in_memory(home: Path) -> None:
    """An exporter gets names, users and the resource of what was observed, in the order in which it ended."""
    memory = InMemorySpanExporter()
    client = traced(memory, release="1.2")
    assert client.flush(20)
    found = memory.get_finished_spans()
    assert [one.name for one in found] == ["step 0", "step 1", "step 2"]
    assert found[0].resource.attributes["service.name"]
    assert client.shutdown(10)


# -- what a result leads to -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behave", "expected"),
    [
        (lambda _: SUCCESS, Outcome(status=200)),
        (lambda _: FAILURE, Outcome(failure="failed", detail="the exporter says FAILURE")),
        (raising, Outcome(failure="failed", detail="the exporter raised RuntimeError")),
        (lambda _: None, Outcome(status=200, readable=False)),
    ],
)  # fmt: skip
def test_every_result_has_an_outcome(behave: Behaviour, expected: Outcome) -> None:
    """SUCCESS is an acknowledgement, FAILURE and an exception are a 500, no result is believed with a warning."""
    exporter = SdkExporter(Scripted(behave))
    assert exporter.post(BODY) == expected
    exporter.close()


def test_an_export_that_hangs_is_left_in_time() -> None:
    """What does not return in time is kept; nothing else is handed over until it does, and its late answer counts."""
    gate, entered = threading.Event(), threading.Event()

    def hang(_: Sequence[ReadableSpan]) -> SpanExportResult:
        entered.set()
        gate.wait(60)
        return SUCCESS

    scripted = Scripted(hang)
    exporter = SdkExporter(scripted, timeout=0.2)
    assert exporter.post(BODY).failure == "network"
    assert entered.is_set()
    other = encode.request([(RESOURCE, SCOPE, [span(5)])])
    assert exporter.post(other, timeout=0.1).failure == "network"
    assert not exporter.flush(0.1)
    exporter.shutdown(0.1)
    gate.set()
    assert exporter.post(BODY, timeout=20) == Outcome(status=200)
    assert scripted.batches == [[span_id(0), span_id(1)]]
    exporter.close()


def test_an_answer_to_another_batch_is_not_taken(home: Path) -> None:
    """The late answer of one batch is none to the next one, which is handed over for itself."""
    gate = threading.Event()
    scripted = Scripted(lambda _: SUCCESS if gate.wait(60) else FAILURE)
    exporter = SdkExporter(scripted, timeout=0.2)
    assert exporter.post(BODY).failure == "network"
    gate.set()
    other = encode.request([(RESOURCE, SCOPE, [span(5)])])
    assert SdkExporter.post(exporter, other, timeout=20) == Outcome(status=200)
    assert scripted.batches == [[span_id(0), span_id(1)], [span_id(5)]]
    exporter.close()


def test_flush_and_shutdown_are_forwarded(home: Path) -> None:
    """`flush` ends with the exporter's `force_flush` in the time that is left, `shutdown` with `shutdown`, once."""
    scripted = Scripted(lambda _: SUCCESS)
    client = traced(scripted)
    assert client.flush(20)
    assert len(scripted.flushed) == 1
    assert 0 < scripted.flushed[0] <= 20_000
    assert client.shutdown(10)
    assert client.shutdown(10)
    assert scripted.ended == 1


# -- delivery ---------------------------------------------------------------------------------------------------------


class Delivering:
    """An exporter of ours before one of the SDK's, and a time that the test tells."""

    def __init__(self, home: Path, scripted: Scripted) -> None:
        self.time = Time()
        self.scripted = scripted
        self.foreign = SdkExporter(scripted)
        self.exporter = Exporter(
            home / "spool",
            DESTINATION,
            lambda: self.foreign,
            blame=Blame("span_exporter", "span_exporter"),
            clock=self.time,
            wall_ns=self.time.wall,
            jitter=lambda: 1.0,
        )

    def run(self, seconds: float) -> None:
        end = self.time.now + seconds
        while (pause := self.exporter.step()) is not None and self.time.now + pause <= end:
            self.time.now += pause

    def close(self) -> None:
        self.exporter.close()
        self.foreign.close()


def left_behind(home: Path, numbers: range) -> None:
    spool = spool_at(home)
    fill(spool, numbers)
    spool.close()


def test_a_failing_exporter_loses_nothing(home: Path) -> None:
    """While it fails, by result or exception, spans are offered again with growing pauses, then arrive in order."""
    left_behind(home, range(5))
    answers: Iterator[Behaviour] = iter([raising, lambda _: FAILURE, raising, lambda _: SUCCESS])
    sending = Delivering(home, Scripted(lambda spans: next(answers)(spans)))
    start = sending.time.now
    sending.run(60)
    assert sending.time.now - start >= 1 + 2 + 4
    assert sending.scripted.batches == [[span_id(n) for n in range(5)]] * 4
    stats = destination_stats(sending.exporter.root, DESTINATION)
    assert (stats.ended, stats.acked, stats.rejected) == (5, 5, {})
    sending.close()


def test_one_span_that_always_fails_becomes_a_dead_letter(home: Path) -> None:
    """After an hour the span that the exporter stumbles over is found and put aside; the others arrive."""
    left_behind(home, range(8))

    def behave(spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return FAILURE if any(s.name == "span 3" for s in spans) else SUCCESS

    sending = Delivering(home, Scripted(behave))
    sending.run(3_500)
    assert destination_stats(sending.exporter.root, DESTINATION).in_spool == 8
    sending.run(600)
    stats = destination_stats(sending.exporter.root, DESTINATION)
    assert (stats.acked, stats.rejected, stats.in_spool) == (7, {"failed": 1}, 0)
    (letter,) = DeadLetters(sending.exporter.root, DESTINATION, None)
    assert (letter.reason, letter.payload) == ("failed", span(3))
    sending.close()


def test_an_exporter_that_always_fails_loses_nothing(home: Path) -> None:
    """Where every span fails it is the exporter that is at fault: nothing is put aside, however long it lasts."""
    left_behind(home, range(20))
    sending = Delivering(home, Scripted(raising))
    sending.run(3 * 3_600)
    stats = destination_stats(sending.exporter.root, DESTINATION)
    assert (stats.acked, stats.rejected, stats.in_spool) == (0, {}, 20)
    sending.close()


CHILD: Final = """
import sys
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from trackway import Trackway

client = Trackway(span_exporter=OTLPSpanExporter(endpoint=sys.argv[1], timeout=1), project="tests")
for number in range(int(sys.argv[2])):
    span = client.start_observation(name=f"span {number}")
    span.end()
    print(span.id, flush=True)
if sys.argv[3] == "wait":
    sys.stdin.read()
print("flushed", client.flush(30), flush=True)
"""


def test_the_next_process_delivers_what_a_killed_one_left(home: Path) -> None:
    """After `kill -9` with the backend away, the next process with the same exporter sends all of it, once."""
    with Backend() as backend:
        backend.refusing = True
        address = f"{backend.url}/v1/traces"
        command = [sys.executable, "-c", CHILD, address, "200", "wait"]
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert child.stdout is not None
        told = [child.stdout.readline().strip() for _ in range(200)]
        os.kill(child.pid, signal.SIGKILL)
        child.communicate(timeout=30)
        assert not backend.spans
        backend.refusing = False
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", CHILD, address, "1", "go"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        own, flushed = done.stdout.splitlines()
        assert flushed == "flushed True"
        assert backend.spans == dict.fromkeys([*told, own], 1)


def test_a_script_that_just_ends_delivers(home: Path) -> None:
    """A script without `flush` hands over what it has when it exits, and nothing of the exporter's hangs in the way."""
    program = CHILD.rpartition("if sys.argv")[0]
    with Backend() as backend:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, f"{backend.url}/v1/traces", "3"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert backend.spans == dict.fromkeys(done.stdout.split(), 1)
