"""Money: whole pico-dollars, rounded once, half to even."""

from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from trackway._prices.money import PICO, dollars, rounded, scaled

prices = st.decimals(0, 10_000, places=9).map(lambda price: price + 0)


@given(count=st.integers(0, 10**9), price=prices, per=st.sampled_from([1, 1_000, 3_600, 1_000_000]))
@example(count=1, price=Decimal("0.0000005"), per=1_000_000)
@example(count=3, price=Decimal("0.0000005"), per=1_000_000)
def test_what_is_rounded_is_the_nearest_half_to_even(count: int, price: Decimal, per: int) -> None:
    """For any count and price the pico-dollars are those of exact arithmetic, rounded once, half to even."""
    exact = Fraction(price) * count * PICO / per
    assert rounded(count, scaled(price, per)) == round(exact)


@given(st.integers(0, 10**15))
def test_dollars_come_back(pico: int) -> None:
    """Up to a thousand dollars the float of an amount is read back as the same amount."""
    text = repr(dollars(pico))
    assert int(Decimal(text).scaleb(12).to_integral_value(ROUND_HALF_EVEN)) == pico
