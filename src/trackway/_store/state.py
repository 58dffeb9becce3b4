"""The small mutable truth beside the parts: which files count, and how far each chain has been read.

Rules:

1. A part is visible if and only if it is registered here. Registering it and moving the positions of the chains that
   its rows came from is **one** transaction: that is what makes the store exactly once.
2. What may be deleted is written down before it exists, or in the transaction that takes it out of use: `doomed`.
   The next ingester deletes those files, under the ingest lock. A file that nobody wrote down is never deleted, so a
   lost state costs no data.
3. A commit is synced to the disk before the segments that it came from are released.
4. `superseded` names spans of which an older row may still stand in a part (a handle that was written again after
   its first row was ingested). Queries pass over older rows of these spans only, and pay nothing where there are
   none; compaction removes both.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, cast, final

from trackway._delivery.platform import change_private
from trackway._store.rows import FORMAT, Kind
from trackway._version import __version__
from trackway.errors import ReadNotAvailable

__all__ = ["Part", "Position", "Snapshot", "State", "Superseded"]

LAYOUT: Final = 1
BUSY_S: Final = 10.0

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS parts (
    file TEXT PRIMARY KEY, kind TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    first_us INTEGER NOT NULL, last_us INTEGER NOT NULL, userless INTEGER NOT NULL,
    format INTEGER NOT NULL, writer TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS positions (
    chain TEXT PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, records INTEGER NOT NULL,
    malformed INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS superseded (
    project TEXT NOT NULL, trace_id TEXT NOT NULL, span_id TEXT NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (project, trace_id, span_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS doomed (file TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


class Part(NamedTuple):
    """A registered file and what can be known of it without opening it."""

    file: str
    kind: Kind
    rows: int
    bytes: int
    first_us: int
    """Start of the earliest row, µs since the epoch."""
    last_us: int
    """Start of the latest row."""
    userless: int
    """Rows without a user of their own."""
    format: int = FORMAT
    writer: str = __version__
    """The version of this library that wrote it."""

    @property
    def is_older(self) -> bool:
        """Whether it lacks columns that parts have now."""
        return self.format < FORMAT


class Position(NamedTuple):
    """How far a chain is ingested."""

    segment: int = 1
    offset: int = 0
    records: int = 0
    """Records ingested from it so far."""
    malformed: int = 0
    """Records of it that were no span."""


class Superseded(NamedTuple):
    """A span whose rows below *sequence* are out of date."""

    project: str
    trace_id: str
    span_id: str
    sequence: int


class Snapshot(NamedTuple):
    """What a query reads, of one moment."""

    parts: tuple[Part, ...]
    superseded: tuple[Superseded, ...]


@final
class State:
    """`state.sqlite`. Opens the file for each use: a connection belongs to a thread and does not survive a fork."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def exists(self) -> bool:
        """Whether anything was ever ingested here."""
        return self.path.exists()

    def create(self) -> None:
        """Makes the file, for this user only, or checks that the one that is there can be understood."""
        import os  # noqa: PLC0415 - for this one call

        os.close(change_private(self.path))
        with self._open() as connection:
            if _layout(connection) == 0:
                connection.executescript(_SCHEMA)
                connection.execute(
                    "INSERT OR REPLACE INTO notes VALUES ('writer', ?)", (__version__,)
                )
                connection.execute(f"PRAGMA user_version = {LAYOUT}")
                connection.commit()

    def snapshot(self) -> Snapshot:
        """The registered parts and what in them is out of date, both of the same moment."""
        with self._open() as connection:
            connection.execute("BEGIN")
            if _layout(connection) == 0:
                # Another process is making it at this moment.
                return Snapshot((), ())
            parts = [Part(*row) for row in connection.execute("SELECT * FROM parts ORDER BY file")]
            superseded = [
                Superseded(*row) for row in connection.execute("SELECT * FROM superseded")
            ]
            return Snapshot(tuple(parts), tuple(superseded))

    def positions(self) -> dict[str, Position]:
        """How far each chain is ingested, by its name."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT chain, segment, offset, records, malformed FROM positions"
            )
            return {cast("str", name): Position(*rest) for name, *rest in rows}

    # -- only under the ingest lock -----------------------------------------------------------------------------------

    def doom(self, files: Sequence[str]) -> None:
        """Says that *files* may be deleted unless a commit registers them; before they are written."""
        with self._open() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO doomed VALUES (?)", [(file,) for file in files]
            )
            connection.commit()

    def doomed(self) -> list[str]:
        """Files to delete."""
        with self._open() as connection:
            return [str(row[0]) for row in connection.execute("SELECT file FROM doomed")]

    def forget(self, *, files: Iterable[str] = (), chains: Iterable[str] = ()) -> None:
        """Takes files and chains that are gone off the lists."""
        with self._open() as connection:
            connection.executemany("DELETE FROM doomed WHERE file = ?", [(file,) for file in files])
            connection.executemany(
                "DELETE FROM positions WHERE chain = ?", [(name,) for name in chains]
            )
            connection.commit()

    def commit(
        self,
        parts: Sequence[Part],
        *,
        positions: dict[str, Position],
        superseded: Sequence[Superseded],
        sequence: int,
    ) -> None:
        """Makes an ingest visible: parts, and where the reading of their chains goes on."""
        with self._open() as connection:
            _register(connection, parts)
            connection.executemany(
                "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)",
                [(name, *position) for name, position in positions.items()],
            )
            connection.executemany(
                "INSERT INTO superseded VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET sequence = max(sequence, excluded.sequence)",
                superseded,
            )
            connection.execute(
                "INSERT OR REPLACE INTO counters VALUES ('sequence', ?)", (sequence,)
            )
            connection.commit()

    def replace(
        self, old: Sequence[Part], new: Sequence[Part], settled: Sequence[Superseded]
    ) -> None:
        """Makes a compaction visible: *new* stands for *old*, and *settled* have no older row any more."""
        with self._open() as connection:
            connection.executemany(
                "DELETE FROM parts WHERE file = ?", [(part.file,) for part in old]
            )
            connection.executemany(
                "INSERT OR IGNORE INTO doomed VALUES (?)", [(part.file,) for part in old]
            )
            _register(connection, new)
            connection.executemany(
                "DELETE FROM superseded WHERE project = ? AND trace_id = ? AND span_id = ? AND sequence = ?",
                settled,
            )
            connection.commit()

    def retire(self, parts: Sequence[Part]) -> None:
        """Takes *parts* out of use for good, and counts their rows."""
        with self._open() as connection:
            files = [(part.file,) for part in parts]
            connection.executemany("DELETE FROM parts WHERE file = ?", files)
            connection.executemany("INSERT OR IGNORE INTO doomed VALUES (?)", files)
            connection.execute(
                "INSERT INTO counters VALUES ('retired', ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
                (sum(part.rows for part in parts),),
            )
            connection.commit()

    # -- what the store remembers of itself ---------------------------------------------------------------------------

    def counter(self, name: str) -> int:
        """A number that only grows: `sequence`, of the last row; `retired`, rows that retention let go."""
        with self._open() as connection:
            if _layout(connection) == 0:
                return 0
            row = connection.execute(
                "SELECT value FROM counters WHERE name = ?", (name,)
            ).fetchone()
            return 0 if row is None else int(row[0])

    def notes(self) -> dict[str, str]:
        """All that was noted, by name."""
        with self._open() as connection:
            if _layout(connection) == 0:
                return {}
            return {
                str(name): str(value) for name, value in connection.execute("SELECT * FROM notes")
            }

    def note(self, name: str, value: str) -> bool:
        """Remembers *value*; whether nothing was noted under this name before."""
        with self._open() as connection:
            new = connection.execute("INSERT OR IGNORE INTO notes VALUES (?, ?)", (name, value))
            if not new.rowcount:
                connection.execute("UPDATE notes SET value = ? WHERE name = ?", (value, name))
            connection.commit()
            return bool(new.rowcount)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(
                sqlite3.connect(self.path, timeout=BUSY_S, isolation_level="DEFERRED")
            ) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                # Rule 3.
                connection.execute("PRAGMA synchronous = FULL")
                self._check(connection)
                yield connection
        except sqlite3.OperationalError as error:
            message = f"{self.path} cannot be used: {error}"
            raise ReadNotAvailable(message, setting="TRACKWAY_DIR") from error
        except sqlite3.DatabaseError as error:
            message = (
                f"{self.path} is damaged ({error}); the part files beside it are intact. "
                "Restore it, or move the folder away to begin an empty store"
            )
            raise ReadNotAvailable(message, setting="TRACKWAY_DIR") from error

    def _check(self, connection: sqlite3.Connection) -> None:
        if _layout(connection) <= LAYOUT:
            return
        row = connection.execute("SELECT value FROM notes WHERE name = 'writer'").fetchone()
        version = "a newer version" if row is None else str(row[0])
        message = (
            f"the store in {self.path.parent} was written by trackway {version}, and this is {__version__}: "
            f"pip install 'trackway[local]>={version}'"
        )
        raise ReadNotAvailable(message, setting="TRACKWAY_DIR")


def _layout(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _register(connection: sqlite3.Connection, parts: Sequence[Part]) -> None:
    connection.executemany("INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", parts)
    connection.executemany("DELETE FROM doomed WHERE file = ?", [(part.file,) for part in parts])
