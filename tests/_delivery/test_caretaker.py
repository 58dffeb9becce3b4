"""Who looks after spools: what it takes on, and what becomes of it at forks and at the end."""

import os
from pathlib import Path

import pytest

from tests._delivery.sending import fill, spool_at
from trackway._core.settings import Settings
from trackway._delivery import backlog
from trackway._delivery.caretaker import Caretaker
from trackway._delivery.chain import LOCAL


@pytest.fixture
def caretaker(home: Path, monkeypatch: pytest.MonkeyPatch) -> Caretaker:
    """One whose first step finds more than it may leave unread."""
    monkeypatch.setattr(backlog, "FIRST_LOOK_S", 0.0)
    spool = spool_at(home, LOCAL)
    fill(spool, range(200), 10_000)
    spool.close()
    return Caretaker([spool_at(home, LOCAL)], Settings.from_env(ingest_at="1MiB"))


def test_a_child_is_watched_until_its_end(caretaker: Caretaker) -> None:
    """While a child of ours works the thread is there, also after a fork, so that no zombie stays."""
    assert caretaker.worker.inline(1.0) == backlog.POLL_S
    assert caretaker.backlog is not None
    child = caretaker.backlog._child
    assert child is not None
    caretaker.pause(1.0)
    caretaker.resume()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    caretaker.stop(10.0)
    assert child.returncode is not None
    with pytest.raises(ChildProcessError):
        os.waitpid(child.pid, os.WNOHANG)


def test_at_exit_a_child_is_left_to_finish(caretaker: Caretaker) -> None:
    """The exit neither waits for it nor ends it."""
    caretaker.worker.inline(1.0)
    assert caretaker.backlog is not None
    child = caretaker.backlog._child
    assert child is not None
    caretaker.leave = True
    assert caretaker.stop(1.0)
    assert os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1]) == 0


def test_a_fork_forgets_thread_and_child(caretaker: Caretaker) -> None:
    """In the child of a fork both are somebody else's."""
    caretaker.worker.inline(1.0)
    assert caretaker.backlog is not None
    child = os.fork()
    if child == 0:
        caretaker.after_fork_in_child()
        os._exit(caretaker.backlog.running or caretaker.worker.alive)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    caretaker.stop(1.0)


@pytest.mark.parametrize(
    "setting", [{"ingest_at": "off"}, {"serverless": True}, {"endpoint": "http://127.0.0.1:9"}]
)
def test_not_everyone_has_a_backlog(home: Path, setting: dict[str, object]) -> None:
    """Nothing is looked after where it is switched off, where a process may be frozen, where nothing is local."""
    made = Caretaker([spool_at(home)], Settings.from_env(**setting))
    assert made.backlog is None
    assert made.worker.inline(1.0) is None
    made.stop(1.0)
