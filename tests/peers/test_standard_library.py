"""Real instrumentations of asyncio and logging around us: tasks keep their users, records name our observations."""

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor
from opentelemetry.instrumentation.logging import LoggingInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.spans import spans
from trackway import Trackway, attach, attach_logging, observe, propagate_attributes

USERS = ("ann", "ben", "cleo")


@observe
async def work(user: str) -> str:
    await asyncio.sleep(0)
    return user


@observe
def blocking(user: str) -> str:
    return user


async def request(client: Trackway, user: str) -> None:
    """What a request does: tasks, a gathering, a thread, all below one observation and for one user."""
    with propagate_attributes(user_id=user):
        with client.start_as_current_observation(name=f"request {user}"):
            await asyncio.gather(work(user), asyncio.create_task(work(user)))
            await asyncio.to_thread(blocking, user)
            async with asyncio.TaskGroup() as group:
                group.create_task(work(user))


async def requests(client: Trackway) -> None:
    await asyncio.gather(*(request(client, user) for user in USERS))


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Iterator[AsyncioInstrumentor]:
    """The instrumentation of asyncio, told to trace our coroutines and functions in threads."""
    monkeypatch.setenv("OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE", "work")
    monkeypatch.setenv("OTEL_PYTHON_ASYNCIO_TO_THREAD_FUNCTION_NAMES_TO_TRACE", "blocking")
    found = AsyncioInstrumentor()
    yield found
    found.uninstrument()


def check(home: Path, *, between: bool) -> None:
    """Each request's work stands below it, directly or with the instrumentation's span *between*, and is its user's."""
    found = {span.span_id: span for span in spans(home)}
    done = [span for span in found.values() if span.name in {"work", "blocking"}]
    assert len(done) == 4 * len(USERS)
    for span in done:
        assert span.parent_span_id is not None
        above = found[span.parent_span_id]
        if between and above.name.startswith("asyncio"):
            assert above.attributes["user.id"] == span.attributes["user.id"]
            assert above.parent_span_id is not None
            above = found[above.parent_span_id]
        user = span.attributes["user.id"]
        assert isinstance(user, str)
        assert above.name == f"request {user}"
        assert span.attributes["output.value"] == user


def test_alone_spans_of_tasks_are_ours(home: Path, tasks: AsyncioInstrumentor) -> None:
    """Given our provider, coroutines and threads are spans between the request and its work, for the right user."""
    client = Trackway()
    tasks.instrument(tracer_provider=client.tracer_provider)
    asyncio.run(requests(client))
    check(home, between=True)
    assert any(span.name.startswith("asyncio") for span in spans(home))


@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("joined", [False, True], ids=["isolated", "joined"])
def test_beside_a_host_tasks_keep_their_users(
    monkeypatch: pytest.MonkeyPatch,
    home: Path,
    tasks: AsyncioInstrumentor,
    order: str,
    *,
    joined: bool,
) -> None:
    """With a host before us or after us, work stands below its request; the host's spans have users when joined."""
    host, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    host.add_span_processor(SimpleSpanProcessor(exporter))
    if order == "before":
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", host)
    client = Trackway()
    if joined:
        assert attach() is (order == "before")
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", host)
    tasks.instrument(tracer_provider=host)
    asyncio.run(requests(client))
    check(home, between=False)
    theirs = exporter.get_finished_spans()
    assert theirs
    users = {(span.attributes or {}).get("user.id") for span in theirs}
    assert users == (set(USERS) if joined else {None})
    assert all((span.parent is not None) is joined for span in theirs)


class Kept(logging.Handler):
    """Keeps records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def logger() -> Iterator[tuple[logging.Logger, Kept]]:
    """A logger with the instrumentation's fields on every record."""
    kept, found = Kept(), logging.getLogger("application")
    found.addHandler(kept)
    yield found, kept
    found.removeHandler(kept)
    LoggingInstrumentor().uninstrument()


@pytest.mark.parametrize("mode", ["alone", "isolated", "joined"])
def test_records_name_what_is_current(
    monkeypatch: pytest.MonkeyPatch, home: Path, logger: tuple[logging.Logger, Kept], mode: str
) -> None:
    """The instrumentation names our observation, or an isolated host's span; `attach_logging` names ours."""
    host = TracerProvider(shutdown_on_exit=False)
    if mode != "alone":
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", host)
    client = Trackway()
    if mode == "joined":
        assert attach()
    log, kept = logger
    LoggingInstrumentor().instrument(
        tracer_provider=client.tracer_provider if mode == "alone" else host,
        inject_trace_context=True,
    )
    detach = attach_logging(kept)
    tracer = host.get_tracer("application")
    with (
        tracer.start_as_current_span("GET /")
        if mode != "alone"
        else client.start_as_current_observation(name="GET /") as outer
    ):
        with client.start_as_current_observation(name="agent") as agent:
            log.warning("inside")
    detach()
    (record,) = kept.records
    fields = vars(record)
    around = outer.get_span_context()
    expected = agent.id if mode != "isolated" else f"{around.span_id:016x}"
    assert fields["otelSpanID"] == expected
    assert fields["otelTraceID"] == f"{around.trace_id:032x}"
    assert (fields["trace_id"], fields["span_id"]) == (agent.trace_id, agent.id)
