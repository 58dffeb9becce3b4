"""Starting, updating and scoring observations: the half of a client that needs no other room."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Unpack

from trackway._core import ids, log, parents
from trackway._core.arguments import Fields, ScoreFields, Update
from trackway._core.current import Current
from trackway._core.observation import Observation
from trackway._core.propagated import validated
from trackway.types import ObservationKind, TraceContext

if TYPE_CHECKING:
    from trackway._core.provider import TracerProvider


class Tracing:
    """What an application calls while it runs. No method raises."""

    __slots__ = ("_provider",)

    _provider: "TracerProvider"

    # -- starting observations ---------------------------------------------------------------------

    def start_observation(
        self,
        *,
        name: str,
        as_type: ObservationKind = "span",
        trace_context: TraceContext | None = None,
        start_time: datetime | int | None = None,
        **given: Unpack[Fields],
    ) -> Observation:
        """An observation under the current one; the caller ends it.

        *trace_context* places it into a trace of another process: ids in hex. *start_time* is a datetime or
        nanoseconds since the epoch; now by default.
        """
        return self._provider.start(
            name, as_type, given, trace_context=trace_context, start_time=start_time
        )

    def start_as_current_observation(
        self,
        *,
        name: str,
        as_type: ObservationKind = "span",
        trace_context: TraceContext | None = None,
        end_on_exit: bool = True,
        **given: Unpack[Fields],
    ) -> Current:
        """A `with` (or `async with`) block with a new observation as the current one."""
        return Current(
            self._provider,
            name,
            as_type,
            given,
            trace_context=trace_context,
            end_on_exit=end_on_exit,
        )

    def start_span(
        self,
        *,
        name: str,
        trace_context: TraceContext | None = None,
        **given: Unpack[Fields],
    ) -> Observation:
        """`start_observation` under the name that the Langfuse SDK 3 had for spans."""
        return self._provider.start(name, "span", given, trace_context=trace_context)

    def start_as_current_span(
        self,
        *,
        name: str,
        trace_context: TraceContext | None = None,
        end_on_exit: bool = True,
        **given: Unpack[Fields],
    ) -> Current:
        """`start_as_current_observation` under the name that the Langfuse SDK 3 had for spans."""
        return Current(
            self._provider,
            name,
            "span",
            given,
            trace_context=trace_context,
            end_on_exit=end_on_exit,
        )

    def create_event(self, *, name: str, **given: Unpack[Fields]) -> Observation:
        """An observation without a duration under the current one, ended already."""
        return self._provider.event(name, given)

    def trace(  # noqa: PLR0913 - what the low-level API takes
        self,
        *,
        name: str,
        user_id: str | None = None,
        session_id: str | None = None,
        metadata: Mapping[str, object] | None = None,
        tags: Sequence[str] | None = None,
        version: str | None = None,
        input: object = None,
        output: object = None,
    ) -> Observation:
        """The root of a new trace, as a handle that need not be ended.

        The same is true of what its `.span(…)`, `.generation(…)` and `.event(…)` give. A handle that nobody ends
        has its last update as its end. It is finished when its last reference goes, at a flush or at exit; where
        the destination can replace records, it is written when it is made as well, so that a kill loses nothing.

        Example:
            >>> from trackway import get_client
            >>> trace = get_client().trace(name="chat", user_id="alice")
            >>> usage = {"input": 12, "output": 1, "total_cost": 0.00004}
            >>> _ = trace.generation(name="reply", model="gpt-4o", usage=usage)
        """
        provider = self._provider
        owned = validated(
            user_id=user_id, session_id=session_id, metadata=metadata, tags=tags, version=version
        )
        root: TraceContext = {"trace_id": provider.draw_trace_id().hex()}
        given: Fields = {"metadata": metadata, "input": input, "output": output}
        return provider.start(name, "span", given, trace_context=root, owned=owned, handle=True)

    @property
    def tracer_provider(self) -> "TracerProvider":
        """This client as a tracer provider of OpenTelemetry's API, for instrumentations that take one.

        Their spans are observations of kind `span`. Nothing makes it the global one. Its `add_span_processor` has a
        processor of the OpenTelemetry SDK get what ends here.
        """
        return self._provider

    # -- the current observation -------------------------------------------------------------------

    def update_current_observation(self, **given: Unpack[Update]) -> None:
        """Sets fields of the current observation; without one, a WARNING once a minute."""
        observation = parents.current()
        if observation is None:
            log.warn("no current", "there is no current observation to update or score")
        else:
            observation.update(**given)

    def update_current_span(self, **given: Unpack[Update]) -> None:
        """The same under the name that the Langfuse SDK has for it."""
        self.update_current_observation(**given)

    def update_current_generation(self, **given: Unpack[Update]) -> None:
        """The same under the name that the Langfuse SDK has for it. The observation keeps its kind."""
        self.update_current_observation(**given)

    def get_current_trace_id(self) -> str | None:
        """The trace id of the current observation, 32 hex digits; None without one."""
        observation = parents.current()
        return None if observation is None else observation.trace_id

    def get_current_observation_id(self) -> str | None:
        """The id of the current observation, 16 hex digits; None without one."""
        observation = parents.current()
        return None if observation is None else observation.id

    @staticmethod
    def create_trace_id(seed: str | None = None) -> str:
        """A trace id, 32 hex digits: random, or always the same for *seed* (as the Langfuse SDKs derive it)."""
        if seed is not None:
            return ids.seeded_trace_id(str(seed))
        return ids.random_ids.trace_id().hex()

    # -- scores ------------------------------------------------------------------------------------

    def score_current_span(
        self, *, name: str, value: float | str, **more: Unpack[ScoreFields]
    ) -> None:
        """Scores the current observation; without one, a WARNING once a minute."""
        observation = parents.current()
        if observation is None:
            self.update_current_observation()
        else:
            observation.score(name=name, value=value, **more)

    def score_current_trace(
        self, *, name: str, value: float | str, **more: Unpack[ScoreFields]
    ) -> None:
        """Scores the trace of the current observation; without one, a WARNING once a minute."""
        observation = parents.current()
        if observation is None:
            self.update_current_observation()
        else:
            observation.score_trace(name=name, value=value, **more)

    def create_score(  # noqa: PLR0913 - the fields of a score
        self,
        *,
        name: str,
        value: float | str,
        trace_id: str | None = None,
        observation_id: str | None = None,
        session_id: str | None = None,
        timestamp: datetime | None = None,
        **more: Unpack[ScoreFields],
    ) -> None:
        """Scores a trace, an observation of it, or a session: by ids, from anywhere, at any time.

        *value* is a number (NUMERIC), a bool (BOOLEAN) or a text (CATEGORICAL); *data_type* says otherwise.
        """
        trace, span = ids.parse_trace_id(trace_id), ids.parse_span_id(observation_id)
        if (trace_id is not None and trace is None) or (
            observation_id is not None and span is None
        ):
            log.warn("score:id", "score %.40r has an id that is not hex. Dropping score.", name)
            return
        if trace is None and session_id is None:
            log.warn(
                "score:target",
                "score %.40r has neither trace_id nor session_id. Dropping score.",
                name,
            )
            return
        self._provider.score(
            name=name, value=value, trace_id=trace, observation_id=span,
            session_id=session_id, timestamp=timestamp, **more,
        )  # fmt: skip

    # The name that the Langfuse SDK 2 had for it.
    score = create_score
