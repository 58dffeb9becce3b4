"""Asking parts that change, go, are damaged, or come from a newer version."""

import threading
import time
from pathlib import Path

import pytest

from tests._store.spans import Application, payload, span_id, store_of
from trackway._store.engines.duckdb import Engine, EngineError
from trackway._store.local import LocalStore
from trackway._store.query import Source
from trackway._store.reading import Reading
from trackway._store.state import Part, State


def two_parts(home: Path) -> list[Path]:
    """A store of two spans in two parts, of today: those of a day that is over are put together."""
    application = Application(home)
    with LocalStore(home) as store:
        for number in range(2):
            application.write(payload(number, trace=number, start=time.time_ns()))
            store.ingest()
    application.close()
    found = [
        home / "store" / "parts" / part.file
        for part in State(home / "store" / "state.sqlite").snapshot().parts
    ]
    assert len(found) == 2
    return found


@pytest.mark.parametrize("harm", ["gone", "cut", "overwritten", "empty"])
def test_a_damaged_part_is_named_and_the_rest_is_answered(
    home: Path, caplog: pytest.LogCaptureFixture, harm: str
) -> None:
    """A part that cannot be read costs its own rows only, and the message says which file it is."""
    bad, good = two_parts(home)
    data = bytearray(bad.read_bytes())
    if harm == "gone":
        bad.unlink()
    elif harm == "cut":
        bad.write_bytes(data[: len(data) // 2])
    elif harm == "overwritten":
        bad.write_bytes(data[:4] + b"\xff" * (len(data) - 12) + data[-8:])
    else:
        bad.write_bytes(b"")
    with LocalStore(home) as store:
        assert len(store.get_traces()) == 1
        assert len(store.users.list()) == 1
    assert str(bad) in caplog.text
    assert str(good) not in caplog.text
    assert caplog.text.count("missing from the answer") == 1


def test_parts_of_a_newer_version_are_left_out_and_named(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The message says which version of trackway reads them; nothing is destroyed by ingesting beside them."""
    two_parts(home)
    state = State(home / "store" / "state.sqlite")
    newer = home / "store" / "parts" / "newer.parquet"
    newer.write_bytes(b"from the future")
    state.commit(
        [Part("newer.parquet", "observations", 7, 15, 0, 1, 0, 99, "9.9.9")],
        positions={},
        superseded=[],
        sequence=10,
    )
    with LocalStore(home) as store:
        assert len(store.get_traces()) == 2
        store.ingest()
    assert newer.read_bytes() == b"from the future"
    assert caplog.text.count("pip install 'trackway[local]>=9.9.9'") == 1


def test_a_file_that_nobody_registered_is_neither_read_nor_deleted(home: Path) -> None:
    """What stands in the folder by accident, or after the state was lost, changes no answer and stays."""
    part, _ = two_parts(home)
    stray = part.with_name("observations-20260101-0.parquet")
    stray.write_bytes(part.read_bytes())
    with LocalStore(home) as store:
        assert len(store.observations.list()) == 2
    assert stray.exists()


def test_a_query_survives_that_its_parts_are_merged_away(home: Path) -> None:
    """Files that go between the list and the reading are looked for again under their new names."""
    two_parts(home)
    state = State(home / "store" / "state.sqlite")
    engine = Engine(home / "spill")
    directory = home / "store" / "parts"
    tries: list[int] = []

    def question(source: Source) -> str:
        tries.append(len(source.snapshot.parts))
        if len(tries) == 1:
            # At the worst moment: the list is read, the files are not.
            old = list(source.snapshot.parts)
            merged = directory / "merged.parquet"
            files = [str(directory / part.file) for part in old]
            engine.write("SELECT * FROM read_parquet($files)", {"files": files}, merged)
            state.replace(old, [old[0]._replace(file="merged.parquet", rows=2)], [])
            for part in old:
                (directory / part.file).unlink()
        return f"WITH {source.observations()} SELECT span_id FROM obs ORDER BY span_id"

    found = Reading(directory, state, engine, None).ask(question)
    engine.close()
    assert found == [(span_id(0),), (span_id(1),)]
    assert tries == [2, 1]


def test_what_is_wrong_with_the_question_is_an_error(home: Path) -> None:
    """Only parts are forgiven; a query that cannot be right is not tried for ever."""
    two_parts(home)
    engine = Engine(home / "spill")
    reading = Reading(
        home / "store" / "parts", State(home / "store" / "state.sqlite"), engine, None
    )
    with pytest.raises(EngineError):
        reading.ask(lambda source: f"WITH {source.observations()} SELECT nothing FROM obs")
    engine.close()


def test_readers_ask_while_parts_are_merged(home: Path) -> None:
    """No question asked during many ingests and merges misses a span that had ended before it."""
    application = Application(home)
    wrong: list[tuple[int, int]] = []
    written = 0
    done = threading.Event()

    def look() -> None:
        with LocalStore(home) as reader:
            while not done.is_set():
                before = written
                rows = len(reader.observations.list(limit=1_000))
                if rows < before:
                    wrong.append((before, rows))

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    with LocalStore(home) as store:
        for number in range(60):
            application.write(payload(number, trace=number))
            store.ingest()
            written = number + 1
    done.set()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    application.close()


def test_the_directory_may_have_any_name(tmp_path: Path) -> None:
    """Characters that are patterns to an engine, or quotes, are characters of a name here."""
    home = tmp_path / "a [b] *c? 'd' ä"
    with store_of(home, payload(1)) as store:
        assert len(store.get_traces()) == 1
