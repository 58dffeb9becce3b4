"""What an observation used and what it cost: kept while it lasts, priced when it ends, said in every dialect.

An observation that says a model or tokens has a `Bill`. At its end `settle` looks for the rate: where this process
knows it, and it does not depend on the size of the input, the cost is part of the record; else the record is flagged
`UNPRICED`, and whoever delivers or reads it adds the cost. A cost that was given is never replaced.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, final

import orjson

from trackway._core.propagated import LANGFUSE, OPENINFERENCE
from trackway._core.protocols import UNPRICED
from trackway._core.usage import REASONING, WRITTEN, Usage, inclusive, within
from trackway._wire import attributes as names
from trackway._wire.encode import attribute, attributes

if TYPE_CHECKING:
    from trackway._core.observation import Observation

__all__ = ["Bill", "Charge", "charge_bytes", "cost_bytes", "flag_of", "of", "settle", "usage_bytes"]

NOT_BILLED: Final = frozenset({"agent", "chain"})
"""Kinds whose tokens are those of the calls inside, which are billed themselves."""

# Buckets that OpenTelemetry's and OpenInference's inclusive counts can tell.
_TOLD: Final = frozenset({"input", "input_cached_tokens", WRITTEN, "output", REASONING})
_HIT: Final = b"true"
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

    __slots__ = ("given", "model", "provider", "response_model", "tier", "usage")

    def __init__(self) -> None:
        self.provider: str | None = None
        self.model: str | None = None
        self.response_model: str | None = None
        self.tier: str | None = None
        self.usage: Usage | None = None
        self.given = False
        """Whether somebody said the cost."""

    @property
    def models(self) -> tuple[str, ...]:
        """The model that answered, then the one that was asked for."""
        return tuple(name for name in (self.response_model, self.model) if name)


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
    said: Mapping[str, object] = {} if o._api is None else o._api.attributes
    if bill.given or o._kind in NOT_BILLED or not _PRICED.isdisjoint(said):
        return 0
    if o._metadata is not None and o._metadata.get("cache_hit") == _HIT:
        charge: Charge | None = CACHE_HIT
    elif not _DECISIVE.isdisjoint(said):
        # Told by OpenTelemetry's API, in ready bytes: whoever prices the record reads them.
        charge = None
    elif bill.usage is None or not (models := bill.models):
        return 0
    else:
        prices, tier = o._provider.prices, bill.tier or bill.usage.tier
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


def flag_of(keys: Mapping[str, object]) -> int:
    """The flags of the record of a span that another tracer made, or that was told by OpenTelemetry's API."""
    return UNPRICED if not _COUNTED.isdisjoint(keys) and _PRICED.isdisjoint(keys) else 0


def usage_bytes(usage: Usage, bits: int) -> bytes:
    """Token counts: disjoint for Langfuse, inclusive for the others; beside them what is told of no backend."""
    buckets = usage.details()
    inputs, outputs = inclusive(buckets)
    cached, written = within(buckets, "input_cached"), within(buckets, WRITTEN)
    reasoning = buckets.get(REASONING)
    pairs: dict[str, int | None] = {
        names.GEN_AI_USAGE_INPUT_TOKENS: inputs,
        names.GEN_AI_USAGE_OUTPUT_TOKENS: outputs,
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS: cached,
        names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS: written,
        names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS: reasoning,
    }
    if bits & OPENINFERENCE:
        pairs |= {
            names.LLM_TOKEN_COUNT_PROMPT: inputs,
            names.LLM_TOKEN_COUNT_COMPLETION: outputs,
            names.LLM_TOKEN_COUNT_TOTAL: buckets["total"],
            names.LLM_TOKEN_COUNT_PROMPT_CACHE_READ: cached,
            names.LLM_TOKEN_COUNT_PROMPT_CACHE_WRITE: written,
            names.LLM_TOKEN_COUNT_COMPLETION_REASONING: reasoning,
            names.LLM_TOKEN_COUNT_PROMPT_AUDIO: buckets.get("input_audio_tokens"),
            names.LLM_TOKEN_COUNT_COMPLETION_AUDIO: buckets.get("output_audio_tokens"),
        }
    encoded = attributes({key: count for key, count in pairs.items() if count is not None})
    if bits & LANGFUSE:
        encoded += attribute(names.LANGFUSE_USAGE_DETAILS, _json(buckets))
    elif not _TOLD.issuperset(usage.buckets):
        # Else who prices the record, or stores it, could not tell audio from text.
        encoded += attribute(names.TRACKWAY_USAGE_DETAILS, _json(buckets))
    if usage.units:
        encoded += attribute(names.TRACKWAY_USAGE_UNITS, _json(usage.units))
    if usage.doubts:
        encoded += attribute(names.TRACKWAY_USAGE_DOUBTS, usage.doubts)
    return encoded


def cost_bytes(buckets: Mapping[str, float], bits: int) -> bytes:
    """US dollars, for each backend that takes a cost from the span."""
    encoded = attribute(names.LLM_COST_TOTAL, buckets["total"])
    if bits & LANGFUSE:
        encoded += attribute(names.LANGFUSE_COST_DETAILS, _json(buckets))
    if bits & OPENINFERENCE:
        sides: dict[str, float] = {}
        for side in ("input", "output"):
            parts = [amount for name, amount in buckets.items() if name.partition("_")[0] == side]
            if parts:
                sides[f"{side}_cost"] = sum(parts)
        sides["total_cost"] = buckets["total"]
        encoded += attribute(names.MLFLOW_LLM_COST, _json(sides))
    return encoded


def charge_bytes(charge: Charge, bits: int) -> bytes:
    """The attributes of a cost, and where its rates are from."""
    encoded = cost_bytes(charge.details, bits) + attribute(
        names.TRACKWAY_PRICE_SOURCE, charge.source
    )
    return encoded + (
        attribute(names.TRACKWAY_PRICE_VERSION, charge.version) if charge.version else b""
    )


def _json(buckets: Mapping[str, object]) -> str:
    return orjson.dumps(dict(buckets)).decode()
