"""Our tracer on the OpenTelemetry API: what instruments through the API can trace through us."""

from collections.abc import Callable, Sequence
from contextlib import ContextDecorator
from types import TracebackType
from typing import TYPE_CHECKING, final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes

from trackway._core import context as contexts
from trackway._core import exceptions
from trackway._core.current import enter

if TYPE_CHECKING:
    from trackway._core.observation import Observation
    from trackway._core.provider import Scope, TracerProvider


@final
class Tracer(trace.Tracer):
    """Starts observations of kind `span` under one instrumentation scope."""

    def __init__(self, provider: "TracerProvider", scope: "Scope") -> None:
        self._provider = provider
        self._scope = scope

    def start_span(  # noqa: PLR0913, PLR0917 - OpenTelemetry's signature
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002, ARG002 - the SDK's, for its `with`
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002, ARG002
    ) -> "Observation":
        """A span that is not made current; the caller ends it."""
        return self._provider.start(
            name, "span", {}, start_time=start_time, context=context, scope=self._scope,
            span_kind=kind.value + 1, attributes=attributes, links=links,
        )  # fmt: skip

    def start_as_current_span(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - OpenTelemetry's signature; a block and a decorator as there
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002
        end_on_exit: bool = True,  # noqa: FBT001, FBT002
    ) -> "CurrentSpan":
        """A block, or a decorator, in which a new span is current."""
        return CurrentSpan(
            lambda: self.start_span(name, context, kind, attributes, links, start_time),
            record_exception=record_exception,
            set_status=set_status_on_exception,
            end_on_exit=end_on_exit,
        )


@final
class CurrentSpan(ContextDecorator):
    """What `start_as_current_span` gives."""

    def __init__(
        self,
        start: "Callable[[], Observation]",
        *,
        record_exception: bool,
        set_status: bool,
        end_on_exit: bool,
    ) -> None:
        self._start = start
        self._record_exception = record_exception
        self._set_status = set_status
        self._end_on_exit = end_on_exit
        self._open: list[tuple[Observation, tuple[Context, Context]]] = []

    def _recreate_cm(self) -> "CurrentSpan":
        """A block for each call of a decorated function: calls run at once in tasks and threads."""
        return CurrentSpan(
            self._start,
            record_exception=self._record_exception,
            set_status=self._set_status,
            end_on_exit=self._end_on_exit,
        )

    def __enter__(self) -> "Observation":
        span = self._start()
        self._open.append((span, enter(span)))
        return span

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        span, left = self._open.pop()
        contexts.leave_block(*left)
        if isinstance(error, Exception):
            if self._record_exception:
                span.record_exception(error)
            if self._set_status:
                span.set_status(
                    Status(StatusCode.ERROR, f"{type(error).__name__}: {exceptions.message(error)}")
                )
        if self._end_on_exit:
            span.end()
