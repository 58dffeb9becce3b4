"""`trackway doctor`: what is configured and why, and whether it works."""

import json
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests import backend as b
from tests import grpc_backend as g
from tests.backend import Backend
from tests.grpc_backend import GrpcBackend
from trackway import Trackway
from trackway._cli.doctor import main, masked
from trackway._core.specs import SPECS
from trackway._wire.native import kernels

SECRET = "sk-lf-0123456789abcdefwxyz"


def report(capsys: pytest.CaptureFixture[str], status: int) -> "dict[str, object]":
    assert main(["--json"]) == status
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def settings_of(found: "dict[str, object]") -> dict[str, dict[str, str]]:
    rows = found["configuration"]
    assert isinstance(rows, list)
    return {row["setting"]: row for row in rows}


def test_every_setting_is_shown_with_its_source(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each setting of the table is listed, with its value and where that came from."""
    monkeypatch.setenv("TRACKWAY_ENVIRONMENT", "staging")
    found = report(capsys, 0)
    rows = settings_of(found)
    assert list(rows) == [spec.name for spec in SPECS]
    assert rows["environment"] == {
        "setting": "environment",
        "value": "staging",
        "source": "TRACKWAY_ENVIRONMENT",
    }
    assert rows["timeout"]["source"] == "default"
    assert found["reachable"] is None
    assert found["directory"] == str(home)


def test_no_secret_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of secrets the last four characters are shown at most, in the table and as JSON."""
    with Backend() as backend:
        monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-1")
        monkeypatch.setenv("LANGFUSE_SECRET_KEY", SECRET)
        monkeypatch.setenv("LANGFUSE_BASE_URL", backend.url)
        rows = settings_of(report(capsys, 0))
        assert rows["secret_key"]["value"] == "****wxyz"
        assert rows["public_key"]["value"] == "pk-lf-1"
        assert main([]) == 0
        text = capsys.readouterr().out
        assert "****wxyz" in text
        assert SECRET[:-4] not in text
        monkeypatch.delenv("LANGFUSE_PUBLIC_KEY")
        monkeypatch.delenv("LANGFUSE_SECRET_KEY")
        monkeypatch.setenv("TRACKWAY_ENDPOINT", backend.url)
        monkeypatch.setenv("TRACKWAY_HEADERS", f"authorization=Bearer {SECRET}")
        assert main([]) == 0
        assert SECRET[:-4] not in capsys.readouterr().out


def test_short_secrets_are_hidden_whole() -> None:
    """Four characters of a short secret would be too much of it."""
    assert masked("hunter2") == "****"
    assert masked(SECRET) == "****wxyz"


@pytest.mark.parametrize(
    ("behaviour", "reachable", "words"),
    [
        (b.ok(), True, "accepts spans"),
        (b.status(401), False, "check TRACKWAY_HEADERS"),
        (b.status(404), False, "check TRACKWAY_ENDPOINT"),
        (b.status(503), False, "cannot take spans now"),
        (b.status(400), False, "refuses spans"),
        (b.ok(b"<html>", Content_Type="text/html"), False, "not as OTLP says"),
        (b.hang_up, False, "cannot take spans now"),
    ],
)  # fmt: skip
def test_the_backend_is_asked(
    behaviour: b.Behaviour,
    reachable: bool,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The backend gets a request without a span, and what it says is told with the setting to look at."""
    with Backend(behaviour) as backend:
        monkeypatch.setenv("TRACKWAY_ENDPOINT", backend.url)
        found = report(capsys, 0 if reachable else 1)
        assert found["reachable"] is reachable
        assert words in str(found["answer"])
        assert [request.span_ids for request in backend.requests] == [[]]


def test_what_has_no_effect_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Variables that are set and not used are listed: those of an APM, and misspelt ones."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://apm:4318")
    monkeypatch.setenv("TRACKWAY_ENDPIONT", "http://x")
    assert main([]) == 0
    text = capsys.readouterr().out
    assert "set, but without effect: OTEL_EXPORTER_OTLP_ENDPOINT, TRACKWAY_ENDPIONT" in text


def test_a_directory_that_cannot_be_used(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A spool that cannot be written is trouble, and says that spans wait in memory."""
    home.parent.mkdir(parents=True, exist_ok=True)
    home.write_text("in the way")
    found = report(capsys, 1)
    assert found["writer"] == "memory"
    assert "wait in memory" in str(found["trouble"])


def test_nothing_is_left_by_looking(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The doctor removes what it tried the directory with."""
    found = report(capsys, 0)
    assert found["writer"] in {"mmap", "file"}
    assert list(home.iterdir()) == []


def test_it_says_whether_the_kernels_are_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    """Whether this installation runs compiled kernels or pure Python is told, in words and as JSON."""
    expected = "pure Python" if kernels is None else "compiled"
    assert report(capsys, 0)["kernels"] == expected
    assert main([]) == 0
    assert f"kernels: {expected}\n" in capsys.readouterr().out


def test_an_installation_without_a_compiler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernels are missing the doctor works all the same, and says pure Python."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent / "pure"))
    program = "from trackway._cli.doctor import main; main(['--json'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert json.loads(done.stdout)["kernels"] == "pure Python"


def test_wrong_settings_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setting that cannot be used is one line on standard error, and the status 2."""
    monkeypatch.setenv("TRACKWAY_SAMPLE_RATE", "2")
    assert main([]) == 2
    assert "TRACKWAY_SAMPLE_RATE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("behaviour", "reachable", "words"),
    [
        (g.accept, True, "accepts spans (OK)"),
        (g.refuse(grpc.StatusCode.UNAUTHENTICATED), False, "UNAUTHENTICATED): check TRACKWAY_HEADERS"),
        (g.refuse(grpc.StatusCode.UNIMPLEMENTED), False, "UNIMPLEMENTED): check TRACKWAY_ENDPOINT"),
        (g.refuse(grpc.StatusCode.UNAVAILABLE), False, "cannot take spans now (UNAVAILABLE)"),
    ],
)  # fmt: skip
def test_a_backend_is_asked_by_grpc(
    behaviour: g.Behaviour,
    reachable: bool,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With the protocol set the request without a span goes by gRPC, and the answer has gRPC's name."""
    with GrpcBackend(behaviour) as backend:
        monkeypatch.setenv("TRACKWAY_ENDPOINT", backend.url)
        monkeypatch.setenv("TRACKWAY_PROTOCOL", "grpc")
        found = report(capsys, 0 if reachable else 1)
        assert settings_of(found)["protocol"]["value"] == "grpc"
        assert found["reachable"] is reachable
        assert words in str(found["answer"])
        assert backend.bodies == [b""]


def test_what_waits_for_an_exporter_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Spans that wait for an exporter in code are shown with what it takes to deliver them."""
    memory = InMemorySpanExporter()
    memory.shutdown()
    client = Trackway(span_exporter=memory, exporter_name="audit", project="shop")
    client.start_observation(name="x").end()
    assert not client.shutdown(0.0)
    assert main([]) == 0
    assert "Trackway(span_exporter=…): exporter audit shop" in capsys.readouterr().out


def test_it_says_where_prices_are_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The price list and its version, the file before it, that it is not installed, or that nothing is priced."""
    assert str(report(capsys, 0)["prices"]).startswith("genai-prices 0.")
    prices = tmp_path / "prices.toml"
    prices.write_text('[[prices]]\nmodel = "a"\ninput = 1\n')
    monkeypatch.setenv("TRACKWAY_PRICES", str(prices))
    said = str(report(capsys, 0)["prices"])
    assert said.startswith(f"{prices} (")
    assert "then genai-prices" in said
    monkeypatch.setattr("trackway._prices.book.installed_version", lambda: None)
    assert "pip install 'trackway[prices]'" in str(report(capsys, 0)["prices"])
    monkeypatch.setenv("TRACKWAY_PRICES", "none")
    assert report(capsys, 0)["prices"] == "none, as TRACKWAY_PRICES says"
    monkeypatch.delenv("TRACKWAY_PRICES")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert str(report(capsys, 0)["prices"]).startswith("none: genai-prices is not installed")


def test_prices_that_cannot_be_read_are_wrong_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2, and one line that names the variable, the file and the place in it."""
    prices = tmp_path / "prices.json"
    prices.write_text("[{}]")
    monkeypatch.setenv("TRACKWAY_PRICES", str(prices))
    assert main([]) == 2
    said = capsys.readouterr().err
    assert f"TRACKWAY_PRICES: {prices}, entry 1: has no model" in said
