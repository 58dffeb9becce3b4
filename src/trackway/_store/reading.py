"""Asks the parts, however they change meanwhile.

What is merged away is looked for again; what is damaged is named and left out.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from trackway._core.log import warn
from trackway._store.engines.duckdb import Engine, EngineError
from trackway._store.query import Source
from trackway._store.rows import FORMAT
from trackway._store.state import Part, Snapshot, State

__all__ = ["Reading", "Rows"]

Rows = list[tuple[object, ...]]
# A compaction lasts longer than a query; to meet five in a row, something else must be wrong.
_TRIES = 5


@final
class Reading:
    """Queries over what is registered, without a lock. For any number of threads."""

    def __init__(self, directory: Path, state: State, engine: Engine, project: str | None) -> None:
        self.directory = directory
        self.project = project
        self._state = state
        self._engine = engine
        self._damaged: set[str] = set()

    def ask(
        self, question: Callable[[Source], str], *, between: tuple[int, int] | None = None
    ) -> Rows:
        """The rows that answer *question*, which writes SQL over a source.

        *between* names the µs that it can be about, first and last.
        """
        snapshot = self._snapshot()
        tries = 0
        while True:
            tries += 1
            source = Source(self.directory, snapshot, self.project)
            if between is not None:
                source = source.between(*between)
            sql = question(source)
            try:
                return self._engine.query(sql, source.binder.values)
            except EngineError:
                fresh = self._snapshot()
                unchanged = fresh.parts == snapshot.parts
                if tries == _TRIES or (unchanged and not self._set_aside(fresh.parts)):
                    raise
                snapshot = self._snapshot()

    def _snapshot(self) -> Snapshot:
        if not self._state.exists():
            return Snapshot((), ())
        snapshot = self._state.snapshot()
        return Snapshot(tuple(filter(self._usable, snapshot.parts)), snapshot.superseded)

    def _usable(self, part: Part) -> bool:
        if part.format > FORMAT:
            warn(
                f"store:newer:{part.writer}",
                "parts in %s were written by trackway %s and are left out of the answer: "
                "pip install 'trackway[local]>=%s'",
                self.directory, part.writer, part.writer,
            )  # fmt: skip
            return False
        return part.file not in self._damaged

    def _set_aside(self, parts: Sequence[Part]) -> bool:
        """Finds parts that cannot be read and leaves them out from now on; False when all can be."""
        found = False
        for part in parts:
            reason = self._fault(part)
            if reason:
                found = True
                self._damaged.add(part.file)
                warn(
                    f"store:damaged:{part.file}",
                    "%s %s; its %d rows are missing from the answer",
                    self.directory / part.file, reason, part.rows,
                )  # fmt: skip
        return found

    def _fault(self, part: Part) -> str:
        path = self.directory / part.file
        if not path.exists():
            return "" if part not in self._state.snapshot().parts else "is gone"
        try:
            self._engine.check(path)
        except EngineError:
            return "is damaged"
        return ""
