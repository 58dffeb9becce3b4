"""The newest traces, and one of them as a tree, for people and for programs."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests._cli.terminal import KEPT, PATIENCE, RUN, client, shop, trackway
from trackway import propagate_attributes
from trackway._cli.main import main
from trackway._store.local import LocalStore
from trackway._store.models import Trace

HOSTILE = "\x1b[31mred\x1b]8;;http://evil\x07\u202egnp\n\r\x9b2J[bold]x[/bold]:smile:"


def named(home: Path, name: str) -> Trace:
    """The trace of this name."""
    with LocalStore(home) as store:
        return store.get_traces(filters={"name": name})[0]


@pytest.mark.parametrize("columns", [80, 120])
def test_traces_are_a_line_each(home: Path, columns: int) -> None:
    """The newest come first, each with name, user, latency, tokens and cost, within the width of the terminal."""
    shop(home)
    shown = trackway("traces", columns=columns)
    assert (shown.code, shown.err) == (0, KEPT)
    assert shown.width <= columns
    _, tick, reply, chat, *_ = shown.out.splitlines()
    assert "tick" in tick
    assert "$0" in tick
    assert "✗ reply" in reply
    assert "unpriced" in reply
    assert {"chat", "alice", "1,246", "$0.0042"} < set(chat.split())
    assert "5 min ago" in chat
    assert ("web, pro" in chat) is (columns == 120)


def test_traces_as_json_are_what_python_gets(home: Path) -> None:
    """`--json` prints the fields of the read API under its own names, and nothing else on standard output."""
    shop(home)
    rows = trackway("traces", "--json").json
    assert isinstance(rows, list)
    with LocalStore(home) as store:
        traces = store.get_traces()
    for row, trace in zip(rows, traces, strict=True):
        for name in ("id", "project", "name", "latency", "user_id", "session_id", "tags", "status", "status_message",
                     "observation_count", "error_count", "models", "total_tokens", "total_cost", "cost_complete",
                     "metadata", "url"):  # fmt: skip
            assert row[name] == getattr(trace, name)
        assert {score["name"]: score["value"] for score in row["scores"]} == trace.scores
        assert row["timestamp"] == trace.timestamp.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--user", "alice"], ["chat"]),
        (["--no-user"], ["tick"]),
        (["--session", "s-1"], ["chat"]),
        (["--tag", "web", "--tag", "pro"], ["chat"]),
        (["--tag", "web", "--tag", "free"], []),
        (["--name", "reply"], ["reply"]),
        (["--model", "house-model"], ["reply"]),
        (["--status", "error"], ["reply"]),
        (["--since", "1h"], ["tick", "reply", "chat"]),
        (["--since", "1s"], []),
        (["--limit", "1"], ["tick"]),
        (["--project", "shop", "--user", "bob"], ["reply"]),
        (["--user", "' OR 1=1 --"], []),
    ],
)
def test_options_choose_traces(
    home: Path, options: list[str], names: list[str], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Each option narrows what is listed, and all of them together hold."""
    shop(home)
    assert main(["traces", "--json", *options]) == 0
    rows = orjson.loads(capfdbinary.readouterr().out)
    assert [row["name"] for row in rows] == names


def test_what_cannot_be_asked_is_refused_with_what_can(home: Path) -> None:
    """A wrong value is exit code 2, a message that names it and what is allowed, and no traceback."""
    shop(home)
    wrong_time, wrong_status = (
        trackway("traces", "--since", "soon"),
        trackway("traces", "--status", "SAD"),
    )
    assert (wrong_time.code, wrong_status.code) == (2, 2)
    assert "24h" in wrong_time.err
    assert "OK, ERROR" in wrong_status.err


def test_several_projects_have_a_column(home: Path) -> None:
    """Where traces of more than one project are listed, each line says of which it is; where of one, none does."""
    shop(home)
    assert "Project" not in trackway("traces").out
    other = client(home, "other")
    other.start_observation(name="ping").end()
    other.shutdown()
    shown = trackway("traces")
    assert "Project" in shown.out.splitlines()[0]
    assert "other" in shown.out
    assert shown.width <= 80


@pytest.mark.parametrize("columns", [80, 120])
def test_a_trace_is_a_tree(home: Path, columns: int) -> None:
    """Every observation stands below its parent with kind, name and figures; failures are marked, with their reason."""
    shop(home)
    shown = trackway("trace", named(home, "chat").id[:12], columns=columns)
    assert (shown.code, shown.err) == (0, KEPT)
    assert shown.width <= columns
    head, tree = shown.out.split("\n\n", 1)
    for part in (
        "chat",
        "alice",
        "s-1",
        "web, pro",
        "plan=pro",
        "helpful 0.9",
        "1,246 (1,112 in, 134 out)",
        "$0.0042",
    ):
        assert part in head
    lines = [" ".join(line.split()) for line in tree.splitlines()]
    assert lines == [
        "Latency Tokens in/out Cost",
        "agent chat 1.9 s",
        "├─ retriever search 100 ms",
        "│ └─ embedding embed · small 30 ms 12/0 <$0.000001",
        "├─ ✗ tool lookup 100 ms",
        "│ LookupError: no such order",
        "└─ generation answer · gpt-4o 1.7 s 1,100/134 $0.0042",
    ]


def test_inputs_and_outputs_are_shown_on_request(home: Path) -> None:
    """`--io` puts what went in and out below each observation, JSON indented and texts on their own lines."""
    shop(home)
    trace_id = named(home, "chat").id
    assert "a document" not in trackway("trace", trace_id).out
    shown = trackway("trace", trace_id, "--io").out
    for line in (
        "│  input Hi",
        '│  │    "q": "Hi"',
        '│  │    "a document"',
        "      output Hello",
        "      Alice",
    ):
        assert line in shown.splitlines()


def test_a_trace_as_json_is_what_python_gets(home: Path) -> None:
    """`trace ID --json` has the trace and its observations; inputs and outputs with `--io` only."""
    shop(home)
    trace = named(home, "chat")
    plain, full = (
        trackway("trace", trace.id, "--json").json,
        trackway("trace", trace.id, "--json", "--io").json,
    )
    assert isinstance(plain, dict)
    assert isinstance(full, dict)
    for row, with_io, known in zip(
        plain["observations"], full["observations"], trace.observations, strict=True
    ):
        assert {"input", "output"}.isdisjoint(row)
        assert (with_io["input"], with_io["output"]) == (known.input, known.output)
        for name in ("id", "parent_observation_id", "type", "name", "latency", "level", "status", "status_message",
                     "model", "total_tokens", "total_cost", "usage"):  # fmt: skip
            assert row[name] == getattr(known, name)


def test_an_unpriced_generation_says_so(home: Path) -> None:
    """Where no cost was recorded, tree and head say `unpriced`, and never $0."""
    shop(home)
    shown = trackway("trace", named(home, "reply").id).out
    assert shown.startswith("reply  ✗ failed\n")
    assert "unpriced" in shown.split("\n\n")[0]
    assert "$0" not in shown


def test_unknown_and_ambiguous_ids_lead_on(home: Path) -> None:
    """An id that is not there is exit code 1 with near ones; a beginning that several share lists them."""
    shop(home)
    known = named(home, "chat").id
    wrong = known[:-1] + ("0" if known[-1] != "0" else "1")
    near, by_name, every = (
        trackway("trace", wrong),
        trackway("trace", "repl"),
        trackway("trace", ""),
    )
    assert [each.code for each in (near, by_name, every)] == [1, 1, 1]
    assert [each.out for each in (near, by_name, every)] == ["", "", ""]
    assert known in near.err
    assert "reply" in by_name.err
    assert every.err.count("\n") == 4


@pytest.mark.parametrize("columns", [80, 120])
def test_what_an_application_recorded_commands_no_terminal(home: Path, columns: int) -> None:
    """ANSI, OSC 8, BiDi, line feeds and markup in any field are printed as what they are, in every command."""
    made = client(home)
    with propagate_attributes(
        user_id=HOSTILE, session_id=HOSTILE, tags=[HOSTILE], metadata={"k": HOSTILE}
    ):
        observation = made.start_observation(
            name=HOSTILE, as_type="generation", model=HOSTILE, input=HOSTILE
        )
        observation.update(output={HOSTILE: HOSTILE}, level="ERROR", status_message=HOSTILE)
        observation.score(name=HOSTILE, value=HOSTILE, comment=HOSTILE)
        observation.end()
    made.shutdown()
    trace_id = observation.trace_id
    for command in (
        ["users"],
        ["user", HOSTILE],
        ["traces"],
        ["trace", trace_id, "--io"],
        ["user", HOSTILE + "?"],
    ):
        shown = trackway(*command, columns=columns)
        said = shown.out + shown.err
        assert not {"\x1b", "\x07", "\u202e", "\r", "\x9b"} & set(said), command
        assert r"\x1b[31mred" in said
    as_json = trackway("trace", trace_id, "--json", "--io")
    assert not {"\x1b", "\x07", "\u202e", "\r", "\x9b"} & set(as_json.out)
    assert isinstance(as_json.json, dict)
    assert as_json.json["name"] == HOSTILE
    assert as_json.json["observations"][0]["output"] == {HOSTILE: HOSTILE}


def test_a_reader_may_leave_early(home: Path) -> None:
    """When whoever reads has closed the pipe, the command ends without a word."""
    shop(home)
    reading, writing = os.pipe()
    os.close(reading)
    for arguments in (["traces"], ["traces", "--json"], ["--help"]):
        done = subprocess.run(
            [sys.executable, "-c", RUN, *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=PATIENCE,
            check=False,
        )
        assert (done.returncode, done.stderr) == (1, b"")
    os.close(writing)


def test_a_trace_with_many_observations_is_cut_with_a_word(home: Path) -> None:
    """Beyond `--limit` the tree stops and says how many are left; JSON has them all."""
    made = client(home)
    root = made.start_observation(name="loop")
    for number in range(30):
        root.start_observation(name=f"step-{number}").end()
    root.end()
    made.shutdown()
    shown = trackway("trace", root.trace_id, "--limit", "10").out
    assert "step-8" in shown
    assert "step-9 " not in shown
    assert "… and 21 more: --limit 31, or --json" in shown
    everything = trackway("trace", root.trace_id, "--json", "--limit", "10")
    assert len(orjson.loads(everything.out)["observations"]) == 31
