"""The part files: how rows become one, what they are called, how they go.

A part is written aside, synced, then renamed, so that whoever reads the folder (a BI tool, DuckDB, pandas) sees
whole files only. For this library a file counts when it is registered (`state`), not when it is there.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

from trackway._delivery.platform import make_private_directory, sync_directory
from trackway._store.engines.duckdb import Engine
from trackway._store.rows import Kind
from trackway._store.state import Part, State
from trackway._store.times import DAY_US, from_microseconds

__all__ = ["CHANGES", "Lines", "Parts"]

_LINES: Final = ".loading.ndjson"
CHANGES: Final = ".repricing.ndjson"
"""What `reprice` writes aside."""
# A part costs some 20 ms of syncing and renaming; a month that nobody has read is cut by day.
MOST_PIECES: Final = 32
DAYS_OF_WEEK: Final = 7


@dataclass(slots=True)
class Lines:
    """Rows of one table that are on their way into a part, as JSON texts, and what the part is filed under."""

    kind: Kind
    texts: list[bytes] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    """When each row started, µs since the epoch."""
    owned: list[bool] = field(default_factory=list)
    """Whether each row has a user of its own."""
    size: int = 0

    def add(self, text: bytes, start_us: int, *, has_user: bool) -> None:
        """One row more."""
        self.texts.append(text)
        self.starts.append(start_us)
        self.owned.append(has_user)
        self.size += len(text)

    def put(self, index: int, text: bytes, start_us: int, *, has_user: bool) -> None:
        """The same row, newer."""
        self.size += len(text) - len(self.texts[index])
        self.texts[index], self.starts[index], self.owned[index] = text, start_us, has_user

    def by_day(self) -> "list[Lines]":
        """The same rows, those of each day (UTC) for themselves: what is kept is kept and let go by day.

        Rows of very many days are cut by week or more, so that no commit writes more than MOST_PIECES parts.
        """
        step = DAY_US
        while len({start // step for start in self.starts}) > MOST_PIECES:
            step *= DAYS_OF_WEEK
        pieces: dict[int, Lines] = {}
        for text, start, owned in zip(self.texts, self.starts, self.owned, strict=True):
            piece = pieces.setdefault(start // step, Lines(self.kind))
            piece.add(text, start, has_user=owned)
        return [pieces[key] for key in sorted(pieces)]


@final
class Parts:
    """The folder of the parts. What changes it is called under the ingest lock only."""

    def __init__(self, directory: Path, state: State, engine: Engine) -> None:
        self.directory = directory
        self._state = state
        self._engine = engine

    def load(self, lines: Lines) -> Part:
        """A part of these rows, to be registered."""
        loading, last_us = self.directory / _LINES, max(lines.starts)
        longest = max(map(len, lines.texts))
        loading.unlink(missing_ok=True)
        descriptor = os.open(loading, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(b"\n".join(lines.texts))
            name, size = self._write(
                lines.kind,
                last_us,
                lambda aside: self._engine.load(loading, aside, lines.kind, longest=longest),
            )
        finally:
            loading.unlink(missing_ok=True)
        rows, userless = len(lines.texts), lines.owned.count(False)
        return Part(name, lines.kind, rows, size, min(lines.starts), last_us, userless)

    def rewrite(
        self, old: list[Part], select: str, parameters: Mapping[str, object]
    ) -> Part | None:
        """A part of what a SELECT finds in *old* ones, to be registered; None where nothing is left."""
        kind, last_us = old[0].kind, max(part.last_us for part in old)
        name, size = self._write(
            kind, last_us, lambda aside: self._engine.write(select, parameters, aside)
        )
        rows = self._engine.rows(self.directory / name)
        if not rows:
            return None
        return Part(
            name,
            kind,
            rows,
            size,
            min(p.first_us for p in old),
            last_us,
            sum(p.userless for p in old),
        )

    def sweep(self) -> None:
        """Deletes what no query needs any more, and what was left by someone who was killed while writing."""
        for left in (_LINES, CHANGES):
            (self.directory / left).unlink(missing_ok=True)
        doomed = self._state.doomed()
        for name in doomed:
            (self.directory / name).unlink(missing_ok=True)
            self._aside(name).unlink(missing_ok=True)
        if doomed:
            self._state.forget(files=doomed)

    def create(self) -> None:
        """Makes the folder, for this user only."""
        make_private_directory(self.directory)

    def _write(self, kind: Kind, last_us: int, write: "Callable[[Path], None]") -> tuple[str, int]:
        day = from_microseconds(last_us).strftime("%Y%m%d")
        name = f"{kind}-{day}-{os.urandom(8).hex()}.parquet"
        self._state.doom([name])
        aside, path = self._aside(name), self.directory / name
        write(aside)
        descriptor = os.open(aside, os.O_RDWR)
        try:
            os.fchmod(descriptor, 0o600) if hasattr(os, "fchmod") else None
            os.fsync(descriptor)
            size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
        aside.rename(path)
        sync_directory(self.directory)
        return name, size

    def _aside(self, name: str) -> Path:
        return self.directory / f".{name}"
