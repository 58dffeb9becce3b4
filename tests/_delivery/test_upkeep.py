"""What spools' files need: when it is due, and how often."""

from pathlib import Path

from tests._delivery.sending import Time, fill, spool_at
from trackway._delivery.upkeep import Upkeep


def test_it_is_idle_when_nothing_is_appended(home: Path) -> None:
    """Without a new span there is nothing to do, and no file is made."""
    spool = spool_at(home)
    assert Upkeep([spool], 0.5, Time()).step() is None
    assert not home.exists()


def test_what_was_appended_is_synced_within_the_interval(home: Path) -> None:
    """Half a second after an append at the latest everything is on the disk."""
    spool = spool_at(home)
    time = Time()
    upkeep = Upkeep([spool], 0.5, time)
    fill(spool, range(3))
    assert upkeep.step() is not None
    fill(spool, range(3, 6))
    pause = upkeep.step()
    assert pause is not None
    assert pause <= 0.5
    time.now += pause
    upkeep.step()
    segment = spool._segment
    assert segment is not None
    assert segment.synced == segment.offset
    spool.close()


def test_a_fast_application_is_looked_after_more_often(home: Path) -> None:
    """The more is appended the sooner the next look, so that the next segment is ready in time."""
    spool = spool_at(home)
    time = Time()
    upkeep = Upkeep([spool], 0.5, time)
    fill(spool, range(10))
    upkeep.step()
    time.now += 1
    fill(spool, range(4_000), 2_000)
    pause = upkeep.step()
    assert pause is not None
    assert pause < 0.2
    spool.close()
