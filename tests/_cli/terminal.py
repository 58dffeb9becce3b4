"""Runs the command as a person would, in a process of its own, and makes an application's traces for it to show."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from rich.cells import cell_len

from trackway import Trackway, propagate_attributes

# The command is `main()` behind an entry point; this is the same without depending on where scripts are installed.
RUN = "import sys; from trackway._cli.main import main; sys.exit(main())"
PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Result:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> object:
        """Standard output, parsed."""
        return orjson.loads(self.out)

    @property
    def width(self) -> int:
        """Cells of the longest line."""
        return max(map(cell_len, self.out.splitlines()))


KEPT = (
    "This store keeps 90 days or 5 GiB, whichever comes first. To keep more or less: "
    "trackway retention --help\n"
)
"""What the first command on a store says on standard error."""


def trackway(*arguments: str, columns: int = 80, **env: str) -> Result:
    """Runs `trackway` with *arguments* in this test's environment and *env*."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        env={**os.environ, "COLUMNS": str(columns), "PYTHONIOENCODING": "utf-8", **env},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Result(done.returncode, done.stdout, done.stderr)


def client(directory: Path, project: str = "shop") -> Trackway:
    """A client whose traces go into *directory*; the test shuts it down."""
    return Trackway(directory=directory, project=project, local=True)


def shop(directory: Path) -> None:
    """Three traces of a shop's assistant: alice's, priced; bob's, which failed without a price; and nobody's."""
    made = client(directory)
    begun = datetime.now(UTC) - timedelta(minutes=5)
    with propagate_attributes(
        user_id="alice", session_id="s-1", tags=["web", "pro"], metadata={"plan": "pro"}
    ):
        alice(made, begun)
    with propagate_attributes(user_id="bob"):
        reply = made.start_observation(
            name="reply",
            as_type="generation",
            start_time=begun + timedelta(minutes=1),
            model="house-model",
        )
        reply.update(
            level="ERROR",
            status_message="TimeoutError: no answer",
            usage_details={"input": 7, "output": 0},
        )
        reply.end(begun + timedelta(minutes=1, seconds=20))
    tick = made.start_observation(name="tick", start_time=begun + timedelta(minutes=2))
    tick.end(begun + timedelta(minutes=2, milliseconds=40))
    made.shutdown()


def alice(made: Trackway, begun: datetime) -> None:
    """An agent that searches, loses a tool call and answers."""

    def at(seconds: float) -> datetime:
        return begun + timedelta(seconds=seconds)

    chat = made.start_observation(name="chat", as_type="agent", start_time=begun, input="Hi")
    search = chat.start_observation(name="search", as_type="retriever", start_time=begun)
    embed = search.start_observation(
        name="embed", as_type="embedding", start_time=begun, model="small"
    )
    embed.update(usage_details={"input": 12}, cost_details={"total": 0.00000024}).end(at(0.03))
    search.update(input={"q": "Hi"}, output=["a document"]).end(at(0.1))
    tool = chat.start_observation(name="lookup", as_type="tool", start_time=at(0.1))
    tool.update(level="ERROR", status_message="LookupError: no such order").end(at(0.2))
    answer = chat.start_observation(
        name="answer", as_type="generation", start_time=at(0.2), model="gpt-4o"
    )
    answer.update(
        output="Hello\nAlice",
        usage_details={"input": 1_100, "output": 134},
        cost_details={"total": 0.0042},
    )
    answer.end(at(1.9))
    chat.update(output="Hello").end(at(1.9))
    chat.score_trace(name="helpful", value=0.9)
