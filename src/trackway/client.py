"""The client: puts the rooms together, and is what an application holds.

The only module that may import every room; what sending does not need is imported where it is used. It is itself
loaded at the first use, with all that recording takes (`_core/loading.py`).
"""

import atexit
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, Unpack, final
from urllib.parse import quote

from trackway import registry
from trackway._core import fork, log
from trackway._core.arguments import Options
from trackway._core.call import Call
from trackway._core.frozen import deliver_at_root_end
from trackway._core.guard import guard
from trackway._core.ids import IdGenerator
from trackway._core.joined import join
from trackway._core.loading import loading
from trackway._core.protocols import PriceSource, Sink
from trackway._core.provider import TracerProvider
from trackway._core.runtime import runtime
from trackway._core.sampling import Sample
from trackway._core.settings import Settings
from trackway._core.threads import attach_threads
from trackway._core.tracing import Tracing
from trackway._core.values import Mask
from trackway.errors import ConfigurationError, ReadNotAvailable

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from trackway._core.foreign import ShouldExport
    from trackway._delivery.delivery import Delivery
    from trackway._delivery.sdk_exporter import SdkExporter
    from trackway._delivery.stats import DeliveryStats
    from trackway._store.local import LocalStore, Observations, Sessions, Traces, Users
    from trackway._store.models import Trace
    from trackway._store.page import Page

__all__ = ["Trackway"]

# Where the local page will be served; its addresses are fixed now, so that links that were handed out stay right.
LOCAL_PAGE: Final = "http://127.0.0.1:4319"

# Seconds that `flush` and `shutdown` wait where the caller does not say: a flush must not hang for ever.
FLUSH_TIMEOUT: Final = 30.0

_guard: Final = guard("client")


@final
@dataclass(frozen=True, slots=True)
class _Outlet:
    """A sink, and what the backend behind it can do."""

    sink: Sink
    upserts: bool
    takes_scores: bool


class _Hooks(NamedTuple):
    """What a client is given in code, beside its settings."""

    mask: Mask | None
    sample: Sample | None
    id_generator: IdGenerator | None
    should_export: "ShouldExport | None"
    span_exporter: "SpanExporter | None"


@final
class _Core:
    """What clients of equal settings share: one provider, one delivery."""

    __slots__ = ("__weakref__", "captured", "closed", "delivery", "provider", "settings")

    def __init__(self, settings: Settings, hooks: _Hooks) -> None:
        self.settings = settings
        self.delivery: Delivery | None = None
        self.closed = False
        # Inside `trackway.testing.capture`: nothing leaves the process, and nothing ends.
        self.captured = False
        prices: PriceSource | None = None
        outlets: list[_Outlet] = []
        if settings.enabled:
            with loading():
                from trackway._delivery.delivery import open_delivery  # noqa: PLC0415 - for who sends
                from trackway._prices.pricer import open_pricer  # noqa: PLC0415 - as above

            foreign = _foreign(settings, hooks.span_exporter)
            prices = open_pricer(settings)
            self.delivery = open_delivery(settings, foreign=foreign, prices=prices)
            langfuse = settings.remote is not None and settings.remote.kind == "langfuse"
            kinds = [langfuse] if settings.remote is not None else []
            outlets = [
                _Outlet(sink, upserts=k, takes_scores=k)
                for sink, k in zip(self.delivery.sinks, kinds, strict=False)
            ]
            if settings.local:
                outlets.append(_Outlet(self.delivery.sinks[-1], upserts=True, takes_scores=False))
        self.provider = TracerProvider(
            settings,
            outlets,
            mask=hooks.mask,
            sample=hooks.sample,
            id_generator=hooks.id_generator,
            should_export=hooks.should_export,
        )
        self.provider.prices = prices
        if settings.serverless and self.delivery is not None:
            deliver_at_root_end(self.provider, self.delivery.before_freeze)
        if settings.threads:
            attach_threads()
        if settings.enabled and settings.attach:
            join(self.provider)
        if self.delivery is not None:
            # Runs before the delivery's hook, which was registered earlier: handles are written, then delivered.
            atexit.register(self.provider.write_handles)
        for witness in witnesses:
            witness(self)

    def end(self) -> None:
        """Begins nothing more, and leaves no hook behind in this process."""
        self.provider.enabled = False
        fork.forget(self.provider._handles.clear)


# Told of each client's core that is made: `trackway.testing` captures it, too.
witnesses: Final[list[Callable[[_Core], None]]] = []
_cores: Final[dict[tuple[Settings, tuple[int, ...]], _Core]] = {}


@final
class Trackway(Tracing):
    """A client: where observations go, and what can be asked of them. Its methods do not raise while tracing.

    Args:
        mask: `mask(data=value)` gives what may be recorded in place of a value.
        sample: `sample(user_id, name)` gives the share of a user's traces to keep, from 0 to 1.
        id_generator: Draws ids, with the methods of OpenTelemetry's `IdGenerator`.
        should_export_span: After `attach()`: `should_export_span(span)` says whether a span of the application's
            OpenTelemetry SDK is recorded here, too. By default those of LLM libraries are.
        span_exporter: Where spans go instead of an endpoint: any `SpanExporter` of OpenTelemetry's SDK. It gets what
            is on disk, in batches, from a thread of its own (docs/exporters.md).
        exporter_name: What that destination is called, so that the next process knows it; by default the exporter's
            class and address.
        options: The settings of docs/configuration.md; what is left out is read from the environment.

    The first client that is made is the default one: what `get_client()` gives and a bare `@observe` uses. One with
    other settings is another client, selected by its `public_key`; one with the same settings shares everything.

    Raises:
        ConfigurationError: A setting cannot be used. The message names it and what is allowed.

    Example:
        >>> from trackway import Trackway
        >>> client = Trackway(environment="test")
        >>> with client.start_as_current_observation(name="answer", as_type="generation") as generation:
        ...     _ = generation.update(model="gpt-4o", output="42", usage_details={"input": 12, "output": 1})
        >>> client.flush()
        True
    """

    __slots__ = ("_core", "_store")

    def __init__(  # noqa: PLR0913 - what an application gives in code, each by name
        self,
        *,
        mask: Mask | None = None,
        sample: Sample | None = None,
        id_generator: IdGenerator | None = None,
        should_export_span: "ShouldExport | None" = None,
        span_exporter: "SpanExporter | None" = None,
        exporter_name: str | None = None,
        **options: Unpack[Options],
    ) -> None:
        _check_callable(mask=mask, sample=sample, should_export_span=should_export_span)
        if options.pop("debug", None):
            log.say_everything()
        settings = Settings.from_env(_destination_name(span_exporter, exporter_name), **options)
        hooks = _Hooks(mask, sample, id_generator, should_export_span, span_exporter)
        key = (settings, tuple(map(id, hooks)))
        with registry.lock:
            core = _cores.get(key)
            if core is None or core.closed:
                core = _cores[key] = _Core(settings, hooks)
            self._core = core
            self._provider = core.provider
            self._store: LocalStore | None = None
            registry.register(self)
            runtime.several = sum(not known.closed for known in _cores.values()) > 1

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
        tail = f"{page}/{quote(str(identity), safe='', errors='replace')}"
        langfuse = settings.remote is not None and settings.remote.kind == "langfuse"
        if settings.remote is not None and langfuse and not self._core.captured:
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
        settings, delivery = self._core.settings, self._core.delivery
        remote = settings.remote
        if remote is None or delivery is None or self._core.captured:
            return settings.enabled
        if settings.protocol == "grpc" or delivery.foreign is not None:
            from trackway._delivery.posting import answers  # noqa: PLC0415 - for who asks

            return answers(settings, remote, delivery.foreign)
        from trackway._http import accepts  # noqa: PLC0415 - httpx, 60 ms

        return accepts(remote)

    # -- delivery ----------------------------------------------------------------------------------

    def flush(self, timeout: float | None = None) -> bool:
        """Waits until all that has ended is delivered: acknowledged by the remote, on disk for the local store.

        *timeout* is in seconds; 30 by default. False: it ran out, and the rest stays in the spool for later.
        Low-level handles that are still open are written as they are. For a coroutine: `aflush`.
        """
        delivery = self._core.delivery
        if delivery is None or self._core.captured:
            return True
        with _guard:
            provider, seconds = self._core.provider, FLUSH_TIMEOUT if timeout is None else timeout
            provider.write_handles()
            exported = provider.processors is None or provider.processors.flush(seconds)
            return delivery.flush(seconds) and exported
        return False

    async def aflush(self, timeout: float | None = None) -> bool:  # noqa: ASYNC109 - the sync twin's argument
        """`flush` without blocking the event loop."""
        import asyncio  # noqa: PLC0415 - who awaits has it already

        return await asyncio.get_running_loop().run_in_executor(None, partial(self.flush, timeout))

    def shutdown(self, timeout: float | None = None) -> bool:
        """Flushes, then stops the client for good. False: see `flush`.

        What is started afterwards is not traced. What was open is written when it ends, for the next process to
        deliver.
        """
        core = self._core
        with registry.lock:
            if core.closed or core.captured:
                return True
            core.closed = True
            # So that an equal one can be made anew.
            for known in [key for key, value in _cores.items() if value is core]:
                del _cores[known]
            registry.unregister(self)
            runtime.several = len(_cores) > 1
        if self._store is not None:
            self._store.close()
        if core.delivery is None:
            core.end()
            return True
        with _guard:
            core.provider.write_handles()
            if core.provider.processors is not None:
                core.provider.processors.shutdown()
            core.end()
            atexit.unregister(core.provider.write_handles)
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
        if self._core.captured:
            message = "inside trackway.testing.capture nothing is stored: look at what it gives"
            raise ReadNotAvailable(message, setting="local")
        if not settings.local:
            message = "nothing is kept locally: set TRACKWAY_LOCAL=true (or local=True) to keep a copy that can be read"
            raise ReadNotAvailable(message, setting="local")
        if self._store is None:
            from trackway._store.local import local_store  # noqa: PLC0415 - for who reads

            self._store = local_store(settings, settings.project)
        # Low-level handles that are open are shown as they are.
        self._core.provider.write_handles()
        return self._store


def _destination_name(exporter: object, name: str | None) -> str | None:
    """What an exporter's destination is called; None where there is no exporter."""
    if exporter is None:
        if name is not None:
            raise ConfigurationError(
                "exporter_name is given without a span_exporter", setting="exporter_name"
            )
        return None
    with loading():
        from trackway._delivery.sdk_exporter import checked_name  # noqa: PLC0415 - for who has one

    return checked_name(exporter, name)


def _foreign(settings: Settings, exporter: "SpanExporter | None") -> "SdkExporter | None":
    if exporter is None:
        return None
    from trackway._delivery.sdk_exporter import SdkExporter  # noqa: PLC0415 - for who has one

    return SdkExporter(exporter, timeout=settings.timeout)


runtime.call = Call


def _check_callable(**hooks: object) -> None:
    for name, given in hooks.items():
        if given is not None and not callable(given):
            message = f"{name} is a {type(given).__name__}, which cannot be called"
            raise ConfigurationError(message, setting=name)
