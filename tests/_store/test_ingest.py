"""From the inbox into parts: exactly once, whoever is killed, while applications write."""

import os
import random
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests._store.spans import (
    SECOND,
    Application,
    generation,
    payload,
    span_id,
    start,
    store_of,
    trace_id,
)
from trackway._delivery.chain import chains
from trackway._delivery.counters import totals
from trackway._delivery.platform import change_private, try_lock
from trackway._delivery.record import FLAG_PARTIAL, FLAG_UPDATE
from trackway._store.ingest import Batch
from trackway._store.local import LocalStore
from trackway._store.state import State

INGEST = """
import sys
from pathlib import Path
from trackway._store.local import LocalStore
print("ready", flush=True)
sys.stdin.readline()
print(LocalStore(Path(sys.argv[1])).ingest(60).records, flush=True)
"""
WRITE = """
import sys
from pathlib import Path
from tests._store.spans import Application, payload
application = Application(Path(sys.argv[1]))
first = int(sys.argv[2])
for line in sys.stdin:
    wanted = int(line)
    application.write(*(payload(n, {"user.id": "u"}, trace=n) for n in range(first, first + wanted)))
    first += wanted
    print(first, flush=True)
"""


def ids(store: LocalStore) -> list[str]:
    """The ids of all traces, one entry for each row."""
    rows = store.observations.list(limit=1_000_000)
    return sorted(row.id for row in rows)


def test_what_has_ended_can_be_read_while_the_application_runs(home: Path) -> None:
    """A reader sees spans of an application that goes on, each of them once, however often it looks."""
    application = Application(home)
    with LocalStore(home) as store:
        for number in range(1, 6):
            application.write(payload(number, trace=number))
            assert store.ingest().records == 1
            assert ids(store) == [span_id(n) for n in range(1, number + 1)]
    application.close()


def test_a_second_ingest_finds_nothing(home: Path) -> None:
    """What is ingested is not ingested again, also by another process's store."""
    with store_of(home, *(payload(n) for n in range(10))) as store:
        assert store.ingest().records == 10
    with LocalStore(home) as other:
        assert other.ingest().records == 0
        assert len(ids(other)) == 10


def test_the_spool_of_ended_applications_is_cleared(home: Path) -> None:
    """A dead chain whose spans are in parts is removed, and its counters live on in the totals."""
    with store_of(home, *(payload(n) for n in range(10))) as store:
        store.ingest()
    assert chains(home / "spool", "local") == []
    assert totals(home / "spool", "local").acked == 10
    assert State(home / "store" / "state.sqlite").positions() == {}


def test_full_segments_of_a_living_application_are_released(home: Path) -> None:
    """What is ingested frees the disk although its application never exits."""
    application = Application(home)
    big = {"input.value": "x" * 10_000}
    application.write(*(payload(n, big, trace=n) for n in range(200)))
    chain = application.spool.live_chain()
    assert chain is not None
    before = len(list(chain.glob("*.seg")))
    with LocalStore(home) as store:
        assert store.ingest().records == 200
        after = len(list(chain.glob("*.seg")))
        assert after < before
        application.write(payload(200, big, trace=200))
        assert store.ingest().records == 1
        assert len(ids(store)) == 201
    application.close()


def test_a_handle_that_is_never_ended_is_there_once(home: Path) -> None:
    """Of the rows of one span the latest wins, whether they arrive together or apart."""
    application = Application(home)
    with LocalStore(home) as store:
        application.write(payload(1, {"input.value": "first"}), flags=FLAG_PARTIAL)
        application.write(payload(1, {"input.value": "second"}), flags=FLAG_PARTIAL | FLAG_UPDATE)
        application.write(payload(2, {"input.value": "first"}, trace=2), flags=FLAG_PARTIAL)
        assert store.get_traces()[0].input in {"first", "second"}
        assert {o.id: o.input for o in store.observations.list()} == {
            span_id(1): "second",
            span_id(2): "first",
        }
        application.write(payload(1, {"input.value": "third"}), flags=FLAG_UPDATE)
        assert {o.id: o.input for o in store.observations.list()} == {
            span_id(1): "third",
            span_id(2): "first",
        }
        assert sum(user.observations for user in store.users.list()) == 2
    application.close()


def test_a_final_row_wins_over_a_partial_one_that_is_read_later(home: Path) -> None:
    """After a fork the last word may arrive first; it stays the last word."""
    parent, child = Application(home), Application(home)
    child.write(payload(1, {"input.value": "end"}), flags=FLAG_UPDATE)
    with LocalStore(home) as store:
        store.ingest()
        parent.write(payload(1, {"input.value": "begin"}), flags=FLAG_PARTIAL)
        assert [o.input for o in store.observations.list()] == ["end"]
    parent.close()
    child.close()


def test_a_batch_keeps_one_row_of_a_handle() -> None:
    """Rows of one span that arrive together are one line, and nothing older is looked for in parts."""
    batch = Batch(0)
    for text in ("one", "two", "three"):
        flags = FLAG_PARTIAL if text == "one" else FLAG_UPDATE
        batch.add_observation(
            {"project": "p", "trace_id": "t", "span_id": "s", "start_time": 1, "input": text}, flags
        )
    assert len(batch.observations.texts) == 1
    assert b"three" in batch.observations.texts[0]
    assert batch.superseded() == []


def test_records_that_are_no_spans_are_counted_and_left_out(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A record that cannot be decoded costs itself only, and is not looked at twice."""
    with store_of(home, payload(1), b"\x12\x03abc", payload(2)) as store:
        report = store.ingest()
        assert (report.records, report.malformed) == (2, 1)
        assert len(ids(store)) == 2
        assert store.ingest().malformed == 0
    assert "is no span" in caplog.text
    assert totals(home / "spool", "local").rejected == {"malformed": 1}


def test_a_damaged_segment_loses_what_is_damaged_and_says_so_once(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Intact spans around the damage are read, and the damage is counted and named once."""
    application = Application(home)
    application.write(*(payload(n, {"input.value": "x" * 500}, trace=n) for n in range(20)))
    application.close()
    (segment,) = (home / "spool" / "local").glob("*/*.seg")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xff" * 40
    segment.write_bytes(data)
    with LocalStore(home) as store:
        report = store.ingest()
        assert 18 <= report.records <= 19
        assert report.damaged_bytes > 0
        assert store.ingest().damaged_bytes == 0
    assert caplog.text.count("are damaged") == 1


def test_a_segment_of_a_newer_version_is_left_where_it_is(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What this version cannot read it names, and destroys nothing."""
    application = Application(home)
    application.write(payload(1))
    application.close()
    (segment,) = (home / "spool" / "local").glob("*/*.seg")
    data = bytearray(segment.read_bytes())
    data[:128] = b"?" * 128
    segment.write_bytes(data)
    with LocalStore(home) as store:
        assert store.ingest().records == 0
    assert segment.read_bytes() == data
    assert str(segment) in caplog.text
    assert "pip install -U 'trackway[local]'" in caplog.text


def test_while_another_ingests_the_answer_is_what_is_there(home: Path) -> None:
    """A reader never waits long for another one's ingest; it says that it did not look itself."""
    application = Application(home)
    application.write(payload(1))
    with LocalStore(home) as store:
        store.ingest()
        application.write(payload(2))
        descriptor = change_private(home / "store" / "ingest.lock")
        assert try_lock(descriptor)
        report = store.ingest(wait=0.0)
        os.close(descriptor)
        assert report.busy
        assert report.records == 0
        assert store.ingest().records == 1
    application.close()


def test_two_readers_at_once_see_everything_once(home: Path) -> None:
    """Two processes that ingest at the same time take each span exactly once."""
    application = Application(home)
    application.write(*(payload(n, trace=n) for n in range(1_000)))
    readers = [start(INGEST, home) for _ in range(2)]
    taken = 0
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for reader in readers:
        assert reader.stdin is not None
        reader.stdin.write("\n")
        reader.stdin.flush()
    for reader in readers:
        taken += int(reader.communicate(timeout=60)[0])
    assert taken == 1_000
    with LocalStore(home) as store:
        assert ids(store) == [span_id(n) for n in range(1_000)]
    application.close()


def test_threads_of_one_process_share_a_store(home: Path) -> None:
    """One store serves threads that ask and ingest at the same time."""
    application = Application(home)
    counts: list[int] = []
    with LocalStore(home) as store:

        def look() -> None:
            for _ in range(5):
                counts.append(len(store.get_traces(limit=1_000)))

        threads = [threading.Thread(target=look) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(200):
            application.write(payload(number, trace=number))
        for thread in threads:
            thread.join(60)
        assert len(store.get_traces(limit=1_000)) == 200
    assert max(counts) <= 200
    application.close()


def test_a_reader_killed_in_the_middle_loses_and_doubles_nothing(
    home: Path, count: Callable[[int, int], int]
) -> None:
    """Wherever SIGKILL meets an ingest, the next one completes it: every span is there once."""
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    chance = random.Random(seed)
    application = Application(home)
    written = 0
    for _ in range(count(6, 100)):
        fresh = chance.randrange(500, 4_000)
        handles = chance.randrange(50)
        application.write(*(payload(n, trace=n) for n in range(written, written + fresh)))
        for n in range(written, written + handles):
            application.write(payload(n, {"input.value": "again"}, trace=n), flags=FLAG_UPDATE)
        written += fresh
        reader = start(INGEST, home)
        assert reader.stdout is not None
        assert reader.stdin is not None
        reader.stdout.readline()
        reader.stdin.write("\n")
        reader.stdin.flush()
        with suppress(subprocess.TimeoutExpired):
            reader.wait(chance.uniform(0.05, 1.2))
        reader.kill()
        reader.communicate(timeout=60)
    with LocalStore(home) as store:
        assert ids(store) == [span_id(n) for n in range(written)]
        registered = {part.file for part in State(home / "store" / "state.sqlite").snapshot().parts}
        left = {path.name for path in (home / "store" / "parts").iterdir()}
    assert left <= registered | set(State(home / "store" / "state.sqlite").doomed())
    application.close()


def test_applications_that_never_exit_are_read_as_they_write(home: Path) -> None:
    """With several writers that go on, a reader has all that they said they had ended."""
    writers = [start(WRITE, home, str(base)) for base in (0, 100_000, 200_000)]
    ended = dict.fromkeys(range(3), 0)
    with LocalStore(home) as store:
        for _ in range(4):
            for number, writer in enumerate(writers):
                assert writer.stdin is not None
                assert writer.stdout is not None
                writer.stdin.write("50\n")
                writer.stdin.flush()
                ended[number] = int(writer.stdout.readline()) - number * 100_000
            assert sum(user.traces for user in store.users.list()) == sum(ended.values())
    for writer in writers:
        writer.kill()
        writer.communicate(timeout=30)
    with LocalStore(home) as store:
        assert len(ids(store)) == 600
        assert chains(home / "spool", "local") == []


def test_an_empty_directory_is_an_empty_store(home: Path) -> None:
    """Before anything was traced there is nothing, and no error."""
    with LocalStore(home) as store:
        assert len(store.get_traces()) == 0
        assert len(store.users.list()) == 0
        assert store.users.get("nobody") is None
        assert store.traces.get(trace_id(1)) is None


def test_spans_of_any_time_are_kept(home: Path) -> None:
    """A clock that was wrong makes an odd day, no error."""
    odd = [
        payload(n, generation(), trace=n, start=moment)
        for n, moment in enumerate((0, SECOND, (1 << 63) - 1))
    ]
    with store_of(home, *odd) as store:
        assert store.ingest().records == 3
        assert len(store.get_traces()) == 3
