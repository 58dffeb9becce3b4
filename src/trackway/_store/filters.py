"""From filters, as a caller writes them, to conditions in SQL.

What can be asked is one table a subject (`TRACES`, `OBSERVATIONS`): name → how its value is checked and what becomes
of it. Nothing that a caller wrote ever becomes SQL text: names only select a row of the table, values are bound
parameters.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import ceil, floor
from typing import Final, final

import orjson

from trackway._store.models import PICO
from trackway._store.times import microseconds
from trackway.errors import FilterError

__all__ = ["OBSERVATIONS", "TRACES", "Binder", "Condition", "Fields", "check", "conditions"]


@final
class Binder:
    """Collects values and gives each the name of a parameter."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def bind(self, value: object) -> str:
        """The placeholder for *value*."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must hold, in up to three places."""

    row: str = ""
    """Of the row itself: a trace with its totals, or an observation."""
    observations: tuple[str, ...] = ()
    """Each of at least one observation of the trace. Beside `row`: a cheap test that whatever passes `row` passes
    too."""
    scores: tuple[str, ...] = ()
    """Each of at least one score of the trace or its observations."""


Compile = Callable[[object, Binder], Condition]


class _Wrong(Exception):  # noqa: N818 - never seen outside this module
    """The value does not fit."""


@dataclass(frozen=True, slots=True)
class _Field:
    compile: Compile
    takes: str


Fields = Mapping[str, _Field]


def conditions(fields: Fields, filters: object, binder: Binder) -> list[Condition]:
    """The conditions of *filters*; FilterError, naming field, value and what is allowed, for what cannot be asked."""
    if filters is None:
        return []
    if not isinstance(filters, Mapping):
        message = f"filters must be a mapping of field to value, not {filters!r:.100}"
        raise FilterError(message, field="filters")
    return [_condition(fields, name, value, binder) for name, value in filters.items()]


def check(fields: Fields, filters: object) -> None:
    """FilterError for what cannot be asked, before any work is done for it."""
    conditions(fields, filters, Binder())


def _condition(fields: Fields, name: object, value: object, binder: Binder) -> Condition:
    field = fields.get(name) if isinstance(name, str) else None
    if field is None:
        message = f"there is no filter {name!r:.100}; there are {', '.join(sorted(fields))}"
        raise FilterError(message, field=str(name))
    try:
        return field.compile(value, binder)
    except _Wrong as wrong:
        detail = f" ({wrong})" if str(wrong) else ""
        message = f"filter {name!r} takes {field.takes}, not {value!r:.100}{detail}"
        raise FilterError(message, field=str(name)) from None


# -- texts -----------------------------------------------------------------------------------------


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Sequence | set | frozenset) and all(
        isinstance(item, str) for item in value
    ):
        return [str(item) for item in value]
    raise _Wrong


def _one_of(values: Sequence[str], binder: Binder) -> str:
    # Not list_contains: only these are tested against what a part's row groups say of themselves.
    return f"IN ({', '.join(map(binder.bind, values)) or 'NULL'})"


def _text(row: str, *observation: str) -> _Field:
    """Equality of the column *row*, which for some observation of the trace then holds in one of *observation*."""

    def compiled(value: object, binder: Binder) -> Condition:
        if value is None:
            return Condition(row=f"{row} IS NULL")
        test = _one_of(_strings(value), binder)
        some = " OR ".join(f"{column} {test}" for column in observation)
        return Condition(row=f"{row} {test}", observations=(some,) if some else ())

    return _Field(compiled, "a string, a list of strings (any of them fits), or None (has none)")


def _word(column: str, *words: str) -> _Field:
    """One of a few words, whatever their case."""

    def compiled(value: object, binder: Binder) -> Condition:
        asked = [text.upper() for text in _strings(value)]
        if not set(asked) <= set(words):
            raise _Wrong
        return Condition(row=f"{column} {_one_of(asked, binder)}")

    return _Field(compiled, f"one of {', '.join(words)}, or a list of them")


def _prefix(value: object, binder: Binder) -> Condition:
    if not isinstance(value, str):
        raise _Wrong
    test = f"starts_with(trace_id, {binder.bind(value)})"
    return Condition(row=test, observations=(test,))


def _tags(value: object, binder: Binder) -> Condition:
    asked = _strings(value)
    if not asked:
        return Condition()
    bound = binder.bind(asked)
    return Condition(
        row=f"list_has_all(tags, {bound})", observations=(f"list_has_any(tags, {bound})",)
    )


def _model(value: object, binder: Binder) -> Condition:
    return Condition(observations=(f"model {_one_of(_strings(value), binder)}",))


# -- numbers ---------------------------------------------------------------------------------------


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _Wrong
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite() or abs(number) > Decimal(10) ** 18:
        raise _Wrong
    return number


def _bound(column: str, operator: str, digits: int, unit: str) -> _Field:
    """*column* against a number that is *digits* decimal places shorter."""

    def compiled(value: object, binder: Binder) -> Condition:
        whole = _number(value).scaleb(digits)
        # The column holds whole numbers.
        exact = ceil(whole) if operator == ">=" else floor(whole)
        return Condition(row=f"{column} {operator} {binder.bind(exact)}")

    return _Field(compiled, f"a number of {unit}")


_COMPARISONS: Final = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "eq": "="}


def _score(value: object, binder: Binder) -> Condition:
    if not isinstance(value, Mapping) or not value:
        raise _Wrong
    tests = []
    for name, asked in value.items():
        if not isinstance(name, str):
            raise _Wrong
        wanted = dict(asked) if isinstance(asked, Mapping) else {"eq": asked}
        parts = [
            f"name = {binder.bind(name)}",
            *(_compare(op, bound, binder) for op, bound in wanted.items()),
        ]
        tests.append(" AND ".join(parts))
    return Condition(scores=tuple(tests))


def _compare(operator: object, value: object, binder: Binder) -> str:
    sign = _COMPARISONS.get(operator) if isinstance(operator, str) else None
    if sign is None:
        message = f"operators are {', '.join(_COMPARISONS)}"
        raise _Wrong(message)
    if isinstance(value, str) and sign == "=":
        return f"label = {binder.bind(value)}"
    number = float(value) if isinstance(value, bool) else float(_number(value))
    return f"value {sign} {binder.bind(number)}"


# -- times -----------------------------------------------------------------------------------------


def _date_range(column: str) -> _Field:
    def compiled(value: object, binder: Binder) -> Condition:
        if not isinstance(value, Mapping):
            raise _Wrong
        tests = []
        for operator, moment in value.items():
            sign = (
                _COMPARISONS.get(operator)
                if operator != "eq" and isinstance(operator, str)
                else None
            )
            if sign is None:
                message = f"{operator!r} is not one of gte, gt, lte, lt"
                raise _Wrong(message)
            if moment is not None:
                sign, limit = _limit(sign, moment)
                tests.append(f"{column} {sign} {binder.bind(limit)}")
        return Condition(row=" AND ".join(tests))

    return _Field(
        compiled,
        "a mapping with gte, gt, lte or lt to an ISO 8601 text, a datetime or a date (naive ones are local time)",
    )


def _limit(sign: str, moment: object) -> tuple[str, int]:
    """Sign and µs since the epoch; a whole day is within `<=` up to its end, and `>` means after it."""
    if isinstance(moment, str):
        try:
            moment = date.fromisoformat(moment)
        except ValueError:
            moment = _datetime(str(moment))
    try:
        if isinstance(moment, datetime):
            return sign, microseconds(moment)
        if isinstance(moment, date):
            ends = sign in {"<=", ">"}
            day = moment + timedelta(days=1) if ends else moment
            return {"<=": "<", ">": ">="}.get(sign, sign), microseconds(
                datetime.combine(day, time())
            )
    except (OverflowError, OSError, ValueError):
        message = "out of range"
        raise _Wrong(message) from None
    raise _Wrong


def _datetime(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r:.60} is no ISO 8601 time"
        raise _Wrong(message) from None


# -- metadata --------------------------------------------------------------------------------------


def _metadata(*columns: str) -> _Field:
    """*columns*: JSON objects of texts, in any of which the key may stand."""

    def compiled(value: object, binder: Binder) -> Condition:
        if not isinstance(value, Mapping) or not value:
            raise _Wrong
        tests = []
        for key, wanted in value.items():
            if not isinstance(key, str):
                raise _Wrong
            # A JSON pointer takes any key; a path would give meaning to dots and quotes in it.
            pointer = binder.bind("/" + key.replace("~", "~0").replace("/", "~1"))
            text = binder.bind(_as_text(wanted))
            tests.append(
                " OR ".join(
                    f"json_extract_string({column}, {pointer}) = {text}" for column in columns
                )
            )
        return Condition(observations=tuple(tests))

    return _Field(compiled, "a mapping of keys to the values that they must have")


def _as_text(value: object) -> str:
    """As metadata is written: strings as they are, others as JSON."""
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        raise _Wrong from None


LEVELS: Final = ("DEBUG", "DEFAULT", "WARNING", "ERROR")
STATUS: Final = ("OK", "ERROR")
TYPES: Final = (
    "SPAN", "GENERATION", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL", "EVENT",
)  # fmt: skip

TRACES: Final[Fields] = {
    "id": _text("trace_id", "trace_id"),
    "id_prefix": _Field(_prefix, "a string: the beginning of an id"),
    "name": _text("name", "trace_name", "name"),
    "user_id": _text("user_id", "user_id"),
    "session_id": _text("session_id", "session_id"),
    "environment": _text("environment", "environment"),
    "release": _text("release", "release"),
    "version": _text("version", "version"),
    "tags": _Field(_tags, "a string or a list of strings, all of which must be there"),
    "model": _Field(_model, "a string or a list of strings, any of which must have been used"),
    "status": _word("status", *STATUS),
    "level": _word("level", *LEVELS),
    "date_range": _date_range("start_us"),
    "min_cost": _bound("cost", ">=", PICO, "US dollars"),
    "max_cost": _bound("cost", "<=", PICO, "US dollars"),
    "min_latency": _bound("latency_us", ">=", 6, "seconds"),
    "max_latency": _bound("latency_us", "<=", 6, "seconds"),
    "min_tokens": _bound("total_tokens", ">=", 0, "tokens"),
    "max_tokens": _bound("total_tokens", "<=", 0, "tokens"),
    "metadata": _metadata("trace_metadata", "CASE WHEN root_order IS NOT NULL THEN metadata END"),
    "score": _Field(
        _score, "a mapping of a score's name to its value, or to {gte, gt, lte, lt, eq: number}"
    ),
}


OBSERVATIONS: Final[Fields] = {
    "id": _text("span_id"),
    "trace_id": _text("trace_id"),
    "parent_observation_id": _text("parent_id"),
    "type": _word("type", *TYPES),
    "name": _text("name"),
    "user_id": _text("user_id"),
    "session_id": _text("session_id"),
    "environment": _text("environment"),
    "release": _text("release"),
    "version": _text("version"),
    "model": _text("model"),
    "status": _word("status", *STATUS),
    "level": _word("level", *LEVELS),
    "date_range": _date_range("start_us"),
    "min_cost": _bound("cost", ">=", PICO, "US dollars"),
    "min_latency": _bound("latency_us", ">=", 6, "seconds"),
    "tags": _Field(_tags, "a string or a list of strings, all of which must be there"),
}
