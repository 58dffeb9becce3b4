"""Task queues, kernels and test runners: processes that come and go, each with spans of its own."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.frameworks.tree import answers, told
from tests.torture.children import environment


def settings(home: Path, **more: str) -> dict[str, str]:
    return environment(TRACKWAY_DIR=str(home), TRACKWAY_PROJECT="tests", **more) | {
        "PATH": os.environ["PATH"],
        "HOME": str(home.parent),
    }


def test_celery_children_of_one_task(
    home: Path, tmp_path: Path, count: Callable[[int, int], int]
) -> None:
    """Prefork workers whose children exit after a single task leave every task's spans."""
    users = [f"user-{number}" for number in range(count(6, 200))]
    variables = settings(home, TASKS=str(tmp_path / "tasks"))
    options = ["--pool", "prefork", "--concurrency", "2", "--max-tasks-per-child", "1"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
    command = [sys.executable, "-m", "celery", "-A", "tests.frameworks.tasks"]
    worker = subprocess.Popen(
        [*command, "worker", *options, *quiet],
        env=variables,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    ask = (
        "import sys; from tests.frameworks.tasks import reply\n"
        "for asked in [reply.delay(user) for user in sys.argv[1:]]: asked.get(timeout=90)"
    )
    try:
        asked = [sys.executable, "-c", ask, *users]
        subprocess.run(asked, env=variables, cwd=tmp_path, check=True, timeout=100)
        worker.send_signal(signal.SIGTERM)
        _, errors = worker.communicate(timeout=60)
    finally:
        worker.kill()
        worker.communicate()
    assert "tracing failed" not in errors
    assert told(home) == answers(users)


MULTIPROCESSING = """
import multiprocessing
from tests.frameworks.application import retrieve
from trackway import get_client, propagate_attributes

def main():
    context = multiprocessing.get_context("fork")
    for number in range(4):
        with propagate_attributes(user_id=f"user-{number}"):
            with get_client().start_as_current_observation(name="request"):
                child = context.Process(target=retrieve, args=("what",))
                child.start()
                child.join()
                assert child.exitcode == 0

main()
"""


def test_a_forked_child_knows_its_user(home: Path) -> None:
    """A child of `multiprocessing` that was forked in a request belongs to that request and its user."""
    subprocess.run([sys.executable, "-c", MULTIPROCESSING], env=settings(home), check=True)
    expected = Counter[tuple[str, str | None, object]]()
    for number in range(4):
        expected["request", None, f"user-{number}"] += 1
        expected["retrieve", "request", f"user-{number}"] += 1
    assert told(home) == expected


INNER = """
import pytest
from tests.frameworks.application import answer

@pytest.mark.parametrize("number", range(12))
def test_answers(number):
    assert "".join(answer(f"user-{number}"))
"""


def test_xdist_workers_trace(home: Path, tmp_path: Path) -> None:
    """Tests that run on several workers of pytest-xdist leave the spans of each test once."""
    (tmp_path / "test_inner.py").write_text(INNER)
    command = ["-m", "pytest", "-q", "-p", "xdist", "-p", "no:cacheprovider", "-n", "2"]
    subprocess.run(
        [sys.executable, *command, "test_inner.py"],
        env=settings(home, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"),
        cwd=tmp_path,
        check=True,
        timeout=100,
        stdout=subprocess.DEVNULL,
    )
    assert told(home) == answers(f"user-{number}" for number in range(12))


def test_a_notebook_traces_cell_by_cell(home: Path) -> None:
    """In a Jupyter kernel a user lasts as long as the block, and a kernel that is killed has lost nothing."""
    if find_spec("ipykernel") is None:
        pytest.skip("ipykernel is not installed in this environment")
    notebook = Path(__file__).with_name("notebook.py")
    subprocess.run([sys.executable, str(notebook)], env=settings(home), check=True, timeout=100)
    expected = answers(["alice"])
    expected["request", None, "bob"] += 2
    expected["retrieve", "request", "bob"] += 2
    expected["retrieve", None, None] += 1
    assert told(home) == expected
