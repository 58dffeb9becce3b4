"""The keys of `--json` are what docs/cli.md says, in that order."""

import re
from pathlib import Path

from tests._cli.terminal import shop
from trackway._cli import data
from trackway._store.ingest import IngestReport
from trackway._store.local import LocalStore
from trackway._store.reprice import Repriced

PAGE = Path(__file__).parent.parent.parent / "docs" / "cli.md"


def documented() -> dict[str, list[str]]:
    """The rows of the table below the marker: what → its keys."""
    table = PAGE.read_text(encoding="utf-8").partition("<!-- keys")[2]
    rows = [row.split("|")[1:3] for row in table.splitlines() if row.startswith("| ")][1:]
    return {what.strip(): re.findall(r"`(\w+)`", keys) for what, keys in rows}


def keys(value: object) -> list[str]:
    """The keys of an object, or of the first of a list of objects."""
    first = value[0] if isinstance(value, list) else value
    assert isinstance(first, dict)
    return list(first)


def test_the_page_lists_every_key(home: Path) -> None:
    """What a script may rely on is written down, whole and in order."""
    shop(home)
    with LocalStore(home) as store:
        page, summary = store.users.get("alice"), store.users.list()[0]
        trace = store.get_traces(filters={"user_id": "alice"})[0]
        assert page is not None
        user, row = data.user_page(page), data.trace(trace)
        observation = trace.observations[0]
        top = data.top(store.observations.top())
        kept = data.retention(
            store.retention.holdings(),
            unread=0,
            gone=store.retention.older_than(0),
            dry_run=True,
        )
        plain, full = (
            data.observation(observation, io=False),
            data.observation(observation, io=True),
        )
    assert documented() == {
        "`users` (a list), `user`": keys(data.user(summary)),
        "`user`, beside these": keys(user)[len(data.user(summary)) :],
        "each of `models`": keys(user["models"]),
        "each of `daily`": keys(user["daily"]),
        "each of a user's `scores`": keys(user["scores"]),
        "`traces` (a list), `trace`": keys(row),
        "each of a trace's `scores`": keys(row["scores"]),
        "`trace`, beside these": ["observations"],
        "each of `observations`": keys(plain),
        "with `--io`, beside these": keys(full)[len(plain) :],
        "`top`": keys(top),
        "each of its `groups`, and its `total`": keys(top["total"]),
        "`reprice`": keys(data.repriced(Repriced(), dry_run=True)),
        "`ingest`": keys(data.ingested(IngestReport())),
        "`retention`": keys(kept),
        "its `rule`": keys(kept["rule"]),
        "its `held` and `deleted`": keys(kept["held"]),
    }
    assert keys(kept["held"]) == keys(kept["deleted"])
