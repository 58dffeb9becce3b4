"""The truth beside the parts: what is registered, and what happens to what is not understood."""

import sqlite3
from pathlib import Path

import pytest

from tests._store.spans import payload, store_of
from trackway._store.local import LocalStore
from trackway._store.state import Part, Position, State, Superseded
from trackway.errors import ReadNotAvailable


def part(name: str) -> Part:
    return Part(name, "observations", 1, 1, 0, 1, 0)


def made(path: Path) -> State:
    state = State(path / "state.sqlite")
    state.create()
    return state


def test_a_commit_is_parts_and_positions_together(tmp_path: Path) -> None:
    """What a commit registers, and where reading goes on, are read back; the rest of the doomed stays doomed."""
    state = made(tmp_path)
    state.doom(["a", "b"])
    state.commit(
        [part("a")],
        positions={"chain": Position(2, 300, 5, 1)},
        superseded=[Superseded("p", "t", "s", 7)],
        sequence=9,
    )
    assert state.snapshot().parts == (part("a"),)
    assert state.snapshot().superseded == (Superseded("p", "t", "s", 7),)
    assert state.positions() == {"chain": Position(2, 300, 5, 1)}
    assert state.counter("sequence") == 9
    assert state.doomed() == ["b"]


def test_a_commit_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """A part that cannot be registered takes the positions with it."""
    state = made(tmp_path)
    state.commit([part("a")], positions={}, superseded=[], sequence=1)
    with pytest.raises(ReadNotAvailable):
        state.commit(
            [part("b"), part("a")], positions={"chain": Position(2)}, superseded=[], sequence=2
        )
    assert state.snapshot().parts == (part("a"),)
    assert state.positions() == {}
    assert state.counter("sequence") == 1


def test_the_latest_number_of_a_superseded_span_counts(tmp_path: Path) -> None:
    """Written again and again, a span is noted once, with the highest number, whatever the order."""
    state = made(tmp_path)
    for number in (5, 9, 7):
        state.commit([], positions={}, superseded=[Superseded("p", "t", "s", number)], sequence=1)
    assert state.snapshot().superseded == (Superseded("p", "t", "s", 9),)


def test_a_replacement_dooms_what_it_replaces(tmp_path: Path) -> None:
    """Merged parts are out of the list in the same moment as the new one is in it, and are deleted later."""
    state = made(tmp_path)
    state.commit(
        [part("a"), part("b")], positions={}, superseded=[Superseded("p", "t", "s", 7)], sequence=1
    )
    state.replace([part("a"), part("b")], [part("c")], [Superseded("p", "t", "s", 7)])
    assert state.snapshot() == ((part("c"),), ())
    assert state.doomed() == ["a", "b"]
    state.forget(files=["a", "b"])
    assert state.doomed() == []


def test_a_half_made_file_is_an_empty_store(tmp_path: Path) -> None:
    """Whoever reads in the moment in which another process makes the file finds nothing, and no error."""
    (tmp_path / "state.sqlite").touch()
    assert State(tmp_path / "state.sqlite").snapshot() == ((), ())


def test_a_store_of_a_newer_version_is_refused_with_the_version(home: Path) -> None:
    """The message says what to install, and nothing is changed."""
    with store_of(home, payload(1)) as store:
        store.ingest()
    path = home / "store" / "state.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.execute("UPDATE notes SET value = '9.9.9' WHERE name = 'writer'")
    connection.close()
    with (
        LocalStore(home) as store,
        pytest.raises(ReadNotAvailable, match=r"pip install 'trackway\[local\]>=9.9.9'"),
    ):
        store.get_traces()


def test_a_damaged_state_is_named(home: Path) -> None:
    """The message names the file and says what to do about it."""
    with store_of(home, payload(1)) as store:
        store.ingest()
    path = home / "store" / "state.sqlite"
    path.write_bytes(b"no database at all" * 100)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    with LocalStore(home) as store, pytest.raises(ReadNotAvailable, match="is damaged") as caught:
        store.get_traces()
    assert str(path) in str(caught.value)


def test_files_are_for_their_user_only(home: Path) -> None:
    """Prompts are private: nobody else can read the store's files."""
    with store_of(home, payload(1)) as store:
        store.ingest()
    for path in (home / "store", *(home / "store").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
