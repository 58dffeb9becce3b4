"""Whatever the segments hold, the reader yields committed records, in order, and never raises."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests._delivery.spools import live_chain, number_of, numbered, payloads, read_all, spool_at
from trackway._delivery.chain import create_chain
from trackway._delivery.live import LiveChain
from trackway._delivery.reader import ChainReader
from trackway._delivery.segment import VERSION, Header, segment_numbers, segment_path
from trackway._delivery.writers import FileSegment, MappedSegment

# A function-scoped folder is shared by all examples of a test, each of which makes a chain of its own in it.
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@shared
@given(st.lists(st.one_of(st.binary(max_size=50), st.integers(0, 90_000).map(bytes)), max_size=30))
def test_what_was_appended_is_read(home: Path, appended: list[bytes]) -> None:
    """Any sequence of payloads is read back equal and in order, while its owner lives and after."""
    spool, scope = spool_at(home)
    spool.append(b"first", scope)
    for payload in appended:
        spool.append(payload, scope)
    chain = live_chain(spool)
    assert payloads(chain) == [b"first", *appended]
    spool.close()
    assert payloads(chain) == [b"first", *appended]


@shared
@given(st.lists(st.integers(1, 80), min_size=1))
def test_reading_goes_on_where_it_stopped(home: Path, steps: list[int]) -> None:
    """A new reader at any remembered position reads the rest, and knows the scopes of what it reads."""
    spool, scope = spool_at(home)
    for n in range(150):
        spool.append(numbered(n, 1000), scope)
    chain = live_chain(spool)
    reader, read, step = ChainReader(chain), [], itertools.cycle(steps)
    while more := reader.read(max_records=next(step)):
        read += more
        reader.close()
        reader = ChainReader(chain, *reader.position)
    reader.close()
    assert [number_of(record) for record in read] == list(range(150))
    assert [(r.segment, r.offset) for r in read] == sorted((r.segment, r.offset) for r in read)
    last = read[-1]
    with ChainReader(chain, last.segment, last.offset) as again:
        assert again.read() == [last]
        assert again.scopes[last.scope] == (b"the resource", b"the scope")
    spool.close()


def test_a_batch_is_bounded(home: Path) -> None:
    """A read returns no more than it was asked for, but one record at least."""
    spool, scope = spool_at(home)
    for n in range(10):
        spool.append(numbered(n, 1000), scope)
    with ChainReader(live_chain(spool)) as reader:
        assert [number_of(r) for r in reader.read(max_bytes=2500)] == [0, 1]
        assert [number_of(r) for r in reader.read(max_bytes=10)] == [2]
        assert [number_of(r) for r in reader.read(max_records=3)] == [3, 4, 5]
        assert [number_of(r) for r in reader.read()] == [6, 7, 8, 9]
        assert reader.read() == []
    spool.close()


def test_a_reader_follows_its_owner(home: Path) -> None:
    """A reader that came to the end sees what is appended later, across segments, spares and the close."""
    spool, scope = spool_at(home)
    spool.append(numbered(0), scope)
    seen: list[int] = []
    with ChainReader(live_chain(spool)) as reader:
        for n in range(1, 400):
            spool.append(numbered(n, 3000), scope)
            if n % 7 == 0:
                spool.prepare()
            if n % 3 == 0:
                seen += [number_of(record) for record in reader.read()]
        assert reader.position <= spool.tail()
        seen += [number_of(record) for record in reader.read()]
        assert reader.position == spool.tail()
        spool.append(numbered(400), scope)
        spool.close()
        seen += [number_of(record) for record in reader.read()]
        assert reader.read() == []
        assert reader.damaged_bytes == 0
    assert seen == list(range(401))


def owned(home: Path) -> tuple[LiveChain, MappedSegment]:
    """A living chain with one segment to write to by hand."""
    live = LiveChain(create_chain(home, "local"))
    segment = live.take(0, {}, 0)
    assert isinstance(segment, MappedSegment)
    return live, segment


def reserve(segment: MappedSegment, payload: bytes) -> Callable[[], None]:
    """Appends a record without its commit mark; what is returned commits it."""
    word = (segment.offset >> 2) + 1
    segment.append(payload, 1, 0, 0)
    segment._words[word] = 0

    def commit() -> None:
        segment._words[word] = segment.key

    return commit


def test_an_unfinished_record_is_waited_for(home: Path) -> None:
    """While the owner lives, a record that is being written is not yet there, and comes in its turn."""
    live, segment = owned(home)
    segment.append(numbered(0), 1, 0, 0)
    commit = reserve(segment, numbered(1))
    with ChainReader(live.path) as reader:
        assert [number_of(r) for r in reader.read()] == [0]
        assert reader.read() == []
        commit()
        assert [number_of(r) for r in reader.read()] == [1]
        assert reader.damaged_bytes == 0
    live.close(segment)


def test_an_abandoned_record_hides_nothing(home: Path) -> None:
    """A record whose writer was interrupted is skipped as soon as another stands behind it, in a living chain too."""
    live, segment = owned(home)
    reserve(segment, numbered(0))
    segment.append(numbered(1), 1, 0, 0)
    with ChainReader(live.path) as reader:
        assert [number_of(r) for r in reader.read()] == [1]
        assert reader.damaged_bytes == 120
        reserve(segment, numbered(2))
        assert reader.read() == []
        # What was interrupted at the end of a segment is passed when the next one is in use.
        live.retire(segment)
        following = live.take(0, {}, 0)
        assert reader.read() == []
        following.append(numbered(3), 1, 0, 0)
        assert [number_of(r) for r in reader.read()] == [3]
    live.close(following)


def test_a_dead_owners_last_record_is_passed(home: Path) -> None:
    """When the owner is dead an unfinished record is over, and counted."""
    live, segment = owned(home)
    segment.append(numbered(0), 1, 0, 0)
    reserve(segment, numbered(1))
    with ChainReader(live.path) as reader:
        assert len(reader.read()) == 1
        live.close(segment)
        assert reader.read() == []
        assert reader.read() == []
        assert reader.damaged_bytes > 0
    assert [number_of(r) for r in read_all(live.path)] == [0]


def test_a_spare_is_no_end(home: Path) -> None:
    """A segment that was made ahead is not entered before it is in use."""
    spool, scope = spool_at(home)
    for n in range(40):
        spool.append(numbered(n, 1000), scope)
    spool.prepare()
    chain = live_chain(spool)
    assert segment_numbers(chain) == [1, 2]
    with ChainReader(chain) as reader:
        assert len(reader.read()) == 40
        assert reader.read() == []
        assert reader.position[0] == 1
    spool.close()
    assert segment_numbers(chain) == [1]


def test_released_segments_are_passed(home: Path) -> None:
    """A position in a segment that is gone goes on in the next one that is there."""
    spool, scope = spool_at(home)
    for n in range(200):
        spool.append(numbered(n, 1000), scope)
    spool.close()
    (chain,) = (home / "spool").glob("*/*-*")
    everything = read_all(chain)
    segment_path(chain, 1).unlink()
    with ChainReader(chain, 1, 5000) as reader:
        assert reader.read() == [record for record in everything if record.segment > 1]


def test_a_newer_versions_segment_is_left_alone(home: Path) -> None:
    """A segment of a newer version and a foreign file are skipped, reported, and not counted as damage."""
    spool, scope = spool_at(home)
    for n in range(400):
        spool.append(numbered(n, 1000), scope)
    spool.close()
    (chain,) = (home / "spool").glob("*/*-*")
    kept = [record for record in read_all(chain) if record.segment == 3]
    newer = Header(version=VERSION + 1, key=1, number=1, created_ns=0, records_before=0).pack()
    segment_path(chain, 1).write_bytes(newer + bytes(5000))
    segment_path(chain, 2).write_bytes(b"\x89PNG" * 1000)
    with ChainReader(chain) as reader:
        assert reader.read(max_records=len(kept), max_bytes=1 << 30) == kept
        assert reader.unreadable == [segment_path(chain, 1), segment_path(chain, 2)]
        assert reader.damaged_bytes == 0


@pytest.mark.parametrize("position", [(1, 3), (1, 300), (1, 10_000_000), (9, 256)])
def test_a_wrong_position_is_survived(home: Path, position: tuple[int, int]) -> None:
    """A position that no reader ever returned yields intact records or none."""
    spool, scope = spool_at(home)
    for n in range(5):
        spool.append(numbered(n), scope)
    spool.close()
    (chain,) = (home / "spool").glob("*/*-*")
    everything = read_all(chain)
    with ChainReader(chain, *position) as reader:
        read = reader.read()
        assert read == everything[len(everything) - len(read) :]


def test_a_chain_that_is_gone_is_empty(home: Path) -> None:
    """There is nothing to read where there is no chain."""
    with ChainReader(home / "none") as reader:
        assert reader.read() == []


def test_running_out_of_descriptors_is_survived(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a segment cannot be opened the reader returns nothing, and goes on later."""
    spool, scope = spool_at(home)
    spool.append(b"x", scope)
    spool.close()
    (chain,) = (home / "spool").glob("*/*-*")

    def refuse(*_: object, **__: object) -> int:
        raise OSError(24, "Too many open files")

    with ChainReader(chain) as reader:
        with monkeypatch.context() as broken:
            broken.setattr(os, "open", refuse)
            assert reader.read() == []
        assert len(reader.read()) == 1


def test_a_plain_file_is_followed(home: Path) -> None:
    """A half-written record of write(2) is not yet there, and neither is what comes after the end of the file."""
    live = LiveChain(create_chain(home, "local"))
    segment = FileSegment(live.path, 1, 1 << 20)
    segment.begin(0, {}, 0)
    segment.append(numbered(0), 1, 0, 0)
    with ChainReader(live.path) as reader:
        assert len(reader.read()) == 1
        at = segment.offset
        segment.append(numbered(1), 1, 0, 0)
        whole = segment.path.read_bytes()
        os.truncate(segment.path, at + 30)
        assert reader.read() == []
        segment.path.write_bytes(whole)
        assert [number_of(r) for r in reader.read()] == [1]
    live.close(segment)
