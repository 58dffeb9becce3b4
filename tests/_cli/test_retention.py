"""`trackway retention`: what is kept, what would go, what went; and the line that a person sees once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests._cli.terminal import KEPT, shop, trackway
from tests._store.spans import SECOND, payload, store_of

DAY = 86_400 * SECOND


def days(home: Path, *ages: int) -> None:
    """An application that made a trace so many days ago, for each of *ages*."""
    now = int(datetime.now(UTC).timestamp()) * SECOND
    store_of(home, *(payload(n + 1, trace=n + 1, start=now - n * DAY) for n in ages)).close()


def test_the_first_command_says_what_is_kept(home: Path) -> None:
    """Once for each store, on standard error; never in what a script reads."""
    shop(home)
    first = trackway("users", "--json")
    assert isinstance(first.json, list)
    assert first.err == KEPT
    assert trackway("users").err == ""


def test_who_set_a_limit_is_not_told_of_it(home: Path) -> None:
    """Where both limits were set there is nothing to say."""
    shop(home)
    said = trackway("users", TRACKWAY_RETENTION="off", TRACKWAY_RETENTION_SIZE="1GiB")
    assert said.err == ""


def test_it_shows_the_rule_and_what_is_there(home: Path) -> None:
    """Rule, where it comes from, what is held; looking ingests nothing and lets nothing go."""
    days(home, 0, 1, 200)
    shown = trackway("retention")
    assert shown.code == 0
    assert "keeps   90 days or 5 GiB, whichever comes first" in shown.out
    assert "holds   nothing yet" in shown.out
    assert "unread  " in shown.out
    trackway("ingest", TRACKWAY_RETENTION="off")
    shown = trackway("retention")
    assert "keeps   everything or 5 GiB" not in shown.out
    assert "keeps   5 GiB" in shown.out
    assert "TRACKWAY_RETENTION of an earlier process" in shown.out
    assert "holds   3 observations, " in shown.out
    assert "201 days, " in shown.out
    assert shown.width <= 80


def test_older_days_are_deleted_at_once(home: Path) -> None:
    """`--older-than` says what it deleted; with `--dry-run` it says the same and deletes nothing."""
    days(home, 0, 1, 20, 21, 200)
    assert trackway("ingest", "--json", TRACKWAY_RETENTION="off").json["records"] == 5  # type: ignore[index]  # an object
    would = trackway("retention", "--older-than", "1w", "--dry-run")
    assert would.out.startswith("Would delete 181 days, ")
    assert "3 observations, " in would.out
    done = trackway("retention", "--older-than", "1w", TRACKWAY_RETENTION="off")
    assert done.out == would.out.replace("Would delete", "Deleted")
    again = trackway("retention", "--older-than", "1w")
    assert again.out.startswith("No day is over for 1w. The oldest is ")
    assert len(trackway("traces", "--json").json) == 2  # type: ignore[arg-type]  # a list


def test_json(home: Path) -> None:
    """The same for a script."""
    days(home, 0, 20)
    trackway("ingest")
    told = trackway("retention", "--older-than", "1w", "--json").json
    assert isinstance(told, dict)
    assert told["rule"] == {"age_seconds": 7_776_000.0, "bytes": 5 << 30}
    assert told["deleted"]["observations"] == told["held"]["observations"] == 1
    assert told["deleted"]["first_day"] == told["deleted"]["last_day"]
    assert (told["retired_rows"], told["unread_bytes"], told["dry_run"]) == (1, 0, False)
    assert trackway("retention", "--json", TRACKWAY_DIR=str(home / "no")).json is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--older-than", "90"], "is no span of time such as"),
        (["--older-than", "soon"], "is no span of time such as"),
        (["--older-than", "2999-01-01"], "is in the future"),
        (["--dry-run"], "says what --older-than would delete"),
    ],
    ids=str,
)
def test_nonsense_is_an_error(home: Path, arguments: list[str], says: str) -> None:
    """What cannot be meant deletes nothing, and the message says what can."""
    days(home, 0)
    said = trackway("retention", *arguments)
    assert said.code == 2
    assert says in " ".join(said.err.split())


def test_a_setting_that_cannot_be_meant(home: Path) -> None:
    """90 without a unit would be 90 seconds: refused by every command before anything is deleted."""
    days(home, 0)
    said = trackway("users", TRACKWAY_RETENTION="90")
    assert said.code == 2
    assert "TRACKWAY_RETENTION '90' is less than a day: give it a unit, such as 90d" in said.err
