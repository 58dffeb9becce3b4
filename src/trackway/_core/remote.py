"""`inject` and `extract`: a trace, and what a block sends as baggage, across services.

Two headers say where a request comes from. `traceparent` is everybody's; beside a host with a tracer provider of its
own it names the host's span, and writing ours there would make the host's sampler decide by it. So the observation
goes into a header of our own, `trackway-parent`, of the same form, and `traceparent` is written only where we are
OpenTelemetry's current span anyway. A reader takes the first if it is there. Flags are written and not believed:
whether a trace is kept is decided by its id, alike in every service.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from types import TracebackType
from typing import Final, cast, final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from trackway._core import context, parents
from trackway._core.ambient import attach, get_current
from trackway._core.block import Block
from trackway._core.context import REMOTE, Remote
from trackway._core.current import SPAN
from trackway._core.guard import guard
from trackway._core.observation import Observation
from trackway._core.placing import is_alone
from trackway._core.propagated import NOTHING, Propagated
from trackway._core.runtime import runtime

__all__ = ["Extraction", "extract", "inject"]

PARENT: Final = "trackway-parent"
TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
BAGGAGE: Final = "baggage"
_READ: Final = frozenset((PARENT, TRACEPARENT, TRACESTATE, BAGGAGE))
_FORM: Final = re.compile(
    r"[ \t]*([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*|[ \t]*)"
)
# As OpenTelemetry's propagators limit them.
_LONGEST_PARENT: Final = 512
_LONGEST: Final = 8192

Headers = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]

_guard: Final = guard("remote")


def inject(carrier: MutableMapping[str, str]) -> None:
    """Writes into *carrier*, the headers of a request, which observation makes it, for `extract` to read.

    `trackway-parent` always; `traceparent` and `tracestate` too where no other tracer owns OpenTelemetry's current
    span; `baggage`, added to what is there, with what blocks send (`propagate_attributes(as_baggage=True)`).

    Example:
        >>> from trackway import get_client, inject
        >>> headers: dict[str, str] = {}
        >>> with get_client().start_as_current_observation(name="call"):
        ...     inject(headers)
        >>> sorted(headers)
        ['traceparent', 'trackway-parent']
    """
    with _guard:
        here = get_current()
        span = here.get(SPAN)
        # A run of a framework is further inside than what is current.
        observation = parents.innermost(here)
        if observation is None:
            ambient = context.current_observation(here)
            observation = span if isinstance(span, Observation) else ambient
        if observation is not None:
            _write(
                carrier, observation.get_span_context(), shown=bool(observation._is_otel_current)
            )
        elif (remote := cast("Remote | None", here.get(REMOTE))) is not None and remote.ours:
            _write(carrier, _span_context(remote), shown=False)
        elif isinstance(span, trace.Span) and is_alone(runtime.default):
            _write(carrier, span.get_span_context(), shown=True)
        propagated = context.propagated_in(here)
        if propagated is not None and propagated.carried is not None:
            _write_baggage(carrier, propagated.carried)


def extract(carrier: Headers, *, accept_baggage: bool | None = None) -> "Extraction":
    """A `with` (or `async with`) block in which observations continue the trace of the request with these headers.

    Args:
        carrier: A mapping, or pairs as in ASGI's `scope["headers"]`; names in any case.
        accept_baggage: Whether the user, session, tags and metadata that the request brings are believed; by default
            what the client is set to.

    Headers that name nothing change nothing. Nothing is raised.

    Example:
        >>> from trackway import extract, get_client
        >>> headers = {"trackway-parent": "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"}
        >>> with extract(headers):
        ...     get_client().start_observation(name="served").trace_id
        '0af7651916cd43dd8448eb211c80319c'
    """
    remote = brought = None
    with _guard:
        found = _headers(carrier)
        remote = _remote(found)
        if accept_baggage is None:
            provider = runtime.provider()
            accept_baggage = provider is not None and provider.accept_baggage
        if accept_baggage and found.get(BAGGAGE):
            brought = _brought(found[BAGGAGE])
    return Extraction(remote, brought)


@final
class Extraction(Block["Extraction"]):
    """What `extract` gives. It can be entered many times, also at once."""

    __slots__ = ("_brought", "_remote")

    def __init__(self, remote: Remote | None, brought: Propagated | None) -> None:
        self._remote = remote
        self._brought = brought

    def __enter__(self) -> "Extraction":
        with _guard:
            before = get_current()
            now = context.opened(before, self._brought or NOTHING, block=(self, before))
            if self._remote is not None:
                now = _below(now, self._remote)
            attach(now)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        with _guard:
            context.close_block(self)


def _below(now: Context, remote: Remote) -> Context:
    """*now*, in which what begins continues the trace of *remote*, whatever is current around."""
    values: dict[str, object] = {**now, context.OBSERVATION: None}
    if is_alone(runtime.default):
        values[SPAN] = NonRecordingSpan(_span_context(remote))
    else:
        values[REMOTE] = remote
    return Context(values)


def _span_context(remote: Remote) -> SpanContext:
    return SpanContext(
        int.from_bytes(remote.trace_id),
        int.from_bytes(remote.span_id),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
        trace_state=TraceState.from_header([remote.trace_state]) if remote.trace_state else None,
    )


# -- headers -----------------------------------------------------------------------------------------------------------


def _write(carrier: MutableMapping[str, str], span: SpanContext, *, shown: bool) -> None:
    if not span.is_valid:
        return
    parent = f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    carrier[PARENT] = parent
    if shown:
        carrier[TRACEPARENT] = parent
        if span.trace_state:
            carrier[TRACESTATE] = span.trace_state.to_header()


def _write_baggage(carrier: MutableMapping[str, str], carried: Propagated) -> None:
    """Adds our entries to a `baggage` header, in place of those that a propagator wrote from the same block."""
    from trackway._core import baggage  # noqa: PLC0415 - for who sends baggage

    found = baggage.entries(carried)
    name = next((key for key in carrier if key.lower() == BAGGAGE), BAGGAGE)
    others = [
        entry
        for entry in carrier.get(name, "").split(",")
        if entry.strip() and not baggage.is_ours(entry.partition("=")[0].strip())
    ]
    if found or others:
        carrier[name] = ",".join([*others, *([baggage.header(found)] if found else [])])


def _headers(carrier: Headers) -> dict[str, str]:
    """The headers that we read, by their names in lower case; of two the first counts."""
    pairs = carrier.items() if isinstance(carrier, Mapping) else carrier
    found: dict[str, str] = {}
    for key, value in pairs:
        name = _text(key).lower()
        if name in _READ:
            found.setdefault(name, _text(value))
    return found


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return ",".join(map(_text, value))
    return value if isinstance(value, str) else ""


def _remote(found: Mapping[str, str]) -> Remote | None:
    for name in (PARENT, TRACEPARENT):
        text = found.get(name, "")
        match = _FORM.fullmatch(text) if len(text) <= _LONGEST_PARENT else None
        if match is None or match[1] == "ff":
            continue
        trace_id, span_id = bytes.fromhex(match[2]), bytes.fromhex(match[3])
        if any(trace_id) and any(span_id):
            state = found.get(TRACESTATE, "")
            return Remote(
                trace_id, span_id, state if len(state) <= _LONGEST_PARENT else "", name == PARENT
            )
    return None


def _brought(text: str) -> Propagated | None:
    from opentelemetry.baggage.propagation import W3CBaggagePropagator  # noqa: PLC0415 - 1 ms

    from trackway._core import baggage  # noqa: PLC0415 - for who believes baggage

    if len(text) > _LONGEST:
        return None
    return baggage.read(W3CBaggagePropagator().extract({BAGGAGE: text}, Context()))
