"""`attach`: our traces and those of a host's OpenTelemetry SDK as one, because the application asked for it.

Theory of operation
-------------------
The host's provider gets one more span processor. When a span of the host starts it is stamped with what is propagated
there; when one that is about LLMs ends, it becomes a record like ours. Nothing else of the host's changes.

Parents cross in both directions: our observations are OpenTelemetry's current span, so the host's spans are their
children, and ours are children of the host's. But not every span of the host is recorded by us, and a parent that is
not there tears a tree apart. So each span of the host carries a `Mark` that says which recorded span is nearest
around it; what starts inside is recorded below that one, and a trace without any begins at its root, with a link to
the host's span.

Sampling decisions do not cross even here. The flag that our observation shows is the host's own decision for that
trace (its parent's, or what its sampler says of the trace id), so the host exports what it would export without us;
ours follows our settings.

OpenTelemetry's limits apply to the host's spans, and a stamp may be pushed out there; what we record has it from the
mark.
"""

from typing import TYPE_CHECKING, Final, Protocol, cast, final, runtime_checkable
from weakref import WeakValueDictionary

from opentelemetry import trace
from opentelemetry.context import Context

from trackway._core import billing, fork, log
from trackway._core.ambient import get_current
from trackway._core.context import OBSERVATION, PROPAGATED, REMOTE, Remote
from trackway._core.current import SPAN
from trackway._core.foreign import Near, ShouldExport, encode, is_wanted
from trackway._core.guard import guard
from trackway._core.observation import Observation
from trackway._core.runtime import runtime
from trackway._core.state import HOST_DROPPED, HOST_SAMPLED

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from trackway._core.propagated import Propagated
    from trackway._core.provider import TracerProvider
    from trackway._wire.encode import AttributeValue

__all__ = ["Joined", "TrackwaySpanProcessor", "attach"]

# The share of a span's attributes that all stamps may take; beyond it only the user and the session are put there, so
# that the host's own are not pushed out.
SHARE: Final = 4
_IDENTITIES: Final = ("user.id", "session.id")

_guard: Final = guard("attach")


@runtime_checkable
class Host(Protocol):
    """A tracer provider that takes span processors, as the SDK's does."""

    def add_span_processor(self, span_processor: object) -> None:
        """Has *span_processor* told of every span."""
        ...


def attach(tracer_provider: trace.TracerProvider | None = None) -> bool:
    """Joins the default client with the application's OpenTelemetry SDK: one trace of ours and the host's spans.

    Args:
        tracer_provider: The SDK's provider; the global one by default.

    Spans of the host carry what is propagated, those about LLMs are recorded by us too, and parents cross in both
    directions. The host exports what it would export without us. False: there is no such provider yet; a global one
    that is set later is joined when the next trace begins. A second call does nothing. `TRACKWAY_ATTACH=1` is the same
    for the environment.

    Example:
        >>> from opentelemetry.sdk.trace import TracerProvider
        >>> from trackway import attach
        >>> attach(TracerProvider())
        True
    """
    with _guard:
        provider = runtime.provider()
        if provider is not None:
            return join(provider, tracer_provider)
    return False


def join(provider: "TracerProvider", host: trace.TracerProvider | None = None) -> bool:
    """Joins the client of *provider* with *host*, or with the global provider as soon as there is one."""
    provider.joined, provider.looks_around = provider.joined or Joined(provider), True
    return provider.joined.join(host)


@final
class Mark:
    """What we know of a span of the host: lives as long as the span does."""

    __slots__ = ("__weakref__", "born", "near", "nearest", "stamps", "user_id")

    def __init__(self, near: Near | None) -> None:
        self.near = near
        """What the span is recorded below."""
        self.nearest = near
        """What is recorded below the span: itself, or what it would be below."""
        self.stamps: dict[str, AttributeValue] = {}
        self.user_id: str | None = None
        self.born = fork.pid


@final
class Joined:
    """One client, joined with the tracer providers of its application. Any thread may call it."""

    __slots__ = ("_hosts", "_provider", "_refused", "marks", "processor", "sampler")

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        # By identity: Logfire's provider cannot be hashed.
        self._hosts: list[Host] = []
        self._refused = False
        self.marks: WeakValueDictionary[int, Mark] = WeakValueDictionary()
        self.processor = TrackwaySpanProcessor(provider, self)
        self.sampler: object = None

    @property
    def complete(self) -> bool:
        """Whether a provider was found."""
        return bool(self._hosts)

    def join(self, given: trace.TracerProvider | None = None) -> bool:
        """Joins *given*, or the global provider if there is one of an SDK."""
        host: object = given or getattr(trace, "_TRACER_PROVIDER", None)
        if host is None or host is self._provider:
            return self.complete
        if not isinstance(host, Host):
            if not self._refused:
                log.warn(
                    "attach", "a %s takes no span processor; not attached", type(host).__name__
                )
            self._refused = True
            return False
        if not any(host is known for known in self._hosts):
            self._hosts.append(host)
            # Logfire wraps the SDK's.
            self.sampler = getattr(getattr(host, "provider", host), "sampler", None)
            host.add_span_processor(self.processor)
        return True

    def nearest(self, context: Context) -> Near | None:
        """The recorded span that is nearest around what starts in *context*."""
        near = self._nearest(context)
        remote = cast("Remote | None", context.get(REMOTE))
        if remote is None or not remote.ours or (near is not None and not near.remote):
            return near
        return Near(remote.trace_id, remote.span_id, remote=True)

    def _nearest(self, context: Context) -> Near | None:
        span = context.get(SPAN)
        if isinstance(span, Observation):
            return _near(span)
        around = cast("Observation | None", context.get(OBSERVATION))
        if isinstance(span, trace.Span):
            own = span.get_span_context()
            mark = self.marks.get(own.span_id)
            if mark is not None:
                return mark.nearest
            if own.is_valid and own.is_remote:
                return Near(own.trace_id.to_bytes(16), own.span_id.to_bytes(8), remote=True)
        return None if around is None or around._provider is not self._provider else _near(around)

    def place(self, context: Context, trace_id: bytes, name: str) -> int:
        """How an observation that begins in *context* is OpenTelemetry's current span: with the host's decision."""
        span = context.get(SPAN)
        if isinstance(span, trace.Span) and (own := span.get_span_context()).is_valid:
            return HOST_SAMPLED if own.trace_flags.sampled else HOST_DROPPED
        should_sample = getattr(self.sampler, "should_sample", None)
        with _guard:
            if should_sample is not None:
                result = should_sample(Context(), int.from_bytes(trace_id), name)
                return HOST_SAMPLED if result.decision.is_sampled() else HOST_DROPPED
        return HOST_SAMPLED


def _near(observation: Observation) -> Near:
    return Near(observation._trace, observation._span, recording=observation._recording)


@final
class TrackwaySpanProcessor:
    """A span processor of the OpenTelemetry SDK, which is not imported for it. No method raises."""

    __slots__ = ("_joined", "_provider", "should_export")

    def __init__(self, provider: "TracerProvider", joined: Joined) -> None:
        self._provider = provider
        self._joined = joined
        self.should_export: ShouldExport | None = provider.should_export

    def on_start(self, span: "Span", parent_context: Context | None = None) -> None:
        """Marks and stamps a span of the host."""
        with _guard:
            if self._provider.enabled:
                self._start(span, get_current() if parent_context is None else parent_context)

    def _start(self, span: "Span", context: Context) -> None:
        own = span.get_span_context()
        near = self._joined.nearest(context)
        trace_id = own.trace_id.to_bytes(16)
        mark = Mark(near if near is not None and near.trace_id == trace_id else None)
        propagated = self._provider.brought(
            cast("Propagated | None", context.get(PROPAGATED)), context
        )
        if propagated is not None:
            clean = self._provider.cleaned(propagated)
            mark.user_id = clean.user_id
            has = span.attributes or {}
            mark.stamps = {k: v for k, v in clean.attributes(self._provider.bits) if k not in has}
            for key, value in _fitting(span, mark.stamps).items():
                span.set_attribute(key, value)
        if is_wanted(span, self.should_export):
            mark.nearest = Near(trace_id, own.span_id.to_bytes(8))
        marks: dict[int, Mark] = span.__dict__.setdefault("_trackway_marks", {})
        marks[id(self._provider)] = mark
        self._joined.marks[own.span_id] = mark

    def _on_ending(self, span: "Span") -> None:
        """Nothing: the SDK calls it."""

    def on_end(self, span: "ReadableSpan") -> None:
        """Records a span of the host that is about LLMs."""
        with _guard:
            if self._provider.enabled and is_wanted(span, self.should_export):
                self._record(span)

    def _record(self, span: "ReadableSpan") -> None:
        own, provider = span.get_span_context(), self._provider
        if own is None:
            return
        if not fork.alive[0]:
            fork.ensure()
        mark = self._joined.marks.get(own.span_id) or Mark(None)
        if mark.born != fork.pid:
            return
        kept = mark.near.recording if mark.near is not None else None
        trace_id = own.trace_id.to_bytes(16)
        if kept is None:
            kept = not provider.samples or provider.sampler.keeps(trace_id, mark.user_id, span.name)
        if kept:
            told = span.instrumentation_scope
            name, version = ("", None) if told is None else (told.name, told.version)
            flags = billing.flag_of(span.attributes or {})
            provider.append(encode(span, provider, mark.stamps, mark.near), name, version, flags)
        else:
            provider.count_dropped("sampled")

    def shutdown(self) -> None:
        """Nothing: the client outlives the host's provider."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - the SDK's signature
        """True: what has ended is on disk."""
        return True


def _fitting(span: "Span", stamps: "dict[str, AttributeValue]") -> "dict[str, AttributeValue]":
    """Those of *stamps* that may be put on the host's *span* without pushing its own out."""
    limit = getattr(getattr(span, "_limits", None), "max_span_attributes", None)
    if limit is None or len(span.attributes or ()) + len(stamps) <= limit // SHARE:
        return stamps
    room = limit - len(span.attributes or ())
    return {key: stamps[key] for key in _IDENTITIES[: max(0, room)] if key in stamps}
