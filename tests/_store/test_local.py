"""The answers: what a trace is, whose it is, what it cost."""

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests._store.spans import (
    NOON,
    SECOND,
    generation,
    payload,
    span_id,
    start,
    store_of,
    trace_id,
)
from trackway._store.local import LocalStore
from trackway._store.models import Trace
from trackway.errors import FilterError

SCORE = {
    "trackway.score.trace_id": trace_id(1),
    "gen_ai.evaluation.name": "success",
    "trackway.score.data_type": "NUMERIC",
}
WITHOUT_DUCKDB = """
import sys
sys.modules["duckdb"] = None
from pathlib import Path
from trackway._store.local import LocalStore
from trackway.errors import ReadNotAvailable
try:
    LocalStore(Path(sys.argv[1])).get_traces()
except ReadNotAvailable as error:
    print(error)
"""


def score(number: int, value: float | str, **more: str) -> bytes:
    """The record of a score."""
    named = (
        "gen_ai.evaluation.score.label"
        if isinstance(value, str)
        else "gen_ai.evaluation.score.value"
    )
    attributes = SCORE | {"trackway.score.id": f"score-{number}", named: value}
    attributes |= {key.replace("__", "."): text for key, text in more.items()}
    return payload(
        900 + number, attributes, name="gen_ai.evaluation.result", start=NOON + number * SECOND
    )


def only(store: LocalStore) -> Trace:
    """The only trace."""
    (trace,) = store.get_traces()
    return trace


def test_a_trace_has_what_its_root_says(home: Path) -> None:
    """Name, input, output, user, status come from the root; times, tokens and cost from all observations."""
    root = {
        "user.id": "ana",
        "session.id": "s",
        "langfuse.trace.tags": ("b", "a"),
        "langfuse.trace.metadata.plan": "gold",
        "langfuse.trace.metadata.n": "3",
        "langfuse.observation.metadata.step": '{"deep": [1]}',
        "langfuse.environment": "production",
        "langfuse.release": "r1",
        "langfuse.version": "v1",
        "input.value": '{"question": 1}',
        "input.mime_type": "application/json",
        "output.value": "{text}",
        "output.mime_type": "text/plain",
    }
    child = generation(user="ana", tokens=(10, 5), cost=0.001)
    with store_of(
        home,
        payload(2, child, parent=1, name="call", start=NOON + SECOND, seconds=2, error="late"),
        payload(1, root, name="answer", seconds=2),
    ) as store:
        trace = only(store)
        assert (trace.id, trace.project, trace.name) == (trace_id(1), "shop", "answer")
        assert trace.timestamp == datetime(2026, 1, 15, 12, tzinfo=UTC)
        assert (trace.latency, trace.user_id, trace.session_id) == (3.0, "ana", "s")
        assert trace.tags == ["b", "a"]
        assert trace.metadata == {"plan": "gold", "n": 3, "step": {"deep": [1]}}
        assert (trace.environment, trace.release, trace.version) == ("production", "r1", "v1")
        assert trace.input == {"question": 1}
        assert trace.output == "{text}"
        assert (trace.status, trace.level, trace.error_count, trace.observation_count) == (
            "OK",
            "DEFAULT",
            1,
            2,
        )
        assert (trace.input_tokens, trace.output_tokens, trace.total_tokens) == (10, 5, 15)
        assert trace.models == ["gpt-4o"]
        assert trace.total_cost == 0.001
        assert trace.total_cost_exact == Decimal("0.001")
        assert trace.cost_complete
        assert trace.url == f"http://127.0.0.1:4319/project/shop/traces/{trace_id(1)}"


def test_observations_come_in_order_with_their_numbers(home: Path) -> None:
    """The observations of a trace are sorted by start, and each has the fields of the read API."""
    usage = '{"input": 3, "output": 4, "total": 7}'
    call = generation() | {
        "langfuse.observation.usage_details": usage,
        "langfuse.observation.cost_details": '{"input": 0.25, "total": 0.5}',
        "gen_ai.response.time_to_first_chunk": 0.125,
        "llm.invocation_parameters": '{"temperature": 0.5}',
    }
    with store_of(
        home,
        payload(2, call, parent=1, name="call", start=NOON + SECOND, error="bad"),
        payload(1, name="root"),
    ) as store:
        root, inner = only(store).observations
        assert (root.name, root.type, root.parent_observation_id) == ("root", "SPAN", None)
        assert (inner.id, inner.type, inner.parent_observation_id) == (
            span_id(2),
            "GENERATION",
            span_id(1),
        )
        assert inner.usage == {
            "input": 3,
            "output": 4,
            "total": 7,
            "input_cost": 0.25,
            "total_cost": 0.5,
        }
        assert (inner.latency, inner.time_to_first_token) == (1.0, 0.125)
        assert inner.model_parameters == {"temperature": 0.5}
        assert (inner.level, inner.status, inner.status_message) == ("ERROR", "ERROR", "bad")
        assert inner.start_time == datetime(2026, 1, 15, 12, 0, 1, tzinfo=UTC)
        assert inner.end_time - inner.start_time == timedelta(seconds=1)


def test_what_nobody_priced_is_not_free(home: Path) -> None:
    """Unpriced work has no cost and says so; work that has no price to have costs nothing."""
    with store_of(
        home,
        payload(1, generation(tokens=(1, 1))),
        payload(2, generation(cost=0.5), trace=2),
        payload(3, generation(), trace=2, parent=2),
        payload(4, {}, trace=3),
    ) as store:
        found = {trace.id: (trace.total_cost, trace.cost_complete) for trace in store.get_traces()}
        assert found == {
            trace_id(1): (None, False),
            trace_id(2): (0.5, False),
            trace_id(3): (0.0, True),
        }
        assert "total_cost" not in store.traces.get(trace_id(1)).observations[0].usage  # type: ignore[union-attr]  # it is there


@pytest.mark.parametrize(
    ("root", "children", "expected"),
    [
        ("ana", ["bob"], "ana"),
        (None, ["bob", None, "bob"], "bob"),
        (None, ["bob", "cleo"], None),
        (None, [None], None),
    ],
)
def test_a_traces_user_is_the_roots_or_the_only_one(
    home: Path, root: str | None, children: list[str | None], expected: str | None
) -> None:
    """Without a user at the root, the only user among the observations is the trace's; of several, none."""
    spans = [payload(1, {} if root is None else {"user.id": root})]
    spans += [
        payload(number, {} if user is None else {"user.id": user}, parent=1)
        for number, user in enumerate(children, 2)
    ]
    with store_of(home, *spans) as store:
        assert only(store).user_id == expected


def test_a_trace_fails_when_it_ends_in_failure(home: Path) -> None:
    """The root decides; without one, the observation that ended last."""
    with store_of(
        home,
        payload(1, error="no"),
        payload(2, trace=2),
        payload(3, trace=2, parent=2, error="inside"),
        payload(4, trace=3, parent=99, error="early"),
        payload(5, trace=3, parent=99, seconds=9),
    ) as store:
        found = {trace.id: (trace.status, trace.error_count) for trace in store.get_traces()}
    assert found == {trace_id(1): ("ERROR", 1), trace_id(2): ("OK", 1), trace_id(3): ("OK", 1)}


def test_scores_are_the_latest_by_name(home: Path) -> None:
    """A score that was given again under its id replaces the first; all names are there."""
    with store_of(
        home,
        payload(1),
        score(1, 0.25),
        score(1, 0.75),
        score(2, 1.0, gen_ai__evaluation__name="good", trackway__score__data_type="BOOLEAN"),
        score(3, "fine", gen_ai__evaluation__name="word", trackway__score__data_type="CATEGORICAL"),
    ) as store:
        trace = only(store)
        assert trace.scores == {"success": 0.75, "good": True, "word": "fine"}
        assert [given.id for given in trace.scores_list] == ["score-1", "score-2", "score-3"]
        assert trace.observation_count == 1
        page = store.users.get(None)
        assert page is not None
        assert {mean.name: (mean.count, mean.mean) for mean in page.scores} == {
            "success": (1, 0.75),
            "good": (1, 1.0),
        }


FILTERED = [
    ({}, {1, 2, 3}),
    ({"tags": ["production"]}, {1, 2}),
    ({"tags": ["production", "beta"]}, {2}),
    ({"tags": "beta"}, {2}),
    ({"tags": []}, {1, 2, 3}),
    ({"user_id": "ana"}, {1}),
    ({"user_id": ["ana", "bob"]}, {1, 2}),
    ({"user_id": []}, set()),
    ({"user_id": None}, {3}),
    ({"session_id": "s2"}, {2}),
    ({"name": "named"}, {2}),
    ({"name": "root"}, {1, 3}),
    ({"environment": "production"}, {1}),
    ({"release": "r1"}, {2}),
    ({"version": "v1"}, {2}),
    ({"model": "gpt-4o"}, {1, 2}),
    ({"status": "error"}, {3}),
    ({"level": ["ERROR", "WARNING"]}, {3}),
    ({"min_cost": 0.5}, {2}),
    ({"min_cost": Decimal("0.1")}, {1, 2}),
    ({"max_cost": 0.1}, {1, 3}),
    ({"min_latency": 2}, {3}),
    ({"max_latency": 1.5}, {1, 2}),
    ({"min_tokens": 10}, {2}),
    ({"max_tokens": 9}, {1, 3}),
    ({"metadata": {"plan": "gold"}}, {1}),
    ({"metadata": {"plan": "gold", "n": 3}}, {1}),
    ({"metadata": {"n": "3"}}, {1}),
    ({"metadata": {"odd/key~.\"'": True}}, {2}),
    ({"metadata": {"own": [1]}}, {3}),
    ({"metadata": {"inner": "x"}}, set()),
    ({"score": {"success": {"gte": 0.8}}}, {1}),
    ({"score": {"success": 0.9}}, {1}),
    ({"score": {"success": {"gte": 0.8, "lt": 0.85}}}, set()),
    ({"score": {"word": "fine"}}, {1}),
    ({"score": {"success": {"gt": 0}, "word": "fine"}}, {1}),
    ({"date_range": {"gte": "2026-01-15T12:00:10Z"}}, {2, 3}),
    (
        {
            "date_range": {
                "gt": "2026-01-15T12:00:10Z",
                "lte": datetime(2026, 1, 15, 12, 0, 20, tzinfo=UTC),
            }
        },
        {3},
    ),
    ({"date_range": {"lt": "2026-01-15T13:00:10+01:00"}}, {1}),
    ({"date_range": {"gte": None}}, {1, 2, 3}),
    ({"id": trace_id(3)}, {3}),
    ({"user_id": "ana", "tags": ["beta"]}, set()),
]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    """Three traces that differ in everything a filter asks."""
    first = generation(user="ana", tokens=(1, 1), cost=0.1) | {
        "langfuse.trace.tags": ("production",),
        "langfuse.environment": "production",
        "langfuse.trace.metadata.plan": "gold",
        "langfuse.trace.metadata.n": "3",
    }
    second = generation(user="bob", tokens=(20, 1), cost=0.5) | {
        "langfuse.trace.tags": ("production", "beta"),
        "session.id": "s2",
        "langfuse.trace.name": "named",
        "langfuse.release": "r1",
        "langfuse.version": "v1",
        "langfuse.trace.metadata.odd/key~.\"'": "true",
    }
    third = {"langfuse.observation.metadata.own": "[1]"}
    inner = {"langfuse.observation.metadata.inner": "x"}
    return store_of(
        tmp_path_factory.mktemp("three"),
        payload(1, first, trace=1, name="root"),
        score(1, 0.9),
        score(2, "fine", gen_ai__evaluation__name="word", trackway__score__data_type="CATEGORICAL"),
        payload(2, second, trace=2, name="root", start=NOON + 10 * SECOND),
        payload(3, third, trace=3, name="root", start=NOON + 20 * SECOND, seconds=3, error="no"),
        payload(4, inner, trace=3, parent=3, start=NOON + 21 * SECOND),
    )


@pytest.mark.parametrize(
    ("filters", "expected"), FILTERED, ids=[str(filters) for filters, _ in FILTERED]
)
def test_a_filter_finds_what_fits(
    three: LocalStore, filters: dict[str, object], expected: set[int]
) -> None:
    """Each filter finds exactly the traces that it describes, alone and with others; lists, users, sessions agree."""
    found = {trace.id for trace in three.get_traces(filters=filters)}
    assert found == {trace_id(number) for number in expected}
    assert sum(user.traces for user in three.users.list(filters=filters)) == len(expected)
    three.close()


@pytest.mark.parametrize(
    ("filters", "field", "said"),
    [
        ({"user": "ana"}, "user", "there is no filter 'user'; there are date_range, environment"),
        (
            {"user_id": 7},
            "user_id",
            "takes a string, a list of strings (any of them fits), or None (has none), not 7",
        ),
        ({"tags": 3}, "tags", "all of which must be there, not 3"),
        ({"status": "BAD"}, "status", "one of OK, ERROR"),
        ({"min_cost": "1"}, "min_cost", "a number of US dollars, not '1'"),
        ({"min_cost": math.nan}, "min_cost", "a number of US dollars"),
        ({"min_latency": True}, "min_latency", "a number of seconds, not True"),
        ({"date_range": "2026"}, "date_range", "a mapping with gte, gt, lte or lt"),
        ({"date_range": {"since": 1}}, "date_range", "'since' is not one of gte, gt, lte, lt"),
        ({"date_range": {"gte": "yesterday"}}, "date_range", "'yesterday' is no ISO 8601 time"),
        ({"date_range": {"gte": date.max, "lte": date.max}}, "date_range", "out of range"),
        ({"metadata": "gold"}, "metadata", "a mapping of keys"),
        ({"metadata": {"x": object()}}, "metadata", "a mapping of keys"),
        ({"score": {"success": {"above": 1}}}, "score", "operators are gte, gt, lte, lt, eq"),
        ({1: 2}, "1", "there is no filter 1"),
        ("production", "filters", "must be a mapping"),
    ],
)
def test_a_filter_that_cannot_be_asked_says_what_can(
    three: LocalStore, filters: object, field: str, said: str
) -> None:
    """The error names the field, the value and what is allowed."""
    with pytest.raises(FilterError) as caught:
        three.get_traces(filters=filters)
    assert caught.value.field == field
    assert said in str(caught.value)


@pytest.mark.parametrize("limit", [0, -1, True, 1.5, "10", 10_000_000])
def test_a_limit_that_is_no_number_of_rows_is_refused(three: LocalStore, limit: int) -> None:
    """The error names the limit and its bounds."""
    with pytest.raises(FilterError, match="limit takes a whole number from 1 to 1000000"):
        three.get_traces(limit=limit)
    with pytest.raises(
        FilterError, match="order_by takes cost, traces, tokens, errors, last_seen, latency_p95"
    ):
        three.users.list(order_by="name")


def test_pages_follow_one_another(home: Path) -> None:
    """Pages of a few traces are together all traces, newest first, also where many start at the same moment."""
    with store_of(
        home, *(payload(n, trace=n, start=NOON + n // 3 * SECOND) for n in range(1, 26))
    ) as store:
        seen: list[Trace] = []
        page = store.get_traces(limit=4)
        while True:
            assert len(page) <= 4
            seen += page
            if not page.has_more:
                break
            page = page.next()
        assert len(page.next()) == 0
        assert [trace.id for trace in seen] == [trace_id(n) for n in range(25, 0, -1)]
        assert seen == list(store.get_traces(limit=25))
        assert [o.id for o in store.observations.list(limit=10).next()] == [
            o.id for o in store.observations.list(limit=20)[10:]
        ]


def test_without_duckdb_the_error_says_what_to_type(home: Path) -> None:
    """A machine that only sends gets a sentence with the command, not a traceback of imports."""
    process = start(WITHOUT_DUCKDB, home)
    assert "pip install 'trackway[local]'" in process.communicate(timeout=60)[0]
