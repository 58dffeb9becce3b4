"""One call of a decorated function, from its arguments to its outcome.

What the four wrappers of `observe.py` and the drivers of `stepping.py` forward to, so that sync and async are
written once.
"""

import types
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, cast, final

from trackway._core import context, log, stepping
from trackway._core.ambient import attach, get_current
from trackway._core.current import inside
from trackway._core.fields import set_input, set_output
from trackway._core.guard import guard
from trackway._core.observation import Observation
from trackway._core.parents import resolvers
from trackway._core.placing import place_here
from trackway._core.runtime import runtime
from trackway._core.signatures import SPECIAL, Spec, taken
from trackway._core.starting import begin

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine, Generator

    from trackway._core.provider import TracerProvider
    from trackway.types import TraceContext

# Results that are no stream, looked up before anything slower is asked.
_PLAIN: Final = frozenset({str, dict, list, type(None), int, float, bool, tuple, bytes, set})
# Of the items that a generator yields, this many are kept for its output.
MAX_ITEMS: Final = 10_000

_guard: Final = guard("observe")


@final
class Call:
    """One call of a decorated function: a small state machine around its observation."""

    __slots__ = ("_capture", "_items", "_left_out", "_spec", "before", "inside", "observation")

    def __init__(
        self,
        spec: Spec,
        args: tuple[object, ...],
        kwargs: dict[str, object],
        provider: "TracerProvider",
    ) -> None:
        self._spec = spec
        self._items: list[object] | None = None
        self.before = before = get_current()
        if kwargs and not SPECIAL.keys().isdisjoint(kwargs):
            observation = placed(spec, taken(kwargs), provider)
            provider = observation._provider
        else:
            name = provider.names.get(spec.name) or provider.name(spec.name)
            observation = begin(provider, name, spec.kind, before)
            if resolvers:
                place_here(observation, before)
        self.observation = observation
        capture = False
        if observation._recording:
            capture = provider.capture_io
            if capture if spec.capture_input is None else spec.capture_input:
                given = spec.parameters.named(args, kwargs)
                if provider.speaks_genai:
                    set_input(observation, given)
                else:
                    value = provider.value(given, observation)
                    observation._input, observation._input_is_json = value
            if spec.capture_output is not None:
                capture = spec.capture_output
        self._capture = capture
        self.inside = inside(before, observation)
        """The context for the function, or for the first step of a generator."""

    def returned(self, value: object) -> object:
        """The function returned *value*; gives what the caller is to get, which is *value* but for a stream."""
        entered, now = self.inside, get_current()
        if type(value) in _PLAIN:
            if now is entered:
                attach(self.before)
            else:
                context.leave(self.before, entered)
        else:
            # A stream goes on where the function was when it returned: with the user that it learnt.
            self.inside = now
            context.leave(self.before, entered)
            with _guard:
                stream = self._stream(value)
                if stream is not None:
                    return stream
        self.finish(value)
        return value

    def raised(self, error: BaseException) -> None:
        """The function raised *error*, or the collector ended the coroutine."""
        context.leave_block(self.before, self.inside)
        self.fail(error)

    # -- as the watcher of a generator ---------------------------------------------------------------

    def yielded(self, item: object) -> None:
        """Remembers an item for the output."""
        if not self._capture:
            return
        if self._items is None:
            self._items, self._left_out = [], 0
        if len(self._items) < MAX_ITEMS:
            self._items.append(item)
        else:
            self._left_out += 1

    def finish(self, value: object) -> None:
        """The call is over, and gave *value*."""
        o = self.observation
        with _guard:
            if self._capture:
                if self._items is not None:
                    value = self._joined(self._items)
                if value is not None:
                    if o._provider.speaks_genai:
                        set_output(o, value)
                    else:
                        o._output, o._output_is_json = o._provider.value(value, o)
            # What `o.end()` does, without another guard.
            if not o._ended:
                o._ended = True
                clock = o._clock
                end = o._start + perf_counter_ns() - clock if clock else o._now()
                o._provider.record(o, end)

    def fail(self, error: BaseException) -> None:
        """The call is over, by *error*."""
        self.observation._fail(error)
        self.finish(None)

    def close(self) -> None:
        """The consumer left before the end: no failure, but worth knowing."""
        self.observation.update(status_message="closed before its end")
        self.finish(None)

    # ------------------------------------------------------------------------------------------------

    def _joined(self, items: list[object]) -> object:
        if self._spec.transform is not None:
            with guard("transform_to_string", quiet=True):
                return self._spec.transform(items)
        texts = all(isinstance(item, str) for item in items)
        if self._left_out:
            items.append(f"<… {self._left_out} items cut>")
        return "".join(cast("list[str]", items)) if texts else items

    def _stream(self, value: object) -> object:
        """*value* with its end observed, if it is a stream that the function only made; None if it is not."""
        if isinstance(value, types.GeneratorType):
            return stepping.steps(
                cast("Generator[object, object, object]", value), self.inside, self
            )
        if isinstance(value, types.AsyncGeneratorType):
            return stepping.async_steps(
                cast("AsyncGenerator[object, object]", value), self.inside, self
            )
        if isinstance(value, types.CoroutineType):
            return stepping.awaited(
                cast("Coroutine[object, object, object]", value), self.inside, self
            )
        if type(value).__name__.endswith("StreamingResponse"):
            body = getattr(value, "body_iterator", None)
            if isinstance(body, types.AsyncGeneratorType):
                # The one object of the application that is changed: a response can be observed in no other way.
                value.body_iterator = stepping.async_steps(body, self.inside, self)  # type: ignore[attr-defined]  # checked above
                return value
        return None


def placed(spec: Spec, special: dict[str, object], provider: "TracerProvider") -> Observation:
    """An observation in the trace, below the parent, of the client that the call names."""
    key = special.get("public_key")
    if isinstance(key, str):
        chosen = runtime.by_key.get(key)
        if chosen is None:
            log.warn(
                "public_key",
                "there is no client with public key %.40r; the default one is used",
                key,
            )
        provider = chosen or provider
    place: dict[str, object] = {}
    if special.get("trace_id") is not None:
        place = {
            "trace_id": special["trace_id"],
            "parent_span_id": special.get("parent_observation_id"),
        }
    elif special.get("parent_observation_id") is not None:
        log.warn(
            "parent", "a parent observation id without a trace id places nothing. Dropping value."
        )
    return provider.start(
        spec.name, spec.kind, {}, trace_context=cast("TraceContext", place) if place else None
    )
