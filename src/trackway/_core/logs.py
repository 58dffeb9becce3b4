"""`attach_logging`: log records say to which trace and observation they belong."""

import logging
from collections.abc import Callable
from typing import Final, final

from opentelemetry import trace

from trackway._core import parents
from trackway._core.ambient import get_current
from trackway._core.current import SPAN
from trackway._core.guard import guard

__all__ = ["attach_logging"]

_guard: Final = guard("logging")


def attach_logging(*handlers: logging.Handler) -> Callable[[], None]:
    """Has *handlers*, by default those that the root logger has now, find `trace_id` and `span_id` on every record.

    They are hex, and empty where nothing is observed; without an observation those of OpenTelemetry's current span.
    A record that has one of them already (by `extra=`) keeps it. Gives a function that undoes it.

    Example:
        >>> import logging, sys
        >>> from trackway import attach_logging, get_client
        >>> handler = logging.StreamHandler(sys.stdout)
        >>> handler.setFormatter(logging.Formatter("%(message)s trace=%(trace_id)s"))
        >>> logger = logging.getLogger("application")
        >>> logger.addHandler(handler)
        >>> detach = attach_logging(handler)
        >>> with get_client().start_as_current_observation(name="answer"):
        ...     logger.warning("slow")
        slow trace=...
        >>> detach()
    """
    chosen = handlers or tuple(logging.getLogger().handlers)
    added = [handler for handler in chosen if FILTER not in handler.filters]
    for handler in added:
        handler.addFilter(FILTER)

    def detach() -> None:
        for handler in added:
            handler.removeFilter(FILTER)

    return detach


@final
class _Correlation(logging.Filter):
    """Lets every record pass. On a handler, because a logger's filter does not see what its children log."""

    def filter(self, record: logging.LogRecord) -> bool:
        trace_id = span_id = ""
        with _guard:
            trace_id, span_id = _ids()
        if not hasattr(record, "trace_id"):
            record.trace_id = trace_id
        if not hasattr(record, "span_id"):
            record.span_id = span_id
        return True


FILTER: Final = _Correlation()


def _ids() -> tuple[str, str]:
    here = get_current()
    observation = parents.current(here)
    if observation is not None:
        return observation.trace_id, observation.id
    span = here.get(SPAN)
    own = span.get_span_context() if isinstance(span, trace.Span) else trace.INVALID_SPAN_CONTEXT
    return (f"{own.trace_id:032x}", f"{own.span_id:016x}") if own.is_valid else ("", "")
