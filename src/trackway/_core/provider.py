"""One client's half of the caller's path: starts observations, and writes their records."""

import itertools
import weakref
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import time_ns
from typing import TYPE_CHECKING, Final, final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.util.types import Attributes

from trackway._core import billing, fields, fork, otel_api, parents, scores
from trackway._core.ambient import get_current
from trackway._core.encoding import encode
from trackway._core.guard import guard
from trackway._core.ids import CheckedIds, IdGenerator, random_ids
from trackway._core.kinds import ALL, BLOCKS, DIALECTS, KINDS, valid_kind
from trackway._core.log import warn
from trackway._core.observation import Observation
from trackway._core.placing import place
from trackway._core.propagated import GENAI, LANGFUSE, Propagated
from trackway._core.protocols import PARTIAL, UPDATE, Destination, PriceSource
from trackway._core.protocols import SCORE as SCORE_RECORD
from trackway._core.protocols import SPAN as SPAN_RECORD
from trackway._core.sampling import Sample, Sampler
from trackway._core.settings import Settings, resource_of
from trackway._core.starting import begin, blank
from trackway._core.state import SAID_FOR_GOOD
from trackway._core.tracer import Tracer
from trackway._core.values import Mask, Values
from trackway._version import __version__
from trackway._wire import attributes as names
from trackway._wire.encode import attributes as encode_attributes
from trackway._wire.encode import resource, scope
from trackway.types import TraceContext

if TYPE_CHECKING:
    from trackway._core.foreign import ShouldExport
    from trackway._core.joined import Joined
    from trackway._core.processors import Processor, Processors

# Names that are remembered in their redacted form; more than these are redacted each time.
MAX_NAMES: Final = 1_000

_guard: Final = guard("provider")
_numbers: Final = itertools.count()


@final
class Scope:
    """An instrumentation scope: where its observations go, and the id that each sink knows it by."""

    __slots__ = ("destinations", "encoded", "targets")

    def __init__(
        self, destinations: Sequence[Destination], resource: bytes, encoded: bytes
    ) -> None:
        self.encoded = encoded
        self.aim(destinations, resource)

    def aim(self, destinations: Sequence[Destination], resource: bytes) -> None:
        """Has the observations of this scope go to *destinations*."""
        self.destinations = tuple(
            (d, d.sink.register_scope(resource, self.encoded)) for d in destinations
        )
        # What the end of an observation walks: where to append, and under which id.
        self.targets = tuple((d.sink.append, i) for d, i in self.destinations)


@final
class TracerProvider(trace.TracerProvider):
    """Everything that a client's observations share: settings as ready bytes, sinks, sampler, values."""

    def __init__(  # noqa: PLR0913 - what can be given in code only
        self,
        settings: Settings,
        destinations: Sequence[Destination],
        *,
        mask: Mask | None = None,
        sample: Sample | None = None,
        id_generator: IdGenerator | None = None,
        should_export: "ShouldExport | None" = None,
    ) -> None:
        self.enabled = settings.enabled
        self.capture_io = settings.capture_io
        self.accept_baggage = settings.accept_baggage
        self.redacts, self.max_bytes = settings.redact, settings.max_value_bytes
        self.should_export = should_export
        self.prices: PriceSource | None = None
        self.joined: Joined | None = None
        self.processors: Processors | None = None
        self.looks_around = settings.accept_baggage
        """Whether a trace may begin below, or for, something that is not in our own context keys."""
        # The local store reads every dialect's names, so a slimmer wire is for clients that only send.
        self.bits: int = DIALECTS["all" if settings.local else settings.wire]
        self.speaks_genai = bool(self.bits & GENAI)
        self._destinations = tuple(destinations)
        self.values = Values(mask=mask, redact=settings.redact, max_bytes=settings.max_value_bytes)
        self.value = self.values.shortest
        self.metadata = self.values.metadata
        self.text = self.values.text
        self.identity = self.values.identity
        self.word = self.values.word
        self.names: dict[str, str] = {}
        """Names as they may be recorded, those that were seen before."""
        self.sampler = Sampler(settings.sample_rate, sample)
        self.samples = sample is not None or settings.sample_rate < 1.0
        ids = random_ids if id_generator is None else CheckedIds(id_generator)
        self.draw_span_id, self.draw_trace_id = ids.span_id, ids.trace_id
        self._resource = resource(resource_of(settings))
        self._scopes: dict[tuple[str, str], Scope] = {}
        self.scope = self._register(names.SCOPE_NAME, __version__, None)
        environment = {
            names.LANGFUSE_ENVIRONMENT: settings.environment,
            names.DEPLOYMENT_ENVIRONMENT: settings.environment,
        }
        self._environment = settings.environment
        self.blank = blank(self)
        """What every observation begins as."""
        release = {names.LANGFUSE_RELEASE: settings.release}
        self.constant_without_environment = encode_attributes(_given(release, self.bits))
        self.constant = encode_attributes(_given({**release, **environment}, self.bits))
        # By kind, what an observation without and with propagated attributes begins with; the key of the latter in
        # `Propagated.heads` is this provider's own.
        self.heads = {kind: BLOCKS[kind, self.bits] + self.constant for kind in ALL}
        self.number = next(_numbers)
        """This provider's own, under which others remember what it made of something."""
        self.head_keys = {kind: (self.number, kind) for kind in ALL}
        self._handles: dict[int, weakref.ref[Observation]] = {}
        fork.on_child(self._handles.clear)

    # -- starting ----------------------------------------------------------------------------------

    def begin(self, name: str, kind: str, context: Context) -> Observation:
        """An observation under what is current in *context*: the short way, which `@observe` takes."""
        return begin(self, name, kind, context)

    def start(  # noqa: PLR0913 - every way to start one meets here
        self,
        name: object,
        kind: str,
        given: Mapping[str, object],
        *,
        parent: Observation | None = None,
        trace_context: TraceContext | None = None,
        start_time: datetime | int | None = None,
        handle: bool = False,
        owned: Propagated | None = None,
        context: Context | None = None,
        scope: Scope | None = None,
        span_kind: int = 1,
        attributes: Attributes = None,
        links: Sequence[trace.Link] | None = None,
    ) -> Observation:
        """An observation with everything that a caller can say at its start. Never raises."""
        here = get_current() if context is None else context
        o = self.begin(name if isinstance(name, str) else "", "span", here)
        with _guard:
            o._kind = kind if kind in KINDS else valid_kind(kind)
            o._name = self.name(name)
            o._span_kind = span_kind
            if scope is not None:
                o._scope = scope
            if owned is not None:
                o._propagated, o._owned = owned.inside(o._propagated), SAID_FOR_GOOD
            place(self, o, parent, trace_context, here if context is None else None)
            moment = fields.time_ns(start_time, "start_time")
            if moment is not None:
                o._start, o._clock = moment, 0
            o._touched = o._start
            if given:
                fields.apply(o, given)
            if attributes and o._recording:
                otel_api.of(o).set(o, attributes)
            for foreign in links or ():
                o.add_link(foreign.context, foreign.attributes)
            if handle:
                self._keep(o)
        return o

    def event(
        self, name: str, given: Mapping[str, object], parent: Observation | None = None
    ) -> Observation:
        """An observation without a duration, ended already."""
        o = self.start(name, "event", given, parent=parent)
        o.end(o._start)
        return o

    def cleaned(self, given: Propagated) -> Propagated:
        """*given* as this client may record it: redacted, and masked where a mask is set."""
        known = given.cleaned.get(self.number)
        if known is None:
            known = given.cleaned[self.number] = self.values.propagated(given)
        return known

    def brought(self, here: Propagated | None, context: Context) -> Propagated | None:
        """What is propagated *here*, inside what the baggage of *context* says, where baggage is believed."""
        if not self.accept_baggage:
            return here
        from trackway._core import baggage  # noqa: PLC0415 - for who believes baggage

        with _guard:
            brought = baggage.read(context)
            if brought is not None:
                return brought if here is None else here.inside(brought)
        return here

    def name(self, name: object) -> str:
        """A name as it may be recorded; what it came to is remembered, because names recur."""
        if not isinstance(name, str):
            warn("name", "an observation's name is not a string: %.40r", type(name).__name__)
            return ""
        known = self.names.get(name)
        if known is None:
            known = self.text(name)
            if len(self.names) < MAX_NAMES:
                self.names[name] = known
        return known

    def score(  # noqa: PLR0913 - the fields of a score
        self,
        *,
        name: object,
        value: object,
        data_type: object = None,
        comment: object = None,
        score_id: str | None = None,
        metadata: Mapping[str, object] | None = None,
        trace_id: bytes | None = None,
        observation_id: bytes | None = None,
        session_id: str | None = None,
        timestamp: datetime | None = None,
        propagated: Propagated | None = None,
    ) -> None:
        """Records a score of an observation, a trace or a session. Never raises."""
        with _guard:
            shape = scores.typed(name, value, data_type) if self.enabled else None
            if shape is None:
                return
            fork.ensure()
            span_id = self.draw_span_id()
            moment = fields.time_ns(timestamp, "timestamp")
            around = None if propagated is None else self.cleaned(propagated)
            environment = None if around is None else around.environment
            score = scores.Score(
                id=score_id or span_id.hex(),
                name=self.text(str(name)),
                data_type=shape[0],
                number=shape[1],
                label=None if shape[2] is None else self.text(shape[2]),
                comment=None if comment is None else self.text(str(comment)),
                metadata=self.values.document(metadata) if metadata else None,
                trace_id=trace_id,
                observation_id=observation_id,
                session_id=session_id,
                environment=environment or self._environment,
                time=time_ns() if moment is None else moment,
            )
            constant = self.constant if environment is None else self.constant_without_environment
            for destination, scope_id in self.scope.destinations:
                if destination.takes_scores:
                    destination.sink.append(scores.as_json(score), scope_id, SCORE_RECORD)
                else:
                    span = scores.as_span(score, span_id, around, self.bits, constant)
                    destination.sink.append(span, scope_id)

    # -- records -----------------------------------------------------------------------------------

    def record(self, o: Observation, end: int) -> None:
        """Writes the record of an observation that has ended."""
        if not fork.alive[0]:
            fork.ensure()
        if o._born != fork.pid:
            # A forked child leaves a block of its parent: the parent will end the observation.
            return
        if o._handle:
            self._handles.pop(id(o), None)
            self._write_again(o, end)
        elif o._recording:
            flags = 0 if o._bill is None and o._api is None else billing.flags_of(o)
            payload = encode(o, end)
            if flags:
                for append, scope_id in o._scope.targets:
                    append(payload, scope_id, SPAN_RECORD, flags)
                return
            for append, scope_id in o._scope.targets:
                append(payload, scope_id)
        elif self.enabled:
            self._count_dropped(o._scope, "sampled")

    def append(self, payload: bytes, scope: str, version: str | None, flags: int = 0) -> None:
        """Writes the record of a span of another tracer, under its own scope."""
        for append, scope_id in self._register(scope, version, None).targets:
            append(payload, scope_id, SPAN_RECORD, flags)

    def count_dropped(self, reason: str) -> None:
        """Counts a span of another tracer that is not kept."""
        self._count_dropped(self.scope, reason)

    def _count_dropped(self, scope: Scope, reason: str) -> None:
        for destination, _ in scope.destinations:
            destination.sink.count_dropped(reason)

    def dropped(self, o: Observation) -> None:
        """Ends an observation whose last reference has gone: its end is its last update."""
        o.end(o._touched or o._start)

    def touched(self, o: Observation) -> None:
        """Notes an update: the end of a handle that nobody ends."""
        o._touched = o._now()
        if o._handle and o._ended:
            self._write_again(o, o._touched)

    def write_handles(self) -> None:
        """Writes every low-level handle that is still open, as it is now: at a flush and at exit."""
        parents.finish()
        for reference in tuple(self._handles.values()):
            o = reference()
            if o is not None and not o._ended and o._saved != o._touched:
                self._write_again(o, o._touched or o._start)

    def _keep(self, o: Observation) -> None:
        """Writes a handle when it is made, for destinations that replace it later, so that a kill does not lose it."""
        o._handle = True
        self._handles[id(o)] = weakref.ref(o)
        if o._recording:
            payload = encode(o, o._touched)
            for destination, scope_id in o._scope.destinations:
                if destination.upserts:
                    destination.sink.append(payload, scope_id, SPAN_RECORD, PARTIAL)

    def _write_again(self, o: Observation, end: int) -> None:
        if not o._recording:
            return
        flags = billing.flags_of(o)
        payload = encode(o, end)
        for destination, scope_id in o._scope.destinations:
            if destination.upserts:
                destination.sink.append(payload, scope_id, SPAN_RECORD, UPDATE | flags)
            elif not o._written:
                destination.sink.append(payload, scope_id, SPAN_RECORD, flags)
            else:
                destination.sink.count_dropped("late_update")
        o._written, o._saved = True, o._touched

    # -- the OpenTelemetry API ---------------------------------------------------------------------

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,  # noqa: ARG002 - OpenTelemetry's signature
        attributes: Attributes = None,
    ) -> Tracer:
        """A tracer whose spans are observations of this client."""
        return Tracer(
            self,
            self._register(instrumenting_module_name, instrumenting_library_version, attributes),
        )

    def add_span_processor(self, span_processor: "Processor") -> None:
        """Has a span processor of the OpenTelemetry SDK get every span that ends, as a `ReadableSpan`.

        On the thread that ends it: one that exports at once makes the application wait. For the time before the first
        trace: what ends meanwhile on other threads may be missing from what the processor gets.
        """
        from trackway._core.processors import Processors  # noqa: PLC0415 - for who has one

        self.processors = self.processors or Processors(self.write_handles)
        added = self.processors.add(span_processor)
        self._destinations = (*self._destinations, added)
        for known in self._scopes.values():
            known.aim(self._destinations, self._resource)

    def _register(self, name: str, version: str | None, attributes: Attributes) -> Scope:
        key = (name, version or "")
        known = self._scopes.get(key)
        if known is None:
            encoded = scope(name, version or "", attributes or {})
            known = self._scopes[key] = Scope(self._destinations, self._resource, encoded)
        return known


def _given(pairs: Mapping[str, str | None], bits: int) -> dict[str, str]:
    return {
        key: value
        for key, value in pairs.items()
        if value is not None and (bits & LANGFUSE or not key.startswith("langfuse."))
    }
