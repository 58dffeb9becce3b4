"""Calls are priced again: what changes, what stays, and that it can be ended at any moment."""

import random
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer

import pytest

from tests._store.spans import NOON, SECOND, generation, payload, start, store_of
from tests._store.test_pricing import book, openai
from trackway._store.engines.duckdb import Engine
from trackway._store.local import LocalStore
from trackway._store.reprice import Repriced
from trackway._store.state import State
from trackway.errors import ReadNotAvailable

DAY = 86_400 * SECOND
CHEAP = '[[prices]]\nmodel = "*"\ninput = 1\noutput = 0\n'
DEAR = '[[prices]]\nmodel = "*"\ninput = 2\noutput = 0\n'
# 1,000 tokens at one dollar a million.
PICO = 1_000_000_000
REPRICE = """
import sys
from pathlib import Path
from trackway._prices.book import PriceBook
from trackway._prices.overrides import load
from trackway._store.local import LocalStore
home = Path(sys.argv[1])
with LocalStore(home, prices=PriceBook(load(home / "prices.toml", "prices"))) as store:
    print("ready", flush=True)
    store.reprice(wait=60)
"""


def filled(home: Path, days: int = 4) -> None:
    """A call on each of some days: priced at the cheap price."""
    spans = [payload(n, openai(), trace=n, start=NOON + n * DAY) for n in range(1, days + 1)]
    store_of(home, *spans).close()
    with LocalStore(home, prices=book(home, CHEAP)) as store:
        store.ingest()


def costs(home: Path) -> list[int | None]:
    """What each call costs, oldest first."""
    with LocalStore(home) as store:
        rows = sorted(store.observations.list(limit=1_000), key=lambda row: row.start_time)
    return [row.cost_pico.get("total") for row in rows]


def test_prices_that_changed_change_costs(home: Path) -> None:
    """Every call that the price book priced costs what it says now, once; the second time nothing changes."""
    filled(home)
    dear = book(home, DEAR)
    with LocalStore(home, prices=dear) as store:
        parts = State(home / "store" / "state.sqlite").snapshot().parts
        told = Repriced(calls=4, changed=4, before_pico=4 * PICO, after_pico=8 * PICO)
        assert store.reprice(dry_run=True) == told
        assert State(home / "store" / "state.sqlite").snapshot().parts == parts
        assert costs(home) == [PICO] * 4
        seen: list[tuple[int, int]] = []
        assert store.reprice(progress=lambda done, left: seen.append((done, left))) == told
        assert seen == [(1, 3), (2, 2), (3, 1), (4, 0)]
        again = store.reprice()
        assert again == Repriced(calls=4, before_pico=8 * PICO, after_pico=8 * PICO)
        (row, *_) = store.observations.list()
        assert (row.price_source, row.price_version) == ("overrides", dear.describe()["overrides"])
        assert store.observations.top().total.cost_pico == 8 * PICO
    assert costs(home) == [2 * PICO] * 4
    known = {part.file for part in State(home / "store" / "state.sqlite").snapshot().parts}
    with LocalStore(home) as store:
        store.ingest()
    assert {path.name for path in (home / "store" / "parts").iterdir()} == known


def test_since(home: Path) -> None:
    """Calls before it stay as they are."""
    filled(home)
    moment = datetime.fromtimestamp((NOON + 3 * DAY) // SECOND, UTC)
    with LocalStore(home, prices=book(home, DEAR)) as store:
        assert store.reprice(moment).calls == 2
    assert costs(home) == [PICO, PICO, 2 * PICO, 2 * PICO]


def test_of_one_project(home: Path) -> None:
    """Another project's calls are not looked at."""
    filled(home)
    with LocalStore(home, project="other", prices=book(home, DEAR)) as store:
        assert store.reprice() == Repriced()
    assert costs(home) == [PICO] * 4


def test_what_had_no_price_gets_one(home: Path) -> None:
    """A call of a model that nobody knew is priced when somebody does; one that nobody knows now keeps what it had."""
    filled(home, 1)
    store_of(home, payload(9, {**openai(), "gen_ai.request.model": "house"}, trace=9)).close()
    with LocalStore(home) as store:
        assert store.ingest().records == 1
    only = '[[prices]]\nmodel = "house"\ninput = 3\noutput = 0\n'
    with LocalStore(home, prices=book(home, only)) as store:
        done = store.reprice()
        assert (done.calls, done.newly_priced, done.unpriced) == (2, 1, 0)
        assert done.after_pico - done.before_pico >= 3 * PICO
    assert costs(home)[0] == 3 * PICO


def test_what_nobody_prices_stays(home: Path) -> None:
    """What a span said, what came out of a cache, what is no call: not looked at."""
    spans = [
        payload(1, openai(cost="0.5"), trace=1),
        payload(2, {**openai(cost="0"), "trackway.price.source": "cache"}, trace=2),
        payload(5, {**openai(cost="0.25"), "trackway.price.source": "provider"}, trace=5),
        payload(3, {"langfuse.observation.type": "span"}, trace=3),
        payload(4, {**generation(tokens=(5, 5)), "langfuse.observation.type": "agent"}, trace=4),
    ]
    store_of(home, *spans).close()
    with LocalStore(home, prices=book(home, DEAR)) as store:
        assert store.reprice() == Repriced()
        found = {row.id[-1]: row.total_cost for row in store.observations.list()}
    assert found == {"1": 0.5, "2": 0.0, "3": None, "4": None, "5": 0.25}


def test_without_prices_it_says_what_to_do(home: Path) -> None:
    """A store that nobody gave prices cannot price."""
    with LocalStore(home) as store, pytest.raises(ReadNotAvailable, match="TRACKWAY_PRICES"):
        store.reprice()


def test_killed_in_the_middle(
    home: Path, chance: random.Random, count: Callable[[int, int], int]
) -> None:
    """Whenever it is killed each part is the old one or the new one, no row is lost, and the next run does the rest."""
    days = 30
    for attempt in range(count(4, 100)):
        folder = home / str(attempt)
        filled(folder, days)
        book(folder, DEAR)
        process = start(REPRICE, folder)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        killer = Timer(chance.random() * 0.6, process.kill)
        killer.start()
        process.wait(60)
        killer.join()
        process.stdin.close()
        process.stdout.close()
        found = costs(folder)
        assert len(found) == days
        assert set(found) <= {PICO, 2 * PICO}
        with LocalStore(folder, prices=book(folder, DEAR)) as store:
            assert store.reprice().changed == found.count(PICO)
            store.ingest()
        assert costs(folder) == [2 * PICO] * days
        parts = State(folder / "store" / "state.sqlite").snapshot().parts
        there = {path.name for path in (folder / "store" / "parts").iterdir()}
        assert there == {part.file for part in parts}


def test_parts_of_the_format_before(home: Path) -> None:
    """Parts without the columns of prices are read beside the others, priced from their other columns, and merged."""
    spans = [payload(n, openai(), trace=n) for n in (1, 2)]
    store_of(home, *spans).close()
    with LocalStore(home) as store:
        store.ingest()
    state, parts = State(home / "store" / "state.sqlite"), home / "store" / "parts"
    (part,) = state.snapshot().parts
    engine = Engine(home / "spill")
    old = parts / "old.parquet"
    engine.write(
        f"SELECT * EXCLUDE (call, price_source, price_version) FROM read_parquet('{parts / part.file}')", {}, old
    )  # fmt: skip
    old.replace(parts / part.file)
    engine.close()
    with sqlite3.connect(state.path) as connection:
        connection.execute("UPDATE parts SET format = 1")
    connection.close()
    assert costs(home) == [None, None]
    store_of(home, payload(3, openai(), trace=3, start=NOON + SECOND)).close()
    assert costs(home) == [None, None, None]
    with LocalStore(home, prices=book(home, CHEAP)) as store:
        assert store.reprice().newly_priced == 3
    assert costs(home) == [PICO] * 3
    assert all(not each.is_older for each in state.snapshot().parts)
