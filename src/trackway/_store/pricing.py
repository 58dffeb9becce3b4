"""What a call costs, where nobody said so: the price book, asked when a span becomes a row.

A row keeps what there was to price (`call`) where its cost is, or could be, the price book's: so that it can be priced
again (`reprice`) without the span. What a span itself says its call cost is never replaced.
"""

from typing import Final

import orjson

from trackway._core.billing import NOT_BILLED
from trackway._core.usage import Usage
from trackway._prices import catalog, overrides
from trackway._prices.book import PriceBook
from trackway._prices.rates import Cost
from trackway._prices.spans import Call, call_of
from trackway._store.rows import Row
from trackway._wire.decode import DecodedSpan

__all__ = ["BOOKS", "call_from", "call_of_columns", "columns_of", "price", "text_of"]

LARGEST: Final = (1 << 63) - 1
BOOKS: Final = (catalog.SOURCE, overrides.SOURCE)
"""Sources of what a price book said; `cache` and `provider` are the last word of somebody else."""


def price(row: Row, span: DecodedSpan, book: PriceBook | None) -> None:
    """Adds to the row of *span* what its call cost, and where that is from, unless the span says it."""
    if "cost_total" in row:
        if row.get("price_source") not in BOOKS:
            return
        # A price book of whoever sent it said so, not the span's author.
        row.pop("provided_cost_details", None)
    else:
        row.pop("price_source", None)
        row.pop("price_version", None)
    call = call_of(span.attributes)
    if call is None:
        return
    row["call"] = text_of(call)
    if book is not None and "cost_total" not in row:
        cost = book.price(call.provider, call.models, call.usage, span.start, call.tier)
        if cost is not None and cost.total <= LARGEST:
            row.update(columns_of(cost))


def columns_of(cost: Cost) -> Row:
    """The columns of a row that a price fills."""
    return {
        "cost_total": cost.total,
        "cost_details": orjson.dumps({**cost.pico, "total": cost.total}).decode(),
        "price_source": cost.source,
        "price_version": cost.version,
    }


def text_of(call: Call) -> str:
    """A call as it is kept."""
    usage = call.usage
    told = (call.provider, call.models, call.tier, dict(usage.buckets), dict(usage.units))
    return orjson.dumps(told).decode()


def call_from(text: str) -> Call:
    """What `text_of` was given."""
    provider, models, tier, buckets, units = orjson.loads(text)
    return Call(provider, tuple(models), tier, Usage(buckets=buckets, units=units))


def call_of_columns(kind: str, provider: str | None, model: str, details: str) -> Call | None:
    """The call of a row that was made before calls were kept; None where there is nothing to price."""
    if kind.lower() in NOT_BILLED:
        return None
    buckets: dict[str, int] = orjson.loads(details)
    buckets.pop("total", None)
    return Call(provider, (model,), None, Usage(buckets=buckets)) if buckets else None
