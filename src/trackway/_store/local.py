"""The embedded store as the read API sees it: ingest what is new, then answer."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast, final

from trackway._core.settings import Settings
from trackway._delivery.platform import make_private_directory
from trackway._prices.book import PriceBook, open_book
from trackway._store import filters as filter_table
from trackway._store.content import CHUNK, OBSERVATION_COLUMNS, Content, observation
from trackway._store.engines.duckdb import Engine
from trackway._store.ingest import Ingester, IngestReport
from trackway._store.models import Observation, Session, Trace, User, UserSummary
from trackway._store.page import Page
from trackway._store.parts import Parts
from trackway._store.query import USER_ORDERS, Source
from trackway._store.reading import Reading, Rows
from trackway._store.reprice import Repriced, Repricing
from trackway._store.retention import KEEP_ALL, Days, Retention, Rule, rule_of
from trackway._store.spending import GROUPS, ORDERS, Top, question, top_of
from trackway._store.state import State
from trackway._store.summaries import session_of, trace_of
from trackway._store.times import microseconds
from trackway._store.users import days, page_of, summary
from trackway.errors import FilterError, ReadNotAvailable

__all__ = ["LocalStore", "Observations", "Sessions", "Traces", "Users", "local_store"]

LARGEST_LIMIT: Final = 1_000_000
# How long a reader waits for another one's ingest before it answers from what is there.
WAIT_S: Final = 2.0


@final
class LocalStore:
    """What was traced on this machine, of one *project* or, with None, of all.

    *directory* is the library's own (`TRACKWAY_DIR`). Every question ingests first what applications have left in
    the spool, so the answer holds what ended a moment ago. Any number of processes may ask at once. ReadNotAvailable
    where DuckDB is not installed. *retention* says what an ingest lets go, by *clock* (ns since the epoch); by
    default nothing. *lean*: with a third of the memory, in a process that must not be noticed.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with LocalStore(Path(tempfile.mkdtemp()), project=None) as store:
        ...     len(store.get_traces(limit=10))
        0
    """

    def __init__(  # noqa: PLR0913 - what a store is made of, each by name
        self,
        directory: Path,
        *,
        project: str | None = None,
        retention: Rule = KEEP_ALL,
        clock: Callable[[], int] = time.time_ns,
        lean: bool = False,
        prices: PriceBook | None = None,
    ) -> None:
        self.directory = directory
        self.project = project
        folder = directory / "store"
        self._folder = folder
        self._engine = Engine(folder / "spill", lean=lean)
        state = State(folder / "state.sqlite")
        parts = Parts(folder / "parts", state, self._engine)
        self.retention = Retention(parts, state, retention, lambda: clock() // 1_000)
        self._ingester = Ingester(
            directory, parts, state, self._engine, retention=self.retention, prices=prices
        )
        self._parts, self._state = parts, state
        reading = Reading(folder / "parts", state, self._engine, project)
        self.traces = Traces(self, reading)
        self.observations = Observations(self, reading)
        self.sessions = Sessions(self, reading)
        self.users = Users(self, reading)

    def ingest(self, wait: float = WAIT_S) -> IngestReport:
        """Makes everything that has ended readable. Waits at most *wait* seconds where another process is doing it."""
        self._engine.require()
        make_private_directory(self.directory)
        make_private_directory(self._folder)
        return self._ingester.ingest(wait)

    def delete_older(self, age_s: float, wait: float = WAIT_S) -> Days | None:
        """Deletes the days that are over for *age_s* seconds; None where another process ingests all the time."""
        self.ingest(wait)
        with self._ingester.alone(wait) as mine:
            return self.retention.delete(age_s) if mine else None

    def reprice(
        self,
        since: datetime | None = None,
        *,
        dry_run: bool = False,
        progress: Callable[[int, int], None] | None = None,
        wait: float = WAIT_S,
    ) -> Repriced:
        """Prices again, by the price book of today and the time of each call, what it priced or could not.

        Of observations that started at *since* or later; without it all. What a span itself says it cost stays.
        *progress* is told how many rows were looked at and how many are left. Can be ended at any moment and run again.
        """
        book = self._ingester.prices
        if book is None:
            message = "nothing is priced: pip install 'trackway[prices]', or name a file of prices in TRACKWAY_PRICES"
            raise ReadNotAvailable(message, setting="prices")
        self.ingest(wait)
        run = Repricing(
            self._parts, self._state, self._engine, book,
            since_us=None if since is None else microseconds(since), project=self.project, dry_run=dry_run,
        )  # fmt: skip
        done = 0
        while True:
            with self._ingester.alone(wait) as mine:
                if not mine:
                    message = f"another process has been ingesting into {self.directory} all the time; try again"
                    raise ReadNotAvailable(message, setting="directory")
                left = run.left()
                if not left:
                    return run.total
                run.reprice(left[0])
            done += left[0].rows
            if progress is not None:
                progress(done, sum(part.rows for part in left[1:]))

    def get_traces(self, limit: int = 100, filters: object = None) -> Page[Trace]:
        """The newest traces that fit *filters*, newest first; see `Traces.list`."""
        return self.traces.list(limit=limit, filters=filters)

    def close(self) -> None:
        """Gives the memory back. The store can still be asked, and then takes it again."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@final
class Traces:
    """`store.traces`."""

    def __init__(self, store: LocalStore, reading: Reading) -> None:
        self._store = store
        self._reading = reading

    def list(self, *, limit: int = 100, filters: object = None) -> Page[Trace]:
        """At most *limit* traces, newest first.

        *filters* is a mapping; all of it must hold. Texts (`id`, `name`, `user_id`, `session_id`, `environment`,
        `release`, `version`, `model`) take a string or a list of which any fits, and None for "has none"; `tags` all
        of the given ones; `date_range` a mapping of gte, gt, lte, lt; `min_cost`, `max_cost` US dollars;
        `min_latency`, `max_latency` seconds; `min_tokens`, `max_tokens`; `status`, `level`; `metadata` a mapping of
        key to value; `score` a mapping of name to value or to {gte, gt, lte, lt, eq}. FilterError names what cannot
        be asked.
        """
        check_limit(limit)
        filter_table.check(filter_table.TRACES, filters)
        self._store.ingest()
        return self._page(limit, filters, None)

    def get(self, trace_id: str) -> Trace | None:
        """The trace with this id; None where there is none. Of several projects with the same id, the newest."""
        found = self.list(limit=1, filters={"id": trace_id})
        return found[0] if found else None

    def _page(self, limit: int, filters: object, after: tuple[int, str] | None) -> Page[Trace]:
        found = self._reading.ask(
            lambda source: source.trace_page(
                source.asked(filter_table.TRACES, filters), limit + 1, after
            )
        )
        shown = found[:limit]
        traces = [
            trace
            for start in range(0, len(shown), CHUNK)
            for trace in self._chunk(shown[start : start + CHUNK])
        ]
        if len(found) <= limit:
            return Page(traces)
        last = (cast("int", shown[-1][2]), cast("str", shown[-1][1]))
        return Page(traces, lambda: self._page(limit, filters, last))

    def _chunk(self, found: Rows) -> Sequence[Trace]:
        ids = [cast("str", row[1]) for row in found]
        first, last = (
            min(cast("int", row[2]) for row in found),
            max(cast("int", row[3]) for row in found),
        )
        rows = self._reading.ask(lambda source: source.trace_rows(ids), between=(first, last))
        content = Content(self._reading, ids, first, last)
        by_key = {row[:2]: row for row in rows}
        # A trace whose parts were removed between the two queries is left out.
        return [trace_of(by_key[row[:2]], content) for row in found if row[:2] in by_key]


@final
class Observations:
    """`store.observations`."""

    def __init__(self, store: LocalStore, reading: Reading) -> None:
        self._store = store
        self._reading = reading

    def list(self, *, limit: int = 100, filters: object = None) -> Page[Observation]:
        """At most *limit* observations, newest first.

        *filters* are as of traces, with `type`, `trace_id` and `parent_observation_id` besides. `user_id` is the
        observation's own user here.
        """
        check_limit(limit)
        filter_table.check(filter_table.OBSERVATIONS, filters)
        self._store.ingest()
        return self._page(limit, filters, 0)

    def top(
        self, *, by: str = "cost", group: str = "model", limit: int = 20, filters: object = None
    ) -> Top:
        """What was spent: the *limit* groups with most of *by*, and the total of all.

        *by* is cost or tokens; *group* is model, user or tag. An observation counts for its own user and tags, else
        for its trace's, and None is a group of its own. *filters* choose the traces that count.

        Example:
            >>> from trackway import get_client
            >>> top = get_client().observations.top(group="user", filters={"tags": ["production"]})
            >>> for user in top.groups:
            ...     print(user.group, user.total_cost, user.unpriced)
            >>> top.total.total_cost
            0.0
        """
        check_limit(limit)
        for name, given, allowed in (("by", by, ORDERS), ("group", group, GROUPS)):
            if given not in allowed:
                message = f"{name} takes {', '.join(allowed)}, not {given!r:.100}"
                raise FilterError(message, field=name)
        filter_table.check(filter_table.TRACES, filters)
        self._store.ingest()
        return top_of(
            self._reading.ask(
                lambda source: question(
                    source,
                    source.asked(filter_table.TRACES, filters),
                    group=group,
                    by=by,
                    limit=limit,
                )
            )
        )

    def _page(self, limit: int, filters: object, offset: int) -> Page[Observation]:
        def question(source: Source) -> str:
            tail = f"ORDER BY start_us DESC, span_id {source.rows(limit + 1, offset)}"
            return source.observation_rows(
                OBSERVATION_COLUMNS, source.asked(filter_table.OBSERVATIONS, filters), tail
            )

        found = self._reading.ask(question)
        shown = found[:limit]
        starts = [cast("int", row[6]) for row in shown] or [0]
        content = Content(
            self._reading, sorted({cast("str", row[1]) for row in shown}), min(starts), max(starts)
        )
        models = [observation(row, content) for row in shown]
        return Page(
            models,
            None if len(found) <= limit else lambda: self._page(limit, filters, offset + limit),
        )


@final
class Sessions:
    """`store.sessions`."""

    def __init__(self, store: LocalStore, reading: Reading) -> None:
        self._store = store
        self._reading = reading

    def list(self, *, limit: int = 100, filters: object = None) -> Page[Session]:
        """At most *limit* sessions, the one with the latest trace first; *filters* choose the traces that count."""
        check_limit(limit)
        filter_table.check(filter_table.TRACES, filters)
        self._store.ingest()
        return self._page(limit, filters, 0)

    def _page(self, limit: int, filters: object, offset: int) -> Page[Session]:
        found = self._reading.ask(
            lambda source: source.sessions(
                source.asked(filter_table.TRACES, filters), limit + 1, offset
            )
        )
        models = [session_of(row) for row in found[:limit]]
        return Page(
            models,
            None if len(found) <= limit else lambda: self._page(limit, filters, offset + limit),
        )


@final
class Users:
    """`store.users`."""

    def __init__(self, store: LocalStore, reading: Reading) -> None:
        self._store = store
        self._reading = reading

    def list(
        self, *, order_by: str = "cost", limit: int = 100, filters: object = None
    ) -> Page[UserSummary]:
        """At most *limit* users, those first that have most of *order_by*.

        *order_by* is cost, traces, tokens, errors, last_seen or latency_p95. None is one of the users, so that the
        sum over all of them is the total. *filters* choose the traces that count.
        """
        check_limit(limit)
        if order_by not in USER_ORDERS:
            message = f"order_by takes {', '.join(USER_ORDERS)}, not {order_by!r:.100}"
            raise FilterError(message, field="order_by")
        filter_table.check(filter_table.TRACES, filters)
        self._store.ingest()
        return self._page(order_by, limit, filters, 0)

    def get(self, user_id: str | None, *, timezone: tzinfo | None = None) -> User | None:
        """One user's page; None where there is nothing of that user.

        Days are those of *timezone*, without one those of local time.
        """
        self._store.ingest()
        ask = self._reading.ask
        found = ask(lambda source: source.users((), only=(user_id,)))
        if not found:
            return None
        return page_of(
            found[0],
            models=ask(lambda source: source.user_models(user_id)),
            daily=days(ask(lambda source: source.user_quarters(user_id)), timezone),
            scores=ask(lambda source: source.user_scores(user_id)),
        )

    def _page(self, order: str, limit: int, filters: object, offset: int) -> Page[UserSummary]:
        found = self._reading.ask(
            lambda source: source.users(
                source.asked(filter_table.TRACES, filters),
                order=order,
                limit=limit + 1,
                offset=offset,
            )
        )
        models = [summary(row) for row in found[:limit]]
        return Page(
            models,
            None
            if len(found) <= limit
            else lambda: self._page(order, limit, filters, offset + limit),
        )


def check_limit(limit: object) -> None:
    """FilterError for what is no number of rows."""
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= LARGEST_LIMIT:
        message = f"limit takes a whole number from 1 to {LARGEST_LIMIT}, not {limit!r:.100}"
        raise FilterError(message, field="limit")


def local_store(settings: Settings, project: str | None, *, lean: bool = False) -> LocalStore:
    """The store that *settings* describe: where it is, what it keeps, what prices."""
    return LocalStore(
        settings.directory,
        project=project,
        retention=rule_of(settings),
        lean=lean,
        prices=open_book(settings),
    )
