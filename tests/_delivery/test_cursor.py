"""How far a chain is delivered is remembered whole or not at all."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests._delivery.spools import kill, live_chain, number_of, numbered, read_all, spool_at, start
from trackway._delivery import platform
from trackway._delivery.counters import DeliveryCounters
from trackway._delivery.cursor import SLOT, Cursor, CursorState
from trackway._delivery.segment import VERSION, Header, segment_numbers, segment_path

counts = st.integers(0, 2**50)
reasons = st.dictionaries(st.text(max_size=9), counts, max_size=4)
states = st.builds(
    CursorState,
    st.integers(1, 2**31),
    st.integers(0, 2**31),
    st.builds(
        DeliveryCounters, acked=counts, handed_over=counts, rejected=reasons, dropped=reasons
    ),
)

KILLED_WHILE_STORING = """
import sys
from pathlib import Path
from trackway._delivery.counters import DeliveryCounters
from trackway._delivery.cursor import Cursor, CursorState
cursor, n = Cursor(Path(sys.argv[1])), 0
while True:
    n += 1
    assert cursor.store(CursorState(n, n, DeliveryCounters(acked=n)))
    print(n, flush=True)
"""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(states, min_size=1, max_size=5))
def test_the_last_place_is_remembered(tmp_path: Path, stored: list[CursorState]) -> None:
    """Another process finds the place that was stored last, with its counters."""
    cursor = Cursor(tmp_path)
    cursor.load()
    for state in stored:
        assert cursor.store(state)
    assert Cursor(tmp_path).load() == stored[-1]


def test_without_a_cursor_delivery_begins_at_the_beginning(tmp_path: Path) -> None:
    """A chain that nobody has delivered starts at its first segment."""
    assert Cursor(tmp_path).load() == CursorState(1, 0, DeliveryCounters())


@pytest.mark.parametrize("at", [0, SLOT])
def test_a_half_written_place_leaves_the_one_before(tmp_path: Path, at: int) -> None:
    """Damage to one slot costs at most the newest place, never the one before."""
    cursor = Cursor(tmp_path)
    states = [CursorState(n, n, DeliveryCounters(acked=n)) for n in (1, 2)]
    for state in states:
        cursor.store(state)
    data = bytearray((tmp_path / "cursor").read_bytes())
    data[at + 30] ^= 1
    (tmp_path / "cursor").write_bytes(bytes(data))
    assert Cursor(tmp_path).load() == states[0 if at == 0 else 1]


def test_a_killed_deliverer_leaves_a_whole_place(
    tmp_path: Path, count: Callable[[int, int], int]
) -> None:
    """Killed in the middle of storing, the place is the last one reported or the next one."""
    for _ in range(count(3, 100)):
        child = start(KILLED_WHILE_STORING, str(tmp_path))
        assert child.stdout is not None
        for _ in range(20):
            last = int(child.stdout.readline())
        os.kill(child.pid, 9)
        last = max([last, *(int(n) for n in child.stdout.read().split())])
        kill(child)
        state = Cursor(tmp_path).load()
        assert state.segment == state.offset == state.counters.acked
        assert last <= state.segment <= last + 1
        (tmp_path / "cursor").unlink()


def test_absurdly_many_reasons_fit(tmp_path: Path) -> None:
    """A table of reasons too long for its slot keeps its sums."""
    many = {f"reason {n}": 1 for n in range(1000)}
    assert Cursor(tmp_path).store(CursorState(1, 0, DeliveryCounters(rejected=many, dropped=many)))
    found = Cursor(tmp_path).load().counters
    assert (found.rejected, found.dropped) == ({"other": 1000}, {"other": 1000})


def test_a_place_that_cannot_be_stored_is_said(tmp_path: Path) -> None:
    """A disk that refuses is told by the result, not by an exception."""
    assert not Cursor(tmp_path / "none").store(CursorState())


def chain_of_segments(home: Path) -> Path:
    spool, scope = spool_at(home)
    for n in range(300):
        spool.append(numbered(n, 1000), scope)
    chain = live_chain(spool)
    spool.close()
    assert segment_numbers(chain) == [1, 2, 3]
    return chain


def test_delivered_segments_are_removed(home: Path) -> None:
    """Segments before the place go; one of a newer version stays for who understands it."""
    chain = chain_of_segments(home)
    newer = Header(version=VERSION + 1, key=1, number=1, created_ns=0, records_before=0)
    segment_path(chain, 1).write_bytes(newer.pack())
    Cursor(chain).release_segments(3)
    assert segment_numbers(chain) == [1, 3]


def test_the_oldest_segment_is_dropped_and_counted(home: Path) -> None:
    """Dropping takes whole segments from the oldest on, counts what was not delivered, and spares the newest."""
    chain = chain_of_segments(home)
    everything = read_all(chain)
    cursor = Cursor(chain)
    delivered = CursorState(1, everything[9].end, DeliveryCounters(acked=10))
    state = cursor.drop_oldest(delivered, "quota")
    assert state is not None
    first_left = next(record for record in everything if record.segment == 2)
    assert state == CursorState(
        2, 0, DeliveryCounters(acked=10, dropped={"quota": number_of(first_left) - 10})
    )
    state = cursor.drop_oldest(state, "age")
    assert state is not None
    assert state == Cursor(chain).load()
    assert segment_numbers(chain) == [3]
    left = len([record for record in everything if record.segment == 3])
    assert state.counters.settled + left == 300
    assert cursor.drop_oldest(state, "quota") is None


def test_a_delivered_segment_is_dropped_for_nothing(home: Path) -> None:
    """A segment that was delivered already, but not yet removed, counts no loss."""
    chain = chain_of_segments(home)
    delivered = CursorState(2, 0, DeliveryCounters(acked=60))
    assert Cursor(chain).drop_oldest(delivered, "quota") == delivered
    assert segment_numbers(chain) == [2, 3]


def test_a_spare_does_not_save_the_newest(home: Path) -> None:
    """The segment that the owner writes to is never dropped, also when a spare stands behind it."""
    spool, scope = spool_at(home)
    for n in range(40):
        spool.append(numbered(n, 1000), scope)
    spool.prepare()
    chain = live_chain(spool)
    assert segment_numbers(chain) == [1, 2]
    assert Cursor(chain).drop_oldest(CursorState(), "quota") is None
    spool.close()


def test_a_place_is_stored_with_and_without_a_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where files cannot be mapped the place is written, and either way another process finds the latest."""
    cursor = Cursor(tmp_path)
    for n in range(1, 7):
        maps = n % 3 != 0
        monkeypatch.setattr(platform, "capabilities", replace(platform.capabilities, map=maps))
        cursor.close()
        assert cursor.store(CursorState(n, 8 * n))
        assert Cursor(tmp_path).load()[:2] == (n, 8 * n)
    cursor.close()
