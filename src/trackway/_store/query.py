"""The questions as SQL: what a trace is, what a user is, and how a page of them is found.

Theory of operation. A part holds one row a span; a *trace* is an aggregate over its spans, computed when asked (at
1,000,000 spans in 330,000 traces that is 40 ms for its times, 110 ms with users and percentiles). So that a filtered
page need not aggregate everything:

1. Conditions on a trace bring a cheap test on its observations along where there is one
   (`filters.Condition.observations`), and only traces of which some observation passes are aggregated at all.
2. A page is found first (ids and times; aggregates that nobody asks for are left out), then filled: the second
   query reads only the parts and row groups of the page's own time span.
3. Inputs and outputs are columns of their own that only `content.py` reads.

Every name in the texts below is ours; what a caller gave is in the parameters.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from trackway._store import filters
from trackway._store.engines.duckdb import table
from trackway._store.filters import Binder, Condition
from trackway._store.rows import OBSERVATIONS, SCORES, Kind
from trackway._store.state import Snapshot, Superseded

__all__ = ["TRACE_FIELDS", "UNPRICED", "USER_ORDERS", "Source"]

# The root's, else the only one there is.
_OF_TRACE: Final = (
    "coalesce(arg_min({0}, root_order), CASE WHEN min({0}) = max({0}) THEN min({0}) END)"
)
# The root's, else that of the last observation.
_OF_END: Final = "coalesce(arg_min({0}, root_order), arg_max({0}, end_time))"
UNPRICED: Final = "count(*) FILTER (billable AND cost_total IS NULL)"
"""Calls of which nobody knows what they cost."""
# The earliest that there is.
_FIRST: Final = "arg_min({0}, start_time)"

TRACE_FIELDS: Final[dict[str, str]] = {
    "start_us": "epoch_us(min(start_time))",
    "end_us": "epoch_us(max(end_time))",
    "latency_us": "epoch_us(max(end_time)) - epoch_us(min(start_time))",
    "name": (
        "coalesce(arg_min(trace_name, root_order), arg_min(trace_name, start_time), "
        "arg_min(name, root_order), arg_min(name, start_time))"
    ),
    "user_id": _OF_TRACE.format("user_id"),
    "session_id": _OF_TRACE.format("session_id"),
    "tags": "list_distinct(flatten(list(DISTINCT tags)))",
    "first_tags": _FIRST.format("tags"),
    "environment": f"coalesce(arg_min(environment, root_order), {_FIRST.format('environment')})",
    "release": f"coalesce(arg_min(release, root_order), {_FIRST.format('release')})",
    "version": f"coalesce(arg_min(version, root_order), {_FIRST.format('version')})",
    "status": _OF_END.format("status"),
    "level": _OF_END.format("level"),
    "status_message": "arg_max(status_message, coalesce(-root_order, -9223372036854775807)) FILTER (status = 'ERROR')",
    "observation_count": "count(*)",
    "error_count": "count(*) FILTER (status = 'ERROR')",
    "models": "list(DISTINCT model)",
    "input_tokens": "coalesce(sum(input_tokens), 0)::BIGINT",
    "output_tokens": "coalesce(sum(output_tokens), 0)::BIGINT",
    "total_tokens": "coalesce(sum(total_tokens), 0)::BIGINT",
    # What has no price to have costs nothing; what has one that nobody knows has no sum.
    "cost": f"CASE WHEN {UNPRICED} = 0 THEN coalesce(sum(cost_total), 0) ELSE sum(cost_total) END",
    "unpriced": UNPRICED,
    "root_metadata": "arg_min(metadata, root_order)",
    "first_metadata": _FIRST.format("trace_metadata"),
    "trace_metadata": "list(DISTINCT trace_metadata)",
}

QUARTER_US: Final = 900_000_000
SAME_SPAN: Final = "o.project = s.project AND o.trace_id = s.trace_id AND o.span_id = s.span_id"

USER_ORDERS: Final[dict[str, str]] = {
    "cost": "cost DESC NULLS LAST",
    "traces": "traces DESC",
    "tokens": "total_tokens DESC",
    "errors": "errors DESC",
    "last_seen": "last_us DESC NULLS LAST",
    "latency_p95": "latency[2] DESC NULLS LAST",
}


@dataclass(slots=True)
class Source:
    """The rows that count, of one moment: registered parts, without what is out of date, of one project or of all."""

    directory: Path
    snapshot: Snapshot
    project: str | None
    binder: Binder = field(default_factory=Binder)

    def between(self, first_us: int, last_us: int) -> "Source":
        """The same, but without parts that have no row in a span of time."""
        parts = tuple(
            p for p in self.snapshot.parts if p.last_us >= first_us and p.first_us <= last_us
        )
        return Source(self.directory, Snapshot(parts, self.snapshot.superseded), self.project)

    @property
    def all_have_users(self) -> bool:
        """Whether no observation must be asked for its trace's user."""
        return not any(part.userless for part in self.snapshot.parts)

    # -- the tables ---------------------------------------------------------------------------------------------------

    def observations(self) -> str:
        """`obs`: a row for each span."""
        source = self._table(OBSERVATIONS)
        tests = [] if self.project is None else [f"o.project = {self.binder.bind(self.project)}"]
        if self.snapshot.superseded:
            newer = outdated(self.snapshot.superseded, self.binder)
            source += f" o LEFT JOIN {newer} s ON {SAME_SPAN}"
            tests.append("(s.sequence IS NULL OR o.sequence >= s.sequence)")
        else:
            source += " o"
        return f"obs AS NOT MATERIALIZED (SELECT o.* FROM {source}{_where(tests)})"

    def scores(self) -> str:
        """`scores`: each score as it was given last."""
        source = self._table(SCORES)
        tests = [] if self.project is None else [f"project = {self.binder.bind(self.project)}"]
        return (
            f"scores AS (SELECT * FROM {source}{_where(tests)} "
            "QUALIFY row_number() OVER (PARTITION BY project, score_id ORDER BY sequence DESC) = 1)"
        )

    def _table(self, kind: Kind) -> str:
        parts = [part for part in self.snapshot.parts if part.kind == kind]
        older = any(part.is_older for part in parts)
        text, files = table(kind, [self.directory / part.file for part in parts], older=older)
        return text.replace("$files", self.binder.bind(files))

    def traces(
        self,
        asked: Sequence[Condition],
        columns: Iterable[str] = TRACE_FIELDS,
        first: Sequence[str] = (),
    ) -> str:
        """`obs`, and `traces`: a row for each trace that fits, with *columns*.

        *first* are tests on observations, before anything is aggregated.
        """
        tests = list(first)
        tests += [
            f"(project, trace_id) IN (SELECT project, trace_id FROM obs WHERE {some})"
            for condition in asked
            for some in condition.observations
        ]
        scored = [some for condition in asked for some in condition.scores]
        tests += [
            f"(project, trace_id) IN (SELECT project, trace_id FROM scores WHERE {some})"
            for some in scored
        ]
        ctes = [self.observations(), *([self.scores()] if scored else [])]
        rows = [condition.row for condition in asked if condition.row]
        # `every` has the aggregates that are selected or that a condition names, and no other: DuckDB 2.0 computes
        # those of DISTINCT values even where nobody selects them, each with a pass of its own.
        named = {*columns, *re.findall(r"\w+", " ".join(rows))}
        every = ", ".join(f"{sql} AS {name}" for name, sql in TRACE_FIELDS.items() if name in named)
        ctes.append(
            f"every AS NOT MATERIALIZED (SELECT project, trace_id, {every} "
            f"FROM obs{_where(tests)} GROUP BY project, trace_id)"
        )
        ctes.append(
            f"traces AS (SELECT project, trace_id, {', '.join(columns)} FROM every{_where(rows)})"
        )
        return "WITH " + ", ".join(ctes)

    # -- the questions ------------------------------------------------------------------------------------------------

    def trace_page(
        self, asked: Sequence[Condition], limit: int, after: tuple[int, str] | None
    ) -> str:
        """(project, trace id, start, end) of the newest traces; *after* is start and id of the last one seen."""
        with_ = self.traces(asked, ("start_us", "end_us"))
        more = ""
        if after is not None:
            start, trace_id = (self.binder.bind(value) for value in after)
            more = f" WHERE (start_us < {start} OR (start_us = {start} AND trace_id < {trace_id}))"
        return (
            f"{with_} SELECT project, trace_id, start_us, end_us FROM traces{more} "
            f"ORDER BY start_us DESC, trace_id DESC LIMIT {self.binder.bind(limit)}"
        )

    def trace_rows(self, ids: Sequence[str]) -> str:
        """Every field of traces with these ids, by the name of the field."""
        with_ = self.traces([], first=[self.having(ids)])
        return f"{with_} SELECT project, trace_id, {', '.join(TRACE_FIELDS)} FROM traces"

    def having(self, ids: Sequence[str]) -> str:
        """That a row is of one of these traces."""
        return f"trace_id IN (SELECT unnest({self.binder.bind(list(ids))}::VARCHAR[]))"

    def users(
        self,
        asked: Sequence[Condition],
        *,
        only: tuple[str | None] | None = None,
        order: str = "cost",
        limit: int = 1,
        offset: int = 0,
    ) -> str:
        """A row for each effective user; *only* asks for one of them."""
        if only is not None:
            asked = [*asked, self.of_user(only[0])]
        with_ = self.traces(asked, ("user_id", "latency_us", "status"))
        picked = (
            ""
            if only is None
            else f" WHERE user_id IS NOT DISTINCT FROM {self.binder.bind(only[0])}"
        )
        return f"""{with_}, {self.effective(restricted=bool(asked))}, by_trace AS (
                SELECT user_id, count(*) AS traces, count(*) FILTER (status = 'ERROR') AS errors,
                    quantile_cont(latency_us, [0.5, 0.95]) AS latency
                FROM traces GROUP BY user_id
            ), by_observation AS (
                SELECT user_id, epoch_us(min(start_time)) AS first_us, epoch_us(max(start_time)) AS last_us,
                    count(*) AS observations, count(DISTINCT session_id) AS sessions,
                    sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
                    sum(total_tokens) AS total_tokens,
                    sum(cost_total) AS cost, {UNPRICED} AS unpriced
                FROM effective GROUP BY user_id
            ), users AS (
                SELECT coalesce(o.user_id, t.user_id) AS user_id, first_us, last_us, coalesce(traces, 0) AS traces,
                    coalesce(errors, 0) AS errors, coalesce(observations, 0) AS observations,
                    coalesce(sessions, 0) AS sessions,
                    coalesce(input_tokens, 0)::BIGINT AS input_tokens,
                    coalesce(output_tokens, 0)::BIGINT AS output_tokens,
                    coalesce(total_tokens, 0)::BIGINT AS total_tokens, cost, coalesce(unpriced, 0) AS unpriced, latency
                FROM by_observation o FULL JOIN by_trace t ON o.user_id IS NOT DISTINCT FROM t.user_id
            ) SELECT * FROM users{picked} ORDER BY {USER_ORDERS[order]}, user_id NULLS LAST
            {self.rows(limit, offset)}"""

    def effective(self, *, restricted: bool) -> str:
        """`effective`: observations of the traces in question, each with its own user, else its trace's."""
        columns = "o.* EXCLUDE (user_id)"
        if self.all_have_users:
            chosen = (
                " WHERE (project, trace_id) IN (SELECT project, trace_id FROM traces)"
                if restricted
                else ""
            )
            return f"effective AS NOT MATERIALIZED (SELECT {columns}, o.user_id FROM obs o{chosen})"
        return (
            f"effective AS NOT MATERIALIZED (SELECT {columns}, coalesce(o.user_id, t.user_id) AS user_id "
            "FROM obs o JOIN traces t ON o.project = t.project AND o.trace_id = t.trace_id)"
        )

    def of_user(self, user_id: str | None) -> Condition:
        """That some observation may count for a user."""
        if user_id is None:
            # Also a trace of several users, each of whose observations has one, is no one's.
            return Condition()
        return Condition(observations=(f"user_id = {self.binder.bind(user_id)}",))

    def user_models(self, user_id: str | None) -> str:
        """Spending of one user by model."""
        with_ = self.traces([self.of_user(user_id)], ("user_id",))
        return f"""{with_}, {self.effective(restricted=True)}
            SELECT model, count(*), coalesce(sum(input_tokens), 0)::BIGINT, coalesce(sum(output_tokens), 0)::BIGINT,
                coalesce(sum(total_tokens), 0)::BIGINT, sum(cost_total), {UNPRICED}
            FROM effective WHERE model IS NOT NULL AND user_id IS NOT DISTINCT FROM {self.binder.bind(user_id)}
            GROUP BY model ORDER BY 6 DESC NULLS LAST, 2 DESC, 1"""

    def user_quarters(self, user_id: str | None) -> str:
        """Activity of one user by quarter of an hour: every time zone's days begin with one."""
        with_ = self.traces([self.of_user(user_id)], ("user_id", "start_us", "status"))
        user = f"user_id IS NOT DISTINCT FROM {self.binder.bind(user_id)}"
        return f"""{with_}, {self.effective(restricted=True)}
            SELECT quarter, sum(traces)::BIGINT, sum(errors)::BIGINT, sum(observations)::BIGINT, sum(tokens)::BIGINT,
                sum(cost), sum(unpriced)::BIGINT FROM (
                SELECT start_us // {QUARTER_US} AS quarter, 1 AS traces, (status = 'ERROR')::BIGINT AS errors,
                    0 AS observations, 0 AS tokens, NULL AS cost, 0 AS unpriced
                FROM traces WHERE {user}
                UNION ALL
                SELECT epoch_us(start_time) // {QUARTER_US}, 0, 0, 1, coalesce(total_tokens, 0), cost_total,
                    (billable AND cost_total IS NULL)::BIGINT
                FROM effective WHERE {user}
            ) GROUP BY quarter ORDER BY quarter"""

    def user_scores(self, user_id: str | None) -> str:
        """Mean of the numbers given to one user's traces, by score."""
        with_ = self.traces([self.of_user(user_id)], ("user_id",))
        return f"""{with_}, {self.scores()} SELECT s.name, count(*), avg(s.value)
            FROM scores s JOIN traces t ON s.project = t.project AND s.trace_id = t.trace_id
            WHERE s.value IS NOT NULL AND t.user_id IS NOT DISTINCT FROM {self.binder.bind(user_id)}
            GROUP BY s.name ORDER BY s.name"""

    def sessions(self, asked: Sequence[Condition], limit: int, offset: int) -> str:
        """A row for each session, the one with the latest trace first."""
        names = (
            "session_id",
            "user_id",
            "start_us",
            "end_us",
            "status",
            "total_tokens",
            "cost",
            "unpriced",
        )
        with_ = self.traces(asked, names)
        return f"""{with_} SELECT session_id, list(DISTINCT user_id), min(start_us), max(end_us), count(*),
                count(*) FILTER (status = 'ERROR'), sum(total_tokens)::BIGINT, sum(cost), sum(unpriced)::BIGINT
            FROM traces WHERE session_id IS NOT NULL GROUP BY session_id
            ORDER BY max(start_us) DESC, session_id {self.rows(limit, offset)}"""

    def observation_rows(self, columns: str, asked: Sequence[Condition], tail: str) -> str:
        """*columns* of observations that fit."""
        tests = [condition.row for condition in asked if condition.row]
        named = (
            "epoch_us(start_time) AS start_us, epoch_us(end_time) - epoch_us(start_time) AS latency_us, "
            "cost_total AS cost"
        )
        return f"WITH {self.observations()} SELECT {columns} FROM (SELECT *, {named} FROM obs){_where(tests)} {tail}"

    def rows_of_traces(
        self,
        columns: str,
        ids: Sequence[str],
        between: tuple[int, int],
        tail: str,
        *,
        roots: bool = False,
    ) -> str:
        """*columns* of the observations of some traces, all of which started in a span of time."""
        first, last = (self.binder.bind(moment) for moment in between)
        tests = [
            self.having(ids),
            f"start_time BETWEEN make_timestamptz({first}) AND make_timestamptz({last})",
        ]
        if roots:
            tests.append("root_order IS NOT NULL")
        return self.observation_rows(columns, [Condition(row=test) for test in tests], tail)

    def rows(self, limit: int, offset: int) -> str:
        """The end of a SELECT that is a page."""
        return f"LIMIT {self.binder.bind(limit)} OFFSET {self.binder.bind(offset)}"

    def score_rows(self, columns: str, ids: Sequence[str]) -> str:
        """*columns* of the scores of some traces, oldest first."""
        test = self.having(ids)
        return f"WITH {self.scores()} SELECT {columns} FROM scores WHERE {test} ORDER BY start_time, sequence"

    def asked(self, fields: filters.Fields, given: object) -> list[Condition]:
        """The conditions of a caller's filters."""
        return filters.conditions(fields, given, self.binder)


def outdated(superseded: Sequence[Superseded], binder: Binder) -> str:
    """A relation of spans and the number from which on their rows are current."""
    columns = zip(*superseded, strict=True)
    types = ("VARCHAR[]", "VARCHAR[]", "VARCHAR[]", "BIGINT[]")
    lists = ", ".join(
        f"unnest({binder.bind(list(values))}::{sql}) AS {name}"
        for name, sql, values in zip(Superseded._fields, types, columns, strict=True)
    )
    return f"(SELECT {lists})"


def _where(tests: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(f'({test})' for test in tests)}" if tests else ""
