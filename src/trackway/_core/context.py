"""How a user id reaches a child observation: what this context holds, and how it is left (entered: `current.py`).

All of it lives in OpenTelemetry's context, an immutable mapping in one context variable, so asyncio tasks inherit
it and copied contexts carry it. Two keys are ours: the current observation and what is propagated. Without a real
global tracer provider our observation is OpenTelemetry's current span as well; with one it is not (see
`placing.py`).

A context is left by **putting back what was there before**, never by resetting a token: a token can be reset only
in the context and at the depth where it was made, and generators, callbacks and tasks leave blocks elsewhere.
"""

import gc
from collections.abc import Mapping
from threading import get_ident
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from opentelemetry.context import Context, create_key

from trackway._core.ambient import attach, get_current
from trackway._core.propagated import Propagated
from trackway._wire.native import kernels

if TYPE_CHECKING:
    from trackway._core.observation import Observation

OBSERVATION: Final = create_key("trackway-observation")
PROPAGATED: Final = create_key("trackway-propagated")
# What `set_user` said, kept apart from what blocks say so that `leave` can tell the two.
LEARNT: Final = create_key("trackway-learnt")
# Who opened the innermost block, and the context before it.
BLOCK: Final = create_key("trackway-block")
# The caller of this service, where OpenTelemetry's current span is another tracer's.
REMOTE: Final = create_key("trackway-remote")


def _with(kind: type[Context], context: Context, /, *pairs: object) -> Context:
    """*context* with the keys and values of *pairs* on top."""
    keys = cast("tuple[str, ...]", pairs[::2])
    return kind({**context, **dict(zip(keys, pairs[1::2], strict=True))})


derive: Final = _with if kernels is None else kernels.derive


class Remote(NamedTuple):
    """A span of another process; `ours` says that it is an observation, and not only a span of the same trace."""

    trace_id: bytes
    span_id: bytes
    trace_state: str
    ours: bool


def current_observation(context: Context | None = None) -> "Observation | None":
    """The innermost observation of *context* (this one by default), recording or not."""
    here = get_current() if context is None else context
    return here.get(OBSERVATION)  # type: ignore[return-value]  # only `inside` writes this key


def propagated_in(context: Context) -> Propagated | None:
    """What is propagated to an observation that would be started in *context*."""
    return context.get(PROPAGATED)  # type: ignore[return-value]  # only this module writes this key


def leave(before: Context, entered: Context) -> None:
    """Puts *before* back.

    What `set_user` said inside stays in force when an observation of ours is open around it: an observed helper may
    learn the user for the request that called it. It ends with that outermost observation, so a thread never
    carries a user into its next request.
    """
    now = get_current()
    if now is not entered:
        around = cast("Observation | None", before.get(OBSERVATION))
        learnt = cast("Propagated | None", now.get(LEARNT))
        if around is not None and learnt is not None and learnt is not entered.get(LEARNT):
            around._adopt(learnt)
            before = opened(before, learnt, learnt=True)
    attach(before)


def leave_block(before: Context, entered: Context) -> None:
    """As `leave`, for an end that may come in another's context: then nothing is put back.

    The collector ends abandoned generators and coroutines wherever it happens to run, in the middle of another
    user's request as well.
    """
    now = get_current()
    if now is entered:
        # As most blocks are left: nothing was said inside.
        attach(before)
    elif _is_inside(now, entered):
        leave(before, entered)


def _is_inside(context: Context | None, entered: Context) -> bool:
    """Whether *context* is *entered*, or was opened somewhere inside of it."""
    while context is not None and context is not entered:
        innermost = current_observation(context)
        if innermost is None:
            return False
        if innermost is entered.get(OBSERVATION):
            return True
        context = innermost._around
    return context is entered


def opened(
    context: Context,
    given: Propagated,
    *,
    learnt: bool = False,
    block: tuple[object, Context] | None = None,
) -> Context:
    """*context* with *given* opened inside what it propagates already.

    *learnt* marks it as said by `set_user`; *block* as the block of (owner, the context before).
    """
    around = propagated_in(context)
    merged = given.inside(around)
    # What is learnt adds up, up to the next block: that one bounds what is said inside.
    said = given.inside(context.get(LEARNT)) if learnt else None  # type: ignore[arg-type]  # only this module writes it
    if block is None:
        now = derive(Context, context, PROPAGATED, merged, LEARNT, said)
    else:
        now = derive(Context, context, PROPAGATED, merged, LEARNT, said, BLOCK, block)
    return with_baggage(now, merged) if travels(around, merged) else now


def travels(around: Propagated | None, here: Propagated | None) -> bool:
    """Whether there is baggage of ours around, or is to be here."""
    return (around is not None and around.carried is not None) or (
        here is not None and here.carried is not None
    )


def with_baggage(context: Context, here: Propagated | None) -> Context:
    """*context* with what is to travel on of what is propagated *here*."""
    from trackway._core import baggage  # noqa: PLC0415 - for who sends baggage

    return baggage.updated(context, None if here is None else here.carried)


def watch_collector() -> None:
    """From here on `collector` says which thread collects garbage; asked for by who shares blocks."""
    if _collects not in gc.callbacks:
        gc.callbacks.append(_collects)


def _collects(phase: str, _: Mapping[str, int]) -> None:
    collector[0] = get_ident() if phase == "start" else 0


collector: Final = [0]
"""The thread that collects garbage right now; 0 for none, and while it ends something in its own context."""


def own_context() -> int:
    """Where this thread collects: it no longer does, for what is ended in its own context. Gives what to put back."""
    collecting = collector[0]
    if not collecting or collecting != get_ident():
        return 0
    collector[0] = 0
    return collecting


def block_in(context: Context) -> tuple[object, Context] | None:
    """Who opened the innermost `with` block of *context*, and the context before."""
    return context.get(BLOCK)  # type: ignore[return-value]  # only `opened` writes this key


def close_block(owner: object, *, shared: bool = False) -> None:
    """Puts back what was before the innermost `with` block of *owner*.

    Tasks and threads may be in one block at once, so what was before stands in the context. Where that is another's
    (a generator that is ended elsewhere), there is nothing to put back. *shared*: the owner was entered more than
    once. Then a block of its that is found may be another's, too, where the collector ends what was abandoned.
    """
    if shared and collector[0] and collector[0] == get_ident():
        return
    block = block_in(get_current())
    while block is not None:
        innermost, before = block
        if innermost is owner:
            attach(before)
            return
        block = block_in(before)
