"""Scopes keep their ids, and counts survive the chains they were made in."""

from trackway._delivery import tally as tally_module
from trackway._delivery.counters import ChainCounters
from trackway._delivery.record import unpack_scope
from trackway._delivery.tally import Scopes, Tally


def test_a_scope_keeps_its_id() -> None:
    """The same resource and scope have the same id, others another one, and the id tells them again."""
    scopes = Scopes()
    first, second = scopes.register(b"r", b"a"), scopes.register(b"r", b"b")
    assert scopes.register(b"r", b"a") == first != second
    assert unpack_scope(scopes.described(second)) == (b"r", b"b")
    assert scopes.all() == {0: (b"", b""), first: (b"r", b"a"), second: (b"r", b"b")}
    assert unpack_scope(scopes.described(99)) == (b"", b"")


def test_scopes_are_bounded() -> None:
    """An application that makes up scopes gets the first one's id when there are too many."""
    scopes = Scopes()
    ids = [scopes.register(b"r", b"%d" % n) for n in range(tally_module.MAX_SCOPES + 5)]
    assert ids[-1] == ids[0] == 1
    assert len(scopes.all()) == tally_module.MAX_SCOPES


def test_counts_go_on_over_chains() -> None:
    """What was appended and dropped in a closed chain is still counted; the next one starts at zero."""
    tally = Tally()
    assert tally.drop("sampled", 2) == ("sampled", 2)
    assert tally.drop("made up", 1) == ("other", 1)
    assert tally.close_chain(10) == {"sampled": 2, "other": 1}
    assert tally.drop("sampled", 3) == ("sampled", 3)
    assert tally.sum(5, 1, [("no_disk", 1), ("no_disk", 1)]) == ChainCounters(
        appended=15, in_memory=1, dropped={"sampled": 5, "other": 1, "no_disk": 2}
    )


def test_a_lost_chain_is_counted() -> None:
    """What was appended to a chain that vanished is either delivered or dropped."""
    tally = Tally()
    tally.lose_chain(10, 4)
    tally.lose_chain(2, 2)
    assert tally.sum(0, 0, ()) == ChainCounters(appended=6, dropped={"deleted": 6})
