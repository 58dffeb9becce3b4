"""The engine: in memory, bounded, and shared by threads."""

import os
import threading
from pathlib import Path

import pytest

from tests._store.spans import start
from trackway._store.engines.duckdb import Engine, EngineError, table


def test_an_empty_table_has_every_column(tmp_path: Path) -> None:
    """Without parts a question has an answer of no rows."""
    engine = Engine(tmp_path)
    for kind in ("observations", "scores"):
        source, files = table(kind, [])
        assert (
            engine.query(f"SELECT project, start_time, sequence FROM {source}", {"files": files})
            == []
        )
    engine.close()


def test_values_are_bound_never_read(tmp_path: Path) -> None:
    """A value that looks like SQL is a value."""
    engine = Engine(tmp_path)
    text = "'; DROP TABLE x; --"
    assert engine.query("SELECT $p0", {"p0": text}) == [(text,)]
    engine.close()


def test_memory_and_threads_are_bounded(tmp_path: Path) -> None:
    """A reader takes half a gigabyte at most, and two threads, and downloads nothing."""
    engine = Engine(tmp_path)
    names = ("memory_limit", "threads", "autoinstall_known_extensions")
    settings = [engine.query(f"SELECT current_setting('{name}')", {})[0][0] for name in names]
    engine.close()
    assert settings == ["488.2 MiB", 2, False]


def test_threads_ask_at_once(tmp_path: Path) -> None:
    """Questions of several threads do not disturb one another."""
    engine = Engine(tmp_path)
    found: list[object] = []

    def ask(number: int) -> None:
        for _ in range(20):
            found.append(engine.query("SELECT $p0", {"p0": number})[0][0] == number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    engine.close()
    assert found == [True] * 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_an_engine_of_its_own(tmp_path: Path) -> None:
    """The parent's connection is not used in a child, which would wait for threads that it does not have."""
    engine = Engine(tmp_path)
    assert engine.query("SELECT 1", {}) == [(1,)]
    child = os.fork()
    if child == 0:  # pragma: no cover - the child's lines cannot be counted
        os._exit(0 if engine.query("SELECT 2", {}) == [(2,)] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert engine.query("SELECT 3", {}) == [(3,)]
    engine.close()


FORKS = """
import os, sys
from pathlib import Path
from trackway._store.engines.duckdb import Engine
engine = Engine(Path(sys.argv[1]))
engine.query("SELECT 1", {})
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_that_never_asks_ends(tmp_path: Path) -> None:
    """A child of a process that has read ends like any other, though it inherited a connection."""
    process = start(FORKS, tmp_path)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_what_fails_is_an_error_of_ours(tmp_path: Path) -> None:
    """No error of the engine's own classes leaves this room, and it can be asked again after one."""
    engine = Engine(tmp_path)
    with pytest.raises(EngineError):
        engine.query("SELECT * FROM nothing", {})
    assert engine.query("SELECT 1", {}) == [(1,)]
    engine.close()
