"""The kernel of `_core/billing.py` adds up as its twin does."""

import math
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from trackway._core.billing import Plan, sums

KERNELS = twins.compiled()

NAMES = ("input", "input_cached_tokens", "output", "output_reasoning_tokens", "total")
labels = st.sampled_from(["input_cost", "output_cost", "total_cost"])
plans = st.lists(st.tuples(labels, st.lists(st.sampled_from(NAMES)).map(tuple))).map(tuple)
amounts = st.floats(0, 1e6) | st.floats(0, 1e-6)


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, amounts)), plans)
def test_sums_are_those_of_its_twin(said: dict[str, float], plan: Plan) -> None:
    """Any amounts come to the same sums, but for what a newer Python adds up more exactly."""
    found, expected = KERNELS.sums(said, plan), sums(said, plan)
    assert found is not None
    assert list(found) == list(expected)
    assert all(math.isclose(found[label], expected[label], rel_tol=1e-14) for label in found)


@pytest.mark.parametrize("said", [{"a": 1}, {"a": "1"}, {}, {"a": None}])
def test_what_is_no_float_is_left(said: dict[str, float]) -> None:
    """What is no float, or not there, is left to the twin."""
    assert KERNELS.sums(said, (("x", ("a",)),)) is None


@pytest.mark.parametrize(
    "given", [(), ({}, []), ({"a": 1.0}, ("x",)), ({"a": 1.0}, ((1, ("a",)),))]
)
def test_wrong_arguments_are_refused(given: tuple[object, ...]) -> None:
    """What would be read as something else is an error."""
    with pytest.raises(TypeError):
        cast("twins.Kernel", KERNELS.sums)(*given)
