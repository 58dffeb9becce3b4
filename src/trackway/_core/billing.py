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
from trackway._wire.native import kernels

if TYPE_CHECKING:
    from trackway._core.observation import Observation

__all__ = [
    "Bill",
    "Charge",
    "charge_bytes",
    "cost_bytes",
    "flag_of",
    "flags_of",
    "of",
    "settle",
]

NOT_BILLED: Final = frozenset({"agent", "chain"})
"""Kinds whose tokens are those of the calls inside, which are billed themselves."""

# Sets of buckets, of which it is remembered what is input; those of people who write costs by hand may be any.
MAX_SETS: Final = 256
_HIT: Final = b"true"
_NOTHING: Final[Mapping[str, object]] = {}

_COST: Final = NumberKey(names.LLM_COST_TOTAL).double
_USAGE_COST: Final = NumberKey(names.GEN_AI_USAGE_COST).double
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
    """A cost, and where it is from; an empty one says that there is no price."""

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
        charge: Charge | None = CACHE_HIT
    elif said and not (_DECISIVE.isdisjoint(said) and _COUNTED.isdisjoint(said)):
        # Told by OpenTelemetry's API, in ready bytes: whoever prices the record reads them.
        if bill.usage is None and _COUNTED.isdisjoint(said):
            return 0
        charge = None
    elif bill.usage is None or not (models := bill.models):
        return 0
    else:
        prices = o._provider.prices
        tier = bill.given_tier if bill.usage.tier is None else bill.tier
        charge = (
            None
            if prices is None
            else prices.quick(bill.provider, models, tier, bill.usage, o._start)
        )
    if charge is None:
        if o._extra is not None:
            # Of an earlier record of this handle.
            o._extra.pop("cost_details", None)
        return UNPRICED
    if charge.details:
        if o._extra is None:
            o._extra = {}
        o._extra["cost_details"] = charge_bytes(charge, o._provider.bits)
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
    """US dollars, for each backend that takes a cost from the span."""
    encoded = _COST(buckets["total"])
    if bits & LANGFUSE:
        encoded += _COST_DETAILS(orjson.dumps(buckets))
    if bits & GENAI:
        encoded += _USAGE_COST(buckets["total"])
    if bits & OPENINFERENCE:
        encoded += _MLFLOW(orjson.dumps(_sides(buckets)))
    return encoded


def _sides(buckets: Mapping[str, float]) -> dict[str, float]:
    """The cost of all input and of all output, as MLflow has them."""
    plan = _by_side(tuple(buckets))
    sides = None if kernels is None else kernels.sums(buckets, plan)
    return sums(buckets, plan) if sides is None else sides


Plan = tuple[tuple[str, tuple[str, ...]], ...]


def sums(amounts: Mapping[str, float], plan: Plan) -> dict[str, float]:
    """Of each label, the sum of the amounts under its names."""
    return {label: sum(map(amounts.__getitem__, several), 0.0) for label, several in plan}


@lru_cache(MAX_SETS)
def _by_side(buckets: tuple[str, ...]) -> Plan:
    """What MLflow calls a side, and the *buckets* that are of it; without those of which there are none."""
    by_side = [
        (f"{side}_cost", tuple(name for name in buckets if name.partition("_")[0] == side))
        for side in ("input", "output")
    ]
    return (*(each for each in by_side if each[1]), ("total_cost", ("total",)))


def charge_bytes(charge: Charge, bits: int) -> bytes:
    """The attributes of a cost, and where its rates are from."""
    return cost_bytes(charge.details, bits) + _source(charge.source, charge.version)


@lru_cache(16)
def _source(source: str, version: str) -> bytes:
    encoded = attribute(names.TRACKWAY_PRICE_SOURCE, source)
    return encoded + (attribute(names.TRACKWAY_PRICE_VERSION, version) if version else b"")
