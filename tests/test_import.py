"""What `import trackway` may cost: the figures have their place in benchmarks/, the promises here."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

# Loaded when they are needed, by the one file that needs them.
FORBIDDEN = (
    "asyncio",
    "duckdb",
    "email",
    "google.protobuf",
    "http",
    "httpx",
    "multiprocessing",
    "numpy",
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "platformdirs",
    "pydantic",
    "requests",
    "rich",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "trackway._cli",
    "trackway._store",
    "typer",
    "wrapt",
)
# Runs in an interpreter of its own. `before` holds what Python itself and OpenTelemetry's API, which we cannot do
# without, load; what remains is ours.
PROGRAM = """
import json, os, sys, threading, pathlib
import orjson, opentelemetry.trace, opentelemetry.context
def descriptors():
    fd = pathlib.Path("/proc/self/fd")
    return sorted(os.readlink(entry) for entry in fd.iterdir() if entry.exists()) if fd.is_dir() else []
modules, opened = set(sys.modules), descriptors()
{statement}
print(json.dumps({{
    "modules": sorted(set(sys.modules) - modules),
    "threads": threading.active_count(),
    "opened": [target for target in descriptors() if target not in opened],
}}))
"""


@dataclass(frozen=True, slots=True)
class Left:
    """What a fresh interpreter has afterwards that it had not before."""

    modules: list[str]
    threads: int
    opened: list[str]

    @property
    def forbidden(self) -> list[str]:
        return [m for m in self.modules if any(m == f or m.startswith(f"{f}.") for f in FORBIDDEN)]


def left_by(statement: str) -> Left:
    """What *statement* leaves in a fresh interpreter: modules, threads, open files."""
    program = PROGRAM.format(statement=statement)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return Left(**json.loads(done.stdout))


def test_import_loads_only_what_sending_needs(home: Path) -> None:
    """`import trackway` loads no network, store, SDK or validation library, starts no thread and opens no file."""
    left = left_by("import trackway")
    assert left.forbidden == []
    assert left.threads == 1
    assert left.opened == []
    assert not home.exists()


def test_every_public_name_is_there_without_more_imports(home: Path) -> None:
    """Asking for any name in `__all__` loads nothing that importing did not."""
    left = left_by("import trackway\nfor name in trackway.__all__: getattr(trackway, name)")
    assert left.forbidden == []
    assert not home.exists()


def test_decorating_starts_nothing(home: Path) -> None:
    """A decorated function that nobody called costs no thread, no file, no directory."""
    left = left_by("import trackway\ntrackway.observe(lambda: None)")
    assert (left.threads, left.opened) == (1, [])
    assert not home.exists()


@pytest.mark.parametrize("variable", ["TRACKWAY_ENABLED=false", "OTEL_SDK_DISABLED=true"])
def test_switched_off_means_off(home: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Switched off, calls and clients make no thread, no file, no directory."""
    monkeypatch.setenv(*variable.split("="))
    calls = (
        "import trackway\nassert trackway.observe(lambda: 5)() == 5\ntrackway.get_client().flush()"
    )
    left = left_by(calls)
    assert (left.threads, left.opened, left.forbidden) == (1, [], [])
    assert not home.exists()


def test_a_call_writes_without_the_network(home: Path) -> None:
    """With the embedded default, tracing a call loads nothing of the network and none of the store."""
    left = left_by("import trackway\nassert trackway.observe(lambda: 5)() == 5")
    roots = {module.partition(".")[0] for module in left.modules}
    assert roots & {"duckdb", "http", "httpx", "socket", "ssl"} == set()
    assert list(home.rglob("*.seg")) != []
