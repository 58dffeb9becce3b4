"""A sink in memory, and the ids and the clock that make two runs of one test alike.

Theory of operation of the clock. Nothing that an application calls is replaced. An observation draws a span id when it
starts and is appended when it ends; each of the two takes the next tick of one counter, so ticks are the order of all
starts and ends. With `deterministic`, a start or an end that the real clock gave is shown as its tick; a time that
the application said itself, of yesterday or of 1999, lies outside of the time of the recording and is left alone.
"""

import itertools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, final

from trackway._core.ids import SPAN_ID, TRACE_ID
from trackway._core.protocols import PARTIAL
from trackway._wire.decode import DecodedSpan, decode_resource, decode_scope, decode_span
from trackway._wire.encode import AttributeValue

if TYPE_CHECKING:
    from trackway._prices.book import PriceBook

__all__ = ["EPOCH", "TICK", "Outlet", "Recorded", "Recorder"]

EPOCH: Final = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z, in ns: when the deterministic clock begins."""
TICK: Final = 1_000_000_000
"""A second: how far each start and each end moves it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One span as it was written, with what stands around it."""

    span: DecodedSpan
    resource: dict[str, AttributeValue]
    scope: str
    book: "PriceBook | None"
    """What its client prices calls by."""


@dataclass(frozen=True, slots=True)
class _Record:
    payload: bytes
    scope: int
    tick: int
    until: int
    """When it was appended, by the real clock."""


@final
class Recorder:
    """Keeps what ends, in memory, for one capture. Safe from every thread."""

    def __init__(self, *, deterministic: bool) -> None:
        self._deterministic = deterministic
        self._since = time.time_ns()
        self._ticks = itertools.count(1)
        self._trace_ids = itertools.count(1)
        self._span_ids = itertools.count(1)
        self._started: dict[int, int] = {}
        self._records: list[_Record] = []
        self._scopes: list[tuple[bytes, bytes, PriceBook | None]] = []
        self._closed = False

    # -- what a provider draws from ----------------------------------------------------------------

    def span_ids(self, draw: Callable[[], bytes]) -> Callable[[], bytes]:
        """What draws span ids: *draw*, or 1, 2, 3 …; it notes the order in which observations start."""

        def drawn() -> bytes:
            span_id = next(self._span_ids).to_bytes(SPAN_ID) if self._deterministic else draw()
            self._started[int.from_bytes(span_id)] = next(self._ticks)
            return span_id

        return drawn

    def trace_ids(self, draw: Callable[[], bytes]) -> Callable[[], bytes]:
        """What draws trace ids: *draw*, or 1, 2, 3 …."""
        return (lambda: next(self._trace_ids).to_bytes(TRACE_ID)) if self._deterministic else draw

    # -- what an outlet writes to ------------------------------------------------------------------

    def register_scope(self, resource: bytes, scope: bytes, book: "PriceBook | None") -> int:
        """The number under which spans of this resource and scope are kept, to be priced by *book*."""
        self._scopes.append((resource, scope, book))
        return len(self._scopes) - 1

    def append(self, payload: bytes, scope: int, flags: int = 0) -> None:
        """Keeps the record of what has ended; of a handle that is open, only what it comes to."""
        if not self._closed and not flags & PARTIAL:
            self._records.append(_Record(payload, scope, next(self._ticks), time.time_ns()))

    # -- what is read ------------------------------------------------------------------------------

    def close(self) -> None:
        """What ends from now on belongs to nobody."""
        self._closed = True

    def clear(self) -> None:
        """Forgets what was kept so far."""
        self._records.clear()

    def recorded(self) -> Iterator[Recorded]:
        """The spans in the order in which they started; of one that was written several times, the last."""
        latest = {}
        for record in tuple(self._records):
            span = decode_span(record.payload)
            latest[span.span_id] = record, span
        ordered = sorted(
            latest.values(), key=lambda each: self._started.get(int(each[1].span_id, 16), math.inf)
        )
        for record, span in ordered:
            resource, scope, book = self._scopes[record.scope]
            yield Recorded(
                self._timed(span, record) if self._deterministic else span,
                decode_resource(resource),
                decode_scope(scope)[0],
                book,
            )

    def _timed(self, span: DecodedSpan, record: _Record) -> DecodedSpan:
        """*span* by the deterministic clock; its events follow its start, one nanosecond after the other."""

        def is_real(moment: int) -> bool:
            return self._since <= moment <= record.until

        start = end = EPOCH + TICK * self._started.get(int(span.span_id, 16), 0)
        if not is_real(span.start):
            start = span.start
        if not is_real(span.end):
            end = span.end
        elif span.end != span.start:
            end = EPOCH + TICK * record.tick
        events = tuple(
            event._replace(time=start + number) if is_real(event.time) else event
            for number, event in enumerate(span.events, 1)
        )
        return span._replace(start=start, end=end, events=events)


@final
class Outlet:
    """Where one client's spans go into a recorder; implements `Sink` and `Destination`."""

    upserts = True
    takes_scores = False

    def __init__(self, recorder: Recorder, book: "PriceBook | None") -> None:
        self.sink = self
        self.book = book
        self._recorder = recorder

    def register_scope(self, resource: bytes, scope: bytes) -> int:
        """The number under which spans of this resource and scope are kept."""
        return self._recorder.register_scope(resource, scope, self.book)

    def append(self, payload: bytes, scope: int, kind: int = 0, flags: int = 0) -> None:  # noqa: ARG002 - a sink's signature; scores are spans here
        """Keeps the record of what has ended."""
        self._recorder.append(payload, scope, flags)

    def count_dropped(self, reason: str, n: int = 1) -> None:
        """What sampling leaves out is not there."""
