"""From filters to SQL: whatever is given is a parameter, or an error that helps."""

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._store import filters
from trackway._store.engines.duckdb import Engine
from trackway._store.filters import Binder, conditions
from trackway._store.query import Source
from trackway._store.state import Snapshot
from trackway._store.times import microseconds
from trackway.errors import FilterError


def bound(**given: object) -> list[object]:
    binder = Binder()
    conditions(filters.TRACES, given, binder)
    return list(binder.values.values())


def test_naive_times_are_local() -> None:
    """A datetime or a date without a zone means this machine's, as does a text."""
    noon = datetime(2026, 3, 1, 12)
    midnight = datetime(2026, 3, 1)
    assert bound(date_range={"gte": noon}) == [microseconds(noon)]
    assert bound(date_range={"gte": "2026-03-01T12:00"}) == [microseconds(noon)]
    assert bound(date_range={"gte": date(2026, 3, 1)}) == [microseconds(midnight)]
    assert bound(date_range={"gte": "2026-03-01"}) == [microseconds(midnight)]


def test_a_day_is_meant_whole() -> None:
    """Up to a day includes it, after a day excludes it."""
    day, following = date(2026, 3, 1), microseconds(datetime(2026, 3, 2))
    for operator, sign in (("lte", "<"), ("gt", ">=")):
        binder = Binder()
        (condition,) = conditions(filters.TRACES, {"date_range": {operator: day}}, binder)
        assert condition.row == f"start_us {sign} $p0"
        assert binder.values == {"p0": following}


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
OPERATORS = st.dictionaries(st.sampled_from(["gte", "gt", "lte", "lt", "eq"]), ANYTHING, max_size=2)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One engine for all examples."""
    return Engine(tmp_path_factory.mktemp("spill"))


@given(st.dictionaries(st.sampled_from(sorted(filters.TRACES)), ANYTHING | OPERATORS, max_size=3))
def test_any_filter_is_an_error_or_a_question(
    engine: Engine, given_filters: dict[str, object]
) -> None:
    """Whatever stands in a filter, it is refused with its name, or the engine understands what became of it."""
    source = Source(directory=Path(), snapshot=Snapshot((), ()), project=None)
    try:
        asked = source.asked(filters.TRACES, given_filters)
    except FilterError as error:
        refused = error.field
        asked = []
    else:
        refused = ""
    assert refused == "" or refused in given_filters
    if not refused:
        sql = source.trace_page(asked, 10, None)
        assert engine.query(sql, source.binder.values) == []
    engine.close()
