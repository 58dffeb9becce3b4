"""What the destination of an exporter in code is called, and what goes with it."""

import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.sdk.trace.export import ConsoleSpanExporter
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests._delivery.sending import traced
from tests.backend import Backend
from trackway import Trackway
from trackway._delivery.sdk_exporter import name_of
from trackway.errors import ConfigurationError


def test_the_name_is_the_class_and_the_address() -> None:
    """Two objects of one class and address have one name; another address or class another; no credentials in it."""
    http = HttpSpanExporter(endpoint="http://ann:secret@a:4318/v1/traces?key=secret")
    assert name_of(http) == (
        "opentelemetry.exporter.otlp.proto.http.trace_exporter.OTLPSpanExporter http://a:4318/v1/traces"
    )
    assert name_of(http) == name_of(HttpSpanExporter(endpoint="http://a:4318/v1/traces"))
    assert name_of(http) != name_of(HttpSpanExporter(endpoint="http://b:4318/v1/traces"))
    grpc = GrpcSpanExporter(endpoint="http://a:4317")
    assert name_of(grpc).endswith("grpc.trace_exporter.OTLPSpanExporter a:4317")
    grpc.shutdown()
    assert name_of(ConsoleSpanExporter()).endswith(".ConsoleSpanExporter")


def test_a_name_of_your_own(home: Path) -> None:
    """`exporter_name` names the destination instead, and is what separates two exporters of one class."""
    names = ("audit", "apm", "audit")
    clients = [traced(InMemorySpanExporter(), exporter_name=name) for name in names]
    first, second, third = (client.stats().destinations[0] for client in clients)
    assert first.destination == third.destination != second.destination
    assert (second.ended, third.ended) == (3, 6)
    for client in clients:
        assert client.shutdown(10)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"span_exporter": object()}, "no method export"),
        ({"exporter_name": "x"}, "without a span_exporter"),
        ({"span_exporter": InMemorySpanExporter(), "endpoint": "http://a"}, "one remote destination"),
        (
            {"span_exporter": InMemorySpanExporter(), "public_key": "p", "secret_key": "s"},
            "one remote destination",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_together(options: dict[str, object], words: str) -> None:
    """An exporter beside another explicit destination, and what is no exporter, is one error at construction."""
    with pytest.raises(ConfigurationError, match=words):
        Trackway(**options)  # type: ignore[arg-type]  # that is the point


def test_an_exporter_beats_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exporter in code is more explicit than an endpoint or keys in a variable, which are then named as unused."""
    monkeypatch.setenv("TRACKWAY_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("TRACKWAY_PROTOCOL", "grpc")
    memory = InMemorySpanExporter()
    client = traced(memory)
    assert client.flush(20)
    assert len(memory.get_finished_spans()) == 3
    assert set(client._core.settings.unused) == {"TRACKWAY_ENDPOINT", "TRACKWAY_PROTOCOL"}
    client.shutdown(10)


def test_the_sdk_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the SDK an exporter is one error that says what to install."""
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'trackway\[otlp\]'"):
        Trackway(span_exporter=InMemorySpanExporter())


def test_the_sdk_is_not_loaded_for_others(home: Path) -> None:
    """A client that sends over HTTP loads neither the SDK nor gRPC."""
    program = """
import sys
from trackway import Trackway
client = Trackway(endpoint=sys.argv[1])
client.start_observation(name="x").end()
assert client.flush(20)
print([name for name in sys.modules if name.startswith(("opentelemetry.sdk", "grpc", "google"))])
"""
    with Backend() as backend:
        done = subprocess.run(
            [sys.executable, "-c", program, backend.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.stdout, done.stderr) == ("[]\n", "")
