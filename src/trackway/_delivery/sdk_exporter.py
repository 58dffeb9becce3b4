"""An OpenTelemetry `SpanExporter` of the application's as a destination: it gets what the spool holds.

Theory of operation. What ended is on disk first, as for every destination; the worker reads batches, and here they
become the SDK's `ReadableSpan`s and are handed to `export`. Its result is treated by the policy:

- `SUCCESS` is an acknowledgement.
- `FAILURE`, or an exception, says as little as the status 500 does, so it is treated as one: sent again with
  backoff, and after an hour halved to find a span that the exporter stumbles over. Such a span becomes a dead letter
  only when another was taken meanwhile.
- An `export` that does not return in `timeout` seconds is left to itself in its thread. Nothing else is handed over
  until it returns (an exporter may count on that); what it says then is its answer to the same batch.

An exporter has no address, and the next process must know whose spans they are that a dead one left: `name_of`.
"""

import importlib.util
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar, final
from urllib.parse import urlsplit

from opentelemetry import context as otel_context

from trackway._core.guard import guard
from trackway._core.loading import loading
from trackway._delivery.aside import Aside, Errand
from trackway._delivery.policy import Outcome
from trackway._delivery.worker import suppressing
from trackway.errors import ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["SdkExporter", "checked_name", "name_of"]

T = TypeVar("T")

_foreign: Final = guard("span_exporter", quiet=True)


def checked_name(exporter: object, name: str | None) -> str:
    """What the destination is called, *name* if that is given; ConfigurationError where *exporter* cannot be one."""
    if not callable(getattr(exporter, "export", None)):
        message = f"span_exporter is a {type(exporter).__name__}, which has no method export: give a SpanExporter"
        raise ConfigurationError(message, setting="span_exporter")
    if importlib.util.find_spec("opentelemetry.sdk") is None:
        message = "span_exporter needs OpenTelemetry's SDK: pip install 'trackway[otlp]'"
        raise ConfigurationError(message, setting="span_exporter")
    return name_of(exporter) if name is None else str(name)


def name_of(exporter: object) -> str:
    """How the destination is called: the exporter's class, and where it sends if it tells, without credentials.

    The official exporters tell, by an attribute that is not public; of others only the class is known.
    """
    kind = type(exporter)
    name = f"{kind.__module__}.{kind.__qualname__}"
    address = getattr(exporter, "_endpoint", None)
    if not isinstance(address, str):
        return name
    if "//" not in address:
        return f"{name} {address.rpartition('@')[2]}"
    parts = urlsplit(address)
    return f"{name} {parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@final
class SdkExporter:
    """Hands batches to *exporter*, one at a time, from whichever thread; never raises for what it does."""

    __slots__ = (
        "_aside",
        "_batch",
        "_errand",
        "_exporter",
        "_outcome",
        "_pid",
        "_taken",
        "_timeout",
    )

    def __init__(self, exporter: "SpanExporter", *, timeout: float = 15.0) -> None:
        self._exporter = exporter
        self._timeout = timeout
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._taken = threading.Lock()
        """Held by who waits for the exporter; guards all that follows."""
        self._aside = Aside("trackway-span-exporter")
        self._errand: Errand | None = None
        """A call that had not returned when its time was over."""
        self._batch = b""
        self._outcome = Outcome()
        """What the last export came to."""

    def post(self, *body: bytes, timeout: float | None = None, scores: bool = False) -> Outcome:  # noqa: ARG002 - scores are spans here
        """Has the spans of *body* exported, and tells what came of it."""
        limit = self._timeout if timeout is None else min(timeout, self._timeout)
        return self._within(
            limit, lambda deadline: self._exported(b"".join(body), deadline)
        ) or Outcome(failure="network", detail="the exporter has not returned from an earlier call")

    def flush(self, timeout: float) -> bool:
        """Forwards `force_flush`; whether it was done in *timeout* seconds."""
        said: list[object] = []

        def call() -> None:
            with _foreign:
                flush = getattr(self._exporter, "force_flush", None)
                said.append(flush is None or flush(int(timeout * 1_000)))

        waited = self._within(timeout, lambda deadline: self._called(call, deadline))
        return bool(waited and said and said[0] is not False)

    def close(self) -> None:
        """Nothing to send for a while: the thread ends, the exporter stays as it is."""
        if self._pid == os.getpid() and self._taken.acquire(blocking=False):
            self._aside.end()
            self._taken.release()

    def shutdown(self, timeout: float) -> None:
        """Forwards `shutdown`, and waits for at most *timeout* seconds."""

        def call() -> None:
            with _foreign:
                self._exporter.shutdown()

        self._within(timeout, lambda deadline: self._called(call, deadline))
        self.close()

    # -- one call at a time ------------------------------------------------------------------------

    def _within(self, timeout: float, call: Callable[[float], T]) -> T | None:
        """What *call* gives; None where the exporter is busy for *timeout* seconds."""
        if self._pid != os.getpid():
            self._reset()
        deadline = time.monotonic() + timeout
        if not self._taken.acquire(timeout=max(timeout, 0.0)):
            return None
        try:
            if self._errand is not None and not self._errand.done.wait(_left(deadline)):
                return None
            return call(deadline)
        finally:
            self._taken.release()

    def _called(self, call: Callable[[], None], deadline: float) -> bool:
        """Whether *call* has returned before *deadline*."""
        self._errand = errand = self._aside.begin(call)
        if not errand.done.wait(_left(deadline)):
            return False
        self._errand = None
        return True

    def _exported(self, body: bytes, deadline: float) -> Outcome:
        late, self._errand = self._errand, None
        if late is not None and self._batch == body:
            # It was this batch that took so long.
            return self._outcome
        self._batch = body
        if self._called(self._export, deadline):
            self._batch = b""
            return self._outcome
        return Outcome(failure="network", detail="the exporter does not return")

    def _export(self) -> None:
        with loading():
            from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415 - 100 ms

            from trackway._delivery.sdk_spans import readable_spans  # noqa: PLC0415 - as above

        self._outcome = Outcome(failure="failed", detail="the exporter raised")
        token = otel_context.attach(suppressing())
        try:
            with _foreign:
                try:
                    result = self._exporter.export(tuple(readable_spans(self._batch)))
                except Exception as error:
                    said = f"the exporter raised {type(error).__name__}"
                    self._outcome = Outcome(failure="failed", detail=said)
                    raise
                if result is SpanExportResult.FAILURE:
                    self._outcome = Outcome(failure="failed", detail="the exporter says FAILURE")
                else:
                    # OpenTelemetry's SDK ignores results, so there are exporters that return none.
                    readable = result is SpanExportResult.SUCCESS
                    self._outcome = Outcome(status=200, readable=readable)
        finally:
            otel_context.detach(token)


def _left(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.0)
