"""Where an observation belongs: below what is current, below a given parent, or into a trace of another process.

**Alone or isolated.** Without a real global tracer provider our observation is OpenTelemetry's current span, so
`inject()`, `traceparent` and log correlation just work. With one (an APM), sharing the current-span key would not be
isolation: under a ratio sampler the host would export all of its spans below our sampled root, or none below an
unsampled one. So our observations then live under our own context key, take over the ambient trace id, and link to
the foreign span instead of becoming its child. Which of the two holds is decided when a trace begins in this process.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext

from trackway._core import otel_api, parents
from trackway._core.context import REMOTE, Remote
from trackway._core.current import SPAN
from trackway._core.ids import parse_span_id, parse_trace_id
from trackway._core.log import warn
from trackway._core.observation import Observation
from trackway._core.state import CURRENT, ISOLATED, SAID_AT_START, SAID_FOR_GOOD
from trackway.types import TraceContext

if TYPE_CHECKING:
    from trackway._core.provider import TracerProvider


def begin_trace(
    provider: "TracerProvider", o: Observation, around: Observation | None, context: Context
) -> None:
    """The parts of a root, or of an observation below something that is not ours."""
    span = context.get(SPAN)
    if span is None and around is None and not provider.looks_around and REMOTE not in context:
        # Nothing is current, as in most roots.
        o._is_otel_current, o._is_root = is_alone(provider), True
        o._trace = provider.draw_trace_id()
        o._recording = _is_kept(provider, o)
        return
    foreign = (
        span.get_span_context() if isinstance(span, trace.Span) else trace.INVALID_SPAN_CONTEXT
    )
    joined = provider.joined
    if joined is not None and not joined.complete:
        # The host may have set its provider after us.
        joined = joined if joined.join() else None
    alone = joined is None and is_alone(provider)
    o._is_otel_current = CURRENT if alone else ISOLATED
    if (
        around is not None
        and around._provider is provider
        and foreign.span_id == int.from_bytes(around._span)
    ):
        # A wrapper around our own span, such as the API's NonRecordingSpan.
        o._trace, o._parent, o._recording = around._trace, around._span, around._recording
        o._is_otel_current = around._is_otel_current
        return
    if isinstance(span, Observation) and span._provider is provider:
        # Made current through the API alone, by `use_span`.
        _put_below(o, span)
        return
    if provider.accept_baggage:
        o._propagated = provider.brought(o._propagated, context)
    near = None if joined is None else joined.nearest(context)
    if near is not None:
        o._trace, o._parent, o._parent_is_remote = near.trace_id, near.span_id, near.remote
        o._is_root = near.remote
        o._recording = near.recording if near.recording is not None else _is_kept(provider, o)
        o._trace_state = foreign.trace_state.to_header()
    else:
        _begin_root(provider, o, around, context, foreign if foreign.is_valid else None)
    if joined is not None:
        o._is_otel_current = joined.place(context, o._trace, o._name)


def _begin_root(
    provider: "TracerProvider",
    o: Observation,
    around: Observation | None,
    context: Context,
    foreign: SpanContext | None,
) -> None:
    o._is_root = True
    remote = cast("Remote | None", context.get(REMOTE)) if around is None else None
    if remote is not None:
        o._trace = remote.trace_id
    elif foreign is not None:
        o._trace = foreign.trace_id.to_bytes(16)
    elif around is not None:
        o._trace = around._trace
    else:
        o._trace = provider.draw_trace_id()
    o._recording = _is_kept(provider, o)
    if remote is not None:
        _continue(o, remote)
    if foreign is None:
        return
    if o._is_otel_current and not isinstance(context.get(SPAN), Observation):
        o._parent, o._parent_is_remote = foreign.span_id.to_bytes(8), foreign.is_remote
        o._trace_state = foreign.trace_state.to_header()
    else:
        otel_api.of(o).add_link(o, foreign, None)


def _continue(o: Observation, remote: Remote) -> None:
    """Puts *o* below its caller in another service, or links it where the caller is no observation."""
    if remote.ours:
        o._parent, o._parent_is_remote, o._trace_state = remote.span_id, True, remote.trace_state
    else:
        trace_id, span_id = int.from_bytes(remote.trace_id), int.from_bytes(remote.span_id)
        otel_api.of(o).add_link(o, trace.SpanContext(trace_id, span_id, is_remote=True), None)


def place(
    provider: "TracerProvider",
    o: Observation,
    parent: Observation | None,
    trace_context: TraceContext | None,
    here: Context | None,
) -> None:
    """Puts *o* where the caller said, or, *here*, where a framework says, instead of below what is current."""
    if parent is not None and parent._provider is provider:
        _put_below(o, parent)
    elif trace_context is not None:
        _put_into(provider, o, trace_context)
    elif parents.resolvers and here is not None and parent is None:
        place_here(o, here)


def place_here(o: Observation, context: Context) -> None:
    """Puts *o* below the framework's run that is inside of what is current in *context*, where there is one."""
    parent = parents.innermost(context)
    if parent is not None and parent._provider is o._provider:
        _put_below(o, parent)


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
    if parent._owned == SAID_AT_START:
        since = None if here is None else here.since(parent._base)
        o._propagated = theirs if since is None else since.inside(theirs)
        o._owned, o._base = SAID_AT_START, parent._base
    elif parent._owned:
        o._propagated, o._owned = theirs.inside(here), SAID_FOR_GOOD
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


def is_alone(provider: "TracerProvider | None") -> bool:
    """Whether nobody else in this process owns OpenTelemetry's current span.

    The variable that `get_tracer_provider()` returns is read directly: the function looks into the environment at every
    call (0.6 µs), and loads a provider that nobody has asked for yet.
    """
    owner: object = getattr(trace, "_TRACER_PROVIDER", None)
    return owner is None or owner is provider or isinstance(owner, trace.NoOpTracerProvider)
