"""The kernel of `_prices/charges.py` writes what its twin writes."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from trackway._core.kinds import DIALECTS
from trackway._prices.charges import MOST_BUCKETS, Charges

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._prices.charges")

NAMES = [
    "input", "input_cached_tokens", "output", "output_reasoning_tokens", "audio_seconds", "", 'a "b"\n', "ключ",
    "k" * 2_000,
]  # fmt: skip
names = st.sampled_from(NAMES[:5]) | st.sampled_from(NAMES) | st.integers(0, 40).map("b{}".format)
amounts = st.integers(0, 1 << 20) | st.integers(0, 1 << 54) | st.just(0)


@given(
    st.dictionaries(names, st.tuples(amounts, amounts), max_size=40),
    st.sampled_from(sorted(DIALECTS)),
    st.text(max_size=5),
)
def test_costs_are_written_as_their_twin_writes_them(
    said: dict[str, tuple[int, int]], wire: str, version: str
) -> None:
    """Any counts at any prices come to the same bytes; what no float may hold, and what is too long, is the twin's."""
    counts = {name: number for name, (number, _) in said.items()}
    whole = tuple(price for _, price in said.values())
    prices = [(price, 1) for price in whole]
    given = (tuple(said), "overrides", version, DIALECTS[wire])
    expected = PURE.Charges(*given).multiplied(counts, prices, whole)
    assert Charges(*given).multiplied(counts, prices, whole) == expected
    if len(said) <= MOST_BUCKETS and "k" * 2_000 not in said:
        found = KERNELS.costs(*Charges(*given)._tables, whole, counts)
        most = max(
            sum(count * price for count, price in said.values()), *map(max, said.values()), 0
        )
        assert (found == expected) if most <= 1 << 53 else found is None


@pytest.mark.parametrize("odd", [-1, 1 << 63, 1.0, True, None, "1"])
def test_what_is_no_amount_is_left(odd: object) -> None:
    """What is no whole number is not multiplied."""
    compiled = cast("twins.Kernel", KERNELS.costs)
    assert compiled((), (), b"", (1,), {"a": odd}) is None
    assert compiled((), (), b"", (odd,), {"a": 1}) is None


LONG: list[tuple[object, ...]] = [
    ((b"h" * 5_000,), (), b"", (), {}),
    ((), ((b"h" * 5_000, ((b"l", 0),)),), b"", (), {}),
    ((), ((b"h", ((b"l" * 3_000, 0),)),), b"", (), {}),
    ((), ((b"h", ((b"l" * 1_900, 0),)),) * 3, b"", (), {}),
    ((), (), b"t" * 5_000, (), {}),
]
WRONG: list[tuple[object, ...]] = [
    (),
    ((), (), b"", (1,), {}),
    ((), (), b"", (), {"a": 1}),
    ((), (), b"", (1,) * 33, {str(n): n for n in range(33)}),
    ((1,), (), b"", (), {}),
    ((), (1,), b"", (), {}),
    ((), ((b"h", ()),), b"", (), {}),
    ((), ((b"h", (1,)),), b"", (), {}),
    ((), ((b"h", (("l", 0),)),), b"", (), {}),
    ((), ((b"h", ((b"l", "0"),)),), b"", (), {}),
    ((), ((b"h", ((b"l", -1),)),), b"", (), {}),
    ((), (), "", (), {}),
    ([], (), b"", (), {}),
]


@pytest.mark.parametrize("given", LONG)
def test_what_is_longer_than_there_is_room_is_left(given: tuple[object, ...]) -> None:
    """Keys and labels of any length never write beyond an end."""
    assert cast("twins.Kernel", KERNELS.costs)(*given) is None


@pytest.mark.parametrize("given", WRONG)
def test_wrong_arguments_are_refused(given: tuple[object, ...]) -> None:
    """What does not fit each other is an error, not a read beyond an end."""
    with pytest.raises((TypeError, OverflowError)):
        cast("twins.Kernel", KERNELS.costs)(*given)
