"""How an observation becomes the current one, and the block in which it is."""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, final

from opentelemetry import trace
from opentelemetry.context import Context

from trackway._core.ambient import attach, get_current
from trackway._core.block import Block
from trackway._core.context import (
    OBSERVATION,
    PROPAGATED,
    derive,
    leave_block,
    propagated_in,
    travels,
    with_baggage,
)
from trackway._core.guard import guard
from trackway._core.parents import asked, resolvers

if TYPE_CHECKING:
    from trackway._core.observation import Observation
    from trackway._core.provider import TracerProvider
    from trackway.types import TraceContext

_guard: Final = guard("current")

# OpenTelemetry's own key, learnt through its public function: it carries a random part.
SPAN: Final = next(iter(trace.set_span_in_context(trace.INVALID_SPAN, Context())))


def enter(observation: "Observation") -> tuple[Context, Context]:
    """Makes *observation* current; gives the context before and the one that is now current, for `leave`."""
    before = get_current()
    now = inside(before, observation)
    around, here = propagated_in(before), observation._propagated
    if here is not None and around is not here and travels(around, here):
        # Below a low-level trace that says its own user.
        now = with_baggage(now, here)
    attach(now)
    return before, now


def inside(context: Context, observation: "Observation") -> Context:
    """*context* with *observation* as the current one."""
    observation._around = context
    observation._found = asked() if resolvers else None
    # An observation below a handle carries what the handle does, whatever is propagated here.
    carried = observation._propagated
    if carried is None:
        carried = propagated_in(context)
    if observation._is_otel_current:
        return derive(
            Context, context, OBSERVATION, observation, SPAN, observation, PROPAGATED, carried
        )
    return derive(Context, context, OBSERVATION, observation, PROPAGATED, carried)


@final
class Current(Block["Observation"]):
    """A `with` (or `async with`) block; entering it starts the observation and gives it.

    An exception of the block marks the observation as failed and goes on its way.
    """

    __slots__ = (
        "_end_on_exit",
        "_given",
        "_kind",
        "_left",
        "_name",
        "_observation",
        "_parent",
        "_provider",
        "_trace_context",
    )

    def __init__(  # noqa: PLR0913 - what start_observation takes
        self,
        provider: "TracerProvider",
        name: str,
        kind: str,
        given: Mapping[str, object],
        *,
        parent: "Observation | None" = None,
        trace_context: "TraceContext | None" = None,
        end_on_exit: bool = True,
    ) -> None:
        self._provider = provider
        self._name = name
        self._kind = kind
        self._given = given
        self._parent = parent
        self._trace_context = trace_context
        self._end_on_exit = end_on_exit
        self._observation: Observation | None = None
        self._left: tuple[Context, Context] | None = None

    def __enter__(self) -> "Observation":
        observation = self._provider.start(
            self._name,
            self._kind,
            self._given,
            parent=self._parent,
            trace_context=self._trace_context,
        )
        with _guard:
            self._left = enter(observation)
        self._observation = observation
        return observation

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        observation, left = self._observation, self._left
        if left is not None:
            with _guard:
                leave_block(*left)
        if observation is None:
            return
        if error is not None:
            observation._fail(error)
        if self._end_on_exit:
            observation.end()
