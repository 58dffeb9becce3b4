"""The part files: whole or not there."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._store.engines.duckdb import Engine, EngineError
from trackway._store.parts import MOST_PIECES, Lines, Parts
from trackway._store.rows import OBSERVATIONS
from trackway._store.state import State
from trackway._store.times import DAY_US


def parts_in(home: Path) -> tuple[Parts, State, Engine]:
    home.mkdir(parents=True)
    state = State(home / "state.sqlite")
    state.create()
    engine = Engine(home / "spill")
    parts = Parts(home / "parts", state, engine)
    parts.create()
    return parts, state, engine


def test_a_part_that_was_not_registered_is_swept(home: Path) -> None:
    """Whoever is killed between writing and registering leaves files that the next one deletes."""
    parts, state, engine = parts_in(home)
    lines = Lines(OBSERVATIONS)
    lines.add(b'{"project": "p", "start_time": 1}', 1, has_user=False)
    lost = parts.load(lines)
    kept = parts.load(lines)
    (parts.directory / f".{lost.file}").touch()
    (parts.directory / ".loading.ndjson").touch()
    state.commit([kept], positions={}, superseded=[], sequence=1)
    parts.sweep()
    engine.close()
    assert [path.name for path in parts.directory.iterdir()] == [kept.file]
    assert state.doomed() == []


def test_a_part_knows_what_it_holds(home: Path) -> None:
    """Rows, times and users of a part are known without opening it."""
    parts, _, engine = parts_in(home)
    lines = Lines(OBSERVATIONS)
    lines.add(b'{"project": "p", "start_time": 5}', 5, has_user=True)
    lines.add(b'{"project": "p", "start_time": 3}', 3, has_user=False)
    part = parts.load(lines)
    engine.close()
    assert (part.rows, part.first_us, part.last_us, part.userless) == (2, 3, 5, 1)
    assert part.bytes == (parts.directory / part.file).stat().st_size


def test_a_load_that_fails_leaves_no_part(home: Path) -> None:
    """What the engine refuses is an error, and no file looks like a part."""
    parts, _, engine = parts_in(home)
    lines = Lines(OBSERVATIONS)
    lines.add(b"{no json", 1, has_user=False)
    with pytest.raises(EngineError):
        parts.load(lines)
    engine.close()
    assert [path.name for path in parts.directory.iterdir() if not path.name.startswith(".")] == []


def test_a_long_line_and_a_zero_character_survive(home: Path) -> None:
    """A value of megabytes, and characters that mean something elsewhere, come back as they were."""
    parts, _, engine = parts_in(home)
    lines = Lines(OBSERVATIONS)
    text = "ä" * 5_000_000
    lines.add(
        f'{{"project": "p", "start_time": 1, "input": "{text}", "output": "a\\u0000b"}}'.encode(),
        1,
        has_user=False,
    )
    part = parts.load(lines)
    files = {"files": [str(parts.directory / part.file)]}
    ((found, zero),) = engine.query("SELECT input, output FROM read_parquet($files)", files)
    engine.close()
    assert found == text
    assert zero == "a\0b"


@given(st.lists(st.integers(-(1 << 50), 1 << 50)), st.integers(0, 400))
def test_rows_are_cut_by_day(anywhere: list[int], near: int) -> None:
    """Every row is in one piece, up to a month's days have one each, and there are never more than a few dozen."""
    starts = [*anywhere, *(day * DAY_US for day in range(near))]
    lines = Lines(OBSERVATIONS)
    for start in starts:
        lines.add(b"%d" % start, start, has_user=start % 2 == 0)
    pieces = lines.by_day()
    assert sorted(text for piece in pieces for text in piece.texts) == sorted(lines.texts)
    assert sum(piece.size for piece in pieces) == lines.size
    assert len(pieces) <= MOST_PIECES
    if len({start // DAY_US for start in starts}) <= MOST_PIECES:
        assert all(len({start // DAY_US for start in piece.starts}) == 1 for piece in pieces)
    for earlier, later in pairwise(pieces):
        assert max(earlier.starts) < min(later.starts)
