"""An observation: an OpenTelemetry span with a kind, input, output, usage and cost.

One class for every kind; a kind is data (`kinds.py`). Values become bytes when they are handed over
(`fields.py`), so what the caller does with its objects afterwards changes nothing; `end()` writes one
record (`encoding.py`).

Its fields are in `state.py`; this class is what people see of it.
"""

from collections.abc import Mapping
from datetime import datetime
from time import perf_counter_ns, time_ns
from types import TracebackType
from typing import Final, Self, Unpack, final

from opentelemetry import trace
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue

from trackway._core import exceptions, fields, otel_api
from trackway._core.arguments import Fields, ScoreFields, Update
from trackway._core.current import Current
from trackway._core.guard import guard
from trackway._core.propagated import Propagated
from trackway._core.state import HOST_SAMPLED, State
from trackway.types import ObservationKind

_guard: Final = guard("observation")


@final
class Observation(State, trace.Span):
    """One step of an application: who it was for, what went in and out, what it cost.

    Made by `Trackway.start_observation`, `start_as_current_observation` and `trace`, by the methods of the same
    names here, and by `@observe`. No method raises; after `end()` all do nothing.

    Example:
        >>> from trackway import get_client
        >>> observation = get_client().start_observation(name="answer", as_type="generation")
        >>> _ = observation.update(output="42", usage_details={"input": 12, "output": 1})
        >>> observation.end()
    """

    # -- identity ----------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The span id: 16 hex digits."""
        return self._span.hex()

    @property
    def trace_id(self) -> str:
        """The trace id: 32 hex digits."""
        return self._trace.hex()

    # -- what it says ------------------------------------------------------------------------------

    def update(self, **given: Unpack[Update]) -> Self:
        """Sets fields; those given replace what was there (metadata: key by key). Returns the observation itself."""
        with _guard:
            fields.apply(self, given)
        return self

    def end(self, end_time: int | datetime | None = None, **given: Unpack[Update]) -> None:
        """Ends the observation and writes its record to the spool; a second call does nothing.

        *end_time* is a datetime or nanoseconds since the epoch; now by default. It is never before the start. Fields
        are set first, as `update` sets them.
        """
        if self._ended:
            return
        if given:
            self.update(**given)
        self._ended = True
        with _guard:
            end = None if end_time is None else fields.time_ns(end_time, "end_time")
            self._provider.record(self, self._now() if end is None else end)

    def _finish(self) -> None:
        """As `end()`, for who has a guard around it."""
        if not self._ended:
            self._ended = True
            self._provider.record(self, self._now())

    def _now(self) -> int:
        """The present, in ns since the epoch.

        It is the start plus monotonic time, so that a clock that jumps bends no duration.
        """
        return self._start + perf_counter_ns() - self._clock if self._clock else time_ns()

    def _fail(self, error: BaseException) -> None:
        """Marks the observation as failed.

        Level and status ERROR, `Type: text`, an `exception` event with the stack.
        """
        with _guard:
            if self._recording and not self._ended:
                fields.apply(self, {"level": "ERROR", "status_message": exceptions.summary(error)})
                otel_api.of(self).add_exception(self, error)

    # -- children ----------------------------------------------------------------------------------

    def start_observation(
        self,
        *,
        name: str,
        as_type: ObservationKind = "span",
        start_time: datetime | int | None = None,
        **given: Unpack[Fields],
    ) -> "Observation":
        """A child of this observation. The caller ends it."""
        return self._provider.start(name, as_type, given, parent=self, start_time=start_time)

    def start_as_current_observation(
        self,
        *,
        name: str,
        as_type: ObservationKind = "span",
        end_on_exit: bool = True,
        **given: Unpack[Fields],
    ) -> Current:
        """A child that is the current observation inside the `with` (or `async with`) block."""
        return Current(self._provider, name, as_type, given, parent=self, end_on_exit=end_on_exit)

    def create_event(self, *, name: str, **given: Unpack[Fields]) -> "Observation":
        """A child without a duration, ended already."""
        return self._provider.event(name, given, parent=self)

    def score(self, *, name: str, value: float | str, **more: Unpack[ScoreFields]) -> None:
        """Scores this observation; *value* is a number (NUMERIC), a bool (BOOLEAN) or a text (CATEGORICAL)."""
        self._provider.score(
            name=name, value=value, trace_id=self._trace, observation_id=self._span,
            propagated=self._carried(), **more,
        )  # fmt: skip

    def score_trace(self, *, name: str, value: float | str, **more: Unpack[ScoreFields]) -> None:
        """Scores the whole trace of this observation."""
        self._provider.score(
            name=name, value=value, trace_id=self._trace, propagated=self._carried(), **more
        )

    # -- low-level handles -------------------------------------------------------------------------

    def span(self, *, name: str, **given: Unpack[Fields]) -> "Observation":
        """A child that need not be ended.

        It then ends with its last update, when it is dropped, flushed or at exit.
        """
        return self._provider.start(name, "span", given, parent=self, handle=True)

    def generation(self, *, name: str, **given: Unpack[Fields]) -> "Observation":
        """A generation that need not be ended; *usage* takes tokens and costs in one mapping."""
        return self._provider.start(name, "generation", given, parent=self, handle=True)

    def event(self, *, name: str, **given: Unpack[Fields]) -> "Observation":
        """A child without a duration, ended already."""
        return self._provider.event(name, given, parent=self)

    # -- what the room uses ------------------------------------------------------------------------

    def _adopt(self, given: Propagated) -> None:
        """Takes from *given* what this observation has no value for: it was current when a block opened inside it."""
        if not self._ended:
            self._late = given if self._late is None else self._late.filled_by(given)
            if self._handle:
                self._saved = -1

    def _carried(self) -> Propagated | None:
        """The propagated attributes that this observation carries."""
        if self._late is None:
            return self._propagated
        return self._late if self._propagated is None else self._propagated.filled_by(self._late)

    def __del__(self) -> None:
        """Ends what nobody ended, with its last update as its end, so that it is not lost."""
        # One whose making failed half way has nothing to say.
        if not getattr(self, "_ended", True) and self._provider is not None:
            self._provider.dropped(self)

    # -- the OpenTelemetry API ---------------------------------------------------------------------

    def get_span_context(self) -> SpanContext:
        """Ids and flags in OpenTelemetry's form."""
        place = self._is_otel_current
        sampled = self._recording if place < HOST_SAMPLED else place == HOST_SAMPLED
        return SpanContext(
            int.from_bytes(self._trace),
            int.from_bytes(self._span),
            is_remote=False,
            trace_flags=TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT),
            trace_state=TraceState.from_header([self._trace_state]) if self._trace_state else None,
        )

    @property
    def kind(self) -> SpanKind:
        """OpenTelemetry's kind of span, which instrumentations ask for; what `as_type` said is not this."""
        return SpanKind(self._span_kind - 1)

    def is_recording(self) -> bool:
        """Whether what is set here will be kept: not ended, and sampled."""
        return self._recording and not self._ended

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Sets an attribute of the span; a key that the observation writes itself keeps the observation's value."""
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Sets attributes of the span."""
        with _guard:
            if self.is_recording():
                otel_api.of(self).set(self, attributes)

    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        """Adds an event of the span; for an observation that is an event of its own, see `create_event`."""
        with _guard:
            if self.is_recording():
                otel_api.of(self).add_event(self, name, attributes, timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Links the span to another."""
        with _guard:
            if self.is_recording():
                otel_api.of(self).add_link(self, context, attributes)

    def update_name(self, name: str) -> None:
        """Renames the span."""
        self.update(name=name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Sets the status by OpenTelemetry's rules: OK is final, UNSET changes nothing."""
        with _guard:
            if self.is_recording():
                otel_api.set_status(self, status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: FBT001, FBT002 - OpenTelemetry's signature
    ) -> None:
        """Adds an `exception` event; the status stays."""
        with _guard:
            if self.is_recording():
                otel_api.of(self).add_exception(
                    self, exception, attributes, timestamp, escaped=escaped
                )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        """Ends the observation, as failed where the block failed."""
        if error is not None:
            self._fail(error)
        self.end()
