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
    "langchain_core",
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
# Loaded at the first use (`_core/loading.py`).
LATE = (
    "decimal",
    "hashlib",
    "opentelemetry.trace",
    "orjson",
    "random",
    "trackway._core.observation",
    "trackway._core.provider",
    "trackway._core.secrets",
    "trackway._core.settings",
    "trackway._delivery",
    "trackway.client",
)
# Runs in an interpreter of its own. What Python itself and OpenTelemetry's context, which we cannot do without, load
# is there before; what remains is ours.
PROGRAM = """
import json, os, sys, threading, pathlib
import opentelemetry.context
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
        return self._of(FORBIDDEN)

    @property
    def late(self) -> list[str]:
        return self._of(LATE)

    def _of(self, names: tuple[str, ...]) -> list[str]:
        return [m for m in self.modules if any(m == n or m.startswith(f"{n}.") for n in names)]


def left_by(statement: str) -> Left:
    """What *statement* leaves in a fresh interpreter: modules, threads, open files."""
    program = PROGRAM.format(statement=statement)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return Left(**json.loads(done.stdout))


DECLARING = {
    "import": "import trackway",
    "names": "from trackway import observe, propagate_attributes, set_user, get_client",
    "decorating": """
from trackway import observe, propagate_attributes
@observe(as_type="generation", name="answer")
@propagate_attributes(user_id="alice", metadata={"plan": "free"})
def answer(question: str) -> str: ...
@observe
async def stream(question: str):
    yield question
""",
}


@pytest.mark.parametrize("how", DECLARING)
def test_declaring_loads_only_what_it_needs(home: Path, how: str) -> None:
    """Importing and decorating load no network, store or SDK and nothing of recording; no thread, file, directory."""
    left = left_by(DECLARING[how])
    assert (left.forbidden, left.late) == ([], [])
    assert (left.threads, left.opened) == (1, [])
    assert not home.exists()


def test_every_public_name_is_there_without_the_network(home: Path) -> None:
    """Asking for any name in `__all__` loads what recording takes at most, and starts nothing."""
    left = left_by("import trackway\nfor name in trackway.__all__: getattr(trackway, name)")
    assert left.forbidden == []
    assert "trackway.client" in left.late
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
