"""Servers that fork, thread and stream: every request's spans, under the right parents, for the right user."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import pytest

from tests.frameworks.application import TOKENS
from tests.frameworks.tree import answers, told
from tests.torture.children import ROOT, environment


@contextmanager
def serving(home: Path, *command: str) -> Iterator[str]:
    """A server on a socket that is ours; `{fd}` in the command is its descriptor. Ended with SIGTERM."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        listener.setblocking(False)
        descriptor = listener.fileno()
        server = subprocess.Popen(
            [sys.executable, *(part.format(fd=descriptor) for part in command)],
            pass_fds=[descriptor],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            cwd=home.parent,
            env=environment(TRACKWAY_DIR=str(home), TRACKWAY_PROJECT="tests")
            | {"PATH": os.environ["PATH"]},
        )
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            server.send_signal(signal.SIGTERM)
            _, errors = server.communicate(timeout=60)
            assert "tracing failed" not in errors
            assert "Traceback" not in errors
        finally:
            server.kill()
            server.communicate()


def ask(url: str, users: list[str]) -> None:
    """Every user at the same time as seven others, each on a connection of its own."""

    def one(user: str) -> bytes:
        with urllib.request.urlopen(f"{url}/{user}", timeout=60) as response:
            return bytes(response.read())

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(one, users))
    assert said == ["".join(f"{number} " for number in range(TOKENS)).encode()] * len(users)


def test_uvicorn_streams(home: Path, count: Callable[[int, int], int]) -> None:
    """Streaming responses of many users at once, on one event loop, keep their parents and users apart."""
    users = [f"user-{number}" for number in range(count(48, 2_000))]
    app = "tests.frameworks.application:asgi"
    with serving(home, "-m", "uvicorn", "--fd", "{fd}", "--log-level", "error", app) as url:
        ask(url, users)
    assert told(home) == answers(users)


@pytest.mark.parametrize("workers", [["sync"], ["gthread", "--threads", "4"]], ids=lambda w: w[0])
def test_gunicorn_preloads_and_forks(
    home: Path, count: Callable[[int, int], int], workers: list[str]
) -> None:
    """With `--preload`, tracing begins before the fork, and every worker's spans are there once."""
    users = [f"user-{number}" for number in range(count(48, 2_000))]
    # Workers are replaced while they serve.
    options = ["--preload", "--workers", "3", "--max-requests", "20", "--log-level", "error"]
    command = ["-m", "gunicorn", "--bind", "fd://{fd}", *options, "--worker-class", *workers]
    app = "tests.frameworks.application:preloaded()"
    with serving(home, *command, app) as url:
        ask(url, users)
    assert told(home) == answers(users) + Counter({("preload", None, None): 1})


def test_uwsgi_forks_below_python(home: Path, count: Callable[[int, int], int]) -> None:
    """Workers of uWSGI, forked in C from a master that has loaded the application, trace like any process."""
    server = which("uwsgi", path=str(Path(sys.executable).parent))
    if server is None:
        pytest.skip("uwsgi is not installed in this environment (it is built from source)")
    users = [f"user-{number}" for number in range(count(48, 2_000))]
    options = ["--master", "--processes", "3", "--die-on-term", "--disable-logging", "--need-app"]
    command = ["--http-socket", "fd://{fd}", "--wsgi", "tests.frameworks.application:wsgi"]
    run = f"import os, sys; os.execv({server!r}, [{server!r}, *sys.argv[1:]])"
    with serving(home, "-c", run, *command, *options, "--pythonpath", str(ROOT)) as url:
        ask(url, users)
    assert told(home) == answers(users)
