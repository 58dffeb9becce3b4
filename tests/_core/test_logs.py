"""`attach_logging`: records find the trace and the observation that they belong to."""

import io
import logging
import logging.handlers
import queue
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from trackway import Trackway, attach_logging

FORMAT = "%(message)s trace=%(trace_id)s span=%(span_id)s"


class Written:
    """A handler of an application, and what it wrote."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self.handler = logging.StreamHandler(self._stream)
        self.handler.setFormatter(logging.Formatter(FORMAT))

    def __str__(self) -> str:
        return self._stream.getvalue().strip()


@pytest.fixture
def written() -> Iterator[Written]:
    found, logger = Written(), logging.getLogger("application")
    logger.addHandler(found.handler)
    yield found
    logger.removeHandler(found.handler)


def warn(message: str = "slow", **extra: object) -> None:
    """Logs as a part of the application does."""
    logging.getLogger("application.part").warning(message, extra=extra)


def test_a_record_has_the_observations_ids(client: Trackway, written: Written) -> None:
    """Inside an observation a record of any logger has its trace and span id, in hex."""
    detach = attach_logging(written.handler)
    with client.start_as_current_observation(name="root") as root:
        warn()
    detach()
    assert str(written) == f"slow trace={root.trace_id} span={root.id}"


def test_outside_they_are_empty(written: Written) -> None:
    """Where nothing is observed a format that names them still works."""
    detach = attach_logging(written.handler)
    warn()
    detach()
    assert str(written) == "slow trace= span="


def test_beside_a_host_it_is_our_observation(
    monkeypatch: pytest.MonkeyPatch, client: Trackway, written: Written
) -> None:
    """Isolated from a host the record has our ids inside an observation, else those of the host's span."""
    host = TracerProvider(shutdown_on_exit=False)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", host)
    detach = attach_logging(written.handler)
    with host.get_tracer("app").start_as_current_span("request") as request:
        warn("outside")
        with client.start_as_current_observation(name="root") as root:
            warn("inside")
    detach()
    own = request.get_span_context()
    assert str(written).splitlines() == [
        f"outside trace={own.trace_id:032x} span={own.span_id:016x}",
        f"inside trace={root.trace_id} span={root.id}",
    ]


def test_what_the_application_says_is_kept(client: Trackway, written: Written) -> None:
    """`extra={"trace_id": …}` raises nothing, and wins."""
    detach = attach_logging(written.handler)
    with client.start_as_current_observation(name="root") as root:
        warn("slow", trace_id="its own")
    detach()
    assert str(written) == f"slow trace=its own span={root.id}"


def test_a_queue_keeps_the_ids_of_who_logged(client: Trackway, written: Written) -> None:
    """A record that is written by another thread has the ids of where it was logged."""
    records: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler, logger = logging.handlers.QueueHandler(records), logging.getLogger("queued")
    logger.addHandler(handler)
    logger.propagate = False
    detach = attach_logging(handler)
    listener = logging.handlers.QueueListener(records, written.handler)
    listener.start()
    with client.start_as_current_observation(name="root") as root:
        logger.warning("slow")
    listener.stop()
    detach()
    logger.removeHandler(handler)
    assert str(written) == f"slow trace={root.trace_id} span={root.id}"


def test_it_is_idempotent_and_reversible(written: Written) -> None:
    """Twice is once; undone, the handlers are as they were. Without an argument: those of the root logger."""
    root = logging.getLogger()
    root.addHandler(written.handler)
    before = {handler: list(handler.filters) for handler in root.handlers}
    first, second = attach_logging(), attach_logging()
    assert {len(handler.filters) - len(before[handler]) for handler in root.handlers} == {1}
    second()
    first()
    assert {handler: list(handler.filters) for handler in root.handlers} == before
    root.removeHandler(written.handler)
