"""A synthetic bill: what the product says that calls cost is what an independent biller charges for them."""

import json
import random
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from tests._prices.biller import AT, KINDS, calls
from trackway._core.kinds import DIALECTS
from trackway._core.provider_usage import SHAPES
from trackway._prices.book import PriceBook
from trackway._prices.charges import cost_fields
from trackway._wire.attributes import LANGFUSE_COST_DETAILS
from trackway._wire.decode import decode_attributes

PICO = 10**12
HALF = Fraction(1, 2)


def test_the_bill_is_the_providers_bill(
    count: Callable[[int, int], int], chance: random.Random
) -> None:
    """Cached, reasoning, audio, stepped and batch prices: no call differs by more than half a unit a bucket.

    A unit is a pico-dollar, which is where each bucket is rounded once; nor does the sum, by more than all of these.
    """
    book = PriceBook()
    ours, theirs, buckets = 0, Fraction(), 0
    seen: Counter[tuple[str, str | None]] = Counter()
    for made in calls(chance, count(3_000, 1_000_000)):
        usage = SHAPES[made.shape](made.usage)
        assert usage is not None
        assert not usage.doubts, made
        cost = book.price(made.provider, made.model, usage, AT, made.tier)
        assert cost is not None, made
        exact = made.bill() * PICO
        assert abs(cost.total - exact) <= HALF * len(cost.pico), made
        # What a backend reads is the same amount.
        told = decode_attributes(cost_fields(cost, DIALECTS["langfuse"]))[LANGFUSE_COST_DETAILS]
        amounts = json.loads(str(told), parse_float=Decimal)
        assert {name: amount * PICO for name, amount in amounts.items()} == {
            **cost.pico,
            "total": cost.total,
        }
        ours, theirs, buckets = ours + cost.total, theirs + exact, buckets + len(cost.pico)
        seen[made.shape, made.tier] += 1
    assert abs(ours - theirs) <= HALF * buckets
    assert len(seen) > len(KINDS)
    print(
        f"\n{sum(seen.values()):,} calls: {ours / PICO:,.2f} USD, difference {float(ours - theirs):.3f} pico-dollars"
    )
