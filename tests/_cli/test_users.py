"""Who used the application, as tables for people and as JSON for programs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests._cli.terminal import KEPT, alice, client, shop, trackway
from trackway import propagate_attributes
from trackway._store.local import LocalStore


@pytest.mark.parametrize("columns", [80, 120])
def test_users_are_a_line_each(home: Path, columns: int) -> None:
    """Every user has a line with traces, errors, tokens, cost and time, within the width of the terminal."""
    shop(home)
    shown = trackway("users", columns=columns)
    assert shown.code == 0
    assert shown.err == KEPT
    assert shown.width <= columns
    lines = {line.split()[0]: line.split() for line in shown.out.splitlines() if line}
    assert lines["alice"][1:3] == ["1", "0"]
    assert {"1,246", "$0.0042"} < set(lines["alice"])
    assert lines["bob"][1:3] == ["1", "1"]
    assert "unpriced" in lines["bob"]
    assert "$0" not in lines["bob"]
    assert "(no user)" in shown.out
    assert "min ago" in shown.out
    assert ("Sessions" in shown.out) is (columns == 120)


def test_users_as_json_are_what_python_gets(home: Path) -> None:
    """`--json` prints the figures of the read API under its own names, and nothing else on standard output."""
    shop(home)
    shown = trackway("users", "--json", "--order-by", "traces").json
    with LocalStore(home) as store:
        expected = store.users.list(order_by="traces")
    assert isinstance(shown, list)
    assert [row["user_id"] for row in shown] == [user.user_id for user in expected]
    for row, user in zip(shown, expected, strict=True):
        figures = {
            name: getattr(user, name)
            for name in ("traces", "errors", "error_rate", "observations", "sessions", "input_tokens", "output_tokens",
                         "total_tokens", "total_cost", "cost_complete", "latency_p50", "latency_p95")
        }  # fmt: skip
        exact, seen = user.total_cost_exact, user.last_seen
        assert row == row | figures
        assert row["total_cost_exact"] == (None if exact is None else f"{exact:f}")
        assert seen is not None
        assert row["last_seen"] == seen.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("order", "first"),
    [("cost", "alice"), ("tokens", "alice"), ("errors", "bob"), ("latency_p95", "bob")],
)
def test_users_come_in_the_order_that_was_asked_for(home: Path, order: str, first: str) -> None:
    """`--order-by` puts those first that have most of it; `--limit` says that there are more."""
    shop(home)
    shown = trackway("users", "--order-by", order, "--limit", "1")
    assert shown.out.splitlines()[1].startswith(first)
    assert "There are more: --limit 10" in shown.out


def test_an_order_that_does_not_exist_is_refused(home: Path) -> None:
    """A wrong option is exit code 2 and says what there is."""
    shown = trackway("users", "--order-by", "beauty")
    assert shown.code == 2
    assert "latency_p95" in shown.err


@pytest.mark.parametrize("columns", [80, 120])
def test_a_user_has_a_page(home: Path, columns: int) -> None:
    """One user's page has totals, models and the newest traces, within the width of the terminal."""
    shop(home)
    shown = trackway("user", "alice", columns=columns)
    assert shown.code == 0
    assert shown.width <= columns
    for part in (
        "alice",
        "0 of 1 traces",
        "p95 1.9 s",
        "1,246 (1,112 in, 134 out)",
        "gpt-4o",
        "helpful 0.9",
        "chat",
    ):
        assert part in shown.out


def test_a_user_as_json_is_what_python_gets(home: Path) -> None:
    """`user ID --json` has the summary, models, days and scores of the read API."""
    shop(home)
    shown = trackway("user", "alice", "--json").json
    with LocalStore(home) as store:
        expected = store.users.get("alice")
    assert expected is not None
    assert isinstance(shown, dict)
    assert shown["total_cost"] == expected.total_cost
    assert [(m["model"], m["total_cost"]) for m in shown["models"]] == [
        (m.model, m.total_cost) for m in expected.models
    ]
    assert [(d["day"], d["traces"]) for d in shown["daily"]] == [
        (f"{d.day}", d.traces) for d in expected.daily
    ]
    assert shown["scores"] == [{"name": "helpful", "count": 1, "mean": 0.9}]


def test_an_unknown_user_is_looked_for_nearby(home: Path) -> None:
    """An id that nobody has is exit code 1, and names that are near it are offered."""
    shop(home)
    shown = trackway("user", "Alise", "--json")
    assert (shown.code, shown.out) == (1, "")
    assert "There is no user Alise" in shown.err
    assert "  alice" in shown.err.splitlines()


def test_users_of_one_project(home: Path) -> None:
    """A user's figures are of all projects, or of the one that is asked for; a wrong name says which there are."""
    shop(home)
    other = client(home, "other")
    with propagate_attributes(user_id="alice"):
        other.start_observation(name="ping").end()
    other.shutdown()
    everywhere, here = (
        trackway("users", "--json").json,
        trackway("users", "--json", "--project", "other").json,
    )
    assert isinstance(everywhere, list)
    assert isinstance(here, list)
    assert [row["traces"] for row in everywhere if row["user_id"] == "alice"] == [2]
    assert [(row["user_id"], row["traces"]) for row in here] == [("alice", 1)]
    assert "There are: other, shop" in trackway("users", "--project", "shoq").out


def test_several_days_are_a_table(home: Path) -> None:
    """A user who came on two days has a line for each."""
    made = client(home)
    for days in (0, 2):
        with propagate_attributes(user_id="alice"):
            alice(made, datetime.now(UTC) - timedelta(days=days))
    made.shutdown()
    lines = trackway("user", "alice").out.splitlines()
    day = next(number for number, line in enumerate(lines) if line.startswith("Day "))
    assert [line.split()[2] for line in lines[day + 1 : day + 3]] == ["1", "1"]
