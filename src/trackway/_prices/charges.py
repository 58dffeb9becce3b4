"""What calls cost, as attributes in the vocabulary of every backend. Pure.

Amounts are whole pico-dollars, and where a text tells them it tells all of their digits: no float is in between. What
does not change from call to call (keys, labels, which buckets are input) is made once for each set of buckets.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import compress
from typing import Final, final

import orjson

from trackway._core.billing import SIDES, TOTALS, source_bytes
from trackway._core.propagated import LANGFUSE, OPENINFERENCE
from trackway._prices.money import Ratio, decimal, dollars, rounded
from trackway._prices.rates import Cost
from trackway._wire import attributes as names
from trackway._wire.anyvalue import key_field
from trackway._wire.encode import NumberKey, TextKey
from trackway._wire.native import kernels

__all__ = ["Charges", "charges", "cost_fields"]

# Sets of buckets, priced from one source.
MAX_SETS: Final = 256
# The kernel has a bit for each.
MOST_BUCKETS: Final = 32


@final
class Charges:
    """Writes what calls with the same *buckets* cost, and where their rates are from, in the dialects of *bits*."""

    __slots__ = ("_buckets", "_tables", "_tail", "_texts", "_totals")

    def __init__(self, buckets: Sequence[str], source: str, version: str, bits: int) -> None:
        self._buckets = len(buckets)
        totals = [NumberKey(key) for dialect, key in TOTALS if not dialect or bits & dialect]
        whole = [True] * len(buckets)
        texts: list[tuple[str, list[tuple[bytes, list[bool]]]]] = []
        if bits & LANGFUSE:
            each = [(name, [name == other for other in buckets]) for name in buckets]
            texts.append((names.LANGFUSE_COST_DETAILS, _labelled([*each, ("total", whole)])))
        if bits & OPENINFERENCE:
            sides = [(f"{side}_cost", [_is_of(side, name) for name in buckets]) for side in SIDES]
            told = [(label, summed) for label, summed in sides if any(summed)]
            texts.append((names.MLFLOW_LLM_COST, _labelled([*told, ("total_cost", whole)])))
        self._totals = [total.double for total in totals]
        self._texts = [(TextKey(key).writer(), labels) for key, labels in texts]
        self._tail = source_bytes(source, version)
        self._tables = (
            tuple(total.before_double for total in totals),
            tuple(
                (key_field(key), tuple((label, _mask(summed)) for label, summed in labels))
                for key, labels in texts
            ),
            self._tail,
        )

    def write(self, amounts: Sequence[int]) -> bytes:
        """The attributes of a call whose buckets cost *amounts* of pico-dollars, in the order of the buckets."""
        total = dollars(sum(amounts))
        parts = [write(total) for write in self._totals]
        for write, labels in self._texts:
            told = [
                label + decimal(sum(compress(amounts, summed))).encode() for label, summed in labels
            ]
            parts.append(write(b"{" + b",".join(told) + b"}"))
        return b"".join((*parts, self._tail))

    def multiplied(
        self, counts: Mapping[str, int], prices: Sequence[Ratio], whole: tuple[int, ...] | None
    ) -> bytes:
        """The same of so many *counts* at so many pico-dollars each; *whole*: the prices where they are integers."""
        if kernels is not None and whole is not None and self._buckets <= MOST_BUCKETS:
            encoded = kernels.costs(*self._tables, whole, counts)
            if encoded is not None:
                return encoded
        return self.write(
            [rounded(count, price) for count, price in zip(counts.values(), prices, strict=True)]
        )


charges = lru_cache(MAX_SETS)(Charges)
"""`Charges`, remembered."""


def cost_fields(cost: Cost, bits: int) -> bytes:
    """The attributes of *cost*."""
    return charges(tuple(cost.pico), cost.source, cost.version, bits).write(
        tuple(cost.pico.values())
    )


def _labelled(summed: Sequence[tuple[str, list[bool]]]) -> list[tuple[bytes, list[bool]]]:
    return [(orjson.dumps(label) + b":", of) for label, of in summed]


def _is_of(side: str, bucket: str) -> bool:
    return bucket.partition("_")[0] == side


def _mask(summed: Sequence[bool]) -> int:
    return sum(held << bit for bit, held in enumerate(summed))
