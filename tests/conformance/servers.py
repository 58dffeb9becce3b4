"""Real backends, one server process each on loopback, for the length of a session of tests."""

import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.error import URLError

import orjson

from tests.conformance import environments

__all__ = ["Unavailable", "mlflow", "phoenix", "request"]

# Phoenix needs half a minute on two idle cores when it starts for the first time.
START_S: Final = 240.0
STOP_S: Final = 30.0


class Unavailable(Exception):
    """The server cannot be had here; the message says why."""


def request(url: str, body: object = None, headers: Mapping[str, str] | None = None) -> object:
    """What the server answers, decoded; *body* makes it a POST of JSON."""
    data = None if body is None else orjson.dumps(body)
    sent = {"content-type": "application/json", **(headers or {})}
    with urllib.request.urlopen(urllib.request.Request(url, data, sent), timeout=30) as answer:
        text = answer.read()
    found: object = orjson.loads(text) if text.startswith((b"{", b"[")) else text.decode()
    return found


@contextmanager
def phoenix(directory: Path) -> Iterator[str]:
    """The address of a Phoenix server that keeps its files in *directory*."""
    port, grpc = _free_ports(2)
    variables = {
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc),
        "PHOENIX_WORKING_DIR": str(directory),
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
        "PHOENIX_DISABLE_AGENT_ASSISTANT": "true",
    }
    with _server("phoenix", ["serve"], variables, port, "/healthz", directory) as url:
        yield url


@contextmanager
def mlflow(directory: Path) -> Iterator[str]:
    """The address of an MLflow server that keeps its files in *directory*."""
    (port,) = _free_ports(1)
    arguments = [
        "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", f"sqlite:///{directory}/mlflow.db", "--artifacts-destination", str(directory / "files"),
    ]  # fmt: skip
    variables = {
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    with _server("mlflow", arguments, variables, port, "/health", directory) as url:
        yield url


@contextmanager
def _server(
    name: str,
    arguments: list[str],
    variables: Mapping[str, str],
    port: int,
    health: str,
    directory: Path,
) -> Iterator[str]:
    if why := environments.missing(name):
        raise Unavailable(why)
    binaries = environments.interpreter(name).parent
    # It finds its own tools first, and is not told where the tests' spans go.
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "OTEL_", "TRACKWAY_"))
    }
    clean["PATH"] = f"{binaries}{os.pathsep}{clean['PATH']}"
    log = directory / "log.txt"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [binaries / name, *arguments],
            cwd=directory, env={**clean, **variables}, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            _wait(process, f"http://127.0.0.1:{port}{health}", log)
            yield f"http://127.0.0.1:{port}"
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Returns when the server answers; raises when it ended or takes too long."""
    for _ in range(int(START_S)):
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            try:
                request(url)
            except (URLError, OSError):
                continue
            return
        break
    tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    raise Unavailable(f"{log.parent.name} did not start: {tail}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the server in order, then what is left of the processes that it started, a group of their own."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _free_ports(number: int) -> list[int]:
    """Ports on loopback that nobody listens on."""
    several = [socket.socket() for _ in range(number)]
    try:
        for one in several:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in several]
    finally:
        for one in several:
            one.close()
