"""`propagate_attributes` and `set_user`: who the observations of a block, or of the rest of a request, are for."""

import functools
import inspect
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, TypeVar, cast, final

from opentelemetry.context import Context

from trackway._core import context, parents, propagated, stepping
from trackway._core.ambient import attach, get_current
from trackway._core.arguments import Prompt
from trackway._core.block import Block
from trackway._core.guard import guard
from trackway._core.propagated import Propagated
from trackway._core.signatures import Function

__all__ = ["Propagation", "propagate_attributes", "set_user"]

F = TypeVar("F", bound=Function)

_guard: Final = guard("propagate_attributes")

# The blocks of users that were seen before are ready. Only what passed validation unchanged is remembered.
MAX_KNOWN: Final = 1_000
_known: Final[dict[tuple[str | None, str | None], Propagated]] = {}


def propagate_attributes(  # noqa: PLR0913 - one argument for each attribute that can be propagated
    *,
    user_id: str | None = None,
    session_id: str | None = None,
    metadata: Mapping[str, object] | None = None,
    version: str | None = None,
    tags: Sequence[str] | None = None,
    trace_name: str | None = None,
    environment: str | None = None,
    prompt: Prompt | Mapping[str, object] | None = None,
    as_baggage: bool = False,
) -> "Propagation":
    """Stamps attributes on every observation that starts inside: a `with` or `async with` block, or a decorator.

    The observation that is current on entry gets them too, where it has no value of its own; one further out does
    not. Inside an inner block its scalars win, metadata is merged (inner key wins), tags are an ordered union.
    asyncio tasks inherit; a thread does where the context is copied into it.

    Args:
        user_id: Who this is for. `str`, at most 200 characters, as `session_id`, `version`,
            `trace_name` and each tag.
        session_id: Groups the traces of one conversation.
        metadata: `str` → JSON value; strings as they are, others as JSON text of at most 200 characters.
        version: The version of the code.
        tags: Labels of the trace.
        trace_name: The trace's name, where the root's is not the right one.
        environment: 1 to 40 of `a-z 0-9 - _`, not starting with `langfuse`.
        prompt: The version of a prompt: `name` and `version`, as keys or attributes.
        as_baggage: Whether it also goes along with outgoing requests, as W3C baggage: to every host that is called
            inside. At most 4 KiB in all, percent-encoded; else none of it, with a WARNING.

    What cannot be used is dropped with one WARNING that names it; it is never cut, and nothing is raised.

    Example:
        >>> from trackway import observe, propagate_attributes
        >>> @observe
        ... def answer(question: str) -> str:
        ...     return "42"
        >>> with propagate_attributes(user_id="alice", tags=["production"]):
        ...     answer("What is six times seven?")
        '42'
    """
    given = propagated.NOTHING
    simple = (
        type(user_id) is str
        and (session_id is None or type(session_id) is str)
        and (metadata is None and version is None and tags is None)
        and (trace_name is None and environment is None and prompt is None and not as_baggage)
    )
    if simple and (known := _known.get((user_id, session_id))) is not None:
        return Propagation(known)
    with _guard:
        given = propagated.validated(
            user_id=user_id,
            session_id=session_id,
            metadata=metadata,
            version=version,
            tags=tags,
            trace_name=trace_name,
            environment=environment,
            prompt=prompt,
        )
        if as_baggage:
            given = given.travelling()
        if simple and given.user_id == user_id and given.session_id == session_id:
            if len(_known) >= MAX_KNOWN:
                _known.clear()
            _known[user_id, session_id] = given
    return Propagation(given)


def set_user(user_id: str | None, *, session_id: str | None = None) -> None:
    """From here on in this context the user is *user_id*: for code that learns the user in the middle of a request.

    The current observation gets the user too if it has none. It holds to the end of the enclosing
    `propagate_attributes` block, or of the outermost observation that is open, whichever comes first: an observed
    helper that authenticates the caller sets the user for the request around it, and a thread never carries a user
    into its next request. Outside of any observation or block it holds for the rest of the context (task or thread).

    Example:
        >>> from trackway import observe, set_user
        >>> @observe
        ... def authenticate(token: str) -> None:
        ...     set_user("alice")
        >>> authenticate("…")
    """
    with _guard:
        given = propagated.validated(user_id=user_id, session_id=session_id)
        now = get_current()
        observation = context.current_observation(now)
        if observation is not None:
            observation._adopt(given)
        attach(context.opened(now, given, learnt=True))


@final
class Propagation(Block["Propagation"]):
    """What `propagate_attributes` gives.

    Enter it, or decorate with it. It can be entered many times, also at once.
    """

    __slots__ = ("_entered", "_given", "_shared")

    def __init__(self, given: Propagated) -> None:
        self._given = given
        self._entered = self._shared = False

    def __enter__(self) -> "Propagation":
        with _guard:
            if self._entered:
                if not self._shared:
                    self._shared = True
                    context.watch_collector()
            else:
                self._entered = True
            before = get_current()
            attach(opened(before, self._given, (self, before)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        with _guard:
            context.close_block(self, shared=self._shared)

    def __call__(self, function: F) -> F:
        """*function*, run inside such a block at every call; it stays the kind of function that it is."""
        given = self._given
        wrapped: Function = function
        stepwise = None
        if inspect.isgeneratorfunction(wrapped):
            stepwise = stepping.decorated_generator
        elif inspect.isasyncgenfunction(wrapped):
            stepwise = stepping.decorated_async_generator
        if stepwise is not None:
            return cast(
                "F",
                stepwise(wrapped, lambda _args, _kwargs: (opened(get_current(), given), UNWATCHED)),
            )
        if inspect.iscoroutinefunction(wrapped):

            @functools.wraps(wrapped)
            async def inside_async(*args: object, **kwargs: object) -> object:
                # A block, because the collector may end the coroutine in another's context.
                with Propagation(given):
                    return await wrapped(*args, **kwargs)

            return cast("F", inside_async)

        @functools.wraps(wrapped)
        def inside(*args: object, **kwargs: object) -> object:
            before = enter(given)
            try:
                return wrapped(*args, **kwargs)
            finally:
                attach(before)

        return cast("F", inside)


def enter(given: Propagated) -> Context:
    """Opens a block in this context; gives the context to put back."""
    before = get_current()
    attach(opened(before, given))
    return before


def opened(
    before: Context, given: Propagated, block: tuple[object, Context] | None = None
) -> Context:
    """The context of a block that is opened here; the observation that is current gets what it has no value for."""
    observation = parents.current(before)
    if observation is not None:
        observation._adopt(given)
    return context.opened(before, given, block=block)


class _Unwatched:
    """Nobody is told of the generator's life: there is no observation."""

    def yielded(self, item: object) -> None: ...
    def finish(self, value: object) -> object: ...
    def fail(self, error: BaseException) -> None: ...
    def close(self) -> None: ...


UNWATCHED: Final = _Unwatched()
