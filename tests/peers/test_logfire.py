"""Logfire and us in one process, the real one, configured before and after us."""

import json
import os
import subprocess
from pathlib import Path
from typing import Literal, TypedDict

import pytest

from tests.spans import spans

ROOT = Path(__file__).parent.parent.parent
PYTHON = ROOT / ".bench" / "logfire" / "bin" / "python"
APPLICATION = Path(__file__).parent / "logfire_application.py"

pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="no environment with Logfire: `make peers` makes one"
)


class Span(TypedDict):
    id: str
    parent: str | None
    user: str | None


class Answer(TypedDict):
    agent: str
    theirs: dict[str, Span]


def application(order: str, mode: str) -> Answer:
    """What the application says of Logfire's spans."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [PYTHON, APPLICATION, order, mode],
        env=environment, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    answer: Answer = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("order", ["before", "after"])
def test_isolated_its_spans_are_as_without_us(
    home: Path, order: Literal["before", "after"]
) -> None:
    """Its spans have its own parents and no user of ours; ours have our parents and the user."""
    answer = application(order, "isolated")
    theirs = answer["theirs"]
    assert theirs["chat"]["parent"] == theirs["request"]["id"]
    assert {span["user"] for span in theirs.values()} == {None}
    ours = {span.name: span for span in spans(home)}
    assert ours["tool"].parent_span_id == ours["agent"].span_id == answer["agent"]
    assert ours["agent"].parent_span_id is None
    assert ours["tool"].attributes["user.id"] == ours["agent"].attributes["user.id"] == "alice"
    assert "chat" not in ours


@pytest.mark.parametrize("order", ["before", "after"])
def test_joined_it_is_one_trace(home: Path, order: Literal["before", "after"]) -> None:
    """Parents cross in both directions, its LLM span is recorded here, everything is for the user."""
    answer = application(order, "joined")
    theirs = answer["theirs"]
    assert theirs["chat"]["parent"] == answer["agent"]
    assert {span["user"] for span in theirs.values()} == {"alice"}
    ours = {span.name: span for span in spans(home) if span.name != "early"}
    assert ours.keys() == {"agent", "chat", "tool"}
    assert ours["chat"].parent_span_id == answer["agent"]
    assert ours["tool"].parent_span_id == theirs["chat"]["id"]
    assert {span.attributes["user.id"] for span in ours.values()} == {"alice"}
