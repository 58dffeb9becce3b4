"""The block in which an observation is the current one."""

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, final

from trackway._core import context
from trackway._core.guard import guard

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from trackway._core.observation import Observation
    from trackway._core.provider import TracerProvider
    from trackway.types import TraceContext

_guard: Final = guard("current")


@final
class Current:
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
            self._left = context.enter(observation)
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
                context.leave_block(*left)
        if observation is None:
            return
        if error is not None:
            observation._fail(error)
        if self._end_on_exit:
            observation.end()

    async def __aenter__(self) -> "Observation":
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, stack)
