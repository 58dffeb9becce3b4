"""Where scores go: Langfuse keeps them in a table of their own, every other backend gets a span."""

from pathlib import Path

import orjson

from tests.backend import Backend, status
from trackway import Trackway
from trackway._delivery.deadletter import DeadLetters
from trackway._delivery.destination import identity_of
from trackway._wire.decode import decode_request


def score_a_trace(client: Trackway) -> str:
    """One observation, a number for it and a category for its trace; the trace's id."""
    with client.start_as_current_observation(name="answer") as observation:
        observation.score(name="quality", value=0.75, comment="fine")
        observation.score_trace(name="verdict", value="helpful")
    return observation.trace_id


def test_langfuse_gets_scores_as_json() -> None:
    """With Langfuse keys, scores are posted to its address for scores, beside the spans, with the credentials."""
    with Backend() as backend:
        client = Trackway(public_key="pk", secret_key="sk", base_url=backend.url)
        trace_id = score_a_trace(client)
        assert client.flush()
        by_path = {request.line.split()[1]: request for request in backend.requests}
        client.shutdown()
    assert set(by_path) == {"/api/public/otel/v1/traces", "/api/public/scores"}
    scored = by_path["/api/public/scores"]
    assert scored.headers["content-type"] == "application/json"
    assert scored.headers["authorization"].startswith("Basic ")
    first, second = orjson.loads(scored.body)
    assert (first["name"], first["value"], first["dataType"]) == ("quality", 0.75, "NUMERIC")
    assert (first["traceId"], first["comment"]) == (trace_id, "fine")
    assert first["observationId"]
    assert (second["name"], second["value"], second["dataType"]) == (
        "verdict",
        "helpful",
        "CATEGORICAL",
    )
    assert "observationId" not in second
    spans = [span for _, _, span in decode_request(by_path["/api/public/otel/v1/traces"].body)]
    assert [span.name for span in spans] == ["answer"]


def test_other_backends_get_scores_as_spans() -> None:
    """With an OTLP endpoint, a score is a span of the scored trace."""
    with Backend() as backend:
        client = Trackway(endpoint=backend.url)
        trace_id = score_a_trace(client)
        assert client.shutdown()
        found = [
            span for request in backend.requests for _, _, span in decode_request(request.body)
        ]
    scores = [span for span in found if span.name == "gen_ai.evaluation.result"]
    assert {span.trace_id for span in scores} == {trace_id}
    assert [span.attributes["gen_ai.evaluation.name"] for span in scores] == ["quality", "verdict"]


def test_refused_scores_are_kept_apart(home: Path) -> None:
    """Scores that Langfuse refuses are dead letters that know what they are; the spans around them arrive."""
    with Backend(status(400, b"no such score config")) as backend:
        client = Trackway(public_key="pk", secret_key="sk", base_url=backend.url)
        client.create_score(name="quality", value=1, trace_id=client.create_trace_id())
        assert client.flush()
        remote = client._core.settings.remote
        assert remote is not None
        (letter,) = DeadLetters(home / "spool", identity_of(remote), None)
        assert client.stats().destinations[0].rejected == {"400": 1}
        client.shutdown()
    assert letter.score
    assert orjson.loads(letter.payload)["name"] == "quality"
