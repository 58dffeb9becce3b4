"""The client: puts the rooms together, and is what an application holds.

The only module that may import every room; what sending does not need is imported where it is used.
"""

import atexit
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Unpack, final
from urllib.parse import quote

from trackway._core import context, ids, log
from trackway._core.arguments import Fields, Options, ScoreFields, Update
from trackway._core.current import Current
from trackway._core.guard import guard
from trackway._core.ids import IdGenerator
from trackway._core.observation import Observation
from trackway._core.propagated import validated
from trackway._core.protocols import Sink
from trackway._core.provider import TracerProvider
from trackway._core.runtime import runtime
from trackway._core.sampling import Sample
from trackway._core.settings import Settings
from trackway._core.values import Mask
from trackway.errors import ConfigurationError, ReadNotAvailable
from trackway.types import ObservationKind, TraceContext

if TYPE_CHECKING:
    from trackway._delivery.delivery import Delivery
    from trackway._delivery.stats import DeliveryStats
    from trackway._store.local import LocalStore, Observations, Sessions, Traces, Users
    from trackway._store.models import Trace
    from trackway._store.page import Page

__all__ = ["Trackway", "get_client"]

# Where the local page will be served; its addresses are fixed now, so that links that were handed out stay right.
LOCAL_PAGE: Final = "http://127.0.0.1:4319"

# Seconds that `flush` and `shutdown` wait where the caller does not say: a flush must not hang for ever.
FLUSH_TIMEOUT: Final = 30.0

_guard: Final = guard("client")
_lock: Final = threading.RLock()


@final
@dataclass(frozen=True, slots=True)
class _Outlet:
    """A sink, and what the backend behind it can do."""

    sink: Sink
    upserts: bool
    takes_scores: bool


@final
class _Core:
    """What clients of equal settings share: one provider, one delivery."""

    __slots__ = ("__weakref__", "closed", "delivery", "provider", "settings")

    def __init__(
        self,
        settings: Settings,
        mask: Mask | None,
        sample: Sample | None,
        id_generator: IdGenerator | None,
    ) -> None:
        self.settings = settings
        self.delivery: Delivery | None = None
        self.closed = False
        outlets: list[_Outlet] = []
        if settings.enabled:
            from trackway._delivery.delivery import open_delivery  # noqa: PLC0415 - for who sends

            self.delivery = open_delivery(settings)
            langfuse = settings.remote is not None and settings.remote.kind == "langfuse"
            kinds = [langfuse] if settings.remote is not None else []
            outlets = [
                _Outlet(sink, upserts=k, takes_scores=k)
                for sink, k in zip(self.delivery.sinks, kinds, strict=False)
            ]
            if settings.local:
                outlets.append(_Outlet(self.delivery.sinks[-1], upserts=True, takes_scores=False))
        self.provider = TracerProvider(
            settings, outlets, mask=mask, sample=sample, id_generator=id_generator
        )
        if self.delivery is not None:
            # Runs before the delivery's own hook, which was registered earlier: open handles are
            # written, then delivered.
            atexit.register(self.provider.write_handles)


_cores: Final[dict[tuple[Settings, int, int, int], _Core]] = {}
_by_key: Final[dict[str, "Trackway"]] = {}
_default: "Trackway | None" = None
# Whether the default client was made because a decorated function was called before any client was.
_implicit = False


@final
class Trackway:
    """A client: where observations go, and what can be asked of them. Its methods do not raise while tracing.

    Args:
        mask: `mask(data=value)` gives what may be recorded in place of a value.
        sample: `sample(user_id, name)` gives the share of a user's traces to keep, from 0 to 1.
        id_generator: Draws ids, with the methods of OpenTelemetry's `IdGenerator`.
        options: The settings of docs/configuration.md; what is left out is read from the environment.

    The first client that is made is the default one: what `get_client()` gives and a bare `@observe` uses. One with
    other settings is another client, selected by its `public_key`; one with the same settings shares everything.

    Raises:
        ConfigurationError: A setting cannot be used. The message names it and what is allowed.

    Example:
        >>> from trackway import Trackway
        >>> client = Trackway(environment="test")
        >>> with client.start_as_current_observation(name="answer", as_type="generation",
        model="gpt-4o") as generation:
        ...     _ = generation.update(output="42", usage_details={"input": 12, "output": 1})
        >>> client.flush()
        True
    """

    __slots__ = ("_core", "_store")

    def __init__(
        self,
        *,
        mask: Mask | None = None,
        sample: Sample | None = None,
        id_generator: IdGenerator | None = None,
        **options: Unpack[Options],
    ) -> None:
        for name, given in (("mask", mask), ("sample", sample)):
            if given is not None and not callable(given):
                message = f"{name} is a {type(given).__name__}, which cannot be called"
                raise ConfigurationError(message, setting=name)
        settings = Settings.from_env(**options)
        key = (settings, id(mask), id(sample), id(id_generator))
        with _lock:
            core = _cores.get(key)
            if core is None or core.closed:
                core = _cores[key] = _Core(settings, mask, sample, id_generator)
            self._core = core
            self._store: LocalStore | None = None
            _register(self)

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
        return self._core.provider.start(
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
            self._core.provider,
            name,
            as_type,
            given,
            trace_context=trace_context,
            end_on_exit=end_on_exit,
        )

    def create_event(self, *, name: str, **given: Unpack[Fields]) -> Observation:
        """An observation without a duration under the current one, ended already."""
        return self._core.provider.event(name, given)

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

        The same is true of what its `.span(…)`, `.generation(…)` and `.event(…)` give.
        A handle that nobody ends has its last update as its end. It is finished when its last reference goes, at a
        flush or at exit; where the destination can replace records, it is written when it is made as well, so that a
        kill loses nothing.

        Example:
            >>> from trackway import get_client
            >>> trace = get_client().trace(name="chat", user_id="alice")
            >>> _ = trace.generation(name="reply", model="gpt-4o", usage={"input": 12, "output": 1,
            "total_cost": 0.00004})
        """
        provider = self._core.provider
        owned = validated(
            user_id=user_id, session_id=session_id, metadata=metadata, tags=tags, version=version
        )
        root: TraceContext = {"trace_id": self.create_trace_id()}
        given: Fields = {"metadata": metadata, "input": input, "output": output}
        return provider.start(name, "span", given, trace_context=root, owned=owned, handle=True)

    # -- the current observation -------------------------------------------------------------------

    def update_current_observation(self, **given: Unpack[Update]) -> None:
        """Sets fields of the current observation; without one, a WARNING once a minute."""
        observation = context.current_observation()
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
        observation = context.current_observation()
        return None if observation is None else observation.trace_id

    def get_current_observation_id(self) -> str | None:
        """The id of the current observation, 16 hex digits; None without one."""
        observation = context.current_observation()
        return None if observation is None else observation.id

    @staticmethod
    def create_trace_id(seed: str | None = None) -> str:
        """A trace id, 32 hex digits: random, or always the same for *seed* (as the Langfuse SDKs derive it)."""
        if seed is not None:
            return ids.seeded_trace_id(str(seed))
        return f"{ids.random_ids.generate_trace_id():032x}"

    # -- scores ------------------------------------------------------------------------------------

    def score_current_span(
        self, *, name: str, value: float | str, **more: Unpack[ScoreFields]
    ) -> None:
        """Scores the current observation; without one, a WARNING once a minute."""
        observation = context.current_observation()
        if observation is None:
            self.update_current_observation()
        else:
            observation.score(name=name, value=value, **more)

    def score_current_trace(
        self, *, name: str, value: float | str, **more: Unpack[ScoreFields]
    ) -> None:
        """Scores the trace of the current observation; without one, a WARNING once a minute."""
        observation = context.current_observation()
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
        self._core.provider.score(
            name=name, value=value, trace_id=trace, observation_id=span,
            session_id=session_id, timestamp=timestamp, **more,
        )  # fmt: skip

    # -- addresses ---------------------------------------------------------------------------------

    def get_trace_url(self, trace_id: str | None = None) -> str | None:
        """Where a person can see the trace (the current one by default); None where nothing shows it.

        With a Langfuse destination, the first call asks it for the project's id (at most 3 s) and remembers it.
        """
        trace_id = trace_id or self.get_current_trace_id()
        return None if trace_id is None else self._url("traces", trace_id)

    def get_user_url(self, user_id: str) -> str | None:
        """Where a person can see the user; the id is percent-encoded."""
        return self._url("users", user_id)

    def _url(self, page: str, identity: str) -> str | None:
        settings = self._core.settings
        tail = f"{page}/{quote(identity, safe='')}"
        if settings.remote is not None and settings.remote.kind == "langfuse":
            from trackway._http import langfuse_project  # noqa: PLC0415 - httpx, 60 ms

            project = langfuse_project(settings.remote)
            return (
                None
                if project is None
                else f"{settings.remote.base}/project/{quote(project, safe='')}/{tail}"
            )
        if settings.local:
            return f"{LOCAL_PAGE}/project/{quote(settings.project, safe='')}/{tail}"
        return None

    def auth_check(self) -> bool:
        """Whether the destination answers and accepts the credentials.

        True for the local store. Blocks for at most 3 s.
        """
        remote = self._core.settings.remote
        if remote is None:
            return self._core.settings.enabled
        from trackway._http import accepts  # noqa: PLC0415 - httpx, 60 ms

        return accepts(remote)

    # -- delivery ----------------------------------------------------------------------------------

    def flush(self, timeout: float | None = None) -> bool:
        """Waits until all that has ended is delivered: acknowledged by the remote, on disk for the local store.

        *timeout* is in seconds; 30 by default. False: it ran out, and the rest stays in the spool for later.
        Low-level handles that are still open are written as they are. For a coroutine: `aflush`.
        """
        delivery = self._core.delivery
        if delivery is None:
            return True
        with _guard:
            self._core.provider.write_handles()
            return delivery.flush(FLUSH_TIMEOUT if timeout is None else timeout)
        return False

    async def aflush(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - the sync twin's argument
        """`flush` without blocking the event loop."""
        import asyncio  # noqa: PLC0415 - who awaits has it already

        return await asyncio.get_running_loop().run_in_executor(None, partial(self.flush, timeout))

    def shutdown(self, timeout: float | None = None) -> bool:
        """Flushes, then stops the client for good: what is observed afterwards is dropped. False: see `flush`."""
        core = self._core
        with _lock:
            if core.closed:
                return True
            core.closed = True
            _unregister(self)
        if core.delivery is None:
            return True
        with _guard:
            core.provider.write_handles()
            core.provider.enabled = False
            return core.delivery.shutdown(FLUSH_TIMEOUT if timeout is None else timeout)
        return False

    def stats(self) -> "DeliveryStats":
        """Counters of every destination, over live and dead processes.

        What ended, was delivered, rejected, dropped, is waiting.
        """
        if self._core.delivery is None:
            message = "tracing is off (enabled is false), so nothing is counted"
            raise ReadNotAvailable(message, setting="enabled")
        return self._core.delivery.stats()

    # -- reading -----------------------------------------------------------------------------------

    def get_traces(
        self, limit: int = 50, filters: Mapping[str, object] | None = None
    ) -> "Page[Trace]":
        """The newest traces of this project in the embedded store, as a list-like page.

        Args:
            limit: At most so many on a page; `.has_more` and `.next()` lead on.
            filters: `user_id`, `session_id`, `tags` (all of them), `name`, `environment`, `release`, `version`,
                `date_range` (`{"gte": …, "lte": …}`: ISO texts, datetimes, dates; naive means the local time
                zone), `min_cost` (USD), `min_latency` (s), `status`, `metadata`, `score`.

        Raises:
            ReadNotAvailable: There is no local copy, or the extra `[local]` is not installed.
            FilterError: A filter does not exist or has a value that it cannot have.

        Example:
            >>> from trackway import get_client
            >>> for trace in get_client().get_traces(limit=1000, filters={"user_id": "alice"}):
            ...     print(trace.name, trace.latency, trace.total_cost)
        """
        return self._reader().get_traces(limit=limit, filters=filters)

    @property
    def users(self) -> "Users":
        """Who used the application: `.list(order_by="cost")`, `.get(user_id)`."""
        return self._reader().users

    @property
    def traces(self) -> "Traces":
        """Traces: `.list(…)`, `.get(trace_id)`."""
        return self._reader().traces

    @property
    def observations(self) -> "Observations":
        """Observations: `.list(…)`."""
        return self._reader().observations

    @property
    def sessions(self) -> "Sessions":
        """Sessions: `.list(…)`."""
        return self._reader().sessions

    def _reader(self) -> "LocalStore":
        settings = self._core.settings
        if not settings.local:
            message = "nothing is kept locally: set TRACKWAY_LOCAL=true (or local=True) to keep a copy that can be read"
            raise ReadNotAvailable(message, setting="local")
        if self._store is None:
            from trackway._store.local import LocalStore  # noqa: PLC0415 - for who reads

            self._store = LocalStore(settings.directory, project=settings.project)
        # Low-level handles that are open are shown as they are.
        self._core.provider.write_handles()
        return self._store


def get_client(*, public_key: str | None = None) -> Trackway:
    """The default client: the first that was made, else one made from the environment. No work per call.

    Args:
        public_key: Selects the client with this Langfuse key, where there are several.

    Raises:
        ConfigurationError: The client had to be made, and a setting cannot be used; or none has *public_key*.

    Example:
        >>> from trackway import get_client
        >>> get_client().flush()
        True
    """
    if public_key is not None:
        client = _by_key.get(public_key)
        if client is None:
            raise ConfigurationError(
                f"there is no client with public_key {public_key!r}", setting="public_key"
            )
        return client
    return _default or _made_from_environment()


def _made_from_environment() -> Trackway:
    global _implicit  # noqa: PLW0603 - see below
    with _lock:
        if _default is not None:
            return _default
        client = Trackway()
        _implicit = True
        return client


def _register(client: Trackway) -> None:
    """Makes *client* known; the first one, or the first that was made on purpose, is the default."""
    global _default, _implicit
    core = client._core
    remote = core.settings.remote
    if remote is not None and remote.kind == "langfuse":
        _by_key[remote.key] = client
        runtime.by_key[remote.key] = core.provider
    if _default is None or _implicit:
        _default, _implicit = client, False
        runtime.default, runtime.failed = core.provider, False
    runtime.several = sum(not known.closed for known in _cores.values()) > 1


def _unregister(client: Trackway) -> None:
    """Forgets *client* after its shutdown, so that an equal one can be made anew."""
    global _default
    core = client._core
    for known in [key for key, value in _cores.items() if value is core]:
        del _cores[known]
    remote = core.settings.remote
    if remote is not None and runtime.by_key.get(remote.key) is core.provider:
        del runtime.by_key[remote.key], _by_key[remote.key]
    if _default is not None and _default._core is core:
        _default, runtime.default = None, None
    runtime.several = len(_cores) > 1


def _default_provider() -> TracerProvider:
    return get_client()._core.provider


runtime.make = _default_provider
