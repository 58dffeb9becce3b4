"""The words that arguments are made of, for annotations in user code."""

from typing import Literal, NotRequired, TypedDict

__all__ = ["Level", "ObservationKind", "ScoreDataType", "TraceContext"]

ObservationKind = Literal[
    "span",
    "generation",
    "agent",
    "tool",
    "chain",
    "retriever",
    "evaluator",
    "embedding",
    "guardrail",
    "event",
]
"""What an observation is; `event` is made by `create_event` only."""

Level = Literal["DEBUG", "DEFAULT", "WARNING", "ERROR"]
"""How much an observation matters; ERROR sets the status of its span as well."""

ScoreDataType = Literal["NUMERIC", "CATEGORICAL", "BOOLEAN", "TEXT"]
"""What a score's value is."""


class TraceContext(TypedDict):
    """Where an observation belongs when its parent is elsewhere.

    Ids in hex, as `Observation.trace_id` and `.id` give them.
    """

    trace_id: str
    parent_span_id: NotRequired[str]
