"""Prices what ends: at once where the rate is at hand, else in the record on its way to a backend.

Theory of operation. The first call of a model is written without its cost, and flagged. The delivering thread meets the
flag, asks the price book, which loads the price list, and adds the cost to the end of the record: a span's bytes can
grow. From then on the rate is remembered, and the thread that ends a call multiplies: a few integers, no lock (0.8 µs,
8 without kernels; a step for large inputs is one comparison more, where decoding the record on its way takes 80). Rates
that depend on the time of day are never remembered. What the delivering thread cannot price goes as it is.
"""

from collections.abc import Sequence
from typing import Final, final

from trackway._core.guard import guard
from trackway._core.kinds import DIALECTS
from trackway._core.settings import Settings
from trackway._core.usage import Usage
from trackway._prices.book import PriceBook, key_of, open_book
from trackway._prices.catalog import by_certainty
from trackway._prices.charges import Charges, charges, cost_fields
from trackway._prices.money import Ratio
from trackway._prices.rates import Rates
from trackway._prices.spans import call_of, has_cost
from trackway._wire.decode import DecodeError, decode_span
from trackway._wire.encode import append_suffix

__all__ = ["Pricer", "open_pricer"]

# Models with a price and sets of buckets: an application has few, whoever names its models by the hour has many.
MOST_LINES: Final = 1_000

_guard: Final = guard("prices")


def open_pricer(settings: Settings) -> "Pricer | None":
    """What prices by *settings*; None where nothing does. Loads no price list yet.

    Raises:
        ConfigurationError: The file of overrides cannot be used.
    """
    book = open_book(settings)
    if book is None:
        return None
    return Pricer(book, DIALECTS["all" if settings.local else settings.wire])


@final
class Pricer:
    """A `PriceSource`; *bits* say which dialects its attributes are for."""

    __slots__ = ("_bits", "_lines", "book")

    def __init__(self, book: PriceBook, bits: int) -> None:
        self.book = book
        self._bits = bits
        # What a call with these buckets is multiplied with.
        self._lines: dict[tuple[object, ...], _Lines] = {}

    def quick(
        self, provider: str | None, models: Sequence[str], tier: str | None, usage: Usage, at: int
    ) -> bytes | None:
        """The attributes of the cost where the rates are remembered; none without a price; None: ask again later."""
        key = (provider, tuple(models), tier, *usage.buckets)
        lines = self._lines.get(key)
        if lines is not None and lines.since <= at < lines.until and not usage.units:
            return lines.plan.multiplied(usage.buckets, lines.prices, lines.whole)
        since, until = 0, 1 << 63
        for model in by_certainty(provider, models):
            found = self.book.known(key_of(provider, model, tier), at)
            if found is None:
                return None
            since, until = max(since, found.since), min(until, found.until)
            if found.rates is not None:
                if (prices := found.rates.prices(usage)) is not None:
                    if len(self._lines) >= MOST_LINES:
                        self._lines.clear()
                    self._lines[key] = _Lines(since, until, prices, self._plan(usage, found.rates))
                cost = found.rates.cost(usage)
                return b"" if cost is None else cost_fields(cost, self._bits)
        return b""

    def _plan(self, usage: Usage, rates: Rates) -> Charges:
        return charges(tuple(usage.buckets), rates.source, rates.version, self._bits)

    def complete(self, payload: bytes) -> bytes:
        """The record with its cost, or as it is."""
        with _guard:
            return self._completed(payload)
        return payload

    def _completed(self, payload: bytes) -> bytes:
        try:
            span = decode_span(payload)
        except DecodeError:
            return payload
        if has_cost(span.attributes) or (call := call_of(span.attributes)) is None:
            return payload
        cost = self.book.price(call.provider, call.models, call.usage, span.start, call.tier)
        if cost is None:
            return payload
        return append_suffix(payload, cost_fields(cost, self._bits))


@final
class _Lines:
    """The prices of one model for one set of buckets, where nothing else decides on them, and when they hold."""

    __slots__ = ("plan", "prices", "since", "until", "whole")

    def __init__(self, since: int, until: int, prices: Sequence[Ratio], plan: Charges) -> None:
        self.since = since
        self.until = until
        self.plan = plan
        self.prices = prices
        # The numerators, where these are all that there is to the prices.
        whole = all(denominator == 1 for _, denominator in prices)
        self.whole = tuple(numerator for numerator, _ in prices) if whole else None
