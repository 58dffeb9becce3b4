"""One span, one row: from the attributes of a span to the columns of a part.

Our own spans are read whichever block (core, Langfuse, OpenInference, GenAI) a `wire` setting left on them, and spans
of other tracers in the same dialects (`columns.py`, `dialects.py`). What is no attribute of any stays in `attributes`.

Money is rounded here and nowhere else: once per bucket, half to even, to whole pico-dollars. Everything downstream
sums integers.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final, TypeVar

import orjson

from trackway._store import dialects
from trackway._store.columns import COSTS, KNOWN, METADATA, TEXTS, TRACE_METADATA
from trackway._store.dialects import LARGEST
from trackway._store.models import PICO
from trackway._store.rows import Row
from trackway._store.times import microseconds
from trackway._wire import attributes as names
from trackway._wire.decode import DecodedSpan
from trackway._wire.encode import AttributeValue

__all__ = ["base", "is_score", "observation", "pico", "score"]

T = TypeVar("T")
Attributes = Mapping[str, AttributeValue]

# A span without a parent is the root before any root of an application's part of a trace; 61 bits of µs are 73,000
# years.
_PART_ROOT: Final = 1 << 61
_ERROR: Final = 2
_EXCEPTION: Final = "exception"
# What is longer than this is no time to a first token.
_LONGEST_S: Final = 1e12


# What somebody pays for.
_BILLABLE: Final = frozenset({"GENERATION", "EMBEDDING"})


def base(resource: Attributes) -> Row:
    """The columns that all spans of a resource share."""
    service = _text(resource, names.SERVICE_NAME)
    project = (
        _text(resource, names.TRACKWAY_PROJECT, names.OPENINFERENCE_PROJECT_NAME)
        or service
        or "default"
    )
    row: Row = {"project": project, "service": service}
    if environment := _text(resource, names.LANGFUSE_ENVIRONMENT, names.DEPLOYMENT_ENVIRONMENT):
        row["environment"] = environment
    if release := _text(resource, names.LANGFUSE_RELEASE):
        row["release"] = release
    return row


def observation(span: DecodedSpan, shared: Row, *, ours: bool = True) -> Row:
    """The row of *span*; *shared* is `base` of its resource. Never raises, whatever the attributes hold.

    *ours*: this library wrote it, so texts in its metadata are as they were given.
    """
    given = span.attributes
    row = shared.copy()
    start = span.start // 1_000
    row["trace_id"] = span.trace_id
    row["span_id"] = span.span_id
    row["parent_id"] = span.parent_span_id
    row["name"] = span.name
    row["start_time"] = start
    row["end_time"] = max(span.end // 1_000, start)
    for column, several in TEXTS:
        for name in several:
            value = given.get(name)
            # An empty text says as little as none.
            if value and type(value) is str:
                row[column] = value
                break
    if span.parent_span_id is None:
        row["root_order"] = start
    elif given.get(names.LANGFUSE_IS_APP_ROOT) is True:
        row["root_order"] = _PART_ROOT + start
    row["type"] = kind = dialects.kind(given, has_model="model" in row)
    row["billable"] = kind in _BILLABLE
    _status(row, span)
    tags = given.get(names.LANGFUSE_TRACE_TAGS) or given.get(names.OPENINFERENCE_TAGS)
    if isinstance(tags, list | tuple):
        row["tags"] = [tag for tag in tags if isinstance(tag, str)]
    _usage(row, given)
    _cost(row, given)
    _first_token(row, given, start)
    version = given.get(names.LANGFUSE_PROMPT_VERSION)
    if type(version) is int:
        row["prompt_version"] = version
    _rest(row, given, ours=ours)
    if span.events:
        _events(row, span)
    if span.links:
        row["links"] = _dumps(
            [
                {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": link.attributes}
                for link in span.links
            ]
        )
    return row


def is_score(span: DecodedSpan) -> bool:
    """Whether a span only carries a score."""
    return span.name == names.EVALUATION_SPAN_NAME and names.TRACKWAY_SCORE_ID in span.attributes


def score(span: DecodedSpan, shared: Row) -> Row:
    """The row of a score."""
    given = span.attributes
    value = given.get(names.GEN_AI_EVALUATION_SCORE_VALUE)
    return {
        "project": shared["project"],
        "environment": _text(given, names.LANGFUSE_ENVIRONMENT, names.DEPLOYMENT_ENVIRONMENT)
        or shared.get("environment"),
        "score_id": _text(given, names.TRACKWAY_SCORE_ID) or span.span_id,
        "trace_id": _text(given, names.TRACKWAY_SCORE_TRACE_ID),
        "observation_id": _text(given, names.TRACKWAY_SCORE_OBSERVATION_ID),
        "session_id": _text(given, names.TRACKWAY_SCORE_SESSION_ID),
        "user_id": _text(given, names.USER_ID),
        "name": _text(given, names.GEN_AI_EVALUATION_NAME) or "",
        "data_type": _text(given, names.TRACKWAY_SCORE_DATA_TYPE)
        or ("CATEGORICAL" if value is None else "NUMERIC"),
        "value": float(value) if isinstance(value, int | float) else None,
        "label": _text(given, names.GEN_AI_EVALUATION_SCORE_LABEL),
        "comment": _text(given, names.GEN_AI_EVALUATION_EXPLANATION),
        "start_time": span.start // 1_000,
    }


def pico(amount: object) -> int | None:
    """Pico-dollars of an amount of US dollars, half to even; None for what is no amount.

    Nor is what is beyond nine million dollars: 63 bits do not hold it.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float | Decimal):
        return None
    # The shortest text of a float is what its writer meant by it.
    exact = Decimal(repr(amount)) if isinstance(amount, float) else Decimal(amount)
    if not exact.is_finite() or exact.is_signed() or exact.adjusted() > _LARGEST_DOLLARS:
        return 0 if exact == 0 else None
    whole = int(exact.scaleb(PICO, _WIDE).to_integral_value(ROUND_HALF_EVEN))
    return whole if whole <= LARGEST else None


# Digits before the point, from which on 63 bits of pico-dollars do not do.
_LARGEST_DOLLARS: Final = 6
# Wide enough for every digit of the exact value of a float.
_WIDE: Final = Context(prec=1100)


def _text(given: Attributes, *several: str) -> str | None:
    for name in several:
        value = given.get(name)
        if value and isinstance(value, str):
            return value
    return None


def _status(row: Row, span: DecodedSpan) -> None:
    failed = span.status_code == _ERROR or row.get("level") == "ERROR"
    row["status"] = "ERROR" if failed else "OK"
    row.setdefault("level", "ERROR" if failed else "DEFAULT")
    if span.status_message:
        row.setdefault("status_message", span.status_message)


def _usage(row: Row, given: Attributes) -> None:
    said = given.get(names.LANGFUSE_USAGE_DETAILS)
    buckets = _read(said, orjson.loads, dialects.count) or dialects.counts(given)
    if not buckets:
        return
    inputs = [
        count for name, count in buckets.items() if name == "input" or name.startswith("input_")
    ]
    outputs = [
        count for name, count in buckets.items() if name == "output" or name.startswith("output_")
    ]
    if inputs:
        row["input_tokens"] = min(sum(inputs), LARGEST)
    if outputs:
        row["output_tokens"] = min(sum(outputs), LARGEST)
    total = buckets.setdefault("total", min(sum(buckets.values()), LARGEST))
    row["total_tokens"] = total
    row["usage_details"] = _dumps(buckets)


def _cost(row: Row, given: Attributes) -> None:
    provided = given.get(names.LANGFUSE_COST_DETAILS)
    buckets = _read(provided, _exact, pico)
    if not buckets:
        provided = given.get(names.MLFLOW_LLM_COST)
        mlflow = _read(provided, _exact, pico)
        buckets = {name.removesuffix("_cost"): amount for name, amount in mlflow.items()}
    if not buckets:
        buckets, provided = _plain_costs(given), None
        if not buckets:
            return
    total = buckets.setdefault("total", sum(buckets.values()))
    if total > LARGEST:
        return
    row["cost_total"] = total
    row["cost_details"] = _dumps(buckets)
    row["provided_cost_details"] = provided


def _plain_costs(given: Attributes) -> dict[str, int]:
    """Costs that came as numbers, one attribute each."""
    found: dict[str, int] = {}
    for bucket, several in COSTS:
        for name in several:
            if (amount := pico(given.get(name))) is not None:
                found.setdefault(bucket, amount)
    return found


def _exact(text: str) -> object:
    # Only floats of the JSON text pass through Decimal; orjson would round them to binary first.
    return json.loads(text, parse_float=Decimal, parse_constant=Decimal)


def _read(
    text: object, loads: Callable[[str], object], check: Callable[[object], T | None]
) -> dict[str, T]:
    """What passes *check* of a JSON object of numbers."""
    if not isinstance(text, str):
        return {}
    try:
        found = loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    checked = {name: check(value) for name, value in found.items()}
    return {name: value for name, value in checked.items() if value is not None}


def _first_token(row: Row, given: Attributes, start: int) -> None:
    text = given.get(names.LANGFUSE_COMPLETION_START_TIME)
    if isinstance(text, str):
        try:
            moment = microseconds(datetime.fromisoformat(text.strip('"')))
        except (ValueError, OverflowError, OSError):
            pass
        else:
            row["completion_start_time"] = moment
            row["time_to_first_token_us"] = max(moment - start, 0)
    seconds = given.get(names.GEN_AI_TIME_TO_FIRST_CHUNK)
    if isinstance(seconds, float) and 0.0 <= seconds < _LONGEST_S:
        row["time_to_first_token_us"] = round(seconds * 1e6)


def _rest(row: Row, given: Attributes, *, ours: bool) -> None:
    """Metadata, what came in pieces, and what is no attribute of any dialect."""
    own: dict[str, AttributeValue] = {}
    propagated: dict[str, AttributeValue] = {}
    other: dict[str, AttributeValue] = {}
    for name, value in given.items():
        if name in KNOWN:
            continue
        if name.startswith(TRACE_METADATA):
            propagated[name[len(TRACE_METADATA) :]] = value
        elif name.startswith(METADATA):
            own[name[len(METADATA) :]] = value
        else:
            other[name] = value
    if (whole := given.get(names.LANGFUSE_OBSERVATION_METADATA)) is not None:
        # Of its SDK, where the metadata was no mapping.
        own.setdefault("metadata", whole)
    if not own and not propagated:
        own = _openinference_metadata(given.get(names.OPENINFERENCE_METADATA))
    for column, metadata in (("trace_metadata", propagated), ("metadata", own)):
        if metadata:
            row[column] = _dumps(metadata if ours else dialects.unquoted(metadata))
    _pieces(row, given, other)
    if other:
        row["attributes"] = _dumps(other)


def _pieces(row: Row, given: Attributes, other: dict[str, AttributeValue]) -> None:
    """Messages and parameters that came as one attribute each; the messages are taken out of *other*."""
    if other:
        for column, text in dialects.messages(other).items():
            row.setdefault(column, text)
    if "model" in row and "model_parameters" not in row:
        parameters = dialects.parameters(given)
        if parameters is not None:
            row["model_parameters"] = parameters


def _openinference_metadata(text: object) -> dict[str, AttributeValue]:
    """The one JSON object that carries all metadata where the Langfuse block is switched off."""
    if not isinstance(text, str):
        return {}
    try:
        found = orjson.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value if isinstance(value, str) else _dumps(value) for key, value in found.items()}


def _events(row: Row, span: DecodedSpan) -> None:
    others = []
    for event in span.events:
        if event.name == _EXCEPTION and "exception" not in row:
            told = {
                "type": event.attributes.get(names.EXCEPTION_TYPE),
                "message": event.attributes.get(names.EXCEPTION_MESSAGE),
                "stacktrace": event.attributes.get(names.EXCEPTION_STACKTRACE),
            }
            row["exception"] = _dumps(told)
        else:
            others.append(
                {"name": event.name, "time_unix_nano": event.time, "attributes": event.attributes}
            )
    if others:
        row["events"] = _dumps(others)


def _dumps(value: object) -> str:
    return orjson.dumps(value, default=_bytes, option=orjson.OPT_NON_STR_KEYS).decode()


def _bytes(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
