"""Span processors of the OpenTelemetry SDK on our provider: what has ended, as they know it.

A processor is one more destination. It gets each span as the SDK's `ReadableSpan`, made from the record that is
written anyway, so nothing costs anything until there is one. The SDK is imported then.
"""

import atexit
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, final

from trackway._core.guard import guard
from trackway._core.protocols import SCORE, Sink

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

    from trackway._wire.decode import DecodedSpan

_REMOTE: Final = 0x200
_KNOWN_REMOTE: Final = 0x300

_guard: Final = guard("span_processor", quiet=True)


class Processor(Protocol):
    """What is asked of a span processor; those of the SDK fit."""

    def on_end(self, span: "ReadableSpan") -> None:
        """A span has ended."""
        ...

    def shutdown(self) -> None:
        """No more spans will come."""
        ...

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Exports what has ended."""
        ...


@final
class ProcessorSink:
    """Hands records to one processor, on the thread that ended the span. What the processor raises stays here."""

    __slots__ = ("_processor", "_scopes")

    def __init__(self, processor: Processor) -> None:
        self._processor = processor
        self._scopes: list[tuple[bytes, bytes]] = []

    def register_scope(self, resource: bytes, scope: bytes) -> int:
        """The id under which spans of this resource and scope come."""
        self._scopes.append((resource, scope))
        return len(self._scopes) - 1

    def append(self, payload: bytes, scope: int, kind: int = 0, flags: int = 0) -> None:  # noqa: ARG002 - a sink's signature
        """Hands over one span."""
        if kind != SCORE:
            with _guard:
                self._processor.on_end(readable(payload, *self._scopes[scope]))

    def count_dropped(self, reason: str, n: int = 1) -> None:
        """Nothing: a processor gets what is kept."""


@final
class ProcessorDestination:
    """A processor among the destinations: it gets each span once, and scores as spans."""

    __slots__ = ("_sink",)

    def __init__(self, processor: Processor) -> None:
        self._sink = ProcessorSink(processor)

    @property
    def sink(self) -> Sink:
        """Where records go."""
        return self._sink

    @property
    def upserts(self) -> bool:
        """False: a span that was handed over is over."""
        return False

    @property
    def takes_scores(self) -> bool:
        """False: it knows spans only."""
        return False


def readable(payload: bytes, resource: bytes, scope: bytes) -> "ReadableSpan":
    """The record of a span as the SDK's exporters read it."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - for who adds a processor
    from opentelemetry.sdk.trace import Event, ReadableSpan  # noqa: PLC0415 - as above
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415 - as above
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode  # noqa: PLC0415 - as above

    from trackway._wire.decode import decode_resource, decode_scope, decode_span  # noqa: PLC0415 - as above

    span = decode_span(payload)
    name, version, told = decode_scope(scope)
    parent = span.parent_span_id
    remote = span.flags & _KNOWN_REMOTE == _KNOWN_REMOTE
    return ReadableSpan(
        name=span.name,
        context=_context(span, span.span_id, remote=False),
        parent=None if parent is None else _context(span, parent, remote=remote),
        resource=Resource(decode_resource(resource)),
        attributes=span.attributes,
        events=[Event(e.name, e.attributes, e.time) for e in span.events],
        links=[
            Link(_linked(x.trace_id, x.span_id, remote=bool(x.flags & _REMOTE)), x.attributes)
            for x in span.links
        ],
        kind=SpanKind(max(span.kind - 1, 0)),
        status=Status(StatusCode(span.status_code), span.status_message or None),
        start_time=span.start,
        end_time=span.end,
        instrumentation_scope=InstrumentationScope(name, version, attributes=told),
    )


def _context(span: "DecodedSpan", span_id: str, *, remote: bool) -> "SpanContext":
    return _linked(span.trace_id, span_id, remote=remote, state=span.trace_state)


def _linked(trace_id: str, span_id: str, *, remote: bool, state: str = "") -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags, TraceState  # noqa: PLC0415 - as above

    return SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=remote, trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState.from_header([state]) if state else None,
    )  # fmt: skip


@final
class Processors:
    """The processors of one provider, and their end."""

    __slots__ = ("_all", "_before")

    def __init__(self, before: Callable[[], None]) -> None:
        self._all: list[Processor] = []
        # Writes what is open still, so that the processors get it.
        self._before = before
        atexit.register(self.shutdown)

    def add(self, processor: Processor) -> ProcessorDestination:
        """A destination for *processor*."""
        self._all.append(processor)
        return ProcessorDestination(processor)

    def flush(self, timeout: float) -> bool:
        """Has all of them export what has ended; False where one did not in *timeout* seconds, or failed."""
        done = [self._flushed(each, timeout) for each in self._all]
        return all(done)

    @staticmethod
    def _flushed(processor: Processor, timeout: float) -> bool:
        with _guard:
            # Some give nothing, and mean yes.
            return processor.force_flush(int(timeout * 1_000)) is not False
        return False

    def shutdown(self) -> None:
        """Ends all of them, once."""
        atexit.unregister(self.shutdown)
        self._before()
        while self._all:
            with _guard:
                self._all.pop().shutdown()
