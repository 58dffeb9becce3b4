"""What was spent, by model, user or tag: the groups that spent most, and the total of all.

An observation counts where it is a call (a generation, an embedding) or says what it used or cost. It counts for its
own user and tags, else for its trace's. None is a group of its own, so the groups by model and by user add up to the
total; a call with several tags counts under each of them, and once in the total.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from trackway._store.filters import Condition
from trackway._store.models import Priced
from trackway._store.query import UNPRICED, Source
from trackway._store.users import known_cost

__all__ = ["GROUPS", "ORDERS", "Spending", "Top", "question", "top_of"]

# Group → what of a trace it takes.
GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "model": ("start_us",),
    "user": ("user_id",),
    "tag": ("tags",),
}
ORDERS: Final[dict[str, str]] = {
    "cost": "cost DESC NULLS LAST, tokens DESC, calls DESC",
    "tokens": "tokens DESC, cost DESC NULLS LAST, calls DESC",
}
_SUMS: Final = (
    "count(*) FILTER (billable) AS calls, coalesce(sum(input_tokens), 0)::BIGINT AS inputs, "
    "coalesce(sum(output_tokens), 0)::BIGINT AS outputs, coalesce(sum(total_tokens), 0)::BIGINT AS tokens, "
    f"sum(cost_total) AS cost, {UNPRICED} AS unpriced"
)
_TAGS: Final = "CASE WHEN len(o.tags) > 0 THEN o.tags ELSE t.tags END AS key"
_JOINED: Final = "JOIN traces t ON o.project = t.project AND o.trace_id = t.trace_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending(Priced):
    """What one group spent."""

    group: str | None
    """The model, user or tag; None stands for all that has none."""
    calls: int
    """Generations and embeddings."""
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cost_pico: int | None
    """Pico-dollars of the priced calls; None where some should have a price and none has."""
    unpriced: int
    """Calls without a price: what they cost is not in the sum."""
    cost_complete: bool
    """False where there are such calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Top:
    """The groups that spent most, and what all spent together."""

    groups: tuple[Spending, ...]
    """The largest first."""
    total: Spending
    """Of all groups, also of those that are not shown; each call once."""
    group_count: int
    """How many groups there are."""

    @property
    def has_more(self) -> bool:
        """Whether there are groups that are not shown."""
        return len(self.groups) < self.group_count


def question(source: Source, asked: Sequence[Condition], *, group: str, by: str, limit: int) -> str:
    """A row for the total, with the number of groups for its name, then one for each group."""
    with_, rows = _counted(source, asked, group)
    keyed = "counted"
    if group == "tag":
        # A list of none becomes a row without a tag.
        keyed = "(SELECT * EXCLUDE (key), unnest(CASE WHEN len(key) > 0 THEN key ELSE [NULL] END) AS key FROM counted)"
    return f"""{with_}, counted AS MATERIALIZED ({rows}),
        groups AS (SELECT key, {_SUMS} FROM {keyed} GROUP BY key),
        ranked AS (SELECT row_number() OVER (ORDER BY {ORDERS[by]}, key NULLS LAST) AS rank, * FROM groups)
        SELECT 0 AS rank, (SELECT count(*) FROM groups)::VARCHAR, {_SUMS} FROM counted
        UNION ALL SELECT * FROM ranked WHERE rank <= {source.binder.bind(limit)} ORDER BY rank"""


def _counted(source: Source, asked: Sequence[Condition], group: str) -> tuple[str, str]:
    """The WITH, and the rows that count, each with its `key`."""
    columns = "billable, input_tokens, output_tokens, total_tokens, cost_total"
    test = "billable OR total_tokens IS NOT NULL OR cost_total IS NOT NULL"
    if group == "model" and not asked:
        # Nothing of a trace is asked for: at a million rows that is the larger part.
        return (
            f"WITH {source.observations()}",
            f"SELECT model AS key, {columns} FROM obs WHERE {test}",
        )
    if group == "tag" and not asked:
        # Only traces with calls that have no tags of their own are put together for theirs.
        bare = f"SELECT project, trace_id FROM obs WHERE ({test}) AND coalesce(len(tags), 0) = 0"
        with_ = source.traces((), GROUPS[group], first=[f"(project, trace_id) IN ({bare})"])
        return with_, f"SELECT {_TAGS}, {columns} FROM obs o LEFT {_JOINED} WHERE {test}"
    with_ = source.traces(asked, GROUPS[group])
    if group == "model":
        chosen = "(project, trace_id) IN (SELECT project, trace_id FROM traces)"
        return with_, f"SELECT model AS key, {columns} FROM obs WHERE ({test}) AND {chosen}"
    if group == "tag":
        return with_, f"SELECT {_TAGS}, {columns} FROM obs o {_JOINED} WHERE {test}"
    effective = source.effective(restricted=bool(asked))
    return f"{with_}, {effective}", f"SELECT user_id AS key, {columns} FROM effective WHERE {test}"


def top_of(rows: Sequence[tuple[object, ...]]) -> Top:
    """From the rows of `question`."""
    total, *groups = rows
    return Top(
        groups=tuple(_spending(row) for row in groups),
        total=_spending(total),
        group_count=int(cast("str", total[1])),
    )


def _spending(row: tuple[object, ...]) -> Spending:
    _, key, calls, inputs, outputs, tokens, cost, unpriced = row
    return Spending(
        group=cast("str | None", key),
        calls=cast("int", calls),
        input_tokens=cast("int", inputs),
        output_tokens=cast("int", outputs),
        total_tokens=cast("int", tokens),
        cost_pico=known_cost(cost, unpriced),
        unpriced=cast("int", unpriced),
        cost_complete=not unpriced,
    )
