"""What every test gets: a home of its own, and a look afterwards at what it left behind.

A test fails when the guard swallowed an internal error, or when a current span, a thread or a file descriptor outlives
it. A test that is about swallowing asks for `swallowing`. Counts that differ between a run of minutes and one of hours
come from `count`.
"""

import faulthandler
import gc
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from opentelemetry.context import attach, get_current
from opentelemetry.trace import INVALID_SPAN, get_current_span

from trackway import client, registry
from trackway._core import log
from trackway._core.guard import guard_settings, swallowed

TORTURE = os.environ.get("TRACKWAY_TORTURE") == "1"
# Read before the variables of trackway are taken from each test.
SEED = os.environ.get("TRACKWAY_SEED")
# A thread that was told to stop may need a moment to be gone; on a busy machine with two cores, several.
PATIENCE = 5.0

# Two shared cores are no place to judge speed by; figures have tests of their own.
settings.register_profile(
    "ci",
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long",
    max_examples=100_000,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("long" if TORTURE else "ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the switch of `tests/conformance`, whose servers take minutes and a gigabyte."""
    parser.addoption("--conformance", action="store_true", help="start real backends and ask them")


@pytest.fixture(autouse=True)
def _no_dump_of_a_test_that_takes_hours() -> None:
    """A dump of running frames, which pytest has made after a while, may end the process that it looks into."""
    if TORTURE:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that this test's spool and store live in; no setting of the machine reaches the test."""
    for name in list(os.environ):
        if (
            name.startswith(("TRACKWAY_", "LANGFUSE_", "OTEL_"))
            or name == "AWS_LAMBDA_FUNCTION_NAME"
        ):
            monkeypatch.delenv(name)
    directory = tmp_path / "trackway"
    monkeypatch.setenv("TRACKWAY_DIR", str(directory))
    return directory


@pytest.fixture
def swallowing() -> Iterator[None]:
    """Lets the guard do in this test what it does in an application: swallow, count, log."""
    guard_settings.reraise = False
    yield
    guard_settings.reraise = True


@pytest.fixture
def count() -> Callable[[int, int], int]:
    """Chooses how many rounds a test runs: *few* in every run of the suite, *many* under `make torture`."""
    return lambda few, many: many if TORTURE else few


@pytest.fixture
def chance() -> random.Random:
    """Chance that can be had again: the seed is printed, and `TRACKWAY_SEED` sets it."""
    seed = int(SEED) if SEED else random.SystemRandom().randrange(1 << 32)
    print(f"TRACKWAY_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest, home: Path) -> Iterator[None]:
    """Fails a test that hid an internal error, or left a span current, a thread or a file descriptor."""
    log.forget()
    context = get_current()
    errors, threads, descriptors = swallowed(), set(threading.enumerate()), _descriptors()
    guard_settings.reraise = True
    yield
    _close_clients()
    guard_settings.reraise = False
    left, _ = get_current_span(), attach(context)  # `set_user` outlives its block on purpose
    if "swallowing" not in request.fixturenames:
        assert swallowed() == errors, "the guard swallowed an internal error"
    assert left is INVALID_SPAN, "a span is current after the test"
    assert not _lingering(threads), "a thread outlives the test"
    assert not _opened(descriptors), "a file descriptor outlives the test"


def _close_clients() -> None:
    """Ends every client that the test made, and forgets that there was one."""
    for core in list(client._cores.values()):
        core.closed = True
        core.end()
        if core.delivery is not None:
            core.delivery.shutdown(0.0)
    client._cores.clear()
    registry.clear()


def _lingering(before: set[threading.Thread]) -> list[str]:
    """The names of threads that were not there *before* and do not end by themselves."""
    deadline = time.monotonic() + PATIENCE
    started = [thread for thread in threading.enumerate() if thread not in before]
    for thread in started:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread.name for thread in started if thread.is_alive()]


def _opened(before: dict[int, str]) -> dict[int, str]:
    """The descriptors that were not open *before*, once what is only waiting for the collector is gone."""
    if extra := _descriptors().items() - before.items():
        gc.collect()
        extra = _descriptors().items() - before.items()
    # grpcio has pollers for the life of the process, and opens another when it is busy.
    kept = {"anon_inode:[eventfd]", "anon_inode:[eventpoll]"} if "grpc" in sys.modules else set()
    return {number: target for number, target in extra if target not in kept}


def _descriptors() -> dict[int, str]:
    """What each open descriptor of this process points to; empty where the system does not show it."""
    directory = Path("/proc/self/fd")
    found: dict[int, str] = {}
    for entry in directory.iterdir() if directory.is_dir() else ():
        try:
            found[int(entry.name)] = str(entry.readlink())
        except FileNotFoundError:  # the descriptor of this very listing
            continue
    return found
