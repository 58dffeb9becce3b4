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
from trackway._store.times import from_microseconds

__all__ = ["Lines", "Parts"]

_LINES: Final = ".loading.ndjson"


@dataclass(slots=True)
class Lines:
    """Rows of one table that are on their way into a part, as JSON texts, and what the part is filed under."""

    kind: Kind
    texts: list[bytes] = field(default_factory=list)
    size: int = 0
    longest: int = 0
    first_us: int = 1 << 62
    last_us: int = -(1 << 62)
    userless: int = 0

    def add(self, text: bytes, start_us: int, *, has_user: bool) -> None:
        """One row more."""
        self.texts.append(text)
        self.size += len(text)
        self._file_under(len(text), start_us, has_user=has_user)

    def put(self, index: int, text: bytes, start_us: int, *, has_user: bool) -> None:
        """The same row, newer."""
        self.size += len(text) - len(self.texts[index])
        self.texts[index] = text
        self._file_under(len(text), start_us, has_user=has_user)

    def _file_under(self, length: int, start_us: int, *, has_user: bool) -> None:
        self.longest = max(self.longest, length)
        self.first_us = min(self.first_us, start_us)
        self.last_us = max(self.last_us, start_us)
        self.userless += not has_user


@final
class Parts:
    """The folder of the parts. What changes it is called under the ingest lock only."""

    def __init__(self, directory: Path, state: State, engine: Engine) -> None:
        self.directory = directory
        self._state = state
        self._engine = engine

    def load(self, lines: Lines) -> Part:
        """A part of these rows, to be registered."""
        loading = self.directory / _LINES
        loading.unlink(missing_ok=True)
        descriptor = os.open(loading, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(b"\n".join(lines.texts))
            name, size = self._write(
                lines.kind,
                lines.last_us,
                lambda aside: self._engine.load(loading, aside, lines.kind, longest=lines.longest),
            )
        finally:
            loading.unlink(missing_ok=True)
        return Part(
            name, lines.kind, len(lines.texts), size, lines.first_us, lines.last_us, lines.userless
        )

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
        (self.directory / _LINES).unlink(missing_ok=True)
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
