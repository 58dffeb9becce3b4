"""What an observation used and what it cost: kept while it lasts, priced when it ends, said in every dialect.

An observation that says a model or tokens has a `Bill`. At its end `settle` looks for the rate: where this process
knows it, and it does not depend on the size of the input, the cost is part of the record; else the record is flagged
`UNPRICED`, and whoever delivers or reads it adds the cost. A cost that was given is never replaced.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, final

import orjson

from trackway._core.propagated import GENAI, LANGFUSE, OPENINFERENCE
from trackway._core.protocols import UNPRICED
from trackway._core.usage import STANDARD, Usage
from trackway._wire import attributes as names
from trackway._wire.encode import NumberKey, TextKey, attribute

if TYPE_CHECKING:
    from trackway._core.observation import Observation

__all__ = [
    "SIDES",
    "TOTALS",
    "Bill",
    "Charge",
    "charge_bytes",
    "cost_bytes",
    "flag_of",
    "flags_of",
    "of",
    "settle",
    "source_bytes",
]

NOT_BILLED: Final = frozenset({"agent", "chain"})
"""Kinds whose tokens are those of the calls inside, which are billed themselves."""

_HIT: Final = b"true"
_NOTHING: Final[Mapping[str, object]] = {}

TOTALS: Final = ((0, names.LLM_COST_TOTAL), (GENAI, names.GEN_AI_USAGE_COST))
"""The keys of a total, and the dialect that each is of; 0: every one."""
SIDES: Final = ("input", "output")
"""How the names of buckets begin."""

_TOTALS: Final = [(dialect, NumberKey(key).double) for dialect, key in TOTALS]
_COST_DETAILS: Final = TextKey(names.LANGFUSE_COST_DETAILS).writer()
_MLFLOW: Final = TextKey(names.MLFLOW_LLM_COST).writer()

# What decides on a price.
_DECISIVE: Final = frozenset(
    {
        names.GEN_AI_PROVIDER_NAME, names.GEN_AI_SYSTEM, names.GEN_AI_REQUEST_MODEL, names.GEN_AI_RESPONSE_MODEL,
        *names.SERVICE_TIERS,
    }
)  # fmt: skip
# How other tracers say that there is something to price, and that there is not.
_COUNTED: Final = frozenset(
    {
        names.GEN_AI_USAGE_INPUT_TOKENS, names.GEN_AI_USAGE_OUTPUT_TOKENS, names.GEN_AI_USAGE_PROMPT_TOKENS,
        names.LLM_TOKEN_COUNT_PROMPT, names.LLM_TOKEN_COUNT_COMPLETION, names.LANGFUSE_USAGE_DETAILS,
    }
)  # fmt: skip
_PRICED: Final = frozenset(
    {
        names.LANGFUSE_COST_DETAILS, names.LLM_COST_TOTAL, names.LLM_COST_PROMPT, names.LLM_COST_COMPLETION,
        names.MLFLOW_LLM_COST, names.GEN_AI_USAGE_COST,
    }
)  # fmt: skip


@final
class Bill:
    """What an observation says of its call, for as long as it lasts."""

    __slots__ = ("given", "given_tier", "model", "provider", "response_model", "usage")

    def __init__(self, provider: str | None = None, model: str | None = None) -> None:
        self.provider = provider
        self.model = model
        self.response_model: str | None = None
        self.given_tier: str | None = None
        self.usage: Usage | None = None
        self.given = False
        """Whether somebody said the cost."""

    @property
    def tier(self) -> str | None:
        """The service tier that was given; one that the usage names counts where that was the standard, or none."""
        given, told = self.given_tier, None if self.usage is None else self.usage.tier
        return given if told is None or (given and given.lower() not in STANDARD) else told

    @property
    def models(self) -> tuple[str, ...]:
        """The model that answered, then the one that was asked for."""
        answered, asked = self.response_model, self.model
        if answered and asked:
            return (answered, asked)
        name = answered or asked
        return (name,) if name else ()


class Charge(NamedTuple):
    """A cost in dollars that was given, and where it is from."""

    details: Mapping[str, float]
    """US dollars by bucket, with their `total`."""
    source: str
    version: str


# Nobody is paid for what came out of a cache of the application's.
CACHE_HIT: Final = Charge({"total": 0.0}, "cache", "")


def of(o: "Observation") -> Bill:
    """The bill of *o*, begun if there is none."""
    bill = o._bill
    if bill is None:
        bill = o._bill = Bill()
    return bill


def settle(o: "Observation", bill: Bill) -> int:
    """Adds to *o*, which ends, what it cost; the flags of its record."""
    said: Mapping[str, object] = _NOTHING if o._api is None else o._api.attributes
    if bill.given or o._kind in NOT_BILLED or (said and not _PRICED.isdisjoint(said)):
        return 0
    if o._metadata is not None and o._metadata.get("cache_hit") == _HIT:
        encoded: bytes | None = charge_bytes(CACHE_HIT, o._provider.bits)
    elif said and not (_DECISIVE.isdisjoint(said) and _COUNTED.isdisjoint(said)):
        # Told by OpenTelemetry's API, in ready bytes: whoever prices the record reads them.
        if bill.usage is None and _COUNTED.isdisjoint(said):
            return 0
        encoded = None
    elif bill.usage is None or not (models := bill.models):
        return 0
    else:
        prices = o._provider.prices
        tier = bill.given_tier if bill.usage.tier is None else bill.tier
        encoded = (
            None
            if prices is None
            else prices.quick(bill.provider, models, tier, bill.usage, o._start)
        )
    if encoded is None:
        if o._extra is not None:
            # Of an earlier record of this handle.
            o._extra.pop("cost_details", None)
        return UNPRICED
    if encoded:
        if o._extra is None:
            o._extra = {}
        o._extra["cost_details"] = encoded
    return 0


def flags_of(o: "Observation") -> int:
    """What can be said now of the cost of *o*, which ends, is said; the flags of its record."""
    if o._bill is not None:
        return settle(o, o._bill)
    return 0 if o._api is None else flag_of(o._api.attributes)


def flag_of(keys: Mapping[str, object]) -> int:
    """The flags of the record of a span that another tracer made, or that was told by OpenTelemetry's API."""
    return UNPRICED if not _COUNTED.isdisjoint(keys) and _PRICED.isdisjoint(keys) else 0


def cost_bytes(buckets: Mapping[str, float], bits: int) -> bytes:
    """US dollars that were given, for each backend that takes a cost from the span."""
    total = buckets["total"]
    parts = [write(total) for dialect, write in _TOTALS if not dialect or bits & dialect]
    if bits & LANGFUSE:
        parts.append(_COST_DETAILS(orjson.dumps(buckets)))
    if bits & OPENINFERENCE:
        sides = {
            f"{side}_cost": sum(map(buckets.__getitem__, several), 0.0)
            for side in SIDES
            if (several := [name for name in buckets if name.partition("_")[0] == side])
        }
        parts.append(_MLFLOW(orjson.dumps({**sides, "total_cost": total})))
    return b"".join(parts)


def charge_bytes(charge: Charge, bits: int) -> bytes:
    """The attributes of a cost, and where its rates are from."""
    return cost_bytes(charge.details, bits) + source_bytes(charge.source, charge.version)


@lru_cache(16)
def source_bytes(source: str, version: str) -> bytes:
    """Where rates are from, as attributes."""
    encoded = attribute(names.TRACKWAY_PRICE_SOURCE, source)
    return encoded + (attribute(names.TRACKWAY_PRICE_VERSION, version) if version else b"")
