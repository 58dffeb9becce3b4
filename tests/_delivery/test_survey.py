"""A destination as its files tell it."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests._delivery.spools import DESTINATION, live_chain, numbered, spool_at
from trackway._delivery import platform
from trackway._delivery.counters import DeliveryCounters
from trackway._delivery.cursor import Cursor, CursorState
from trackway._delivery.survey import survey, used_bytes


@pytest.mark.parametrize("maps", [True, False])
def test_a_living_chain_is_counted_at_every_record(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, maps: bool
) -> None:
    """What a living process appended is seen by others at once, with either writer."""
    monkeypatch.setattr(platform, "capabilities", replace(platform.capabilities, map=maps))
    spool, scope = spool_at(home)
    for n in range(1, 200):
        spool.append(numbered(n, 900), scope)
        if n % 40 == 0:
            assert survey(home / "spool", DESTINATION).in_spool == n
    Cursor(live_chain(spool)).store(CursorState(1, 0, DeliveryCounters(acked=9)))
    found = survey(home / "spool", DESTINATION)
    assert (found.in_spool, found.ended, found.chains) == (190, 199, 1)
    spool.close()


def test_nothing_is_nothing(home: Path) -> None:
    """A destination that nobody wrote for has no counts, and asking for them makes no files."""
    found = survey(home / "spool", DESTINATION)
    assert (found.ended, found.chains, found.bytes) == (0, 0, 0)
    assert not home.exists()


def test_bytes_are_those_on_the_disk(home: Path) -> None:
    """The size of a chain is what its segments occupy: little, once it is closed."""
    spool, scope = spool_at(home)
    spool.append(b"x", scope)
    chain = live_chain(spool)
    assert used_bytes(chain) >= 64 << 10
    spool.close()
    assert 0 < used_bytes(chain) <= 4096
    assert used_bytes(chain) == survey(home / "spool", DESTINATION).bytes
    assert used_bytes(home / "none") == 0
