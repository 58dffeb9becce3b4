"""One user's numbers, from rows to models."""

from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from typing import TypedDict, cast

from trackway._store.models import DayUse, ModelUse, ScoreMean, User, UserSummary
from trackway._store.query import QUARTER_US
from trackway._store.times import from_microseconds

__all__ = ["days", "known_cost", "page_of", "summary"]

Row = tuple[object, ...]


def known_cost(cost: object, unpriced: object) -> int | None:
    """Pico-dollars: 0 where nothing has a price to have, None where something has and nobody priced anything."""
    if cost is None:
        return None if unpriced else 0
    return cast("int", cost)


def summary(row: Row) -> UserSummary:
    """From a row of `Source.users`."""
    return UserSummary(**_fields(row))


def page_of(
    row: Row, *, models: Sequence[Row], daily: tuple[DayUse, ...], scores: Sequence[Row]
) -> User:
    """From a row of `Source.users` and what belongs to that user."""
    return User(
        **_fields(row),
        models=tuple(_model(model) for model in models),
        daily=daily,
        scores=tuple(
            ScoreMean(name=cast("str", name), count=cast("int", count), mean=cast("float", mean))
            for name, count, mean in scores
        ),
    )


def days(quarters: Sequence[Row], timezone: tzinfo | None) -> tuple[DayUse, ...]:
    """Quarters of an hour, summed up by day of a time zone."""
    found: dict[date, list[int | None]] = {}
    for quarter, *counts in quarters:
        day = from_microseconds(cast("int", quarter) * QUARTER_US).astimezone(timezone).date()
        sums = found.setdefault(day, [0, 0, 0, 0, None, 0])
        for index, count in enumerate(cast("list[int | None]", counts)):
            if count is not None:
                sums[index] = (sums[index] or 0) + count
    return tuple(
        DayUse(
            day=day,
            traces=cast("int", traces),
            errors=cast("int", errors),
            observations=cast("int", observations),
            total_tokens=cast("int", tokens),
            cost_pico=known_cost(cost, unpriced),
            cost_complete=not unpriced,
        )
        for day, (traces, errors, observations, tokens, cost, unpriced) in sorted(found.items())
    )


class _Fields(TypedDict):
    user_id: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    traces: int
    errors: int
    observations: int
    sessions: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost_pico: int | None
    cost_complete: bool
    latency_p50: float | None
    latency_p95: float | None


def _fields(row: Row) -> _Fields:
    (
        user_id, first, last, traces, errors, observations, sessions, inputs, outputs, total, cost, unpriced, latency,
    ) = row  # fmt: skip
    p50, p95 = cast("list[float]", latency) if latency else (None, None)
    return {
        "user_id": cast("str | None", user_id),
        "first_seen": None if first is None else from_microseconds(cast("int", first)),
        "last_seen": None if last is None else from_microseconds(cast("int", last)),
        "traces": cast("int", traces),
        "errors": cast("int", errors),
        "observations": cast("int", observations),
        "sessions": cast("int", sessions),
        "input_tokens": cast("int", inputs),
        "output_tokens": cast("int", outputs),
        "total_tokens": cast("int", total),
        "cost_pico": known_cost(cost, unpriced),
        "cost_complete": not unpriced,
        "latency_p50": None if p50 is None else p50 / 1e6,
        "latency_p95": None if p95 is None else p95 / 1e6,
    }


def _model(row: Row) -> ModelUse:
    model, observations, inputs, outputs, total, cost, unpriced = row
    return ModelUse(
        model=cast("str", model),
        observations=cast("int", observations),
        input_tokens=cast("int", inputs),
        output_tokens=cast("int", outputs),
        total_tokens=cast("int", total),
        cost_pico=known_cost(cost, unpriced),
        cost_complete=not unpriced,
    )
