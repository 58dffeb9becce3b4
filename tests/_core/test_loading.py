"""The first use may come at any time: from threads at once, in a handler, in a forked child, at the very end.

Each scenario is a program of its own, because an interpreter has only one first use.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.backend import Backend
from trackway import get_client, observe
from trackway._core import loading

BOUND = 60
# What every program begins with. `while_loading(act)` has *act* run once, in the middle of the import of a module that
# the first call needs, or of another.
BEGINNING = """
import importlib.abc, os, signal, sys, threading

class Interrupted(importlib.abc.MetaPathFinder):
    def __init__(self, act, module):
        self.act, self.module = act, module
    def find_spec(self, name, path=None, target=None):
        if name == self.module:
            sys.meta_path.remove(self)
            assert "trackway.client" in sys.modules  # half of it
            self.act()

def while_loading(act, module="trackway._core.placing"):
    sys.meta_path.insert(0, Interrupted(act, module))

from trackway import get_client, observe

@observe
def answer():
    return 42

def ended():
    return get_client().stats().ended
"""


def run(program: str) -> str:
    """What *program* prints; it may complain of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", BEGINNING + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_threads_that_call_first_at_once_are_all_observed() -> None:
    """Of eight first calls at the same time none fails, waits for ever or goes unobserved."""
    program = """
barrier, answers = threading.Barrier(8), []
def first():
    barrier.wait()
    answers.append(answer())
threads = [threading.Thread(target=first) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(answers == [42] * 8, ended())
"""
    assert run(program) == "True 8"


def test_importing_in_one_thread_while_another_calls_first() -> None:
    """Names of `trackway` can be imported in a thread while another makes its first call."""
    program = """
barrier, found = threading.Barrier(2), []
def importing():
    barrier.wait()
    from trackway import Observation, Trackway
    import trackway.client
    found.append(trackway.client.Trackway is Trackway)
thread = threading.Thread(target=importing)
thread.start()
while_loading(barrier.wait)
print(answer(), end=" ")
thread.join()
print(found, ended())
"""
    assert run(program) == "42 [True] 1"


INTERRUPTIONS = {
    "signal handler": """
signal.signal(signal.SIGUSR1, lambda *_: print(answer()))
while_loading(lambda: signal.raise_signal(signal.SIGUSR1))
""",
    "finaliser": """
class Finalised:
    def __del__(self):
        print(answer())
objects = [Finalised()]
while_loading(objects.clear)
""",
}


@pytest.mark.parametrize("how", INTERRUPTIONS)
@pytest.mark.parametrize(
    "use", ["answer()", "get_client()", "import trackway; trackway.Trackway()"]
)
def test_a_call_in_the_middle_of_loading_runs_untraced(how: str, use: str) -> None:
    """A handler that interrupts the first use runs as if it were not decorated; what comes later is traced."""
    program = f"{INTERRUPTIONS[how]}\n{use}\nbefore = ended()\nanswer()\nprint(ended() - before)"
    assert run(program).split() == ["42", "1"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_waits_until_another_thread_has_loaded() -> None:
    """A child that is forked while a thread of its parent is loading can trace, and does not hang."""
    program = f"""
loading, forked = threading.Event(), threading.Event()
def held():
    loading.set()
    forked.wait(1.0)  # as long as the load would take: the fork is to wait for it
while_loading(held)
thread = threading.Thread(target=answer)
thread.start()
loading.wait({BOUND})
child = os.fork()
forked.set()
if child == 0:
    signal.alarm({BOUND} // 2)
    os._exit(0 if answer() == 42 else 1)
_, status = os.waitpid(child, 0)
thread.join()
print(os.waitstatus_to_exitcode(status), ended())
"""
    assert run(program) == "0 2"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_waits_until_the_delivery_has_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that is forked while a thread of delivery is loading what it sends with can send, and does not hang."""
    program = f"""
loading, forked = threading.Event(), threading.Event()
def held():
    loading.set()
    forked.wait(1.0)  # as long as the load would take: the fork is to wait for it
while_loading(held, "trackway._delivery.transport")
answer()
loading.wait({BOUND})
child = os.fork()
forked.set()
if child == 0:
    signal.alarm({BOUND} // 2)
    answer()
    os._exit(0 if get_client().shutdown({BOUND}) else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), get_client().shutdown({BOUND}))
"""
    with Backend() as backend:
        monkeypatch.setenv("TRACKWAY_ENDPOINT", backend.url)
        assert run(program) == "0 True"
        assert len(backend.spans) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_the_first_use_in_a_forked_child() -> None:
    """Where only declaring happened before the fork, parent and child each load for themselves."""
    program = """
child = os.fork()
answer()
if child == 0:
    os._exit(0)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), ended())
"""
    assert run(program) == "0 2"


def test_the_first_use_at_exit() -> None:
    """A first call in an atexit handler returns what the function does, and says nothing."""
    assert run("import atexit\natexit.register(lambda: print(answer()))") == "42"


def test_the_first_use_when_modules_are_gone() -> None:
    """A first call in a finaliser at the very end of the interpreter runs untraced, and says nothing."""
    program = """
class Finalised:
    def __del__(self, answer=answer):
        print(answer())
kept = Finalised()
"""
    assert run(program) == "42"


def test_who_cannot_load_in_time_runs_untraced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that would wait for another's load longer than the bound runs untraced; a later one is traced."""
    monkeypatch.setattr(loading, "PATIENCE", 0.01)
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with loading.loading():
            held.set()
            over.wait(BOUND)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(BOUND)

    @observe
    def answer() -> int:
        return 42

    assert answer() == 42
    over.set()
    thread.join()
    assert answer() == 42
    assert get_client().stats().ended == 1


def test_declaring_in_a_block_needs_nothing_loaded(home: Path) -> None:
    """A user is set and a block is entered without loading what recording takes."""
    program = """
from trackway import propagate_attributes, set_user
with propagate_attributes(user_id="alice", tags=["a"]):
    set_user("bob")
print([name for name in ("trackway.client", "opentelemetry.trace", "orjson") if name in sys.modules])
"""
    assert run(program) == "[]"
    assert not home.exists()
