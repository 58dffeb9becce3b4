"""`trackway top`: what was spent, by model, user or tag, on a terminal and for a script."""

from pathlib import Path

import pytest

from tests._cli.terminal import shop, trackway


@pytest.mark.parametrize("columns", [80, 120])
def test_groups_and_their_total_are_a_line_each(home: Path, columns: int) -> None:
    """Within the width of the terminal; what has no price stands out, is counted, and is never $0."""
    shop(home)
    shown = trackway("top", columns=columns)
    assert shown.code == 0
    assert shown.width <= columns
    lines = [line.split() for line in shown.out.splitlines()]
    titles = {80: [], 120: ["Tokens", "in", "out"]}[columns]
    assert lines[0] == ["Model", "Calls", *titles, "Tokens", "Cost", "Unpriced", "Share"]
    sides = {
        80: {},
        120: {"gpt-4o": ["1,100", "134"], "small": ["12", "0"], "house-model": ["7", "0"]},
    }[columns]
    assert lines[1] == ["gpt-4o", "1", *sides.get("gpt-4o", []), "1,234", "$0.0042", "0", "100.0%"]
    assert lines[2] == ["small", "1", *sides.get("small", []), "12", "<$0.000001", "0", "0.0%"]
    assert lines[3] == [
        "house-model",
        "1",
        *sides.get("house-model", []),
        "7",
        "unpriced",
        "1",
        "–",
    ]
    assert lines[4][0] == "Total"
    assert lines[4][-3:] == ["≥$0.0042", "1", "100.0%"]


@pytest.mark.parametrize(
    ("group", "names"),
    [("user", ["alice", "bob"]), ("tag", ["web", "pro", "(no tag)"]), ("model", ["gpt-4o", "small", "house-model"])],
)  # fmt: skip
def test_by_tokens(home: Path, group: str, names: list[str]) -> None:
    """The other order, of each kind of group; None has a name."""
    shop(home)
    shown = trackway("top", "--by", "tokens", "--group", group)
    found = [line.split("  ")[0] for line in shown.out.splitlines()[1 : len(names) + 1]]
    assert sorted(found) == sorted(names)
    assert found[-1] == names[-1]
    told = "A call with several tags counts under each of them" in shown.out
    assert told == (group == "tag")


def test_json(home: Path) -> None:
    """The same for a script; more than the limit is said on standard error."""
    shop(home)
    shown = trackway("top", "--group", "user", "--limit", "1", "--json")
    found = shown.json
    assert isinstance(found, dict)
    assert [each["group"] for each in found["groups"]] == ["alice"]
    assert found["group_count"] == 2
    assert found["total"]["unpriced"] == 1
    assert found["total"]["cost_complete"] is False
    assert found["groups"][0]["total_cost_exact"] == "0.004200240000"
    assert "There are more: --limit 10" in shown.err


def test_since(home: Path) -> None:
    """Traces before it do not count; nonsense is an error; nothing is said to be nothing."""
    shop(home)
    assert "gpt-4o" in trackway("top", "--since", "1h").out
    assert "No trace fits." in trackway("top", "--since", "1s").out
    wrong = trackway("top", "--since", "yesterday")
    assert wrong.code == 2
    assert "is no span of time" in " ".join(wrong.err.split())
    assert trackway("top", "--json", TRACKWAY_DIR=str(home / "no")).json is None


@pytest.mark.parametrize(
    ("option", "choices"),
    [("--by", "cost, tokens"), ("--group", "model, user, tag")],
)
def test_what_there_is_to_choose_from(home: Path, option: str, choices: str) -> None:
    """Something else is a mistake that names the option and what it takes, in our words."""
    shown = trackway("top", option, "nonsense")
    assert shown.code == 2
    assert f"Invalid value for '{option}': 'nonsense' is none of {choices}" in " ".join(
        shown.err.split()
    )
