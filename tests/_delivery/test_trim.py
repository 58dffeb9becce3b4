"""What a dead owner preallocated goes, what it appended stays."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests._delivery.spools import live_chain, numbered, payloads, spool_at
from trackway._delivery import platform
from trackway._delivery.chain import claim
from trackway._delivery.segment import (
    RECORDS_AT,
    VERSION,
    Header,
    segment_numbers,
    segment_path,
)
from trackway._delivery.trim import trim
from trackway._delivery.writers import MappedSegment


def killed(home: Path, *appended: bytes) -> Path:
    """The chain of a process that appended, made a spare if it was time to, and was gone."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            spool, scope = spool_at(home)
            for payload in appended:
                spool.append(payload, scope)
            spool.prepare()
            os.write(writer, bytes(live_chain(spool)))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    chain = Path(os.fsdecode(os.read(reader, 4096)))
    os.close(reader)
    os.close(writer)
    return chain


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40) | st.integers(0, 70_000).map(bytes), min_size=1, max_size=4))
def test_claiming_a_chain_trims_it(home: Path, appended: list[bytes]) -> None:
    """Whatever was appended, zeros too, is read after a claim, and little more is left on disk."""
    chain = killed(home, *appended)
    with claim(chain) or pytest.fail("the dead own nothing"):
        sizes = [segment_path(chain, number).stat().st_size for number in segment_numbers(chain)]
        assert sum(sizes) <= sum(len(payload) + 24 for payload in appended) + len(sizes) * 4600
        assert payloads(chain, live=False) == appended


def test_a_spare_is_removed(home: Path) -> None:
    """The segment that was made ahead and never used is gone after a claim."""
    chain = killed(home, *[numbered(n, 1000) for n in range(40)])
    assert segment_numbers(chain) == [1, 2]
    trim(chain)
    assert segment_numbers(chain) == [1]
    assert len(payloads(chain)) == 40


def test_what_is_not_ours_is_not_trimmed(home: Path) -> None:
    """A newer version's segment keeps every record that its zeros may be."""
    chain = killed(home, b"x")
    newer = Header(version=VERSION + 1, key=1, number=2, created_ns=0, records_before=0)
    segment_path(chain, 2).write_bytes(newer.pack() + bytes(100_000))
    segment_path(chain, 3).write_bytes(bytes(300) + b"a lost header" + bytes(100_000))
    trim(chain)
    assert segment_path(chain, 2).stat().st_size > 100_000
    assert segment_path(chain, 3).stat().st_size > 100_000


def test_trimming_never_fails(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk refuses, the segments stay as they were."""
    chain = killed(home, b"x")

    def refuse(_: int, __: int) -> None:
        raise platform.no_space()

    monkeypatch.setattr(os, "ftruncate", refuse)
    trim(chain)
    assert payloads(chain) == [b"x"]


def test_a_recycled_segment_is_trimmed(tmp_path: Path) -> None:
    """Of a file that was a segment before, what is left of that goes; a spare that was one goes as a whole."""
    for number in (1, 2):
        segment = MappedSegment(tmp_path, number, 64 << 10)
        segment.begin(0, {}, 0)
        segment.append(b"\xff" * 65_000, 1, 0, 0)
        segment.recycle(tmp_path, number + 2)
        if number == 1:
            segment.begin(1, {}, 0)
            segment.append(b"new\0\0\0\0\0\0\0\0\0", 1, 0, 0)
        segment.abandon()
    assert segment_numbers(tmp_path) == [3, 4]
    trim(tmp_path)
    assert segment_numbers(tmp_path) == [3]
    assert segment_path(tmp_path, 3).stat().st_size == RECORDS_AT + 32
    assert payloads(tmp_path, live=False) == [b"new\0\0\0\0\0\0\0\0\0"]
