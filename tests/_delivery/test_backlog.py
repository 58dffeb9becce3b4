"""An application that nobody reads: a child process takes its spans in, and the application notices nothing of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests._cli.test_main import lacking
from tests._delivery.sending import Time, fill, spool_at
from trackway._core.settings import Settings, environment_of_child
from trackway._delivery import backlog
from trackway._delivery.backlog import Backlog, interpreter, unread
from trackway._delivery.chain import LOCAL
from trackway._store.local import LocalStore

THRESHOLD = 1 << 20
PATIENCE_S = 60.0
# Traces until a child of its own has taken some in; says how many observations it made.
APPLICATION = """
import os, sys, time
from threading import Event
from pathlib import Path
from trackway._delivery import backlog
backlog.FIRST_LOOK_S = 0.0
from trackway import Trackway, propagate_attributes
client = Trackway(project="shop")
parts = client._core.settings.directory / "store" / "parts"
made, until, pause = 0, time.monotonic() + 60, Event()
looked_after = client._core.delivery._caretaker.backlog
def done():
    if sys.argv[1] == "parts":
        return parts.is_dir() and any(parts.glob("*.parquet")) and not looked_after.running
    if sys.argv[1] == "running":
        return looked_after.running
    return looked_after._said
with propagate_attributes(user_id="alice"):
    while not done() and time.monotonic() < until:
        for _ in range(100):
            with client.start_as_current_observation(name=f"step {made}", input="x" * 2_000):
                made += 1
        pause.wait(0.02)
print(made, flush=True)
if sys.argv[1] == "parts":
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    print(children.read_text() if children.exists() else "")
begun = time.monotonic()
"""


def application(until: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs one that nobody reads."""
    return subprocess.run(
        [sys.executable, "-c", APPLICATION, until],
        env={**os.environ, "TRACKWAY_INGEST_AT": "1MiB", **env},
        capture_output=True,
        encoding="utf-8",
        timeout=2 * PATIENCE_S,
        check=True,
    )


def names(home: Path) -> list[str]:
    """The names of all observations of the store, after whoever is at it."""
    with LocalStore(home) as store:
        assert not store.ingest(PATIENCE_S).busy
        return sorted(row.name for row in store.observations.list(limit=1_000_000))


@contextmanager
def looked_after(
    home: Path, appended: int = 4 << 20, threshold: int = THRESHOLD
) -> Iterator[tuple[Backlog, Time]]:
    """A backlog that may look at once."""
    clock = Time()
    settings = Settings.from_env(directory=str(home), retention="off")
    made = Backlog(
        home, threshold, lambda: appended, lambda: environment_of_child(settings), lambda: clock.now
    )
    clock.now += backlog.FIRST_LOOK_S
    yield made, clock
    made.close(leave=False)


def ended(made: Backlog) -> None:
    """Waits for the child, and has the backlog see its end."""
    assert made._child is not None
    # Without reaping it: that is the backlog's.
    os.waitid(os.P_PID, made._child.pid, os.WEXITED | os.WNOWAIT)
    made.step()
    assert not made.running


def test_a_child_takes_in_what_nobody_reads(home: Path) -> None:
    """Beyond the threshold parts appear while the application runs, unread falls, and no span is lost or doubled."""
    ran = application("parts")
    made, children = ran.stdout.splitlines()
    assert ran.stderr == ""
    assert children.split() == []
    written = int(made) * 2_000
    assert written > THRESHOLD
    assert sum(unread(home / "spool").values()) < written
    assert names(home) == sorted(f"step {n}" for n in range(int(made)))
    assert unread(home / "spool") == {}


def test_the_end_of_the_application_does_not_wait(home: Path) -> None:
    """An application that ends beside its child ends at once; what the child does is as good as any reader's."""
    ran = application("running")
    assert ran.stderr == ""
    assert names(home) == sorted(f"step {n}" for n in range(int(ran.stdout)))


def test_without_the_extra_it_says_what_to_type(home: Path, tmp_path: Path) -> None:
    """Where DuckDB is not installed no process is started, and one line says what to install and to type."""
    ran = application("said", PYTHONPATH=lacking(tmp_path / "path", "duckdb"))
    (line,) = ran.stderr.splitlines()
    assert "MiB of spans in" in line
    assert f"pip install 'trackway[local]' && trackway ingest --dir {home}" in line
    assert not (home / "store").exists()


def test_nothing_is_done_below_the_threshold(home: Path) -> None:
    """Few bytes, or a process that has just begun: no look at the disk, no child, no thread that is kept for it."""
    spool = spool_at(home, LOCAL)
    fill(spool, range(100), 10_000)
    spool.close()
    with looked_after(home, threshold=8 << 20) as (made, clock):
        clock.now -= 1
        assert made.step() == pytest.approx(1.0)
        clock.now -= 1
        assert made.step() is None
        clock.now += 2
        assert made.step() is None
        assert not made.running
        assert made.step() is None


def test_one_child_at_a_time(home: Path) -> None:
    """Two processes that both see too much start one child; the other looks again later."""
    spool = spool_at(home, LOCAL)
    fill(spool, range(200), 10_000)
    spool.close()
    with looked_after(home) as (one, _), looked_after(home) as (two, clock):
        assert one.step() == backlog.POLL_S
        assert two.step() is None
        assert (one.running, two.running) == (True, False)
        ended(one)
        clock.now += backlog.OTHERS_S
        # By then there is nothing left to do.
        assert two.step() is None
        assert not two.running
    with LocalStore(home) as store:
        assert len(store.observations.list(limit=1_000)) == 200


def test_a_failure_is_said_once_and_tried_again_later(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What a child cannot do is one warning with the command that tells why, and longer and longer rests."""
    spool = spool_at(home, LOCAL)
    fill(spool, range(200), 10_000)
    spool.close()
    (home / "store").mkdir()
    (home / "store" / "state.sqlite").write_bytes(b"this is no database" * 100)
    with looked_after(home) as (made, clock):
        for rest in (60.0, 120.0, 240.0):
            assert made.step() == backlog.POLL_S
            ended(made)
            clock.now += rest - 2
            assert made.step() is None
            assert not made.running
            clock.now += 2
        (line,) = caplog.messages
        assert "ended with 2; this command says why: trackway ingest --dir " in line
    said = subprocess.run(
        [sys.executable, "-m", "trackway", "ingest", "--dir", str(home)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert said.returncode == 2
    assert "is damaged" in said.stderr


def test_what_a_child_cannot_take_in_is_a_failure(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A child that changes nothing is not started again and again."""
    spool = spool_at(home, LOCAL)
    fill(spool, range(200), 10_000)
    spool.close()
    with looked_after(home) as (made, clock):
        # As if what is there could not be read.
        made._directory = home / "elsewhere"
        made.step()
        ended(made)
        clock.now += 2
        assert made.step() is None
        assert not made.running
    (line,) = caplog.messages
    assert "a process that should take them in took nothing in" in line


def test_a_forked_child_has_none(home: Path) -> None:
    """After a fork the child of the parent is the parent's: no end is asked for, no lock is given back."""
    spool = spool_at(home, LOCAL)
    fill(spool, range(200), 10_000)
    spool.close()
    with looked_after(home) as (made, clock), looked_after(home) as (other, _):
        assert made.step() == backlog.POLL_S
        child = os.fork()
        if child == 0:
            made.after_fork_in_child()
            clock.now += backlog.FIRST_LOOK_S
            os._exit(made.running or other.step() is not None or other.running)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        ended(made)


def test_a_client_that_is_shut_down_ends_its_child(home: Path) -> None:
    """Nothing of ours stays behind in an application that goes on without tracing."""
    spool = spool_at(home, LOCAL)
    fill(spool, range(200), 10_000)
    spool.close()
    with looked_after(home) as (made, _):
        made.step()
        assert made._child is not None
        child = made._child
        made.close(leave=False)
        assert child.returncode is not None
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)


def test_only_a_python_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server that embeds Python, or an application frozen into one file, is never started as if it were one."""
    assert interpreter() == sys.executable
    server = tmp_path / "uwsgi"
    server.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(server))
    found = interpreter()
    assert found is not None
    assert Path(found).parent == Path(sys.prefix) / "bin"
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert interpreter() is None
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.undo()


def test_what_is_being_written_is_not_unread(home: Path) -> None:
    """Many processes that have written little are no backlog: the segment that each writes to does not count."""
    spool = spool_at(home, LOCAL)
    fill(spool, range(10), 1_000)
    assert unread(home / "spool") == {}
    spool.close()
    found = unread(home / "spool")
    assert [path.suffix for path in found] == [".seg"]
    assert unread(home / "nowhere") == {}
