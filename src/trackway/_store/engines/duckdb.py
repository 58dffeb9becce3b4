"""DuckDB in memory over Parquet files: two threads, 512 MB, nothing of its own on disk but what it spills.

A DuckDB *file* is refused to every second process, even for reading; Parquet files are not. Rows are loaded from
newline-delimited JSON with given columns: 10 µs a row of 2 KB up to the compressed file, against 22 by lists and
`unnest` up to a table, and 1,000 by `executemany`.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, final
from weakref import WeakSet

from trackway._core.fork import ensure, on_child
from trackway._store.rows import COLUMNS, Kind
from trackway.errors import ReadNotAvailable, TrackwayError

if TYPE_CHECKING:
    import duckdb

__all__ = ["Engine", "EngineError", "literal", "table"]

MEMORY: Final = "512MB"
LEAN_MEMORY: Final = "256MB"
THREADS: Final = 2
# Ten vectors. DuckDB buffers a row group for each thread before writing it, and its default of 122,880 rows of 2 KB
# is 250 MB.
ROW_GROUP: Final = 20_480
SOME: Final = 2_048
SMALLEST_BUFFER: Final = 4 << 20


class EngineError(TrackwayError):
    """A query failed: a part that is gone or damaged, no memory, no disk."""


@final
class Engine:
    """Connections to one in-memory database; for any number of threads.

    *spill* is the folder where large sorts may put their runs; *lean* is for a process that must not be noticed.
    """

    def __init__(self, spill: Path, *, lean: bool = False) -> None:
        self._spill = spill
        self.lean = lean
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        _engines.add(self)

    def require(self) -> None:
        """ReadNotAvailable when DuckDB is not installed."""
        self._cursor().close()

    def query(self, sql: str, parameters: Mapping[str, object]) -> list[tuple[object, ...]]:
        """The rows of one SELECT."""
        import duckdb  # noqa: PLC0415 - see _connect

        cursor = self._cursor()
        try:
            return cursor.execute(sql, dict(parameters)).fetchall()
        except duckdb.Error as error:
            raise EngineError(str(error)) from error
        finally:
            cursor.close()

    def stream(self, sql: str, parameters: Mapping[str, object]) -> Iterator[tuple[object, ...]]:
        """The rows of one SELECT, some at a time."""
        import duckdb  # noqa: PLC0415 - see _connect

        cursor = self._cursor()
        try:
            cursor.execute(sql, dict(parameters))
            while rows := cursor.fetchmany(SOME):
                yield from rows
        except duckdb.Error as error:
            raise EngineError(str(error)) from error
        finally:
            cursor.close()

    def load(self, lines: Path, part: Path, kind: Kind, *, longest: int) -> None:
        """Turns newline-delimited JSON of a table's columns, lines of at most *longest* bytes, into a part."""
        read = {
            name: "BIGINT" if sql == "TIMESTAMPTZ" else sql for name, sql in COLUMNS[kind].items()
        }
        columns = ", ".join(f"'{name}': '{sql}'" for name, sql in read.items())
        made = ", ".join(
            f"make_timestamptz({name}) AS {name}" if sql == "TIMESTAMPTZ" else name
            for name, sql in COLUMNS[kind].items()
        )
        self.write(
            f"SELECT {made} FROM read_json({literal(lines)}, format = 'newline_delimited', columns = {{{columns}}}, "
            # DuckDB sets aside twice this for each thread before it reads anything.
            f"maximum_object_size = {max(longest + 1, SMALLEST_BUFFER)})",
            {},
            part,
        )

    def write(self, select: str, parameters: Mapping[str, object], part: Path) -> None:
        """Writes the rows of a SELECT into a Parquet file, in the order of the SELECT."""
        form = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}"
        self.query(f"COPY ({select}) TO {literal(part, pattern=False)} ({form})", parameters)

    def rows(self, part: Path) -> int:
        """How many rows a part has, by its footer."""
        counted = self.query(
            "SELECT count(*) FROM read_parquet($file)", {"file": escape(str(part))}
        )
        return cast("int", counted[0][0])

    def check(self, part: Path) -> None:
        """Reads every value of a part; EngineError when one cannot be read."""
        self.query("SELECT max(hash(t)) FROM read_parquet($file) t", {"file": escape(str(part))})

    def close(self) -> None:
        """Gives the memory back; a later query connects again."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _cursor(self) -> "duckdb.DuckDBPyConnection":
        ensure()
        with self._lock:
            if self._connection is None:
                self._connection = _connect(self._spill, lean=self.lean)
            return self._connection.cursor()

    def after_fork_in_child(self) -> None:
        """Leaves the parent's connection alone: its threads do not live here, and to close it is to wait for them."""
        self._lock = threading.Lock()
        connection, self._connection = self._connection, None
        if connection is not None:
            import ctypes  # noqa: PLC0415 - only for this, in a child of a process that has read

            # Not even the end of the interpreter may take it apart (the child would hang there, for ever).
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


_engines: "WeakSet[Engine]" = WeakSet()


def _in_child() -> None:
    for engine in list(_engines):
        engine.after_fork_in_child()


on_child(_in_child)


def table(
    kind: Kind, files: Sequence[Path], *, older: bool = False, options: str = ""
) -> tuple[str, list[str]]:
    """The FROM of some parts, and the value of its `$files`; an empty table has no file to read.

    *older*: some of them lack columns, which are NULL there.
    """
    nothing = ", ".join(f"NULL::{sql} AS {name}" for name, sql in COLUMNS[kind].items())
    if not files:
        return f"(SELECT {nothing} FROM (SELECT unnest($files::VARCHAR[])))", []
    names = [escape(str(file)) for file in files]
    if not older:
        return f"read_parquet($files{options})", names
    read = f"SELECT * FROM read_parquet($files, union_by_name = true{options})"
    return f"({read} UNION ALL BY NAME SELECT {nothing} WHERE false)", names


def _connect(spill: Path, *, lean: bool) -> "duckdb.DuckDBPyConnection":
    try:
        import duckdb  # noqa: PLC0415 - 120 ms and 35 MB that only a reader pays
    except ImportError as error:
        message = (
            "the embedded store needs DuckDB, which is not installed: pip install 'trackway[local]'"
        )
        raise ReadNotAvailable(message, setting="local") from error
    return duckdb.connect(
        ":memory:",
        config={
            "threads": 1 if lean else THREADS,
            "memory_limit": LEAN_MEMORY if lean else MEMORY,
            "temp_directory": str(spill),
            # An extension that is missing is an error here, never a download.
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def literal(path: Path, *, pattern: bool = True) -> str:
    """A path as SQL has it, where a parameter cannot stand."""
    text = escape(str(path)) if pattern else str(path)
    return "'" + text.replace("'", "''") + "'"
