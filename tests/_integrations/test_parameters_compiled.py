"""The kernel of `_integrations/parameters.py` gives what its twin gives."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from trackway._integrations.parameters import scalars

KERNELS = twins.compiled()


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


keys = st.sampled_from(["model", "messages", "seed", "n", Text("n"), 1, None, "temperature"])
values = st.one_of(
    st.integers(), st.floats(allow_nan=False), st.booleans(), st.none(), st.text(max_size=3),
    st.just([1]), st.just(Text("x")), st.just({}),
)  # fmt: skip
WITHOUT = frozenset({"model", "messages"})


@given(st.dictionaries(keys, values, max_size=6) | st.dictionaries(st.text(), st.integers()))
def test_scalars_are_those_of_its_twin(given: dict[str, object]) -> None:
    """What a request is looked up by is the same, class for class."""
    found = KERNELS.scalars(given, WITHOUT)
    assert repr(found) == repr(scalars(given, WITHOUT))


def test_too_many_are_left() -> None:
    """A request with more parameters than there are is not looked up."""
    assert KERNELS.scalars({str(n): n for n in range(65)}, frozenset()) is None
    assert KERNELS.scalars({str(n): n for n in range(64)}, frozenset()) is not None


@pytest.mark.parametrize("given", [(), ({}, set()), ({},), ({}, ("a",))])
def test_wrong_arguments_are_refused(given: tuple[object, ...]) -> None:
    """What would be read as something else is an error."""
    with pytest.raises(TypeError):
        cast("twins.Kernel", KERNELS.scalars)(*given)
