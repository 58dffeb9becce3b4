"""Scores: of observations, traces and sessions, by the types of their values, for each kind of backend."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.spans import only, records, spans
from trackway import Trackway, propagate_attributes
from trackway._delivery.record import KIND_SCORE
from trackway.types import ScoreDataType

SPAN = "gen_ai.evaluation.result"
TRACE, OBSERVATION = "ab" * 16, "cd" * 8
MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "data_type", "number", "label", "told"),
    [
        (0.9, None, 0.9, None, "NUMERIC"),
        (7, None, 7.0, None, "NUMERIC"),
        (True, None, 1.0, None, "BOOLEAN"),
        (0, "BOOLEAN", 0.0, None, "BOOLEAN"),
        (True, "NUMERIC", 1.0, None, "NUMERIC"),
        ("good", None, None, "good", "CATEGORICAL"),
        ("a long text", "TEXT", None, "a long text", "TEXT"),
        ("", None, None, "", "CATEGORICAL"),
    ],
)
def test_a_value_tells_its_type(
    home: Path,
    client: Trackway,
    value: float | str,
    data_type: ScoreDataType | None,
    number: float | None,
    label: str | None,
    told: str,
) -> None:
    """Numbers, booleans and texts are NUMERIC, BOOLEAN and CATEGORICAL unless `data_type` says what fits as well."""
    client.create_score(name="quality", value=value, trace_id=TRACE, data_type=data_type)
    found = only(home, SPAN).attributes
    assert found["gen_ai.evaluation.name"] == "quality"
    assert found.get("gen_ai.evaluation.score.value") == number
    assert found.get("gen_ai.evaluation.score.label") == label
    assert found["trackway.score.data_type"] == told
    assert found["trackway.score.trace_id"] == TRACE


@pytest.mark.parametrize(
    ("name", "value", "data_type"),
    [
        ("", 1, None),
        ("x" * 201, 1, None),
        (7, 1, None),
        ("n", None, None),
        ("n", [1], None),
        ("n", float("nan"), None),
        ("n", float("inf"), None),
        ("n", 10**400, None),
        ("n", 2, "BOOLEAN"),
        ("n", "text", "NUMERIC"),
        ("n", 1, "CATEGORICAL"),
        ("n", 1, "STARS"),
        ("n", 1, ["NUMERIC"]),
    ],
    ids=repr,
)
def test_what_is_no_score_is_dropped_and_said(
    home: Path,
    client: Trackway,
    caplog: pytest.LogCaptureFixture,
    name: object,
    value: object,
    data_type: object,
) -> None:
    """A score that no backend could keep is dropped with a WARNING, and nothing is raised."""
    client.create_score(name=name, value=value, trace_id=TRACE, data_type=data_type)  # type: ignore[arg-type]  # odd ones
    assert spans(home) == []
    assert "Dropping score." in caplog.text


@pytest.mark.parametrize(
    "target",
    [{}, {"trace_id": "xyz"}, {"trace_id": TRACE, "observation_id": "xyz"}, {"trace_id": 7}],
    ids=repr,
)
def test_a_score_needs_a_target(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture, target: dict[str, str]
) -> None:
    """Without a trace or session, or with an id that is not hex, a score is dropped with a WARNING."""
    client.create_score(name="n", value=1, **target)  # type: ignore[arg-type]  # odd ones
    assert spans(home) == []
    assert "Dropping score." in caplog.text


def test_every_target(home: Path, client: Trackway) -> None:
    """An observation's score is its child, a trace's stands in the trace, a session's in a trace of its own."""
    with (
        propagate_attributes(user_id="alice", session_id="s", environment="canary"),
        client.start_as_current_observation(name="o") as o,
    ):
        client.score_current_span(name="of the observation", value=1, comment="why")
        client.score_current_trace(name="of the trace", value=1)
        o.score(name="by handle", value=1)
        o.score_trace(name="by handle, trace", value=1)
    client.create_score(name="of the session", value=1, session_id="s")
    found = {str(s.attributes["gen_ai.evaluation.name"]): s for s in spans(home) if s.name == SPAN}
    for name, parent in {
        "of the observation": o.id, "by handle": o.id, "of the trace": None, "by handle, trace": None,
    }.items():  # fmt: skip
        score = found[name]
        assert (score.trace_id, score.parent_span_id) == (o.trace_id, parent)
        assert score.attributes["trackway.score.trace_id"] == o.trace_id
        assert score.attributes.get("trackway.score.observation_id") == parent
        assert score.attributes["user.id"] == "alice"
        assert score.attributes["langfuse.environment"] == "canary"
        assert score.start == score.end
    assert found["of the observation"].attributes["gen_ai.evaluation.explanation"] == "why"
    session = found["of the session"]
    assert session.attributes["trackway.score.session_id"] == "s"
    assert session.trace_id not in {o.trace_id, "0" * 32}


def test_a_score_without_anything_current_warns(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """Scoring what is current, where nothing is, is one WARNING."""
    client.score_current_span(name="n", value=1)
    client.score_current_trace(name="n", value=1)
    assert spans(home) == []
    assert len(caplog.records) == 1


def test_ids_and_times_can_be_given(home: Path, client: Trackway) -> None:
    """A score has the caller's id, moment and metadata, else an id of its own."""
    client.create_score(
        name="n", value=1, trace_id=TRACE, score_id="mine", timestamp=MOMENT, metadata={"k": [1]}
    )
    client.create_score(name="other", value=1, trace_id=TRACE)
    mine, other = spans(home)
    assert mine.attributes["trackway.score.id"] == "mine"
    assert mine.start == 1_772_368_215_123_000_000
    assert json.loads(str(mine.attributes["trackway.score.metadata"])) == {"k": [1]}
    assert other.attributes["trackway.score.id"] == other.span_id


def test_langfuse_gets_scores_as_its_api_takes_them(home: Path) -> None:
    """For a Langfuse destination a score is a record of its own kind, a body of its scores API."""
    client = Trackway(public_key="pk", secret_key="sk", base_url="http://127.0.0.1:9")
    client.create_score(
        name="n", value="good", trace_id=TRACE, observation_id=OBSERVATION, comment="c",
        score_id="mine", timestamp=MOMENT, metadata={"k": 1},
    )  # fmt: skip
    (destination,) = (path.name for path in (home / "spool").iterdir() if path.is_dir())
    (record,) = records(home, destination)
    assert record.kind == KIND_SCORE
    assert json.loads(record.payload) == {
        "id": "mine",
        "traceId": TRACE,
        "observationId": OBSERVATION,
        "name": "n",
        "value": "good",
        "dataType": "CATEGORICAL",
        "comment": "c",
        "metadata": {"k": 1},
        "timestamp": "2026-03-01T12:30:15.123Z",
    }


def test_secrets_in_scores_are_redacted(home: Path, client: Trackway) -> None:
    """Names, labels, comments and metadata of scores pass redaction."""
    secret = "sk-proj-abcDEF0123456789abcDEF0123456789"
    client.create_score(
        name=secret, value=secret, trace_id=TRACE, comment=secret, metadata={"k": secret}
    )
    assert secret not in repr(only(home))
