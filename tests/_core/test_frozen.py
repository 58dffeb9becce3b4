"""Serverless: a process that is frozen as soon as a request is answered has delivered what ended in it."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import backend as b
from tests.backend import Backend
from trackway import Trackway
from trackway._core.settings import Settings

FUNCTION = """
import os, signal, sys
from trackway import Trackway, observe, propagate_attributes

client = Trackway()

@observe
def retrieve(query):
    return [query]

@observe
def handler(event):
    with propagate_attributes(user_id="alice"):
        return retrieve(event)

for line in sys.stdin:
    handler(line.strip())
    print("answered", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no signal stops a process here")
def test_a_frozen_process_has_delivered(home: Path) -> None:
    """On AWS Lambda, what a request recorded is at the backend before the process is stopped, each time it runs."""
    with Backend() as backend:
        environment = {
            **os.environ,
            "TRACKWAY_DIR": str(home),
            "TRACKWAY_ENDPOINT": backend.url,
            "AWS_LAMBDA_FUNCTION_NAME": "support",
        }
        process = subprocess.Popen(
            [sys.executable, "-c", FUNCTION],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            for request in (1, 2, 3):
                process.stdin.write("question\n")
                process.stdin.flush()
                assert process.stdout.readline() == "answered\n"
                _, status = os.waitpid(process.pid, os.WUNTRACED)
                assert os.WIFSTOPPED(status)
                # Nothing of it runs any more.
                assert len(backend.spans) == 2 * request
                os.kill(process.pid, signal.SIGCONT)
        finally:
            process.kill()
            process.communicate()


def test_nobody_waits_unasked(home: Path) -> None:
    """Without Lambda's variable, or with `serverless=False`, the end of a root waits for nothing."""
    assert Settings.from_env().serverless is False
    assert "record" not in vars(Trackway(endpoint="http://127.0.0.1:9")._provider)


def test_a_backend_that_is_away_costs_two_seconds_at_most(home: Path) -> None:
    """A backend that never answers keeps the request for no longer than an exit may take; the span stays."""
    with Backend(b.never) as backend:
        client = Trackway(endpoint=backend.url, serverless=True, timeout=0.5)
        delivery = client._core.delivery
        assert delivery is not None
        delivery._exit_timeout = 0.2
        client.start_observation(name="root").end()
        assert backend.requests
        assert client.stats().waiting == 1
        backend.play([b.ok()])
        assert client.shutdown(10)


def test_a_root_that_is_collected_in_the_middle_of_a_flush(home: Path) -> None:
    """A finalizer that ends a root while its thread delivers does not wait for itself."""
    with Backend() as backend:
        client = Trackway(endpoint=backend.url, serverless=True)
        delivery = client._core.delivery
        assert delivery is not None
        handle = client.trace(name="handle")
        with delivery._at_work(), delivery._progress:
            del handle
            gc.collect()
        assert client.flush(10)
        assert len(backend.spans) == 1
        client.shutdown(5)
