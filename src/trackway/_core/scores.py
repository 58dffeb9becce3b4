"""A score becomes a record: a zero-length `gen_ai.evaluation.result` span for most backends, JSON for Langfuse.

Langfuse keeps scores in a table of their own, filled by `POST /api/public/scores`, and shows nothing for such a span.
"""

import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson

from trackway._core import log
from trackway._core.propagated import Propagated
from trackway._wire import attributes as names
from trackway._wire.encode import attributes, span

NUMERIC, CATEGORICAL, BOOLEAN, TEXT = "NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT"
DATA_TYPES: Final = (NUMERIC, CATEGORICAL, BOOLEAN, TEXT)
SPAN_NAME: Final = "gen_ai.evaluation.result"
MAX_TEXT: Final = 8_192
MAX_NUMBER: Final = sys.float_info.max


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One validated score."""

    id: str
    name: str
    number: float | None
    label: str | None
    data_type: str
    comment: str | None
    metadata: bytes | None
    """JSON, redacted."""
    trace_id: bytes | None
    observation_id: bytes | None
    session_id: str | None
    environment: str | None
    time: int


MAX_NAME: Final = 200


def typed(
    name: object, value: object, data_type: object
) -> tuple[str, float | None, str | None] | None:
    """(data type, number, label) of a score's value; None, with a WARNING, where it is none."""
    if reason := _fault(name, value, data_type):
        log.warn(f"score:{reason}", "score %.40r %s. Dropping score.", name, reason)
        return None
    if isinstance(value, str):
        return str(data_type or CATEGORICAL), None, value[:MAX_TEXT]
    number = float(value) if isinstance(value, int | float) else 0.0
    return str(data_type or (BOOLEAN if isinstance(value, bool) else NUMERIC)), number, None


def _fault(  # noqa: PLR0911 - each way to be wrong has its sentence
    name: object, value: object, data_type: object
) -> str | None:
    """What is wrong with a score, as the end of a sentence about it."""
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        return f"has no name of 1 to {MAX_NAME} characters"
    if data_type is not None and data_type not in DATA_TYPES:
        return f"has a data_type that is none of {', '.join(DATA_TYPES)}"
    if isinstance(value, str):
        return (
            f"is {data_type} and has a text as its value"
            if data_type in {NUMERIC, BOOLEAN}
            else None
        )
    if not isinstance(value, int | float):
        return "has a value that is neither a number nor a text"
    if data_type in {CATEGORICAL, TEXT}:
        return f"is {data_type} and has a number as its value"
    if data_type == BOOLEAN and value not in {0, 1}:
        return "is BOOLEAN and its value is neither 0 nor 1"
    # An int too large for a float is as little a score as NaN is.
    return None if abs(value) <= MAX_NUMBER else "has a value that is not finite"


def as_span(
    score: Score, span_id: bytes, propagated: Propagated | None, bits: int, constant: bytes
) -> bytes:
    """The score as a span: a child of what it scores."""
    pairs: dict[str, str | float | None] = {
        names.LANGFUSE_OBSERVATION_TYPE: "event",
        names.GEN_AI_EVALUATION_NAME: score.name,
        names.GEN_AI_EVALUATION_SCORE_VALUE: score.number,
        names.GEN_AI_EVALUATION_SCORE_LABEL: score.label,
        names.GEN_AI_EVALUATION_EXPLANATION: score.comment,
        names.TRACKWAY_SCORE_ID: score.id,
        names.TRACKWAY_SCORE_DATA_TYPE: score.data_type,
        names.TRACKWAY_SCORE_TRACE_ID: score.trace_id.hex() if score.trace_id else None,
        names.TRACKWAY_SCORE_OBSERVATION_ID: score.observation_id.hex()
        if score.observation_id
        else None,
        names.TRACKWAY_SCORE_SESSION_ID: score.session_id,
    }
    if score.metadata:
        pairs[names.TRACKWAY_SCORE_METADATA] = score.metadata.decode()
    encoded = attributes({key: value for key, value in pairs.items() if value is not None})
    return span(
        trace_id=score.trace_id or span_id + span_id,
        span_id=span_id,
        parent_span_id=score.observation_id or b"",
        name=SPAN_NAME,
        kind=1,
        start=score.time,
        end=score.time,
        attributes=constant + (propagated.block(bits) if propagated is not None else b"") + encoded,
        flags=0x101,
    )


def as_json(score: Score) -> bytes:
    """The score as the body of `POST /api/public/scores` lists it."""
    moment = datetime.fromtimestamp(score.time / 1e9, UTC).isoformat(timespec="milliseconds")
    body: dict[str, object] = {
        "id": score.id,
        "traceId": score.trace_id.hex() if score.trace_id else None,
        "observationId": score.observation_id.hex() if score.observation_id else None,
        "sessionId": score.session_id,
        "name": score.name,
        "value": score.number if score.label is None else score.label,
        "dataType": score.data_type,
        "comment": score.comment,
        "environment": score.environment,
        "metadata": orjson.Fragment(score.metadata) if score.metadata else None,
        "timestamp": moment.replace("+00:00", "Z"),
    }
    return orjson.dumps({key: value for key, value in body.items() if value is not None})
