"""Many small parts become few: what a reader that looks every second leaves behind, merged as it grows.

`groups` is the whole policy, and pure. Parts of one day are merged by size, eight of about the same size at a time,
so that a row is written again once for each eightfold growth of its part (the idea of a log-structured merge tree).
A day that is over is put together as soon as what came late is worth it.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from trackway._store.engines.duckdb import Engine, table
from trackway._store.filters import Binder
from trackway._store.parts import Parts
from trackway._store.query import SAME_SPAN, outdated
from trackway._store.rows import FORMAT, OBSERVATIONS, Kind
from trackway._store.state import Part, State, Superseded
from trackway._store.times import from_microseconds

__all__ = ["compact", "groups"]

FAN_IN: Final = 8
# A part beyond either is left alone: it is cheap to query, and dear to write again.
LARGEST_ROWS: Final = 200_000
LARGEST_BYTES: Final = 64 << 20
# What a reader may be kept waiting for: 100,000 rows of 2 KB are merged in about a second.
ROWS_AT_A_TIME: Final = 100_000
# Every query carries the list; beyond this many, the parts that hold the old rows are written again.
MOST_SUPERSEDED: Final = 5_000

_KEYS: Final[dict[Kind, str]] = {
    "observations": "project, trace_id, span_id",
    "scores": "project, score_id",
}


def groups(parts: Sequence[Part], today_us: int) -> list[list[Part]]:
    """Which parts to merge, each group into one; the smallest groups first. *today_us* is any moment of today, UTC."""
    days: dict[tuple[Kind, object], list[Part]] = defaultdict(list)
    for part in parts:
        if part.format <= FORMAT and part.rows <= LARGEST_ROWS and part.bytes <= LARGEST_BYTES:
            days[part.kind, from_microseconds(part.last_us).date()].append(part)
    yesterday = from_microseconds(today_us).date() - timedelta(days=1)
    found: list[list[Part]] = []
    for (_, day), members in days.items():
        over = isinstance(day, type(yesterday)) and day < yesterday
        found += _of_day(sorted(members, key=lambda part: part.rows), over=over)
    return sorted(found, key=lambda group: sum(part.rows for part in group))


def _of_day(members: list[Part], *, over: bool) -> list[list[Part]]:
    if over and len(members) > 1:
        late = sum(part.rows for part in members[:-1])
        if len(members) >= FAN_IN or late * 4 >= members[-1].rows:
            return _within_limits(members)
        return []
    tiers: dict[int, list[Part]] = defaultdict(list)
    for part in members:
        tiers[part.rows.bit_length() // 3].append(part)
    return [
        group for tier in tiers.values() if len(tier) >= FAN_IN for group in _within_limits(tier)
    ]


def _within_limits(members: list[Part]) -> list[list[Part]]:
    """The same in runs that stay below the largest part."""
    found: list[list[Part]] = []
    run: list[Part] = []
    for part in members:
        grown = [*run, part]
        if sum(p.rows for p in grown) > LARGEST_ROWS or sum(p.bytes for p in grown) > LARGEST_BYTES:
            found.append(run)
            grown = [part]
        run = grown
    found.append(run)
    return [group for group in found if len(group) > 1]


def compact(parts: Parts, state: State, engine: Engine, today_us: int) -> None:
    """Merges what is due. Under the ingest lock."""
    merging = Merging(parts, state, engine)
    done = 0
    for group in groups(state.snapshot().parts, today_us):
        if done and done + sum(part.rows for part in group) > ROWS_AT_A_TIME:
            break
        done += sum(part.rows for part in group)
        merging.merge(group)
    if len(state.snapshot().superseded) > MOST_SUPERSEDED:
        merging.scrub()


class Merging:
    """Writes parts again without rows that are out of date."""

    def __init__(self, parts: Parts, state: State, engine: Engine) -> None:
        self._parts = parts
        self._state = state
        self._engine = engine

    def merge(self, group: list[Part]) -> None:
        """One part for *group*; of every span and score only its latest row."""
        kind = group[0].kind
        stale = self._stale(group)
        binder = Binder()
        source = self._table(kind, group, binder)
        if stale:
            keys = _KEYS[kind].split(", ")
            same = " AND ".join(f"o.{key} = s.{key}" for key in keys)
            newest = _newest(keys, stale, binder)
            select = (
                f"SELECT o.* FROM {source} o LEFT JOIN {newest} s ON {same} "
                "WHERE s.sequence IS NULL OR o.sequence >= s.sequence"
            )
        else:
            select = f"SELECT * FROM {source}"
        merged = self._parts.rewrite(group, select, binder.values)
        settled = self._settled(group) if kind == OBSERVATIONS else []
        self._state.replace(group, [] if merged is None else [merged], settled)

    def scrub(self) -> None:
        """Writes every part again that holds a row that is out of date, and forgets about those rows."""
        snapshot = self._state.snapshot()
        held = {name for name, *_ in self._older(snapshot.parts, snapshot.superseded, "filename")}
        for part in snapshot.parts:
            if str(self._parts.directory / part.file) in held:
                self.merge([part])
        left = self._state.snapshot().superseded
        self._state.replace([], [], left)

    def _stale(self, group: list[Part]) -> list[tuple[object, ...]]:
        """Keys of which *group* has an older row, and the number of the row that counts."""
        kind = group[0].kind
        binder = Binder()
        source, keys = self._table(kind, group, binder), _KEYS[kind]
        rows = self._engine.query(
            f"SELECT {keys}, max(sequence) FROM {source} GROUP BY {keys} HAVING count(*) > 1",
            binder.values,
        )
        if kind != OBSERVATIONS:
            return rows
        found = {row[:-1]: row for row in rows}
        columns = "o.project, o.trace_id, o.span_id, s.sequence"
        for row in self._older(group, self._state.snapshot().superseded, columns):
            found[row[:-1]] = row
        return list(found.values())

    def _settled(self, group: list[Part]) -> list[Superseded]:
        """Spans whose last older rows were in *group*."""
        snapshot = self._state.snapshot()
        columns = "o.project, o.trace_id, o.span_id, s.sequence"
        inside = set(self._older(group, snapshot.superseded, columns))
        if not inside:
            return []
        files = {part.file for part in group}
        others = [part for part in snapshot.parts if part.file not in files]
        elsewhere = set(self._older(others, snapshot.superseded, columns))
        return [entry for entry in snapshot.superseded if entry in inside - elsewhere]

    def _older(
        self, parts: Sequence[Part], superseded: Sequence[Superseded], columns: str
    ) -> list[tuple[object, ...]]:
        parts = [part for part in parts if part.kind == OBSERVATIONS and part.format <= FORMAT]
        if not parts or not superseded:
            return []
        binder = Binder()
        source = self._table(OBSERVATIONS, parts, binder, options=", filename = true")
        return self._engine.query(
            f"SELECT DISTINCT {columns} FROM {source} o JOIN {outdated(superseded, binder)} s "
            f"ON {SAME_SPAN} WHERE o.sequence < s.sequence",
            binder.values,
        )

    def _table(self, kind: Kind, parts: Sequence[Part], binder: Binder, options: str = "") -> str:
        files = [self._parts.directory / part.file for part in parts]
        older = any(part.is_older for part in parts)
        text, names = table(kind, files, older=older, options=options)
        return text.replace("$files", binder.bind(names))


def _newest(keys: list[str], stale: Sequence[tuple[object, ...]], binder: Binder) -> str:
    columns = list(zip(*stale, strict=True))
    names = [*keys, "sequence"]
    types = ["VARCHAR[]"] * len(keys) + ["BIGINT[]"]
    lists = ", ".join(
        f"unnest({binder.bind(list(values))}::{sql}) AS {name}"
        for name, sql, values in zip(names, types, columns, strict=True)
    )
    return f"(SELECT {lists})"
