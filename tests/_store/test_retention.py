"""What the store keeps and what it lets go: whole days, once, whoever reads or is killed meanwhile."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._store.spans import (
    NOON,
    SECOND,
    Application,
    Attributes,
    generation,
    payload,
    start,
    store_of,
)
from trackway._core.settings import Settings
from trackway._store.local import LocalStore
from trackway._store.retention import KEEP_ALL, Rule, days_of, due, older_than, rule_of
from trackway._store.state import Part, State
from trackway._store.times import DAY_US

DAY_S = 86_400
DAY = DAY_S * SECOND
NOW_US = NOON // 1_000
WEEK = Rule(age_s=7 * DAY_S, size=None)

# Lives a day for each line that it is given: what is too old goes while the rest comes.
LETTING_GO = """
import sys
from pathlib import Path
from tests._store.spans import NOON, Application, payload
from trackway._store.local import LocalStore
from trackway._store.retention import Rule
home, rule = Path(sys.argv[1]), Rule(age_s=int(sys.argv[2]) * 86_400, size=None)
application = Application(home)
for line in sys.stdin:
    day = int(line)
    moment = NOON + day * 86_400 * 10**9
    application.write(*(payload(day * 10 + n, trace=day * 10 + n, start=moment) for n in range(1, 6)))
    print("written", flush=True)
    with LocalStore(home, retention=rule, clock=lambda: moment) as store:
        store.ingest(60)
    print("taken in", flush=True)
"""


def part(day: int, size: int, moment: int = 0, name: str = "") -> Part:
    last = NOW_US // DAY_US * DAY_US + day * DAY_US + moment
    return Part(name or f"{day}-{moment}-{size}", "observations", 1, size, last, last, 0)


PARTS = st.lists(
    st.tuples(st.integers(-20, 0), st.integers(1, 50), st.integers(0, DAY_US - 1)), max_size=30
).map(lambda drawn: [part(d, size, us, str(n)) for n, (d, size, us) in enumerate(drawn)])


@given(PARTS, st.integers(1, 12), st.integers(1, 300))
def test_what_goes_is_what_is_beyond_either_limit(parts: list[Part], days: int, size: int) -> None:
    """Whole days go, the oldest first, exactly those beyond the age or the size; the newest part never for its size."""
    gone = due(parts, Rule(age_s=days * DAY_S, size=None), NOW_US)
    limit = NOW_US // DAY_US - days
    assert {p.file for p in gone} == {p.file for p in parts if p.last_us // DAY_US < limit}
    gone = due(parts, Rule(age_s=None, size=size), NOW_US)
    left = [p for p in parts if p not in gone]
    assert sum(p.bytes for p in left) <= size or len(left) == 1
    if gone:
        newest = max(p.last_us // DAY_US for p in parts)
        assert {p.last_us // DAY_US for p in gone} & {p.last_us // DAY_US for p in left} <= {newest}
        assert max(p.last_us // DAY_US for p in gone) <= min(p.last_us // DAY_US for p in left)
        # No more than it takes: with the last day, or the last part of the newest one, back it would be too much.
        last = max(p.last_us // DAY_US for p in gone)
        back = [p for p in gone if p.last_us // DAY_US == last]
        if last == newest:
            back = [max(back, key=lambda p: (p.last_us, p.file))]
        assert sum(p.bytes for p in [*left, *back]) > size


def test_without_limits_everything_stays() -> None:
    """`off` twice lets nothing go, and no parts are no trouble."""
    assert due([part(-9_999, 1 << 40)], KEEP_ALL, NOW_US) == []
    assert due([], Rule(age_s=1, size=1), NOW_US) == []
    assert days_of([]).days == 0


def test_a_part_goes_when_all_of_it_is_beyond_the_limit() -> None:
    """A part that reaches into a day that stays, stays."""
    across = part(-3, 5)._replace(first_us=NOW_US - 400 * DAY_US)
    assert older_than([across], 3 * DAY_S, NOW_US) == []
    assert older_than([across], 2 * DAY_S, NOW_US) == [across]


def test_a_rule_is_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """90 days or 5 GiB unless somebody said otherwise, and it is known who did."""
    assert rule_of(Settings.from_env()) == Rule(age_s=90 * DAY_S, size=5 << 30)
    monkeypatch.setenv("TRACKWAY_RETENTION", "off")
    given_ = rule_of(Settings.from_env(retention_size="1GiB"))
    assert given_ == Rule(
        age_s=None, size=1 << 30, given=frozenset({"retention", "retention_size"})
    )


def days_in(store: LocalStore) -> dict[int, int]:
    """How many observations each day has, counted from NOON."""
    rows = store.observations.list(limit=10_000)
    return dict(Counter((int(o.start_time.timestamp()) - NOON // SECOND) // DAY_S for o in rows))


def test_old_days_go_and_do_not_come_back(home: Path) -> None:
    """A month that nobody read leaves its last week: whole days, files and all; the spool is not read twice."""
    attributes = generation(user="u", tokens=(1, 1))
    spans = [
        payload(day * 10 + n, attributes, trace=day * 10 + n, start=NOON - day * DAY)
        for day in range(30)
        for n in range(1, 4)
    ]
    store_of(home, *spans).close()
    with LocalStore(home, retention=WEEK, clock=lambda: NOON) as store:
        assert store.ingest().records == 90
        assert days_in(store) == {-day: 3 for day in range(8)}
        assert store.ingest().records == 0
        held = store.retention.holdings()
        assert (held.held.days, held.held.rows, held.retired_rows) == (8, 24, 66)
        assert sum(user.observations for user in store.users.list()) == 24
        there = {path.name for path in (home / "store" / "parts").iterdir()}
    state = State(home / "store" / "state.sqlite")
    assert there == {p.file for p in state.snapshot().parts}
    assert state.positions() == {}
    assert state.doomed() == []


def test_beyond_the_size_the_oldest_days_go(home: Path) -> None:
    """The store keeps to its size by giving up its oldest days, scores like spans."""
    score: Attributes = {
        "gen_ai.evaluation.name": "good",
        "gen_ai.evaluation.score.value": 1.0,
        "trackway.score.id": "s",
    }
    spans = [payload(n, trace=n, start=NOON - n * DAY) for n in range(1, 9)]
    spans.append(payload(99, score, name="gen_ai.evaluation.result", start=NOON - 8 * DAY))
    with store_of(home, *spans) as store:
        store.ingest()
        whole = store.retention.holdings().held
    with LocalStore(
        home, retention=Rule(age_s=None, size=whole.bytes // 2), clock=lambda: NOON
    ) as store:
        store.ingest()
        held = store.retention.holdings().held
        assert whole.bytes // 4 < held.bytes <= whole.bytes // 2
        assert days_in(store) == dict.fromkeys(range(-held.days, 0), 1)


def test_a_page_outlives_what_it_shows(home: Path) -> None:
    """Who holds a page while its days go reads on: what was not loaded yet is empty, and nothing raises."""
    with store_of(home, payload(1, {"input.value": "x"})) as store:
        trace = store.get_traces()[0]
        gone = store.delete_older(DAY_S)
        assert gone is not None
        assert gone.files == 1
        assert (trace.name, trace.observations, trace.input, trace.scores) == ("work", (), None, {})
        assert store.get_traces() == []


def test_deleting_says_what_went(home: Path) -> None:
    """What would go is what goes: files, rows and days; a second time there is nothing left to delete."""
    spans = [payload(n, trace=n, start=NOON - n * DAY) for n in range(5)]
    store_of(home, *spans).close()
    with LocalStore(home, clock=lambda: NOON) as store:
        store.ingest()
        would = store.retention.older_than(2 * DAY_S)
        assert store.delete_older(2 * DAY_S) == would
        assert (would.files, would.rows, would.days) == (2, 2, 2)
        assert str(would.first) == "2026-01-11"
        assert str(would.last) == "2026-01-12"
        assert store.delete_older(2 * DAY_S) == days_of([])


def test_an_ingest_that_is_under_way_is_not_disturbed(home: Path) -> None:
    """Where another process has the lock nothing is deleted, and the caller is told."""
    with store_of(home, payload(1)) as store:
        store.ingest()
        with store._ingester.alone(1) as mine:
            assert mine
            assert store.delete_older(0, wait=0) is None
        assert len(store.get_traces()) == 1


def test_the_longer_limit_counts(home: Path) -> None:
    """A process that was given no rule keeps what another one was told to keep, and never less than the default."""
    default = Rule(age_s=90 * DAY_S, size=5 << 30)
    year = Rule(age_s=365 * DAY_S, size=None, given=frozenset({"retention", "retention_size"}))
    day = Rule(age_s=DAY_S, size=5 << 30, given=frozenset({"retention"}))
    spans = [payload(n, trace=n, start=NOON - n * 100 * DAY) for n in range(3)]
    store_of(home, *spans).close()
    for rule, kept, days, noted in (
        (year, 3, 365, ()),
        (default, 3, 365, ("retention", "retention_size")),
        (day, 1, 1, ("retention_size",)),
        (default, 1, 90, ("retention_size",)),
    ):
        with LocalStore(home, retention=rule, clock=lambda: NOON) as store:
            assert len(store.get_traces()) == kept
            found = store.retention.holdings()
            assert found.noted == noted
            assert found.rule.age_s == days * DAY_S


def test_a_person_is_told_once(home: Path) -> None:
    """Of limits that nobody asked for one reader is told, once; of those that somebody set, nobody."""
    given_ = Rule(age_s=1, size=None, given=frozenset({"retention"}))
    with LocalStore(home, retention=given_) as store:
        assert not store.retention.unsaid()
        store.ingest()
        assert not store.retention.unsaid()
    with LocalStore(home, retention=Rule(age_s=90 * DAY_S, size=5 << 30)) as store:
        assert store.retention.unsaid()
        assert not store.retention.unsaid()


def test_a_reader_beside_sees_whole_days(home: Path) -> None:
    """While days come and go, a reader sees each of them whole or not at all, and never an error."""
    process = start(LETTING_GO, home, "7")
    assert process.stdin is not None
    assert process.stdout is not None
    seen: list[dict[int, int]] = []
    done = threading.Event()

    def read() -> None:
        with LocalStore(home) as store:
            while not done.is_set():
                seen.append(days_in(store))

    reader = threading.Thread(target=read)
    reader.start()
    for day in range(25):
        process.stdin.write(f"{day}\n")
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.readline()
    done.set()
    reader.join()
    process.communicate()
    assert process.returncode == 0
    # What the reader took in itself is one span at a time; what retention touches is a whole day.
    oldest = [min(found) for found in seen if found]
    assert oldest == sorted(oldest)
    assert all(
        found[day] == 5 for found in seen for day in list(found)[:-2] if day < max(found) - 1
    )
    with LocalStore(home) as store:
        assert days_in(store) == dict.fromkeys(range(17, 25), 5)


def test_killed_in_the_middle_of_it(
    home: Path, chance: random.Random, count: Callable[[int, int], int]
) -> None:
    """Whenever a process is killed that lets days go, what stays is there once, and no file that nobody knows."""
    day = 0
    for _ in range(count(6, 200)):
        process = start(LETTING_GO, home, "2")
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(chance.randrange(2, 5)):
            process.stdin.write(f"{day}\n")
            process.stdin.flush()
            while process.stdout.readline() != "written\n":
                pass
            day += 1
        killer = threading.Timer(chance.random() * 0.1, process.kill)
        killer.start()
        process.wait(60)
        killer.join()
        process.stdin.close()
        process.stdout.close()
    moment = NOON + (day - 1) * DAY
    rule = Rule(age_s=2 * DAY_S, size=None)
    with LocalStore(home, retention=rule, clock=lambda: moment) as store:
        store.ingest(60)
        assert days_in(store) == dict.fromkeys(range(max(0, day - 3), day), 5)
        store.ingest()
    known = {p.file for p in State(home / "store" / "state.sqlite").snapshot().parts}
    assert {path.name for path in (home / "store" / "parts").iterdir()} == known


def test_a_day_that_comes_late_goes(home: Path) -> None:
    """Spans of a day that is gone already are taken in, once, and let go at the next look."""
    application = Application(home)
    with LocalStore(home, retention=WEEK, clock=lambda: NOON) as store:
        application.write(payload(1), payload(2, trace=2, start=NOON - 9 * DAY))
        assert store.ingest().records == 2
        assert days_in(store) == {0: 1}
        application.write(payload(3, trace=3, start=NOON - 9 * DAY))
        assert store.ingest().records == 1
        # Within the minute nobody looks again.
        assert days_in(store) == {-9: 1, 0: 1}
    with LocalStore(home, retention=WEEK, clock=lambda: NOON) as store:
        assert days_in(store) == {0: 1}
        assert store.ingest().records == 0
    application.close()


def test_it_is_said_in_the_log(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What an application's own reading lets go is a line at INFO, no warning."""
    caplog.set_level("INFO", "trackway")
    store_of(home, payload(1)).close()
    with LocalStore(home, retention=WEEK, clock=lambda: NOON + 30 * DAY) as store:
        store.ingest()
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert "let go 1 spans of 2026-01-15 to 2026-01-15" in caplog.text
