"""`@observe`: every call of a function becomes an observation.

Theory of operation
-------------------
A decorated function keeps its kind: there are four plain wrappers, for functions, coroutine functions, generator
functions and async generator functions, each a `functools.wraps` function (a proxy object could not be pickled, and
costs seven times as much a call). They only forward; what happens to the observation is in one class, `Call`
(`call.py`, which is loaded with the first client, see `loading.py`):

- `begin` starts the observation under what is current, records the arguments by parameter name, and makes it current;
- `finish`, `fail`, `close` put the caller's context back first, then record the outcome and end the observation.

The arguments are serialised before the function runs, so that it may change them. The observation of a generator
begins at its first step and ends with it (`stepping.py`). A function that *returns* a generator, a coroutine or a
streaming response has not finished when it returns: its observation ends when that stream ends.

Nothing here raises because of tracing: `begin` and the ends are guarded, and where `begin` fails the function just
runs.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar, cast, overload

from opentelemetry.context import Context

from trackway._core import log, parents, stepping
from trackway._core.ambient import attach, get_current
from trackway._core.guard import guard
from trackway._core.kinds import valid_kind
from trackway._core.propagate import UNWATCHED
from trackway._core.runtime import runtime
from trackway._core.signatures import (
    SPECIAL,
    Decoratable,
    Function,
    Spec,
    Transform,
    taken,
)
from trackway.types import ObservationKind

if TYPE_CHECKING:
    from trackway._core.call import Call
    from trackway._core.provider import TracerProvider

__all__ = ["observe"]

F = TypeVar("F", bound=Decoratable)

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

    Works on functions, coroutine functions, generators, async generators, methods, static and class methods (in
    either order), `functools.partial` and other callables.

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


def _begin(spec: Spec, args: tuple[object, ...], kwargs: dict[str, object]) -> "Call | None":
    """The observed call.

    None where tracing is off or failed, and the function is to run as if it were not decorated.
    """
    provider = runtime.default or runtime.provider()
    if provider is None or not provider.enabled:
        if kwargs and not SPECIAL.keys().isdisjoint(kwargs):
            taken(kwargs)
        return None
    if runtime.several:
        provider = _chosen(provider)
    with _guard:
        return runtime.call(spec, args, kwargs, provider)
    return None


def _chosen(default: "TracerProvider") -> "TracerProvider":
    """With several clients, that of the observation around: a trace stays with the client in which it began."""
    around = parents.current()
    return default if around is None else around._provider


def _decorated(  # noqa: PLR0913 - the arguments of the decorator
    function: F,
    *,
    name: str | None,
    kind: str,
    capture_input: bool | None,
    capture_output: bool | None,
    transform: Transform | None,
) -> F:
    given: object = function
    if isinstance(given, type):
        log.warn(
            "observe:class",
            "@observe cannot observe the class %s; decorate its methods",
            given.__qualname__,
        )
        return function
    inner = function.__func__ if isinstance(function, staticmethod | classmethod) else function
    called: object = inner
    if not callable(called):
        log.warn(
            "observe:callable",
            "@observe was given a %s, which cannot be called",
            type(inner).__name__,
        )
        return function
    spec = Spec(
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


def _wrapper(function: Function) -> Callable[[Function, Spec], Function]:
    """Which of the four wrappers keeps the kind of *function*."""
    if inspect.isgeneratorfunction(function):
        return _generator
    if inspect.isasyncgenfunction(function):
        return _async_generator
    called = getattr(function, "__call__", None)  # noqa: B004 - the method of a callable object, which may be async
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called):
        return _coroutine
    return _plain


def _plain(function: Function, spec: Spec) -> Function:
    @functools.wraps(function)
    def traced(*args: object, **kwargs: object) -> object:
        call = _begin(spec, args, kwargs)
        if call is None:
            return function(*args, **kwargs)
        attach(call.inside)
        try:
            value = function(*args, **kwargs)
        except BaseException as error:
            call.raised(error)
            raise
        return call.returned(value)

    return traced


def _coroutine(function: Function, spec: Spec) -> Function:
    @functools.wraps(function)
    async def traced(*args: object, **kwargs: object) -> object:
        call = _begin(spec, args, kwargs)
        if call is None:
            return await cast("Awaitable[object]", function(*args, **kwargs))
        attach(call.inside)
        try:
            value = await cast("Awaitable[object]", function(*args, **kwargs))
        except BaseException as error:
            call.raised(error)
            raise
        return call.returned(value)

    return traced


def _generator(function: Function, spec: Spec) -> Function:
    return stepping.decorated_generator(function, functools.partial(_first_step, spec))


def _async_generator(function: Function, spec: Spec) -> Function:
    return stepping.decorated_async_generator(function, functools.partial(_first_step, spec))


def _first_step(
    spec: Spec, args: tuple[object, ...], kwargs: dict[str, object]
) -> tuple[Context, stepping.Watcher]:
    """Begins the observation of a generator: the context of its first step, and who is told of its life."""
    call = _begin(spec, args, kwargs)
    if call is None:
        return get_current(), UNWATCHED
    return call.inside, call
