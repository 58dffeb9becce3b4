"""Where observations go during a capture: every client of the process, whenever it was made, writes to a recorder.

A client stays the one that it is (its mask, its redaction, its sampling are what a test is about), and the application
may hold on to it and to tracers that it got: what is exchanged is where their scopes lead.

Observations that began before go where they would have gone, also if they end inside; those that began inside never
get out, also if they are ended later.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, final

from trackway import client as clients
from trackway._core.provider import Scope, TracerProvider
from trackway._prices.book import PriceBook, open_book
from trackway._prices.pricer import Pricer
from trackway._testing.recorder import Outlet
from trackway.errors import ConfigurationError

if TYPE_CHECKING:
    from trackway._testing.recorder import Recorder

__all__ = ["Diversion"]

_open: Final[list["Diversion"]] = []


@final
class Diversion:
    """One diversion of all clients to *recorder*, from `begin` to `end`; they may be nested."""

    def __init__(self, recorder: "Recorder") -> None:
        self._recorder = recorder
        self._back = ExitStack()
        self._providers: list[TracerProvider] = []

    def begin(self) -> None:
        """Diverts the clients that there are, and each that will be made.

        Raises:
            ConfigurationError: As `take`; nothing is diverted then.
        """
        try:
            for core in list(clients._cores.values()):
                if not core.closed:
                    self.take(core)
        except ConfigurationError:
            self._back.close()
            raise
        _open.append(self)
        if len(_open) == 1:
            clients.witnesses.append(_made)

    def end(self) -> None:
        """Puts back what was there."""
        self.write_handles()
        _open.remove(self)
        if not _open:
            clients.witnesses.remove(_made)
        self._back.close()

    def take(self, core: "clients._Core") -> None:
        """Diverts one client.

        Raises:
            ConfigurationError: It is switched off, and its file of prices, which nobody looked at, cannot be used.
        """
        outlet = Outlet(self._recorder, _book(core))
        self._back.callback(setattr, core, "captured", core.captured)
        core.captured = True
        provider = core.provider
        self._providers.append(provider)
        self._back.callback(_diverted(provider, self._recorder, outlet))

    def write_handles(self) -> None:
        """Writes low-level handles that are open, as they are now."""
        for provider in self._providers:
            provider.write_handles()


def _made(core: "clients._Core") -> None:
    """A client was made during a capture: the outer captures have it when the inner ones are over."""
    for diversion in _open:
        diversion.take(core)


def _book(core: "clients._Core") -> PriceBook | None:
    """What the client prices by; also one that is switched off, or captured already."""
    for destination in core.provider._destinations:
        if isinstance(destination, Outlet):
            return destination.book
    if core.settings.enabled:
        prices = core.provider.prices
        return prices.book if isinstance(prices, Pricer) else None
    return open_book(core.settings)


def _diverted(provider: TracerProvider, recorder: "Recorder", outlet: Outlet) -> Callable[[], None]:
    """Diverts *provider*; what it gives undoes that."""
    before = {name: getattr(provider, name) for name in _EXCHANGED}
    aims = [(scope, scope.destinations, scope.targets) for scope in provider._scopes.values()]
    destinations, resource = provider._destinations, provider._resource
    provider._destinations = (outlet,)
    provider.enabled = True
    # Whether a rate is known already depends on what ran before: who reads prices all, by the client's own book.
    provider.prices = None
    # An own scope, so that what begins inside is told from what began before.
    provider.scope = Scope((outlet,), resource, provider.scope.encoded)
    provider._handles = {}
    provider.draw_span_id = recorder.span_ids(provider.draw_span_id)
    provider.draw_trace_id = recorder.trace_ids(provider.draw_trace_id)
    # A tracer keeps the scope that it was made with; its spans are told apart by nothing.
    ours = before["scope"]
    for scope in provider._scopes.values():
        if scope is not ours:
            scope.aim((outlet,), resource)

    def undo() -> None:
        for name, value in before.items():
            setattr(provider, name, value)
        known = {id(scope) for scope, _, _ in aims}
        for scope, led_to, targets in aims:
            scope.destinations, scope.targets = led_to, targets
        for scope in provider._scopes.values():
            if id(scope) not in known:
                scope.aim(destinations, resource)

    return undo


_EXCHANGED: Final = (
    "_destinations",
    "_handles",
    "draw_span_id",
    "draw_trace_id",
    "enabled",
    "prices",
    "scope",
)
