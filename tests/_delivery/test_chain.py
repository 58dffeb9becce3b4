"""A chain belongs to one process at a time, from the moment it can be seen."""

import os
from pathlib import Path

import pytest

from tests._delivery.spools import DESTINATION, kill, start
from trackway._delivery import chain as chain_files
from trackway._delivery import platform
from trackway._delivery.chain import (
    chains,
    claim,
    create_chain,
    created_ns,
    describe,
    description,
    destination_id,
    destinations,
    is_live,
    spool_root,
    sweep,
)

OWNER = """
import sys
from pathlib import Path
from trackway._delivery.chain import create_chain
lock = create_chain(Path(sys.argv[1]), sys.argv[2])
print(lock.chain, flush=True)
sys.stdin.read()
"""

CLAIMANT = """
import sys
from pathlib import Path
from trackway._delivery.chain import claim
sys.stdin.readline()
lock = claim(Path(sys.argv[1]))
print("got it" if lock else "no", flush=True)
sys.stdin.read()
"""


def test_an_owned_chain_cannot_be_claimed(home: Path) -> None:
    """As long as its owner has it a chain is live, and nobody else gets it, not even the same process."""
    lock = create_chain(home, DESTINATION)
    assert chains(home, DESTINATION) == [lock.chain]
    assert is_live(lock.chain)
    assert claim(lock.chain) is None
    lock.release()
    lock.release()
    assert not is_live(lock.chain)
    with claim(lock.chain) or pytest.fail("free, but not given") as claimed:
        assert is_live(claimed.chain)
    assert not is_live(lock.chain)


def test_a_killed_owners_chain_can_be_claimed(home: Path) -> None:
    """SIGKILL frees a chain; of many who want it, one gets it."""
    owner = start(OWNER, str(home), DESTINATION)
    assert owner.stdout is not None
    chain = Path(owner.stdout.readline().strip())
    assert claim(chain) is None
    kill(owner)
    claimants = [start(CLAIMANT, str(chain)) for _ in range(4)]
    for each in claimants:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    said = [each.stdout.readline().strip() for each in claimants if each.stdout is not None]
    for each in claimants:
        kill(each)
    assert sorted(said) == ["got it", "no", "no", "no"]


def test_a_forked_child_does_not_free_its_parents_chain(home: Path) -> None:
    """Neither the end of a child nor its own release touches the parent's ownership; the parent's release is final."""
    lock = create_chain(home, DESTINATION)
    child = os.fork()
    if child == 0:
        lock.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert is_live(lock.chain)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        # Forked below Python's hooks: it knows nothing, and still has the file open.
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    lock.release()
    assert not is_live(lock.chain)
    os.close(writer)
    os.close(reader)
    os.waitpid(child, 0)


def test_a_chain_that_was_replaced_is_not_claimed(home: Path) -> None:
    """Who locked a file that is no longer the chain's has nothing."""
    lock = create_chain(home, DESTINATION)
    lock.release()
    with claim(lock.chain) or pytest.fail("free, but not given"):
        (lock.chain / chain_files.OWNER_LOCK).unlink()
        (lock.chain / chain_files.OWNER_LOCK).touch()
        other = claim(lock.chain)
        assert other is not None
        other.release()
    (lock.chain / chain_files.OWNER_LOCK).unlink()
    assert claim(lock.chain) is None
    assert not is_live(lock.chain)


def test_chains_are_listed_by_age(home: Path) -> None:
    """Chains come oldest first, with the time of their creation; what is no chain is not listed."""
    clock = iter((300, 100, 200))
    locks = [create_chain(home, DESTINATION, lambda: next(clock)) for _ in range(3)]
    (home / DESTINATION / ".new-1-2-3").mkdir()
    (home / DESTINATION / "totals.json").touch()
    (home / DESTINATION / "rejected").mkdir()
    assert [created_ns(chain) for chain in chains(home, DESTINATION)] == [100, 200, 300]
    assert created_ns(home / "no-chain") == 0
    assert chains(home, "none") == []
    for lock in locks:
        lock.release()


def test_half_made_chains_are_swept(home: Path) -> None:
    """What a process left that was killed while making a chain goes after an hour, not before."""
    hour = chain_files._ABANDONED_NS
    old, young = (home / DESTINATION / f".new-{born:016x}-1-2" for born in (0, hour))
    for left in (old, young):
        left.mkdir(parents=True)
        (left / chain_files.OWNER_LOCK).touch()
    (home / DESTINATION / ".new-nonsense").mkdir()
    sweep(home, DESTINATION, lambda: hour + 1)
    assert not old.exists()
    assert young.exists()


def test_a_chain_that_cannot_be_made_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk refuses in the middle, no half chain remains."""

    def refuse(_: Path) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(platform, "create_private", refuse)
    with pytest.raises(OSError, match="Too many"):
        create_chain(home, DESTINATION)
    assert list((home / DESTINATION).iterdir()) == []


def test_a_destination_describes_itself(home: Path) -> None:
    """What a destination is can be read by people, is written once, and has no meaning for machines."""
    create_chain(home, DESTINATION).release()
    for text in ({"kind": "otlp", "url": "a"}, {"kind": "otlp", "url": "b"}):
        describe(home, DESTINATION, text)
        describe(home, DESTINATION, text)
        assert description(home, DESTINATION) == text
    assert destinations(home) == [DESTINATION]
    assert [p.name for p in (home / DESTINATION).glob(".*")] == []
    (home / DESTINATION / chain_files.DESCRIPTION).write_bytes(b"[")
    assert description(home, DESTINATION) == {}


def test_a_destinations_id_tells_it_from_others(home: Path) -> None:
    """Kind, address and key make the id; the same ones the same id, in every process."""
    ids = {destination_id(*parts) for parts in (("a", "b", "c"), ("ab", "", "c"), ("a", "b", "d"))}
    assert len(ids) == 3
    assert destination_id("otlp", "http://x", "k") == "cc900a5932927d42"
    assert spool_root(home) == home / "spool"
