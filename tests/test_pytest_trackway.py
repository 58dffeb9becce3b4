"""The plugin, in runs of pytest of its own: the fixture, the marker, and what it costs who does not use it."""

import os
import subprocess
import sys
from pathlib import Path

SUITE = """
import pytest
from trackway import get_client, observe, propagate_attributes

client = get_client()

@observe
def answer(question):
    return question.upper()

def test_spans(trackway_spans):
    with propagate_attributes(user_id="alice"):
        answer("hi")
    assert trackway_spans.tree("user_id", "output") == [{"name": "answer", "user_id": "alice", "output": "HI"}]

def test_each_test_has_its_own(trackway_spans):
    assert len(trackway_spans) == 0
    with client.start_as_current_observation(name="outer"):
        answer("hi")
    assert trackway_spans.tree("kind") == [
        {"name": "outer", "kind": "span", "children": [{"name": "answer", "kind": "span"}]}
    ]

@pytest.mark.trackway(deterministic=True)
@pytest.mark.parametrize("run", [1, 2])
def test_deterministic(trackway_spans, run):
    answer("hi")
    assert trackway_spans[0]["id"] == "0000000000000001"
    assert trackway_spans[0]["start_time"] == 1767225601000000000

async def coroutine():
    answer("hi")

def test_coroutine(trackway_spans):
    import asyncio
    asyncio.run(coroutine())
    assert trackway_spans.one("answer")["input"] == {"question": "hi"}
"""

HIDDEN = """
from trackway._core.guard import guard

def test_error_that_the_application_catches(trackway_spans):
    try:
        with guard("test.broken"):
            raise RuntimeError
    except RuntimeError:
        pass
"""

UNUSED = """
import sys

def test_nothing_was_imported():
    loaded = [m for m in sys.modules if m.split(".")[0] in ("trackway", "opentelemetry", "orjson")]
    assert loaded == []
    assert "pytest_trackway" in sys.modules
"""


def run(directory: Path, suite: str, *options: str) -> tuple[int, str]:
    """Exit status and output of pytest over one file, with the installed plugins and no settings of ours."""
    (directory / "test_suite.py").write_text(suite, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            *options,
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
    )
    return done.returncode, done.stdout


def test_the_fixture(tmp_path: Path, home: Path) -> None:
    """`trackway_spans` holds what its test observed, by clients of any age; nothing is written to the disk."""
    status, printed = run(tmp_path, SUITE, "--strict-markers", "-W", "error")
    assert (status, "5 passed" in printed) == (0, True), printed
    assert not home.exists()


def test_an_internal_error_fails_the_test(tmp_path: Path) -> None:
    """A test in which tracing failed inside does not pass, also where the application caught the error."""
    status, printed = run(tmp_path, HIDDEN)
    assert status == 1
    assert "tracing failed inside: test.broken" in printed


def test_the_marker_is_documented(tmp_path: Path) -> None:
    """`pytest --markers` and `--fixtures` tell of both."""
    assert "@pytest.mark.trackway(deterministic=True)" in run(tmp_path, "", "--markers")[1]
    assert "trackway_spans" in run(tmp_path, "", "--fixtures")[1]


def test_it_costs_nothing_unused(tmp_path: Path) -> None:
    """In a suite that does not trace, the plugin loads nothing but itself."""
    # What other plugins load is theirs.
    status, printed = run(tmp_path, UNUSED, "-p", "no:logfire", "-p", "no:langsmith_plugin")
    assert status == 0, printed
