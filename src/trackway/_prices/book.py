"""The price book: what a call cost, at its time. Overrides first, then the price list."""

import importlib.util
import os
import threading
import weakref
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, final

from trackway._core import fork, log
from trackway._core.settings import Settings
from trackway._core.usage import Usage
from trackway._prices.catalog import (
    Catalog,
    Found,
    by_certainty,
    installed_version,
    provider_of,
    tier_of,
)
from trackway._prices.overrides import Overrides, load
from trackway._prices.rates import Cost, Rates

__all__ = ["PriceBook", "open_book"]

# Names of models are made up by whoever deploys them: what is remembered of them is bounded.
MOST: Final = 2_000
_MICROSECOND: Final = 1_000
# A fork in the middle of an import leaves its locks held in the child, for ever; loading takes a third of this.
FORK_S: Final = 2.0

Key = tuple[str | None, str, str]


def open_book(settings: Settings) -> "PriceBook | None":
    """The price book of *settings*; None where nothing is priced. Reads the overrides, and no price list yet.

    Raises:
        ConfigurationError: The file of overrides cannot be used.
    """
    if settings.prices == "none":
        return None
    overrides = None
    if settings.prices:
        source = settings.sources["prices"]
        setting = "prices" if source == "argument" else source
        overrides = load(Path(settings.prices).expanduser(), setting)
    elif importlib.util.find_spec("genai_prices") is None:
        return None
    return PriceBook(overrides)


@final
class PriceBook:
    """What calls cost. Safe from every thread; the first question may load the price list, which takes 0.5 s.

    Example:
        >>> from trackway._core.usage import usage_of
        >>> from trackway._prices.book import PriceBook
        >>> cost = PriceBook().price("openai", "gpt-4o", usage_of({"input": 1_000, "output": 200}), 0)
        >>> cost.total if cost else None  # pico-dollars
        4500000000
    """

    def __init__(self, overrides: Overrides | None = None) -> None:
        self.overrides = overrides
        self._catalog: Catalog | None = None
        self._missing = self._loading = False
        self._lock = threading.Lock()
        # Read without the lock, by threads that must not wait.
        self._found: dict[Key, Found] = {}
        _books.add(self)

    def after_fork_in_child(self) -> None:
        """A lock that another thread of the parent held is held by nobody now."""
        self._lock = threading.Lock()
        self._loading = False

    def before_fork(self) -> None:
        """Waits until the price list is loaded, if a thread is at it."""
        if self._loading and self._lock.acquire(timeout=FORK_S):
            self._lock.release()

    def price(
        self,
        provider: str | None,
        model: str | Sequence[str],
        usage: Usage,
        at: int | datetime,
        tier: str | None = None,
    ) -> Cost | None:
        """What *usage* cost at *at* (a datetime, or ns since the epoch); None where that is not known.

        *model*: its name, or several, of which the first that has a price counts: the model that answered, then the
        one that was asked for, but see `by_certainty`. *tier* is the service tier; the one that the usage names counts
        where none is given.
        """
        rates = self.rates(provider, model, at, usage.tier if tier is None else tier)
        return None if rates is None else rates.cost(usage)

    def rates(
        self,
        provider: str | None,
        model: str | Sequence[str],
        at: int | datetime,
        tier: str | None = None,
    ) -> Rates | None:
        """The rates of a model at a time; None where it has no price."""
        moment = at if isinstance(at, int) else round(at.timestamp() * 1e6) * _MICROSECOND
        models = (model,) if isinstance(model, str) else by_certainty(provider, model)
        for name in models:
            found = self._find(key_of(provider, name, tier), moment)
            if found.rates is not None:
                return found.rates
        return None

    def known(self, key: Key, at: int) -> Found | None:
        """What is remembered of *key* (see `key_of`) and holds at *at*; looks nothing up and waits for nothing."""
        found = self._found.get(key)
        return found if found is not None and found.since <= at < found.until else None

    def describe(self) -> dict[str, str | None]:
        """Source → version of what prices come from; None where the price list is not installed."""
        told = {} if self.overrides is None else {"overrides": self.overrides.version}
        return {**told, "genai-prices": installed_version()}

    def _find(self, key: Key, at: int) -> Found:
        if (found := self.known(key, at)) is not None:
            return found
        with self._lock:
            found = self._look_up(key, at)
            if len(self._found) >= MOST:
                self._found.clear()
            self._found[key] = found
        return found

    def _look_up(self, key: Key, at: int) -> Found:
        provider, model, tier = key
        since, until = 0, 1 << 63
        if self.overrides is not None:
            rates, since, until = self.overrides.find(provider, model, tier, at)
            if rates is not None:
                return Found(rates, since, until)
        catalog = self._load()
        if catalog is None:
            return Found(None, since, until)
        listed = catalog.find(provider, model, tier, at)
        return Found(listed.rates, max(since, listed.since), min(until, listed.until))

    def _load(self) -> Catalog | None:
        if self._catalog is None and not self._missing:
            self._loading = True
            try:
                self._catalog = Catalog()
            except ImportError:
                self._missing = True
                log.logger.info("no prices: pip install 'trackway[prices]'")
            finally:
                self._loading = False
        return self._catalog


# Names of models are made up by whoever deploys them; those of one application are few.
@lru_cache(MOST)
def key_of(provider: str | None, model: str, tier: str | None) -> Key:
    """What rates are remembered under: spellings of the same come to the same."""
    served_by = None if provider is None else provider_of(provider)
    return served_by, model.strip().lower(), tier_of(tier)


_books: Final[weakref.WeakSet[PriceBook]] = weakref.WeakSet()


def _before_fork() -> None:
    for book in tuple(_books):
        book.before_fork()


def _in_child() -> None:
    for book in tuple(_books):
        book.after_fork_in_child()


fork.on_child(_in_child)
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before_fork)
