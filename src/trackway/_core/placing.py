"""Where an observation belongs: below what is current, below a given parent, or into a trace of another process.

**Alone or isolated.** Without a real global tracer provider our observation is OpenTelemetry's current span, so
`inject()`, `traceparent` and log correlation just work. With one (an APM), sharing the current-span key would not be
isolation: under a ratio sampler the host would export all of its spans below our sampled root, or none below an
unsampled one. So our observations then live under our own context key, take over the ambient trace id, and link to
the foreign span instead of becoming its child. Which of the two holds is decided when a trace begins in this process.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.context import Context

from trackway._core import otel_api
from trackway._core.current import SPAN
from trackway._core.ids import parse_span_id, parse_trace_id
from trackway._core.log import warn
from trackway._core.observation import Observation
from trackway.types import TraceContext

if TYPE_CHECKING:
    from trackway._core.provider import TracerProvider


def begin_trace(
    provider: "TracerProvider", o: Observation, around: Observation | None, context: Context
) -> None:
    """The parts of a root, or of an observation below something that is not ours."""
    span = context.get(SPAN)
    if span is None and around is None:
        # Nothing is current, as in most roots.
        o._is_otel_current, o._is_root = _is_alone(provider), True
        o._trace = provider.draw_trace_id().to_bytes(16)
        o._recording = _is_kept(provider, o)
        return
    foreign = (
        span.get_span_context() if isinstance(span, trace.Span) else trace.INVALID_SPAN_CONTEXT
    )
    alone = _is_alone(provider)
    o._is_otel_current = alone
    if (
        around is not None
        and around._provider is provider
        and foreign.span_id == int.from_bytes(around._span)
    ):
        # A wrapper around our own span, such as the API's NonRecordingSpan.
        o._trace, o._parent, o._recording = around._trace, around._span, around._recording
        return
    if isinstance(span, Observation) and span._provider is provider:
        # Made current through the API alone, by `use_span`.
        _put_below(o, span)
        return
    o._is_root = True
    if foreign.is_valid:
        o._trace = foreign.trace_id.to_bytes(16)
    elif around is not None:
        o._trace = around._trace
    else:
        o._trace = provider.draw_trace_id().to_bytes(16)
    o._recording = _is_kept(provider, o)
    if not foreign.is_valid:
        return
    if alone and not isinstance(span, Observation):
        o._parent, o._parent_is_remote = foreign.span_id.to_bytes(8), foreign.is_remote
        o._trace_state = foreign.trace_state.to_header()
    else:
        otel_api.of(o).add_link(o, foreign, None)


def place(
    provider: "TracerProvider",
    o: Observation,
    parent: Observation | None,
    trace_context: TraceContext | None,
) -> None:
    """Puts *o* where the caller said, instead of below what is current."""
    if parent is not None and parent._provider is provider:
        _put_below(o, parent)
    elif trace_context is not None:
        _put_into(provider, o, trace_context)


def _put_below(o: Observation, parent: Observation) -> None:
    """Makes *o* a child of *parent*, whatever is current here."""
    o._trace, o._parent, o._parent_is_remote = parent._trace, parent._span, False
    o._recording, o._is_otel_current, o._is_root = (
        parent._recording,
        parent._is_otel_current,
        False,
    )
    o._trace_state, o._api = parent._trace_state, None
    theirs, here = parent._carried(), o._propagated
    if theirs is None or theirs is here:
        return
    if parent._owned:
        o._propagated, o._owned = theirs.inside(here), True
    else:
        o._propagated = theirs if here is None else here.inside(theirs)


def _put_into(provider: "TracerProvider", o: Observation, trace_context: object) -> None:
    """Makes *o* part of the trace that *trace_context* names; what is no id is dropped with a WARNING."""
    given = trace_context if isinstance(trace_context, Mapping) else {}
    trace_id = parse_trace_id(given.get("trace_id"))
    if trace_id is None:
        warn(
            "trace_id",
            "trace id %.40r is not 32 hex digits. Dropping value.",
            given.get("trace_id"),
        )
        return
    parent = given.get("parent_span_id")
    parent_id = parse_span_id(parent) if parent is not None else None
    if parent is not None and parent_id is None:
        warn(
            "parent_span_id",
            "parent span id %.40r is not 16 hex digits. Dropping value.",
            parent,
        )
    o._trace, o._parent, o._parent_is_remote = trace_id, parent_id or b"", parent_id is not None
    o._is_root, o._api, o._trace_state = True, None, ""
    o._recording = _is_kept(provider, o)


def _is_kept(provider: "TracerProvider", o: Observation) -> bool:
    """What the sampler says of the trace of *o*."""
    if not provider.samples:
        return provider.enabled
    user = o._propagated.user_id if o._propagated is not None else None
    return provider.enabled and provider.sampler.keeps(o._trace, user, o._name)


def _is_alone(provider: "TracerProvider") -> bool:
    """Whether nobody else in this process owns OpenTelemetry's current span.

    The variable that `get_tracer_provider()` returns is read directly: the function looks into the environment at every
    call (0.6 µs), and loads a provider that nobody has asked for yet.
    """
    owner: object = getattr(trace, "_TRACER_PROVIDER", None)
    return owner is None or owner is provider or isinstance(owner, trace.NoOpTracerProvider)
