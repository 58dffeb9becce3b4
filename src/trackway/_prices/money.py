"""Money is a whole number of pico-dollars (10⁻¹² US dollars), rounded once for each bucket, half to even.

Some prices are no whole number of nano-dollars per token; in pico-dollars nearly all that are known are, and 63 bits
hold nine million dollars.
"""

from decimal import Decimal
from math import gcd
from typing import Final

__all__ = ["PICO", "Ratio", "decimal", "dollars", "rounded", "scaled"]

PICO: Final = 10**12
"""Pico-dollars of a dollar."""

Ratio = tuple[int, int]
"""A price of one unit in pico-dollars, as numerator and denominator: nothing is rounded before it is multiplied."""


def scaled(price: Decimal, per: int) -> Ratio:
    """The price of one unit, where *per* of them cost *price* dollars."""
    numerator, denominator = price.as_integer_ratio()
    numerator, denominator = numerator * PICO, denominator * per
    shared = gcd(numerator, denominator)
    return numerator // shared, denominator // shared


def rounded(count: int, price: Ratio) -> int:
    """What *count* units cost, in pico-dollars; the one place that rounds, half to even."""
    numerator, denominator = price
    if denominator == 1:
        return count * numerator
    whole, rest = divmod(count * numerator, denominator)
    rest *= 2
    if rest > denominator or (rest == denominator and whole & 1):
        whole += 1
    return whole


def dollars(pico: int) -> float:
    """The amount as the nearest float of dollars."""
    return pico / PICO


def decimal(pico: int) -> str:
    """The amount in dollars, with all of its digits and no more: `0.0` to `1234.000000000001`."""
    whole, rest = divmod(pico, PICO)
    return f"{whole}.{f'{rest:012d}'.rstrip('0') or '0'}"
