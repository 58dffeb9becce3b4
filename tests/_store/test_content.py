"""What a page's traces do not carry is loaded in bulk, and reads back as it was given."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._store.spans import NOON, SECOND, generation, payload, store_of
from trackway._store import content
from trackway._store.engines.duckdb import Engine


def test_many_traces_cost_a_handful_of_queries(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Observations, inputs and scores of all traces of a page are loaded together."""
    spans = [
        payload(
            2 * n + inner,
            generation() | {"input.value": f"in {n}"},
            trace=n,
            start=NOON + n * SECOND,
        )
        for n in range(1_500)
        for inner in range(2)
    ]
    asked: list[str] = []
    query = Engine.query

    def counted(self: Engine, sql: str, parameters: dict[str, object]) -> list[tuple[object, ...]]:
        asked.append(sql)
        return query(self, sql, parameters)

    with store_of(home, *spans) as store:
        traces = store.get_traces(limit=1_500)
        monkeypatch.setattr(Engine, "query", counted)
        found = [
            (trace.input, [o.input for o in trace.observations], trace.scores) for trace in traces
        ]
    assert found == [(f"in {n}", [f"in {n}"] * 2, {}) for n in range(1_499, -1, -1)]
    # Four kinds of content, two chunks.
    assert len(asked) == 8


def test_content_that_is_gone_is_empty(home: Path) -> None:
    """A page outlives its rows: what was removed meanwhile has no observations, and is no error."""
    with store_of(home, payload(1, {"input.value": "in"})) as store:
        (trace,) = store.get_traces()
        for path in (home / "store").rglob("*.parquet"):
            path.unlink()
        assert trace.observations == ()
        assert (trace.input, trace.output) == (None, None)
        assert trace.scores_list == ()


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner | st.text()) | st.dictionaries(st.text(), inner | st.text()),
)


@given(JSON)
def test_metadata_that_is_no_text_comes_back(value: object) -> None:
    """A number, boolean, list or mapping given as metadata is one when it is read."""
    text = orjson.dumps({"key": orjson.dumps(value).decode()}).decode()
    assert content.values(text) == {"key": value}


@pytest.mark.parametrize(
    "text",
    ["gold", "", "1.50", "007", "-", "true story", "{not json", '"quoted"', "nul", "1e5", " 1"],
)
def test_metadata_that_is_a_text_stays_one(text: str) -> None:
    """A text that only looks like JSON is the text that was given."""
    assert content.values(orjson.dumps({"key": text}).decode()) == {"key": text}
