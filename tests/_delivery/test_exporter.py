"""Emptying a spool: lanes, limits and what is remembered. For what each reply leads to see the torture."""

import logging
import os
import threading
from pathlib import Path
from zlib import crc32

import pytest

from tests import backend as b
from tests._delivery.sending import (
    DESTINATION,
    RESOURCE,
    SCOPE,
    Sending,
    fill,
    span,
    span_id,
    spool_at,
)
from tests.backend import Backend
from trackway._core import log
from trackway._delivery import platform
from trackway._delivery.chain import chains
from trackway._delivery.record import FLAG_UNPRICED
from trackway._delivery.segment import FIRST_SIZE
from trackway._delivery.spool import Spool
from trackway._wire import encode
from trackway._wire.decode import decode_request


def orphan(home: Path, numbers: range, size: int = 100) -> list[str]:
    """Spans that a process left behind; their ids."""
    spool = spool_at(home)
    ids = fill(spool, numbers, size)
    spool.close()
    return ids


def test_a_living_chain_is_followed(home: Path) -> None:
    """What ends while the exporter runs is sent with the next step, once."""
    spool = spool_at(home)
    with Backend() as backend:
        sending = Sending(backend.url, home, spool)
        for start in range(0, 50, 10):
            fill(spool, range(start, start + 10))
            sending.run()
        assert backend.spans == dict.fromkeys(map(span_id, range(50)), 1)
        assert sending.stats().acked == 50
        sending.close()
    spool.close()


def test_orphans_are_claimed_and_removed(home: Path) -> None:
    """Chains of dead processes are delivered and removed, however many there are."""
    ids = [one for number in range(30) for one in orphan(home, range(number, number + 1))]
    with Backend() as backend:
        sending = Sending(backend.url, home)
        sending.run()
        assert sorted(backend.spans) == sorted(ids)
        assert chains(home / "spool", sending.exporter.destination) == []
        assert sending.stats().acked == sending.stats().ended == 30
        sending.close()


def test_an_exporter_takes_up_where_another_stopped(home: Path) -> None:
    """What was acknowledged before a crash is not sent again."""
    orphan(home, range(200), 30_000)
    with Backend() as backend:
        sending = Sending(backend.url, home)
        sending.run(posts=2)
        sending.close()
        first = set(backend.spans)
        assert 0 < len(first) < 200
        again = Sending(backend.url, home)
        again.run()
        assert backend.spans == dict.fromkeys(map(span_id, range(200)), 1)
        again.close()


@pytest.mark.parametrize("dead", [True, False])
def test_a_segment_more_costs_no_list(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, dead: bool
) -> None:
    """However many segments a backlog is, its files are listed as often: else a long one is slower by the span."""
    # A span of 40 KB fills each.
    monkeypatch.setattr("trackway._delivery.live.GROWN_SIZE", FIRST_SIZE)
    monkeypatch.setattr("trackway._delivery.lane.MOST", 80_000)
    # Once a second the age of the oldest is looked at.
    monkeypatch.setattr("trackway._delivery.exporter.LIMITS_EVERY_S", float("inf"))
    assert listed(home / "few", 8, dead=dead) == listed(home / "many", 40, dead=dead)


def listed(home: Path, segments: int, *, dead: bool) -> int:
    """How often the files were listed while as many segments were delivered."""
    lists: list[str] = []
    spool = spool_at(home)
    ids = fill(spool, range(segments), 40_000)
    spool.prepare()
    if dead:
        spool.close()
    with Backend() as backend, pytest.MonkeyPatch.context() as patched:
        sending = Sending(backend.url, home, None if dead else spool)
        original = os.listdir

        def listing(path: str) -> list[str]:
            lists.append(path)
            return original(path)

        patched.setattr(os, "listdir", listing)
        sending.run()
        assert set(backend.spans) == set(ids)
        sending.close()
    spool.close()
    return len(lists)


def test_two_exporters_share_the_orphans(home: Path) -> None:
    """Two processes that deliver to one destination claim different chains, and no span goes twice."""
    for number in range(20):
        orphan(home, range(number * 10, number * 10 + 10))
    with Backend() as backend:
        both = [Sending(backend.url, home) for _ in range(2)]
        threads = [threading.Thread(target=sending.run) for sending in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        both[0].exporter.look_for_orphans()
        both[0].run()
        assert backend.spans == dict.fromkeys(map(span_id, range(200)), 1)
        for sending in both:
            sending.close()


def test_a_backlog_does_not_keep_others_waiting(home: Path) -> None:
    """The lanes take turns: what ends now does not wait for what was left."""
    orphan(home, range(100), 100_000)
    spool = spool_at(home)
    fresh = fill(spool, range(1_000, 1_001))
    with Backend() as backend:
        sending = Sending(backend.url, home, spool)
        sending.run(posts=2)
        assert set(fresh) <= set(backend.spans)
        sending.close()
    spool.close()


def test_a_span_larger_than_the_limit_travels_alone(home: Path) -> None:
    """A record above the limit of a request is a request of its own."""
    spool = spool_at(home)
    fill(spool, range(2))
    fill(spool, range(2, 3), 6 << 20)
    fill(spool, range(3, 5))
    with Backend() as backend:
        sending = Sending(backend.url, home, spool)
        sending.run()
        assert [
            len(request.span_ids) for request in backend.requests if len(request.body) > 6 << 20
        ] == [1]
        assert len(backend.spans) == 5
        sending.close()
    spool.close()


def test_one_bad_span_among_many_is_found(home: Path) -> None:
    """Where payloads travel without being looked at, the one that is refused is still put aside alone, counted."""
    spool = spool_at(home)
    ids = fill(spool, range(400), 4_000)
    with Backend(b.refusing(lambda one: one == ids[250], 400)) as backend:
        sending = Sending(backend.url, home, spool)
        sending.run()
        assert len(backend.requests[0].span_ids) > 100
        assert sorted(backend.spans) == sorted({*ids} - {ids[250]})
        assert set(backend.spans.values()) == {1}
        stats = sending.stats()
        assert (stats.acked, dict(stats.rejected)) == (399, {"400": 1})
        (letter,) = sending.exporter.letters
        sending.close()
    assert span_id(250) in letter.payload.hex()
    spool.close()


@pytest.mark.parametrize("recycle", [True, False])
def test_spans_that_take_turns_travel_together(home: Path, *, recycle: bool) -> None:
    """Two scopes, or one span of ten that needs a look, cost no more requests than spans of one kind."""
    spool = Spool(home / "spool", DESTINATION, recycle=recycle)
    scopes = [spool.register_scope(RESOURCE, encode.scope(name, "1")) for name in "ab"]
    ids = [span_id(number) for number in range(1_000)]
    for number in range(1_000):
        flags = FLAG_UNPRICED if number % 10 == 9 else 0
        spool.append(span(number, 2_000), scopes[number % 2], flags=flags)
    with Backend() as backend:
        sending = Sending(backend.url, home, spool, complete=lambda payload: payload)
        sending.run()
        assert dict.fromkeys(ids, 1) == backend.spans
        assert len(backend.requests) <= 3
        assert sending.time.now < 1_001
        sending.close()
    spool.close()


def test_the_quota_gives_up_the_oldest(home: Path) -> None:
    """Beyond the quota the oldest segments go, are counted, and the rest arrives."""
    spool = spool_at(home)
    with Backend(b.status(503)) as backend:
        sending = Sending(backend.url, home, spool, quota=1 << 20)
        for start in range(0, 4_000, 100):
            fill(spool, range(start, start + 100), 1_000)
            spool.prepare()
            sending.run(2)
        stats = sending.stats()
        assert stats.dropped["quota"] > 0
        assert stats.ended == stats.accounted == 4_000
        backend.play([b.ok()])
        sending.run()
        assert len(backend.spans) == 4_000 - sending.stats().dropped["quota"]
        assert span_id(3_999) in backend.spans
        assert span_id(0) not in backend.spans
        sending.close()
    spool.close()


def test_what_is_too_old_is_given_up(home: Path) -> None:
    """After `retry_for` seconds of refusal a dead process's spans are dropped, counted by age."""
    orphan(home, range(10))
    with Backend(b.status(503)) as backend:
        sending = Sending(backend.url, home, retry_for=3_600.0)
        sending.time.wall_ns = (
            next(iter(chains(home / "spool", sending.exporter.destination))).stat().st_mtime_ns
        )
        sending.exporter._wall_offset = sending.time.wall_ns - int(sending.time.now * 1e9)
        sending.run(3_500)
        assert sending.stats().dropped == {}
        sending.run(300, posts=10_000)
        assert sending.stats().dropped == {"age": 10}
        assert sending.stats().ended == sending.stats().accounted == 10
        sending.close()


def test_a_jump_of_the_clock_gives_nothing_up(home: Path) -> None:
    """A wall clock that is set a day ahead ages nothing."""
    orphan(home, range(10))
    with Backend(b.status(503), b.status(503), b.ok()) as backend:
        sending = Sending(backend.url, home, retry_for=3_600.0)
        sending.run(posts=1)
        sending.time.wall_ns += 86_400 * 10**9
        sending.run()
        assert sending.stats().acked == 10
        sending.close()


def test_memory_is_delivered_without_a_disk(home: Path) -> None:
    """Where no disk can be used spans wait in memory and are delivered from there, each counted once."""
    (home / "spool").parent.mkdir(parents=True)
    (home / "spool").write_text("in the way")
    spool = Spool(home / "spool", "0123456789abcdef")
    fill(spool, range(20))
    assert spool.writer_kind == "memory"
    with Backend() as backend:
        sending = Sending(backend.url, home, spool)
        sending.run()
        assert backend.spans == dict.fromkeys(map(span_id, range(20)), 1)
        assert sending.exporter.memory_counters.acked == 20
        assert spool.counters().in_memory == 0
        sending.close()
    spool.close()


@pytest.mark.parametrize("on_disk", [True, False])
def test_what_is_unpriced_is_completed_on_its_way(home: Path, *, on_disk: bool) -> None:
    """Only records with the flag, from a chain or from memory, also when the batch is sent again or halved."""
    if not on_disk:
        (home / "spool").parent.mkdir(parents=True)
        (home / "spool").write_text("in the way")
    spool = spool_at(home)
    scope = spool.register_scope(RESOURCE, SCOPE)
    for number in range(4):
        spool.append(span(number), scope, 0, FLAG_UNPRICED if number % 2 else 0)
    cost = encode.attribute("llm.cost.total", 1.0)
    with Backend(b.status(503), b.status(413), b.ok()) as backend:
        sending = Sending(
            backend.url, home, spool, complete=lambda record: encode.append_suffix(record, cost)
        )
        sending.run()
        accepted = [s for r in backend.requests[2:] for _, _, s in decode_request(r.body)]
        sending.close()
    priced = {s.span_id: "llm.cost.total" in s.attributes for s in accepted}
    assert priced == {span_id(number): bool(number % 2) for number in range(4)}
    spool.close()


def test_a_disk_that_heals_sends_nothing_twice(home: Path) -> None:
    """Spans that went from memory to a healed disk while they were refused arrive once."""
    home.mkdir(parents=True)
    (home / "spool").write_text("in the way")
    spool = Spool(home / "spool", "0123456789abcdef", monotonic=lambda: 10**18)
    fill(spool, range(20))
    with Backend(b.status(503), b.ok()) as backend:
        sending = Sending(backend.url, home, spool)
        sending.run(posts=1)
        (home / "spool").unlink()
        spool._retry_at = 0
        spool.prepare()
        assert spool.writer_kind != "memory"
        sending.run()
        assert backend.spans == dict.fromkeys(map(span_id, range(20)), 1)
        sending.close()
    spool.close()


def test_warnings_name_the_setting(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal is one warning that names what to change: the address, or the credentials for 401 and 403."""
    spool = spool_at(home)
    fill(spool, range(1))
    for status, setting in [(404, "TRACKWAY_ENDPOINT"), (401, "TRACKWAY_HEADERS")]:
        log.forget()
        caplog.clear()
        with Backend(b.status(status)) as backend, caplog.at_level(logging.WARNING, "trackway"):
            sending = Sending(backend.url, home, spool)
            sending.run(299)
            (message,) = [record.getMessage() for record in caplog.records]
            assert setting in message
            assert str(status) in message
            sending.close()
    spool.close()


def test_a_file_of_a_newer_version_is_left_alone(home: Path) -> None:
    """A chain that a newer version wrote is neither sent nor removed."""
    orphan(home, range(3))
    (chain,) = chains(home / "spool", "0123456789abcdef")
    segment = next(chain.glob("*.seg"))
    descriptor = platform.open_existing(segment, write=True)
    for start in (0, 64):
        header = bytearray(os.pread(descriptor, 64, start))
        header[8] = 99
        header[60:64] = crc32(bytes(header[:60])).to_bytes(4, "little")
        os.pwrite(descriptor, bytes(header), start)
    os.close(descriptor)
    with Backend() as backend:
        sending = Sending(backend.url, home)
        sending.run()
        assert backend.requests == []
        assert segment.exists()
        sending.close()
