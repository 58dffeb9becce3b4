"""`@observe`: every call of a function becomes an observation.

Theory of operation
-------------------
A decorated function keeps its kind: there are four plain wrappers, for functions, coroutine functions, generator
functions and async generator functions, each a `functools.wraps` function (a proxy object could not
be pickled, and costs
seven times as much a call). They only forward; what happens to the observation is in one class, `_Call`:

- `begin` starts the observation under what is current, records the arguments by parameter name, and makes it current;
- `finish`, `fail`, `close` put the caller's context back first, then record the outcome and end the observation.

The arguments are serialised before the function runs, so that it may change them. The observation
of a generator begins
at its first step and ends with it (`stepping.py`). A function that *returns* a generator, a coroutine or a streaming
response has not finished when it returns: its observation ends when that stream ends.

Nothing here raises because of tracing: `begin` and the ends are guarded, and where `begin` fails
the function just runs.
"""

import functools
import inspect
import types
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator, Iterable
from typing import TYPE_CHECKING, Final, TypeVar, cast, final, overload

from opentelemetry.context import Context, get_current

from trackway._core import context, fields, log, stepping
from trackway._core.guard import guard
from trackway._core.kinds import valid_kind
from trackway._core.observation import Observation
from trackway._core.propagate import UNWATCHED
from trackway._core.runtime import runtime
from trackway._core.signatures import Parameters, display_name
from trackway.types import ObservationKind

if TYPE_CHECKING:
    from trackway._core.provider import TracerProvider
    from trackway.types import TraceContext

__all__ = ["observe"]

F = TypeVar(
    "F",
    bound="Callable[..., object] | staticmethod[..., object] | classmethod[object, ..., object]",
)
Transform = Callable[[Iterable[object]], str]

# Keyword arguments that are taken out of a call, in both spellings.
_SPECIAL: Final = {
    f"{prefix}_{name}": name
    for prefix in ("trackway", "langfuse")
    for name in ("trace_id", "parent_observation_id", "public_key")
}
# Results that are no stream, looked up before anything slower is asked.
_PLAIN: Final = frozenset({str, dict, list, type(None), int, float, bool, tuple, bytes, set})
# Of the items that a generator yields, this many are kept for its output.
MAX_ITEMS: Final = 10_000

_guard: Final = guard("observe")


@overload
def observe(
    func: None = None,
    *,
    name: str | None = None,
    as_type: ObservationKind | None = None,
    capture_input: bool | None = None,
    capture_output: bool | None = None,
    transform_to_string: Transform | None = None,
) -> Callable[[F], F]: ...
@overload
def observe(
    func: F,
    *,
    name: str | None = None,
    as_type: ObservationKind | None = None,
    capture_input: bool | None = None,
    capture_output: bool | None = None,
    transform_to_string: Transform | None = None,
) -> F: ...
def observe(  # noqa: PLR0913 - the incumbent's signature
    func: F | None = None,
    *,
    name: str | None = None,
    as_type: ObservationKind | None = None,
    capture_input: bool | None = None,
    capture_output: bool | None = None,
    transform_to_string: Transform | None = None,
) -> F | Callable[[F], F]:
    """Has every call of a function recorded as an observation; the function keeps its kind, signature and results.

    Works on functions, coroutine functions, generators, async generators, methods, static and class
    methods (in either
    order), `functools.partial` and other callables.

    Args:
        func: The function, where the decorator is used without parentheses.
        name: The observation's name; the function's by default.
        as_type: Its kind: `span` (default), `generation`, `agent`, `tool`, `chain`, `retriever`, `evaluator`,
            `embedding`, `guardrail`.
        capture_input: Whether arguments are recorded, by parameter name; default: the setting `capture_io`.
        capture_output: Whether the result is recorded; likewise.
        transform_to_string: What makes a text of the items of a generator; by default strings are joined, other
            items are a list of at most 10,000.

    An exception marks the observation as failed and is raised unchanged. The keyword arguments `trackway_trace_id`,
    `trackway_parent_observation_id` and `trackway_public_key` (and the `langfuse_` spellings) of a call are taken out
    of it: they say where the observation belongs.

    Example:
        >>> from trackway import observe
        >>> @observe(as_type="tool")
        ... def add(a: int, b: int) -> int:
        ...     return a + b
        >>> add(1, b=2)
        3
    """

    def decorate(function: F) -> F:
        return _decorated(
            function,
            name=name,
            kind="span" if as_type is None else valid_kind(as_type),
            capture_input=capture_input,
            capture_output=capture_output,
            transform=transform_to_string,
        )

    return decorate if func is None else decorate(func)


@final
class _Spec:
    """What all calls of one decorated function share."""

    __slots__ = ("capture_input", "capture_output", "kind", "name", "parameters", "transform")

    def __init__(  # noqa: PLR0913 - the arguments of the decorator
        self,
        function: Callable[..., object],
        *,
        name: str | None,
        kind: str,
        capture_input: bool | None,
        capture_output: bool | None,
        transform: Transform | None,
    ) -> None:
        self.name = display_name(function) if name is None else name
        self.kind = kind
        self.parameters = Parameters(function)
        self.capture_input = capture_input
        self.capture_output = capture_output
        self.transform = transform


@final
class _Call:
    """One call of a decorated function: a small state machine around its observation."""

    __slots__ = ("_before", "_capture", "_inside", "_items", "_spec", "_too_many", "observation")

    def __init__(
        self,
        spec: _Spec,
        args: tuple[object, ...],
        kwargs: dict[str, object],
        provider: "TracerProvider",
    ) -> None:
        self._spec = spec
        self._items: list[object] | None = None
        if kwargs and not _SPECIAL.keys().isdisjoint(kwargs):
            observation = _placed(spec, _taken(kwargs), provider)
        else:
            observation = provider.begin(provider.name(spec.name), spec.kind)
        self.observation = observation
        capture = provider.capture_io
        if observation._recording:
            if capture if spec.capture_input is None else spec.capture_input:
                fields.set_input(observation, spec.parameters.named(args, kwargs))
            self._capture = capture if spec.capture_output is None else spec.capture_output
        else:
            self._capture = False

    def enter(self) -> None:
        """Makes the observation current, for a function that runs from here to its end."""
        self._before, self._inside = context.enter(self.observation)

    def returned(self, value: object) -> object:
        """The function returned *value*; gives what the caller is to get, which is *value* but for a stream."""
        context.leave(self._before, self._inside)
        if type(value) not in _PLAIN:
            with _guard:
                stream = self._stream(value)
                if stream is not None:
                    return stream
        self.finish(value)
        return value

    def raised(self, error: BaseException) -> None:
        """The function raised *error*."""
        context.leave(self._before, self._inside)
        self.fail(error)

    # -- as the watcher of a generator ---------------------------------------------------------------

    def yielded(self, item: object) -> None:
        """Remembers an item for the output."""
        if not self._capture:
            return
        if self._items is None:
            self._items = []
        if len(self._items) < MAX_ITEMS:
            self._items.append(item)

    def finish(self, value: object) -> None:
        """The call is over, and gave *value*."""
        observation = self.observation
        if self._capture:
            with _guard:
                if self._items is not None:
                    value = self._joined(self._items)
                if value is not None:
                    fields.set_output(observation, value)
        observation.end()

    def fail(self, error: BaseException) -> None:
        """The call is over, by *error*."""
        self.observation.fail(error)
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
        if all(isinstance(item, str) for item in items):
            return "".join(cast("list[str]", items))
        return items

    def _stream(self, value: object) -> object:
        """*value* with its end observed, if it is a stream that the function only made; None if it is not."""
        if isinstance(value, types.GeneratorType):
            return stepping.steps(
                cast("Generator[object, object, object]", value), self._inside, self
            )
        if isinstance(value, types.AsyncGeneratorType):
            return stepping.async_steps(
                cast("AsyncGenerator[object, object]", value), self._inside, self
            )
        if isinstance(value, types.CoroutineType):
            return stepping.awaited(
                cast("Coroutine[object, object, object]", value), self._inside, self
            )
        if type(value).__name__.endswith("StreamingResponse"):
            body = getattr(value, "body_iterator", None)
            if isinstance(body, types.AsyncGeneratorType):
                # The one object of the application that is changed: a response can be observed in no other way.
                value.body_iterator = stepping.async_steps(body, self._inside, self)  # type: ignore[attr-defined]  # checked above
                return value
        return None


def _begin(spec: _Spec, args: tuple[object, ...], kwargs: dict[str, object]) -> _Call | None:
    """The observed call.

    None where tracing is off or failed, and the function is to run as if it were not decorated.
    """
    provider = runtime.default or runtime.provider()
    if provider is None or not provider.enabled:
        if kwargs and not _SPECIAL.keys().isdisjoint(kwargs):
            _taken(kwargs)
        return None
    if runtime.several:
        provider = _chosen(provider)
    with _guard:
        return _Call(spec, args, kwargs, provider)
    return None


def _chosen(default: "TracerProvider") -> "TracerProvider":
    """With several clients, that of the observation around: a trace stays with the client in which it began."""
    around = context.current_observation()
    return default if around is None else around._provider


def _taken(kwargs: dict[str, object]) -> dict[str, object]:
    """Takes the special arguments out of a call; gives them by their names without the prefix."""
    return {_SPECIAL[key]: kwargs.pop(key) for key in tuple(kwargs) if key in _SPECIAL}


def _placed(spec: _Spec, special: dict[str, object], provider: "TracerProvider") -> Observation:
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


def _decorated(  # noqa: PLR0913 - the arguments of the decorator
    function: F,
    *,
    name: str | None,
    kind: str,
    capture_input: bool | None,
    capture_output: bool | None,
    transform: Transform | None,
) -> F:
    if isinstance(function, type):
        log.warn(
            "observe:class",
            "@observe cannot observe the class %s; decorate its methods",
            function.__qualname__,
        )
        return function
    inner = function.__func__ if isinstance(function, staticmethod | classmethod) else function
    if not callable(inner):
        log.warn(
            "observe:callable",
            "@observe was given a %s, which cannot be called",
            type(inner).__name__,
        )
        return function
    spec = _Spec(
        inner,
        name=name,
        kind=kind,
        capture_input=capture_input,
        capture_output=capture_output,
        transform=transform,
    )
    traced = _wrapper(inner)(inner, spec)
    if isinstance(function, staticmethod | classmethod):
        return cast("F", type(function)(traced))
    return cast("F", traced)


Function = Callable[..., object]


def _wrapper(function: Function) -> Callable[[Function, _Spec], Function]:
    """Which of the four wrappers keeps the kind of *function*."""
    if inspect.isgeneratorfunction(function):
        return _generator
    if inspect.isasyncgenfunction(function):
        return _async_generator
    called = getattr(function, "__call__", None)  # noqa: B004 - the method of a callable object, which may be async
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        return _coroutine
    return _plain


def _plain(function: Function, spec: _Spec) -> Function:
    @functools.wraps(function)
    def traced(*args: object, **kwargs: object) -> object:
        call = _begin(spec, args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        call.enter()
        try:
            value = function(*args, **kwargs)
        except BaseException as error:
            call.raised(error)
            raise
        return call.returned(value)

    return traced


def _coroutine(function: Function, spec: _Spec) -> Function:
    @functools.wraps(function)
    async def traced(*args: object, **kwargs: object) -> object:
        call = _begin(spec, args, kwargs)
        if call is None:
            return await cast("Awaitable[object]", function(*args, **kwargs))
        call.enter()
        try:
            value = await cast("Awaitable[object]", function(*args, **kwargs))
        except BaseException as error:
            call.raised(error)
            raise
        return call.returned(value)

    return traced


def _generator(function: Function, spec: _Spec) -> Function:
    return stepping.decorated_generator(function, functools.partial(_first_step, spec))


def _async_generator(function: Function, spec: _Spec) -> Function:
    return stepping.decorated_async_generator(function, functools.partial(_first_step, spec))


def _first_step(
    spec: _Spec, args: tuple[object, ...], kwargs: dict[str, object]
) -> tuple[Context, stepping.Watcher]:
    """Begins the observation of a generator: the context of its first step, and who is told of its life."""
    call = _begin(spec, args, kwargs)
    if call is None:
        return get_current(), UNWATCHED
    return context.inside(call.observation), call
