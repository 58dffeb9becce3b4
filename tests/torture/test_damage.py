"""Whatever happens to the bytes of a segment, only committed records come out, in order, and none before it is lost.

The states are all truncations and all single flipped bits of a segment: of 4 KiB in every run, of 64 KiB under torture.
"""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests._delivery.spools import live_chain, numbered, read_all, spool_at
from trackway._delivery.reader import ChainReader
from trackway._delivery.record import HEADER_SIZE, Record
from trackway._delivery.segment import RECORDS_AT, segment_path


@pytest.fixture
def chain(home: Path, count: Callable[[int, int], int]) -> Path:
    """A dead chain of one segment, full of records of many sizes."""
    spool, scope = spool_at(home)
    chosen = random.Random(7)
    number = 0
    spool.append(numbered(number), scope)
    size = count(4 << 10, 64 << 10)
    while (left := size - spool.tail()[1]) > 40:
        number += 1
        spool.append(numbered(number, min(chosen.randrange(count(150, 1500)), left - 30)), scope)
    chain = live_chain(spool)
    assert spool.tail()[0] == 1
    spool.close()
    return chain


def damaged(chain: Path, intact: list[Record], expect: Callable[[Record], bool]) -> None:
    """Reads a chain that was damaged: a subsequence of what was written, with all that *expect* asks for."""
    found = read_all(chain, live=False)
    # By payload: what was cut out moves all that stands behind it.
    written = iter([record.payload for record in intact])
    assert all(record.payload in written for record in found), "never written, or out of order"
    missing = [record for record in intact if expect(record) and record not in found]
    assert missing == []


def test_every_truncation(chain: Path) -> None:
    """Cut at any byte, a segment yields exactly the records that end before the cut."""
    path = segment_path(chain, 1)
    whole, intact = path.read_bytes(), read_all(chain)
    assert len(intact) > 20
    for size in range(len(whole) - 1, -1, -1):
        os.truncate(path, size)
        found = read_all(chain, live=False)
        # The padding behind a payload may be gone.
        assert found == [r for r in intact if r.offset + 16 + len(r.payload) <= size and size >= 64]


def test_every_flipped_bit(chain: Path) -> None:
    """With any one bit flipped, a segment yields all records but the one that was hit."""
    path = segment_path(chain, 1)
    whole, intact = path.read_bytes(), read_all(chain)
    # The record of each byte: None where a flip costs nothing (the header, the padding) or a scope's record.
    owners: list[Record | None] = [None] * len(whole)
    for record in intact:
        end = record.offset + HEADER_SIZE + len(record.payload)
        owners[record.offset : end] = [record] * (end - record.offset)
    descriptor = os.open(path, os.O_RDWR)
    for bit in range(len(whole) * 8):
        at = bit // 8
        os.pwrite(descriptor, bytes([whole[at] ^ 1 << bit % 8]), at)
        found = read_all(chain, live=False)
        hit = owners[at]
        expected = intact if hit is None else [record for record in intact if record is not hit]
        assert found == expected, bit
        os.pwrite(descriptor, whole[at : at + 1], at)
    os.close(descriptor)


# The folder is shared by all examples, each of which writes its segment anew.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_corruption(chain: Path, data: st.DataObject) -> None:
    """Zeroed, overwritten, put in, cut out: no bytes make the reader raise or invent; what stands before is read."""
    path = segment_path(chain, 1)
    whole, intact = _remembered(chain)
    at = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, 2000))
    new = data.draw(st.sampled_from([bytes(length), b"\xff" * length]) | st.binary(max_size=2000))
    cut = data.draw(st.integers(0, 2000))
    path.write_bytes(whole[:at] + new + whole[at + cut :])
    damaged(chain, intact, lambda record: at >= RECORDS_AT and record.end <= at)


_written: dict[Path, tuple[bytes, list[Record]]] = {}


def _remembered(chain: Path) -> tuple[bytes, list[Record]]:
    """The segment as it was before the first example, and its records."""
    if chain not in _written:
        _written[chain] = segment_path(chain, 1).read_bytes(), read_all(chain)
    return _written[chain]


def test_damage_is_counted(chain: Path) -> None:
    """The bytes that a reader passes over are told, and those of a later segment are not lost for it."""
    path = segment_path(chain, 1)
    whole, intact = path.read_bytes(), read_all(chain)
    hit = intact[3]
    spoiled = whole[: hit.offset] + os.urandom(hit.end - hit.offset) + whole[hit.end :]
    path.write_bytes(spoiled)
    with ChainReader(chain) as reader:
        assert list(_all(reader)) == [*intact[:3], *intact[4:]]
        assert reader.damaged_bytes == hit.end - hit.offset


def test_a_payload_cannot_pretend(home: Path) -> None:
    """A payload that holds a whole segment of its own is one record, also when damage makes the reader search in it."""
    spool, scope = spool_at(home)
    spool.append(b"innocent", scope)
    inner = segment_path(live_chain(spool), 1).read_bytes()[:4096]
    spool.close()
    other, scope = spool_at(home, "other")
    for payload in (inner, inner[RECORDS_AT:], b"last"):
        other.append(payload, scope)
    chain = live_chain(other)
    other.close()
    intact = read_all(chain)
    assert len(intact) == 3
    path = segment_path(chain, 1)
    whole = path.read_bytes()
    for record in intact[:2]:
        path.write_bytes(whole[: record.offset] + bytes(8) + whole[record.offset + 8 :])
        assert read_all(chain) == [r for r in intact if r != record]


def _all(reader: ChainReader) -> Iterator[Record]:
    while more := reader.read():
        yield from more
