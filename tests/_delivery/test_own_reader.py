"""What a process reads of its own chain in bulk is what it would read record by record."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from tests._delivery.spools import DESTINATION, live_chain, number_of, numbered, spool_at
from trackway._delivery import platform
from trackway._delivery.gather import Run
from trackway._delivery.own import OwnChain
from trackway._delivery.own_reader import WORTH_IT, OwnReader
from trackway._delivery.reader import ChainReader
from trackway._delivery.record import FLAG_UNPRICED, KIND_SCORE, Record
from trackway._delivery.spool import Spool

LARGE = 1 << 30


def readers(spool: Spool) -> tuple[OwnReader, OwnReader]:
    chain = live_chain(spool)
    return (
        OwnReader(chain, 1, 0, OwnChain(spool, chain)),
        OwnReader(chain, 1, 0, OwnChain(spool, chain)),
    )


def records_of(runs: list[Run]) -> list[Record]:
    return [record for run in runs for record in run.records()]


@pytest.mark.parametrize("recycle", [True, False])
def test_what_is_gathered_is_what_is_read(home: Path, *, recycle: bool) -> None:
    """The same records in the same places over many segments, mapped or not, whatever the limits are."""
    spool = Spool(home / "spool", DESTINATION, recycle=recycle)
    scope = spool.register_scope(b"r", b"s")
    spool.append(numbered(0), scope)
    bulk, single = readers(spool)
    for n in range(1, 2_500):
        spool.append(numbered(n, 40 * (n % 120)), scope)
        if n % 40 == 0:
            spool.prepare()
    gathered = 0
    with bulk, single:
        while True:
            runs = bulk.gather(1 << 19, 300, 0)
            found = records_of(runs)
            gathered += len(found)
            if not runs:
                found = bulk.read(1 << 16, 50)
            assert found == [record for _ in range(len(found)) for record in single.read(LARGE, 1)]
            assert len(found) <= 300
            assert sum(len(record.payload) for record in found) <= 1 << 19
            if not found:
                break
        assert not single.read()
        assert bulk.position == single.position
        assert bulk.scopes == single.scopes
    spool.close()
    assert gathered > 1_000 if recycle else gathered > 100


def test_what_needs_a_look_is_left_to_read(home: Path) -> None:
    """A score, a span without its cost, another scope: what stands before is gathered, what they are is read."""
    spool, scope = spool_at(home)
    other = spool.register_scope(b"r", b"other")
    body = bytes(WORTH_IT // 4)
    odd = [(KIND_SCORE, 0, scope), (0, FLAG_UNPRICED, scope), (0, 0, other)]
    for kind, flags, of_scope in odd:
        spool.append(body, scope)
        spool.append(b"odd", of_scope, kind=kind, flags=flags)
    for _ in range(20):
        spool.append(body, other)
    reader, _ = readers(spool)
    with reader:
        for expected in odd:
            (plain,) = records_of(reader.gather(LARGE, 9, FLAG_UNPRICED))
            assert plain.payload == body
            if expected[2] == scope:
                assert reader.gather(LARGE, 9, FLAG_UNPRICED) == []
                (found,) = reader.read(LARGE, 1)
                assert (found.kind, found.flags, found.scope) == expected
        rest = records_of(reader.gather(LARGE, 9, FLAG_UNPRICED))
        assert [(len(record.payload), record.scope) for record in rest] == [(3, other)] + [
            (len(body), other)
        ] * 8
    spool.close()


def test_few_are_not_gathered(home: Path) -> None:
    """Where a request costs more than its records, and where there are none."""
    spool, scope = spool_at(home)
    spool.append(b"x", scope)
    reader, _ = readers(spool)
    with reader:
        assert reader.gather(LARGE, 9, 0) == []
        assert len(reader.read()) == 1
        assert reader.gather(LARGE, 9, 0) == []
        spool.append(bytes(WORTH_IT + 1), scope)
        assert reader.gather(100, 9, 0) == []
        assert len(reader.gather(LARGE, 9, 0)) == 1
    spool.close()
    assert reader.gather(LARGE, 9, 0) == []


def test_files_that_vanished_are_no_error(home: Path) -> None:
    """What was gathered before is good, and the rest is not there."""
    spool = Spool(home / "spool", DESTINATION)
    scope = spool.register_scope(b"r", b"s")
    for n in range(700):
        spool.append(numbered(n, 10_000), scope)
    reader, _ = readers(spool)
    for path in live_chain(spool).glob("*.seg"):
        path.unlink()
    with reader:
        found = records_of(reader.gather(LARGE, 1_000, 0))
    assert [number_of(record) for record in found] == list(range(len(found)))
    spool.close()


def test_a_place_is_kept_while_nothing_can_be_opened(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is out of descriptors while looking for the scopes before its place goes on from that place."""
    monkeypatch.setattr(platform, "capabilities", replace(platform.capabilities, map=False))
    spool, scope = spool_at(home)
    for n in range(20):
        spool.append(numbered(n), scope)
    chain = live_chain(spool)
    with ChainReader(chain) as reader:
        place = reader.read(max_records=10)[-1]
    own = OwnReader(chain, place.segment, place.end, OwnChain(spool, chain))
    with own:
        with monkeypatch.context() as full:
            full.setattr(platform, "open_existing", _out_of_descriptors)
            assert own.read() == []
        assert [number_of(record) for record in own.read()] == list(range(10, 20))
    spool.close()


def _out_of_descriptors(_path: Path) -> int:
    raise OSError(errno.EMFILE, "too many open files")
