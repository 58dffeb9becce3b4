"""ended = acked + rejected + dropped + handed_over + in_spool, whoever is killed when."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests._delivery.spools import DESTINATION, live_chain, numbered, read_all, spool_at
from trackway._delivery import counters as counting
from trackway._delivery import platform
from trackway._delivery.chain import chains, claim, sweep
from trackway._delivery.counters import (
    ChainCounters,
    DeliveryCounters,
    add_totals,
    chain_counters,
    fold,
    parse_counters,
    totals,
)
from trackway._delivery.cursor import Cursor, CursorState
from trackway._delivery.segment import VERSION, Header, segment_path
from trackway._delivery.survey import survey


def dead_chain(home: Path, records: int = 5) -> Path:
    spool, scope = spool_at(home)
    for n in range(records):
        spool.append(numbered(n), scope)
    spool.count_dropped("sampled", 2)
    chain = live_chain(spool)
    spool.close()
    return chain


def fold_claimed(chain: Path, delivered: DeliveryCounters) -> None:
    with claim(chain) or pytest.fail("the chain is not free") as lock:
        fold(lock, delivered)


def test_counters_add_up() -> None:
    """A sum keeps every reason apart, and settled is all of it."""
    one = DeliveryCounters(acked=1, handed_over=2, rejected={"400": 3}, dropped={"quota": 4})
    two = one + one.with_dropped("age", 5)
    assert two.rejected == {"400": 6}
    assert two.dropped == {"quota": 8, "age": 5}
    assert two.settled == 25
    assert one.with_dropped("age", 0) is one
    assert ChainCounters(appended=1, in_memory=2, from_memory=3, dropped={"a": 4}).ended == 10


def test_a_folded_chain_is_in_the_totals(home: Path) -> None:
    """Removing a delivered chain moves its counters, and nothing of it remains."""
    root = home / "spool"
    for _ in range(2):
        chain = dead_chain(home)
        fold_claimed(chain, DeliveryCounters(acked=4, rejected={"400": 1}))
        assert not chain.exists()
    assert totals(root, DESTINATION) == DeliveryCounters(
        acked=8, rejected={"400": 2}, dropped={"sampled": 4}
    )
    assert survey(root, DESTINATION).ended == 14


def test_what_was_never_read_is_interrupted(home: Path) -> None:
    """Records that their owner counted and no reader found are dropped for a reason."""
    fold_claimed(dead_chain(home), DeliveryCounters(acked=3))
    found = totals(home / "spool", DESTINATION)
    assert found.dropped == {"sampled": 2, "interrupted": 2}
    assert found.settled == 7


KILL_POINTS = ("_store", "_remove", "remove_segment", "rename", "unlink", "rmdir")


@pytest.mark.parametrize("point", KILL_POINTS)
@pytest.mark.parametrize("after", [False, True])
def test_a_fold_counts_once_wherever_it_is_killed(home: Path, point: str, *, after: bool) -> None:
    """Killed before or after any step of a fold, the next one completes it and nothing is counted twice."""
    chain = dead_chain(home)
    delivered = DeliveryCounters(acked=5)
    Cursor(chain).store(CursorState(1, 999, delivered))
    child = os.fork()
    if child == 0:
        target = counting if hasattr(counting, point) else Path
        step = getattr(target, point)

        def die(*arguments: object, **options: object) -> None:
            if after:
                step(*arguments, **options)
            os._exit(7)

        setattr(target, point, die)
        fold_claimed(chain, delivered)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert survey(home / "spool", DESTINATION).ended == 7
    for left in chains(home / "spool", DESTINATION):
        with claim(left) or pytest.fail("free") as lock:
            fold(lock, Cursor(left).load().counters)
    assert totals(home / "spool", DESTINATION) == delivered + DeliveryCounters(
        dropped={"sampled": 2}
    )
    assert survey(home / "spool", DESTINATION).ended == 7
    sweep(home / "spool", DESTINATION)
    assert [p.name for p in (home / "spool" / DESTINATION).iterdir() if p.is_dir()] == []
    # The name of the chain is forgotten with the next one, so the file does not grow.
    fold_claimed(dead_chain(home), delivered)
    assert (home / "spool" / DESTINATION / "totals.json").read_text().count("-") <= 2 * 2
    assert survey(home / "spool", DESTINATION).ended == 14


def test_a_fold_that_cannot_be_written_keeps_the_chain(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the totals cannot be stored, the chain stays to be folded later."""
    chain = dead_chain(home)

    def refuse(_: int) -> None:
        raise platform.no_space()

    with monkeypatch.context() as broken:
        broken.setattr(platform, "sync_data", refuse)
        with pytest.raises(OSError, match="no space"):
            fold_claimed(chain, DeliveryCounters())
    assert len(read_all(chain)) == 5
    fold_claimed(chain, DeliveryCounters(acked=5))
    assert not chain.exists()


def test_a_newer_versions_segment_survives_the_fold(home: Path) -> None:
    """A chain with a segment that only a newer version understands is counted, but not removed."""
    chain = dead_chain(home)
    newer = Header(version=VERSION + 1, key=1, number=2, created_ns=0, records_before=0)
    segment_path(chain, 2).write_bytes(newer.pack())
    fold_claimed(chain, DeliveryCounters(acked=5))
    assert segment_path(chain, 2).exists()
    assert survey(home / "spool", DESTINATION).ended == 7


def test_a_damaged_header_is_passed_for_the_one_before(home: Path) -> None:
    """The counters of a chain are those of its newest segment that can be read; none is zero."""
    chain = dead_chain(home)
    segment_path(chain, 2).write_bytes(b"?" * 256)
    segment_path(chain, 3).write_bytes(bytes(256))
    assert chain_counters(chain) == ChainCounters(appended=5, dropped={"sampled": 2})
    segment_path(chain, 1).write_bytes(b"")
    assert chain_counters(chain) == ChainCounters()
    assert chain_counters(home / "none") == ChainCounters()


@pytest.mark.parametrize("text", ["", "[", "[]", '{"acked": "x"}', '{"dropped": {"a": "b"}}'])
def test_unreadable_totals_start_anew(home: Path, text: str) -> None:
    """Totals that were damaged begin at zero; they never keep a chain from being removed."""
    chain = dead_chain(home)
    (home / "spool" / DESTINATION / "totals.json").write_text(text)
    assert totals(home / "spool", DESTINATION) == DeliveryCounters()
    fold_claimed(chain, DeliveryCounters(acked=5))
    assert totals(home / "spool", DESTINATION).acked == 5


def test_counts_without_a_chain_are_kept(home: Path) -> None:
    """A process that dropped all it ended adds to the totals without ever having had a chain."""
    add_totals(home / "spool", DESTINATION, DeliveryCounters(dropped={"sampled": 3}))
    add_totals(home / "spool", DESTINATION, DeliveryCounters(acked=1))
    assert totals(home / "spool", DESTINATION).settled == 4


def test_counters_are_numbers() -> None:
    """A table with something else in it is refused."""
    with pytest.raises(TypeError):
        parse_counters({"acked": "1"})
    assert parse_counters({"rejected": 3}) == DeliveryCounters()


def test_the_survey_is_right_while_chains_live_and_go(
    home: Path, count: Callable[[int, int], int]
) -> None:
    """At any time what ended is what was appended and dropped, summed over living chains, dead ones and totals."""
    root = home / "spool"
    spool, scope = spool_at(home)
    ended = 0
    for turn in range(count(6, 100)):
        dead_chain(home)
        for n in range(turn):
            spool.append(numbered(n), scope)
        ended += 7 + turn
        assert survey(root, DESTINATION).ended == ended
        oldest = next(c for c in chains(root, DESTINATION) if c != spool.live_chain())
        if turn % 2:
            Cursor(oldest).store(CursorState(1, 999, DeliveryCounters(acked=5)))
            fold_claimed(oldest, DeliveryCounters(acked=5))
            assert survey(root, DESTINATION).ended == ended
    spool.close()
    assert survey(root, DESTINATION).ended == ended
