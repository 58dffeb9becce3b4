"""Prices again what a price book has priced, or could not: after a new price list, or with prices of one's own.

Theory of operation. Part by part, under the ingest lock for one part at a time, so that readers and applications go
on: the rows whose cost would change are looked for and written aside; where there are any the part is written again and
takes the place of the old one in one transaction (`state.State.replace`). Killed at any moment, each part is the old
one or the new one, and whoever runs it again finds in the new ones nothing to change. What a span or its provider
said, and what came out of a cache, stays. So does a cost that the price book no longer knows.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast, final

import orjson

from trackway._prices.book import PriceBook
from trackway._prices.spans import Call
from trackway._store.engines.duckdb import Engine, literal, table
from trackway._store.filters import Binder
from trackway._store.parts import CHANGES, Parts
from trackway._store.pricing import BOOKS, call_from, call_of_columns, columns_of
from trackway._store.rows import OBSERVATIONS
from trackway._store.state import Part, State

__all__ = ["Repriced", "Repricing"]

_COLUMNS: Final = {
    "cost_total": "BIGINT",
    "cost_details": "VARCHAR",
    "price_source": "VARCHAR",
    "price_version": "VARCHAR",
}
_ASKED: Final = (
    "sequence, epoch_us(start_time), call, type, provider, model, usage_details, " + ", ".join(_COLUMNS)
)  # fmt: skip
_CALLS: Final = (
    f"(cost_total IS NULL OR price_source IN ({', '.join(repr(source) for source in BOOKS)})) "
    "AND (call IS NOT NULL OR (model IS NOT NULL AND usage_details IS NOT NULL))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repriced:
    """What became of the calls that were looked at."""

    calls: int = 0
    """Those that a price book prices, or might."""
    changed: int = 0
    """Those that cost something else now."""
    newly_priced: int = 0
    """Those among them that had no price before."""
    unpriced: int = 0
    """Those that still have none."""
    before_pico: int = 0
    """Pico-dollars of all of them, as far as known."""
    after_pico: int = 0

    @property
    def known_before(self) -> int | None:
        """`before_pico`, as far as known; None where no call had a price."""
        return None if 0 < self.calls == self.newly_priced + self.unpriced else self.before_pico

    @property
    def known_after(self) -> int | None:
        """`after_pico`, as far as known; None where no call has a price."""
        return None if 0 < self.calls == self.unpriced else self.after_pico

    def __add__(self, other: "Repriced") -> "Repriced":
        return Repriced(
            calls=self.calls + other.calls,
            changed=self.changed + other.changed,
            newly_priced=self.newly_priced + other.newly_priced,
            unpriced=self.unpriced + other.unpriced,
            before_pico=self.before_pico + other.before_pico,
            after_pico=self.after_pico + other.after_pico,
        )


@final
class Repricing:
    """One run; called under the ingest lock."""

    def __init__(  # noqa: PLR0913 - what it works on, and what it is asked
        self,
        parts: Parts,
        state: State,
        engine: Engine,
        book: PriceBook,
        *,
        since_us: int | None,
        project: str | None,
        dry_run: bool,
    ) -> None:
        self._parts = parts
        self._state = state
        self._engine = engine
        self._book = book
        self._since_us = since_us
        self._project = project
        self._dry_run = dry_run
        self._done: set[str] = set()
        self.total = Repriced()

    def left(self) -> list[Part]:
        """The parts that were not looked at yet, oldest first."""
        since = self._since_us
        return sorted(
            (
                part
                for part in self._state.snapshot().parts
                if part.kind == OBSERVATIONS
                and part.file not in self._done
                and (since is None or part.last_us >= since)
            ),
            key=lambda part: (part.last_us, part.file),
        )

    def reprice(self, part: Part) -> None:
        """Prices the calls of *part* again."""
        changes = self._parts.directory / CHANGES
        changes.unlink(missing_ok=True)
        self._done.add(part.file)
        try:
            descriptor = os.open(changes, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                found = self._look(part, file)
            if found.changed and not self._dry_run:
                self._rewrite(part, changes)
        finally:
            changes.unlink(missing_ok=True)
        self.total += found

    def _look(self, part: Part, changes: IO[bytes]) -> Repriced:
        """Writes down what changes in *part*."""
        calls = changed = newly = unpriced = before = after = 0
        for sequence, start_us, *told in self._calls(part):
            call, old = _call(told[:5]), told[5:]
            if call is None:
                continue
            calls += 1
            start = cast("int", start_us) * 1_000
            cost = self._book.price(call.provider, call.models, call.usage, start, call.tier)
            new = None if cost is None else columns_of(cost)
            was = cast("int | None", old[0])
            now = was if new is None else cast("int", new["cost_total"])
            before, after = before + (was or 0), after + (now or 0)
            unpriced += now is None
            # A new version of the price list with the same prices is no reason to write anything again.
            if new is not None and (now != was or not _same(new["cost_details"], old[1])):
                changed += 1
                newly += was is None
                changes.write(orjson.dumps({"sequence": sequence, **new}) + b"\n")
        return Repriced(
            calls=calls, changed=changed, newly_priced=newly, unpriced=unpriced, before_pico=before, after_pico=after
        )  # fmt: skip

    def _calls(self, part: Part) -> Iterator[tuple[object, ...]]:
        binder = Binder()
        tests = [_CALLS]
        if self._since_us is not None:
            tests.append(f"start_time >= make_timestamptz({binder.bind(self._since_us)})")
        if self._project is not None:
            tests.append(f"project = {binder.bind(self._project)}")
        source = self._table(part, binder)
        return self._engine.stream(
            f"SELECT {_ASKED} FROM {source} o WHERE {' AND '.join(tests)}", binder.values
        )

    def _rewrite(self, part: Part, changes: Path) -> None:
        binder = Binder()
        source = self._table(part, binder)
        columns = ", ".join(f"'{name}': '{sql}'" for name, sql in _COLUMNS.items())
        read = (
            f"read_json({literal(changes)}, format = 'newline_delimited', "
            f"columns = {{'sequence': 'BIGINT', {columns}}})"
        )
        chosen = ", ".join(
            f"CASE WHEN c.sequence IS NULL THEN o.{name} ELSE c.{name} END AS {name}"
            for name in _COLUMNS
        )
        select = f"SELECT o.* REPLACE ({chosen}) FROM {source} o LEFT JOIN {read} c ON o.sequence = c.sequence"
        written = self._parts.rewrite([part], select, binder.values)
        if written is None or written.rows != part.rows:
            message = f"{part.file} was not written again as it was"
            raise AssertionError(message)
        self._state.replace([part], [written], [])
        self._done.add(written.file)

    def _table(self, part: Part, binder: Binder) -> str:
        text, names = table(OBSERVATIONS, [self._parts.directory / part.file], older=part.is_older)
        return text.replace("$files", binder.bind(names))


def _call(told: list[object]) -> Call | None:
    text, kind, provider, model, details = cast("list[str | None]", told)
    if text is not None:
        return call_from(text)
    return call_of_columns(kind or "", provider, model or "", details or "{}")


def _same(new: object, old: object) -> bool:
    """Whether two texts say the same cost of every bucket."""
    return isinstance(old, str) and isinstance(new, str) and orjson.loads(old) == orjson.loads(new)
