"""The columns of a part: one table for spans, one for scores. What is not listed here is not stored.

Times are microseconds since the epoch on the way in and TIMESTAMPTZ in the files. Money is pico-dollars. Columns
that hold a JSON text end on nothing special, they are listed in `JSON_COLUMNS`. A change of meaning, or a column
more, is a new FORMAT.
"""

from typing import Final, Literal

__all__ = ["COLUMNS", "FORMAT", "JSON_COLUMNS", "OBSERVATIONS", "SCORES", "Kind", "Row"]

Kind = Literal["observations", "scores"]
OBSERVATIONS: Final[Kind] = "observations"
SCORES: Final[Kind] = "scores"

FORMAT: Final = 2

Row = dict[str, object]
"""Column → value, absent columns are NULL."""

_TEXT: Final = "VARCHAR"
_INT: Final = "BIGINT"
_TIME: Final = "TIMESTAMPTZ"
_FLAG: Final = "BOOLEAN"

COLUMNS: Final[dict[Kind, dict[str, str]]] = {
    OBSERVATIONS: {
        "project": _TEXT,
        "trace_id": _TEXT,
        "span_id": _TEXT,
        "parent_id": _TEXT,
        # Smallest at the trace's root: spans without a parent before roots of an application's part, earlier before
        # later. NULL for every other span.
        "root_order": _INT,
        "type": _TEXT,
        "name": _TEXT,
        "start_time": _TIME,
        "end_time": _TIME,
        "user_id": _TEXT,
        "session_id": _TEXT,
        "trace_name": _TEXT,
        "tags": "VARCHAR[]",
        "environment": _TEXT,
        "release": _TEXT,
        "version": _TEXT,
        "service": _TEXT,
        "level": _TEXT,
        "status": _TEXT,
        "status_message": _TEXT,
        "model": _TEXT,
        "provider": _TEXT,
        "model_parameters": _TEXT,
        "input_tokens": _INT,
        "output_tokens": _INT,
        "total_tokens": _INT,
        "usage_details": _TEXT,
        "cost_total": _INT,
        "cost_details": _TEXT,
        "provided_cost_details": _TEXT,
        # A generation or embedding: the trace's cost is incomplete without a price for it.
        "billable": _FLAG,
        "input": _TEXT,
        "input_mime_type": _TEXT,
        "output": _TEXT,
        "output_mime_type": _TEXT,
        "metadata": _TEXT,
        "trace_metadata": _TEXT,
        "completion_start_time": _TIME,
        "time_to_first_token_us": _INT,
        "prompt_name": _TEXT,
        "prompt_version": _INT,
        "exception": _TEXT,
        "attributes": _TEXT,
        "events": _TEXT,
        "links": _TEXT,
        # Grows with every span that is ingested; of two rows of one span the higher one is the span.
        "sequence": _INT,
        # Since format 2. What there is to price, where the price book's word counts (`pricing.py`).
        "call": _TEXT,
        # Where the cost is from; NULL where the span said it.
        "price_source": _TEXT,
        "price_version": _TEXT,
    },
    SCORES: {
        "project": _TEXT,
        "score_id": _TEXT,
        "trace_id": _TEXT,
        "observation_id": _TEXT,
        "session_id": _TEXT,
        "user_id": _TEXT,
        "name": _TEXT,
        "data_type": _TEXT,
        "value": "DOUBLE",
        "label": _TEXT,
        "comment": _TEXT,
        "environment": _TEXT,
        # A score's only time; named as in the other table, so that parts of both kinds are filed alike.
        "start_time": _TIME,
        "sequence": _INT,
    },
}

JSON_COLUMNS: Final = frozenset(
    {
        "attributes", "call", "cost_details", "events", "exception", "links", "metadata", "model_parameters",
        "provided_cost_details", "trace_metadata", "usage_details",
    }
)  # fmt: skip
