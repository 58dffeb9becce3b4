"""The demo: a small application's traces, made through the public API, and what can be seen in them."""

import socket
from pathlib import Path

import pytest

from tests._cli.terminal import trackway
from trackway._store.local import LocalStore


@pytest.mark.parametrize("columns", [80, 120])
def test_the_demo_shows_users_traces_and_a_tree(home: Path, columns: int) -> None:
    """It fills TRACKWAY_DIR, prints users, traces, costs and a tree; what it says to type next works."""
    shown = trackway("demo", columns=columns)
    assert (shown.code, shown.err) == (0, "")
    assert shown.width <= max(columns, len(f"A week of a shop's support assistant, in {home}"))
    for part in (
        "alice",
        "(no user)",
        "nightly-digest",
        "✗",
        "generation answer · gpt-4o",
        "≥$0.0",
        "$0.",
        "TimeoutError",
    ):
        assert part in shown.out
    typed = [
        line.strip().split()[1:]
        for line in shown.out.splitlines()
        if line.startswith("  trackway ")
    ]
    assert len(typed) == 4
    for command in typed:
        assert trackway(*command).code == 0


def test_the_demo_is_made_of_everything_that_the_api_has(home: Path) -> None:
    """Users, scores, kinds, failures, prices and their absence, streams, and handles that nobody ended."""
    assert trackway("demo", "--json").code == 0
    with LocalStore(home) as store:
        traces = store.get_traces(limit=1_000)
        seen = [observation for trace in traces for observation in trace.observations]
        users = {user.user_id for user in store.users.list()}
    assert users == {"alice", "bob", "carol", "dave", "erin@example.com", None}
    assert {"AGENT", "GENERATION", "RETRIEVER", "EMBEDDING", "TOOL", "SPAN"} == {
        each.type for each in seen
    }
    assert {trace.name for trace in traces} == {"support-chat", "nightly-digest"}
    assert any(trace.error_count and trace.status == "OK" for trace in traces)
    assert any(trace.status == "ERROR" for trace in traces)
    assert any(each.time_to_first_token for each in seen)
    assert any(each.model and each.total_cost is None for each in seen)
    assert any(trace.scores for trace in traces)
    assert {trace.project for trace in traces} == {"support-assistant"}


def test_the_demo_twice_is_the_demo_once(home: Path, tmp_path: Path) -> None:
    """A second run adds nothing, and another directory gets the same users, tokens and costs."""
    first, again = trackway("demo", "--json").json, trackway("demo", "--json").json
    elsewhere = trackway("demo", "--json", "--dir", str(tmp_path / "elsewhere")).json
    assert isinstance(first, dict)
    assert isinstance(again, dict)
    assert isinstance(elsewhere, dict)
    assert again["users"] == first["users"]
    figures = (
        "user_id",
        "traces",
        "errors",
        "observations",
        "sessions",
        "total_tokens",
        "total_cost_exact",
    )
    for one, other in zip(first["users"], elsewhere["users"], strict=True):
        assert {name: one[name] for name in figures} == {name: other[name] for name in figures}
    assert elsewhere["trace"]["id"] == first["trace"]["id"]


def test_the_demo_keeps_away_from_real_traces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without TRACKWAY_DIR the demo has a directory of its own, and says how to look into it."""
    monkeypatch.delenv("TRACKWAY_DIR")
    shown = trackway("demo", HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path / "data"))
    assert shown.code == 0
    exported = next(line for line in shown.out.splitlines() if "export TRACKWAY_DIR=" in line)
    place = Path(exported.partition("=")[2])
    assert place.name == "trackway-demo"
    assert (place / "store").is_dir()
    assert not place.with_name("trackway").exists()


def test_the_demo_says_how_to_go_on_in_the_directory_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--dir`, the lines to type next begin with the one that makes them find these traces."""
    monkeypatch.delenv("TRACKWAY_DIR")
    shown = trackway("demo", "--dir", str(tmp_path / "made"), HOME=str(tmp_path))
    assert f"export TRACKWAY_DIR={tmp_path / 'made'}" in shown.out


def test_the_demo_is_never_sent_anywhere(home: Path) -> None:
    """Where a backend is configured, the demo runs all the same, in the local store alone: it connects to nobody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        base = f"http://127.0.0.1:{server.getsockname()[1]}"
        shown = trackway(
            "demo",
            TRACKWAY_ENDPOINT=base,
            LANGFUSE_PUBLIC_KEY="pk-1",
            LANGFUSE_SECRET_KEY="sk-1",
            LANGFUSE_BASE_URL=base,
        )
        with pytest.raises(BlockingIOError):
            server.accept()
    assert (shown.code, shown.err) == (0, "")
    assert [path.name for path in (home / "spool").iterdir()] == ["local"]
