"""`trackway spool`: what waits, for whom, and how it gets on its way."""

import json
from pathlib import Path

import grpc
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests import backend as b
from tests import grpc_backend as g
from tests._delivery.sending import delivery_to, fill, span_id
from tests.backend import Backend
from tests.grpc_backend import GrpcBackend
from trackway import Trackway
from trackway._cli.spool import main


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Backend:
    """A backend that is configured as the destination; it is closed by the test."""
    found = Backend()
    monkeypatch.setenv("TRACKWAY_ENDPOINT", found.url)
    monkeypatch.setenv("TRACKWAY_PROJECT", "tests")
    return found


def left_behind(url: str, home: Path, numbers: range) -> None:
    """Spans that nobody has delivered."""
    delivery = delivery_to(url, home, local=False)
    fill(delivery.sinks[0], numbers)
    delivery.sinks[0].close()
    delivery.shutdown(0)


def output(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_nothing_yet(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything was traced every command says so and succeeds."""
    assert main(["ls"]) == 0
    assert main(["drain"]) == 0
    assert main(["rejected"]) == 0
    assert "Nothing was ever written here." in output(capsys)


def test_ls_shows_every_destination(
    home: Path, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each destination is listed with what became of its spans, whether it is configured here or not."""
    with backend:
        backend.refusing = True
        left_behind(backend.url, home, range(3))
        left_behind("http://127.0.0.1:9", home, range(2))
        assert main(["ls", "--json"]) == 0
        rows = {row["description"]: row for row in json.loads(output(capsys))}
        mine, other = rows[f"otlp {backend.url} tests"], rows["otlp http://127.0.0.1:9 tests"]
        assert (mine["in_spool"], mine["ended"], mine["configured"]) == (3, 3, True)
        assert (other["in_spool"], other["configured"]) == (2, False)
        assert main(["ls"]) == 0
        text = output(capsys)
        assert f"otlp {backend.url} tests" in text
        assert "(not configured here)" in text


def test_drain_delivers_its_own_and_names_the_others(
    home: Path, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    """What waits for the configured destination is sent; of the others it says whose credentials are missing."""
    with backend:
        backend.refusing = True
        left_behind(backend.url, home, range(3))
        left_behind("http://127.0.0.1:9", home, range(2))
        backend.refusing = False
        assert main(["drain"]) == 1
        text = output(capsys)
        assert "3 spans delivered, 0 stay." in text
        assert (
            "2 spans wait for another destination: needs credentials for otlp http://127.0.0.1:9"
            in text
        )
        assert backend.spans == dict.fromkeys(map(span_id, range(3)), 1)
        assert main(["drain", "--json"]) == 1
        assert json.loads(output(capsys))["sent"] == 0


def test_drain_gives_up_in_time(
    home: Path, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backend that refuses leaves the spans where they are, and the status says so."""
    with backend:
        backend.refusing = True
        left_behind(backend.url, home, range(3))
        backend.refusing = False
        backend.play([b.status(401)])
        assert main(["drain", "--timeout", "5"]) == 1
        assert "0 spans delivered, 3 stay." in output(capsys)


def test_rejected_shows_and_sends(
    home: Path, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refused spans are shown with the reason, and once they are accepted they are counted so."""
    with backend:
        backend.play([b.refusing({span_id(1)}.__contains__, 400)])
        delivery = delivery_to(backend, home, local=False)
        fill(delivery.sinks[0], range(3))
        assert delivery.flush(10)
        delivery.shutdown(5)
        assert main(["rejected", "--json"]) == 0
        (row,) = json.loads(output(capsys))
        assert (row["reason"], row["name"], row["span_id"]) == ("400", "span 1", span_id(1))
        assert main(["rejected", "--send"]) == 1
        assert "0 spans accepted, 1 stay refused." in output(capsys)
        backend.play([b.ok()])
        assert main(["rejected", "--send", "--json"]) == 0
        assert json.loads(output(capsys)) == {"sent": 1, "stays": 0}
        assert main(["rejected"]) == 0
        assert "0 spans were refused" in output(capsys)
        assert main(["ls", "--json"]) == 0
        (found,) = json.loads(output(capsys))
        assert (found["ended"], found["acked"], sum(found["rejected"].values())) == (3, 3, 0)


def test_wrong_settings_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setting that cannot be used is one line on standard error, and the status 2."""
    monkeypatch.setenv("TRACKWAY_ENDPOINT", "nonsense")
    assert main(["ls"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "TRACKWAY_ENDPOINT" in captured.err
    assert captured.err.count("\n") == 1


def test_sending_needs_a_destination(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a remote destination there is nowhere to send refused spans to."""
    assert main(["rejected", "--send"]) == 2
    assert "no remote destination" in capsys.readouterr().err


def test_drain_by_grpc(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the protocol set, what a process left is drained by gRPC, and refused spans can be sent again."""
    with GrpcBackend() as backend:
        backend.play(g.refusing({span_id(1)}.__contains__, grpc.StatusCode.INVALID_ARGUMENT))
        monkeypatch.setenv("TRACKWAY_ENDPOINT", backend.url)
        monkeypatch.setenv("TRACKWAY_PROTOCOL", "grpc")
        monkeypatch.setenv("TRACKWAY_PROJECT", "tests")
        left_behind(backend.url, home, range(3))
        assert main(["drain"]) == 0
        assert "2 spans delivered, 0 stay." in output(capsys)
        backend.play(g.accept)
        assert main(["rejected", "--send"]) == 0
        assert backend.spans == dict.fromkeys(map(span_id, range(3)), 1)


def test_drain_says_what_an_exporter_needs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What waits for an exporter that only code can make is named so, not as a matter of credentials."""
    memory = InMemorySpanExporter()
    memory.shutdown()
    client = Trackway(span_exporter=memory, exporter_name="audit", project="shop")
    client.start_observation(name="x").end()
    assert not client.shutdown(0.0)
    assert main(["drain"]) == 1
    needs = (
        "needs a process that makes its client with Trackway(span_exporter=…): exporter audit shop"
    )
    assert f"1 spans wait for another destination: {needs}" in output(capsys)
    assert main(["drain", "--json"]) == 1
    answer = json.loads(output(capsys))
    assert (answer["needs_code"], answer["needs_credentials"]) == ({"exporter audit shop": 1}, {})
