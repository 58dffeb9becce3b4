"""The table of runs: bounded, safe to use from everywhere, and nothing in it is lost."""

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableLambda

from tests._integrations.langchain.applications import answering
from tests.spans import level_of, only, spans
from trackway import Trackway
from trackway._integrations.langchain import runs as table
from trackway._integrations.langchain.runs import Run, Runs, runs
from trackway.langchain import CallbackHandler


def started(client: Trackway, there: Runs, name: str, parent: Run | None = None) -> Run:
    observation = client.start_observation(name=name, as_type="chain")
    run = Run(uuid.uuid4(), observation, parent, {})
    there.start(run)
    return run


def message_of(home: Path, name: str) -> object:
    return only(home, name).attributes.get("langfuse.observation.status_message")


def test_a_run_that_ended_is_found_as_a_parent_only(client: Trackway, home: Path) -> None:
    """After its end a run is not open, but known, without its values."""
    there = Runs()
    run = started(client, there, "run")
    run.observation.update(input="x" * 1_000)
    there.end(run)
    assert (there.open(run.id), there.find(run.id), len(there)) == (None, run, 0)
    assert there.observation(run.id) is run.observation
    assert there.open_observation(run.id) is None
    assert run.observation._input is None
    there.end(run)
    assert only(home, "run").attributes["input.value"] == "x" * 1_000


def test_a_run_waits_for_its_children(client: Trackway, home: Path) -> None:
    """A run that ends before its children is written after them, with its own end."""
    there = Runs()
    whole = started(client, there, "whole")
    part = started(client, there, "part", whole)
    deep = started(client, there, "deep", part)
    there.end(whole)
    there.end(part)
    assert spans(home) == []
    there.end(deep)
    names = [span.name for span in spans(home)]
    assert names == ["deep", "part", "whole"]
    assert only(home, "whole").end <= only(home, "deep").end
    assert len(there) == 0


def test_a_run_above_a_closed_one_was_closed(client: Trackway, home: Path) -> None:
    """Where the child of an ended run turns out to be closed, the run was, too; one that goes on was not."""
    there = Runs()
    tool = started(client, there, "tool")
    whole = started(client, there, "whole", tool)
    model = started(client, there, "model", whole)
    there.end(whole)
    there.end(model, error=GeneratorExit())
    there.end(tool)
    assert message_of(home, "whole") == "closed before its end"
    assert message_of(home, "tool") is None


def test_what_waits_is_written_at_a_flush(client: Trackway, home: Path) -> None:
    """A flush writes runs whose children go on; those go on."""
    whole = started(client, runs, "whole")
    part = started(client, runs, "part", whole)
    runs.end(whole)
    client.flush()
    assert [span.name for span in spans(home)] == ["whole"]
    runs.end(part)
    assert [span.name for span in spans(home)] == ["whole", "part"]


def test_what_is_lost_below_a_failure_ends_with_it(client: Trackway, home: Path) -> None:
    """Of a run that failed, open children end at a flush, at its end, and are counted."""
    whole = started(client, runs, "whole")
    part = started(client, runs, "part", whole)
    started(client, runs, "deep", part)
    other = started(client, runs, "other")
    before = runs.unreported
    runs.end(whole, error=ValueError("x"))
    client.flush()
    assert sorted(span.name for span in spans(home)) == ["deep", "part", "whole"]
    assert str(message_of(home, "deep")).endswith("the run around it ended by ValueError")
    assert only(home, "deep").end == only(home, "whole").end
    assert runs.unreported == before + 2
    runs.end(other)


def test_a_new_root_settles_what_has_waited_long(
    client: Trackway, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a flush, what waits is written when a run starts a while later."""
    there, now = Runs(), [100.0]
    monkeypatch.setattr(table, "monotonic", lambda: now[0])
    whole = started(client, there, "whole")
    started(client, there, "part", whole)
    there.end(whole, error=ValueError("x"))
    started(client, there, "soon")
    assert spans(home) == []
    now[0] += 2 * table.PATIENCE
    started(client, there, "late")
    assert sorted(span.name for span in spans(home)) == ["part", "whole"]
    there.finish()


def test_the_table_is_bounded(
    client: Trackway, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of more runs than a process has at once, the oldest ends, marked, and it is said."""
    there = Runs(max_open=3)
    begun = [started(client, there, f"run {n}") for n in range(5)]
    assert [span.name for span in spans(home)] == ["run 0", "run 1"]
    assert message_of(home, "run 0") == "no end was reported"
    assert "3 runs of LangChain are open" in caplog.text
    there.end(begun[0])
    assert (len(there), there.unreported) == (3, 2)
    there.finish()
    assert len(spans(home)) == 5
    assert message_of(home, "run 4") == "the process ended before the run did"


def test_runs_that_ended_do_not_stay(client: Trackway, handler: CallbackHandler) -> None:
    """However many runs there were, few are remembered, and none of them holds its values or its parent."""
    chain = RunnableLambda[str, str](lambda _: "?") | answering()
    for _ in range(table.MAX_ENDED):
        chain.invoke("x", {"callbacks": [handler]})
    assert len(runs) == 0
    assert len(runs._ended) == table.MAX_ENDED
    assert runs._of == {}
    assert not runs.leaves
    assert all(
        run.parent is None and run.observation._input is None for run in runs._ended.values()
    )


def test_threads_share_the_table(
    client: Trackway, home: Path, count: Callable[[int, int], int]
) -> None:
    """Runs that start and end on many threads at once, each elsewhere, are all written once."""
    there, rounds = Runs(max_open=1_000_000), count(200, 20_000)
    roots = [started(client, there, "root") for _ in range(8)]
    inner: list[list[Run]] = [[] for _ in roots]

    def begin(n: int) -> None:
        inner[n] = [started(client, there, "part", roots[n]) for _ in range(rounds)]

    def end(n: int) -> None:
        for run in inner[(n + 1) % 8]:
            there.end(run)
            there.end(run)

    for work in (begin, end):
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for root in roots:
        there.end(root)
    assert len(there) == 0
    assert len(spans(home)) == 8 * (rounds + 1)


PROGRAM = """
import sys
from langchain_core.tools import tool
from langchain_core.language_models import FakeListChatModel
from trackway.langchain import CallbackHandler

stream = FakeListChatModel(responses=["one two"]).stream("?", {"callbacks": [CallbackHandler()]})
next(stream)
sys.modules["kept"] = stream

@tool
def leave(what: str) -> str:
    "Leaves."
    sys.exit(3)

leave.invoke("x", {"callbacks": [CallbackHandler()]})
"""


def test_what_is_open_at_exit_is_written(home: Path) -> None:
    """Runs that are open when the process ends say that they were cut off; a tool that ends it was left."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (3, "")
    said = {
        "FakeListChatModel": "the process ended before the run did",
        "leave": "no end was reported: it was cancelled, or left",
    }
    for name, message in said.items():
        assert message_of(home, name) == message
        assert only(home, name).attributes["langfuse.observation.level"] == "WARNING"
        assert level_of(only(home, name))[0] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_leaves_the_runs_of_its_parent(
    client: Trackway, home: Path, handler: CallbackHandler
) -> None:
    """The parent ends its runs; the child knows none of them, and traces its own."""
    run = started(client, runs, "of the parent")
    child = os.fork()
    if child == 0:
        empty = len(runs) == 0
        answering().with_config(run_name="of the child").invoke("?", {"callbacks": [handler]})
        client.shutdown()
        os._exit(0 if empty else 1)
    assert os.waitpid(child, 0)[1] == 0
    runs.end(run)
    assert sorted(span.name for span in spans(home)) == ["of the child", "of the parent"]
