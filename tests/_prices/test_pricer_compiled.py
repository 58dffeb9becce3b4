"""The kernel of `_prices/pricer.py` multiplies as its twin does."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from trackway._prices.money import PICO
from trackway._prices.pricer import costs

KERNELS = twins.compiled()

names = st.sampled_from(["input", "output", "input_cached_tokens", "audio_seconds"])
amounts = st.integers(0, 1 << 20) | st.integers(0, 1 << 54)


@given(st.dictionaries(names, st.tuples(amounts, amounts)))
def test_costs_are_those_of_its_twin(said: dict[str, tuple[int, int]]) -> None:
    """Any counts at any prices come to the same floats; products that a float may not hold are left to the twin."""
    buckets = {name: count for name, (count, _) in said.items()}
    prices = tuple(price for _, price in said.values())
    found = KERNELS.costs(buckets, prices, PICO)
    most = max(sum(count * price for count, price in said.values()), *map(max, said.values()), 0)
    if most <= 1 << 53:
        assert found == costs(buckets, [(price, 1) for price in prices])
    else:
        assert found is None


@pytest.mark.parametrize("odd", [-1, 1 << 63, 1.0, True, None, "1"])
def test_what_is_no_amount_is_left(odd: object) -> None:
    """What is no whole number is not multiplied."""
    compiled = cast("twins.Kernel", KERNELS.costs)
    assert compiled({"a": odd}, (1,), PICO) is None
    assert compiled({"a": 1}, (odd,), PICO) is None
    assert compiled({1: 1}, (1,), PICO) is None


@pytest.mark.parametrize("given", [(), ({}, (1,), 1), ({"a": 1}, (), 1), ({}, (), 0), ([], (), 1)])
def test_wrong_arguments_are_refused(given: tuple[object, ...]) -> None:
    """Lists that do not fit each other are an error, not a read beyond an end."""
    with pytest.raises((TypeError, OverflowError)):
        cast("twins.Kernel", KERNELS.costs)(*given)
