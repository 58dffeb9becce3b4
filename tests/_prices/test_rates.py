"""Rates: what each bucket is paid at, and that a call is priced whole or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._core.usage import Usage
from trackway._prices.rates import WITHIN, Rate, Rates

NAMES = sorted({"input", "output", *WITHIN})


def rates(**prices: int | Rate) -> Rates:
    """Rates in pico-dollars per unit."""
    by_name = {name: p if isinstance(p, Rate) else Rate((p, 1)) for name, p in prices.items()}
    return Rates(by_name=by_name, source="test", version="1")


def total(known: Rates, units: dict[str, int] | None = None, **buckets: int) -> int | None:
    """Pico-dollars of a usage."""
    cost = known.cost(Usage(buckets=buckets, units=units or {}))
    return None if cost is None else cost.total


def test_a_bucket_is_paid_at_its_rate_or_at_that_of_what_contains_it() -> None:
    """Reasoning without a price of its own is output, a cached image is cached before it is an image."""
    plain = rates(input=10, output=100)
    assert total(plain, input=1, output_reasoning_tokens=2, input_cached_tokens=3) == 240
    cached = rates(input=10, input_cached_tokens=1, input_image_tokens=50)
    assert total(cached, input_cached_image_tokens=4, input_image_tokens=1) == 54


def test_what_is_known_to_cost_more_is_not_paid_at_less() -> None:
    """Audio, and a cache entry that stays for an hour, have rates of their own, or the call is not priced."""
    assert total(rates(input=10, output=10), input=1, input_audio_tokens=1) is None
    assert total(rates(input=10, output=10), output_audio_tokens=1) is None
    assert total(rates(input=10, input_audio_tokens=40), input_audio_tokens=1) == 40
    assert total(rates(input=10, input_cache_creation=12), input_cache_creation_5m=1) == 12
    assert total(rates(input=10, input_cache_creation=12), input_cache_creation_1h=1) is None
    assert total(rates(input=10, input_cache_creation_1h=20), input_cache_creation_1h=1) == 20


@pytest.mark.parametrize("bucket", ["unattributed", "images", "input_foo"])
def test_a_call_is_priced_whole_or_not_at_all(bucket: str) -> None:
    """One bucket without a rate is no price; one of nothing is no obstacle."""
    known = rates(input=10, output=100)
    assert total(known, input=1, units={}, **{bucket: 1}) is None
    assert total(known, input=1, units={}, **{bucket: 0}) == 10


def test_what_is_no_token_has_a_price_too() -> None:
    """Searches are paid each; where a request has a price there is one; what has a least is billed so much."""
    assert total(rates(input=1, web_searches=1_000), {"web_searches": 2}, input=1) == 2_001
    assert total(rates(input=1), {"web_searches": 2}, input=1) is None
    assert total(rates(input=1, requests=5), input=1) == 6
    spoken = Rates(
        by_name={"audio_seconds": Rate((3, 1))},
        source="",
        version="",
        least={"audio_seconds": 10},
    )
    assert total(spoken, {"audio_seconds": 2}) == 30
    assert total(spoken, {"audio_seconds": 20}) == 60


def test_a_step_is_for_all_tokens() -> None:
    """Above the threshold every token costs more; the whole input counts, the cached part too."""
    stepped = rates(input=Rate((1, 1), ((100, (2, 1)), (200, (3, 1)))), output=10)
    assert not stepped.linear
    assert rates(input=1).linear
    assert total(stepped, input=100) == 100
    assert total(stepped, input=100, input_cached_tokens=1) == 202
    assert total(stepped, input=201, output=1) == 613


@given(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10**6), min_size=1), st.data())
def test_the_total_is_the_sum_of_what_the_buckets_cost(
    buckets: dict[str, int], data: st.DataObject
) -> None:
    """For any usage the cost of the whole is the sum of its buckets'."""
    priced = data.draw(st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10**7)))
    cost = rates(**priced).cost(Usage(buckets=buckets))
    if cost is None:
        assert any(count and rates(**priced).rate(name) is None for name, count in buckets.items())
    else:
        assert cost.total == sum(cost.pico.values())
