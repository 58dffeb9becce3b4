"""The kernel of `_core/openai_usage.py` reads what its twin reads."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from trackway._core.openai_usage import _CHAT
from trackway._core.usage import MAX_COUNT

KERNELS = twins.compiled()


class Number(int):
    """A count of a class of its own."""

    __slots__ = ()


class Name(str):
    """A name of a class of its own."""

    __slots__ = ()


ODD: list[object] = [
    True,
    False,
    1.0,
    0.0,
    "1",
    "",
    Number(1),
    1 << 63,
    -(1 << 70),
    MAX_COUNT,
    MAX_COUNT + 1,
    [],
    {},
]
counts = st.integers(-1, 4) | st.none() | st.integers(0, len(ODD) - 1).map(lambda n: ODD[n])
parts = st.sampled_from(
    ["cached_tokens", "reasoning_tokens", "accepted_prediction_tokens", "other", Name("cached_tokens"), "\ud800", 1]
)  # fmt: skip
details: st.SearchStrategy[object] = (
    st.none() | st.just([]) | st.dictionaries(parts, counts, max_size=3)
)
fields: dict[object, st.SearchStrategy[object]] = {
    "prompt_tokens": counts, "completion_tokens": counts, "total_tokens": counts,
    "prompt_tokens_details": details, "completion_tokens_details": details,
}  # fmt: skip
more: dict[object, st.SearchStrategy[object]] = {
    "cost": counts,
    1: counts,
    Name("prompt_tokens"): counts,
}


def compiled(said: object) -> object:
    return _CHAT._read(said)  # type: ignore[arg-type]  # whatever it is


@given(st.fixed_dictionaries({}, optional={**fields, **more}) | st.fixed_dictionaries(fields))
def test_a_usage_is_read_as_its_twin_reads_it(said: dict[object, object]) -> None:
    """Whatever a provider says, the kernel finds the same counts, or leaves the same to the long way."""
    assert compiled(said) == _CHAT.read(said)  # type: ignore[arg-type]  # keys of all kinds


@pytest.mark.parametrize("said", [None, [], "usage", 1, MAX_COUNT])
def test_what_is_no_mapping_is_left(said: object) -> None:
    """What is no mapping counts nothing here."""
    assert compiled(said) is None


def test_what_most_calls_say_is_read_by_the_kernel() -> None:
    """The counts of a usual answer are found without the twin, under the names that they are asked for."""
    sides = ("in", "in_more", "part"), ("out", "out_more", "part")
    said = {"in": 5, "out": 3, "all": 8, "in_more": {"part": 2}, "out_more": None}
    buckets = ("a", "b", "c", "d")
    found = KERNELS.ordinary(*sides, buckets, "all", frozenset(said), frozenset(), 99, said)
    assert found == {"a": 3, "c": 3, "b": 2}


NAMES = ("a", "b", "c")
FOUR = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    "given",
    [
        (),
        (("a", "b"), NAMES, FOUR, "t", frozenset(), frozenset(), 1, {}),
        (NAMES, ("a", "b", 1), FOUR, "t", frozenset(), frozenset(), 1, {}),
        (NAMES, NAMES, NAMES, "t", frozenset(), frozenset(), 1, {}),
        (NAMES, NAMES, FOUR, "t", set(), frozenset(), 1, {}),
        (NAMES, NAMES, FOUR, "t", frozenset(), frozenset(), -1, {}),
    ],
)
def test_wrong_arguments_are_refused(given: tuple[object, ...]) -> None:
    """What would be read as something else is an error."""
    with pytest.raises((TypeError, OverflowError)):
        cast("twins.Kernel", KERNELS.ordinary)(*given)
