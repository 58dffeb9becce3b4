"""The kernel of `_core/starting.py`: an observation begins as its twin has it begin."""

from typing import cast

import pytest

from tests import twins
from trackway import Trackway
from trackway._core.starting import blank
from trackway._core.state import State

KERNELS = twins.compiled()


def test_an_observation_begins_as_in_python(client: Trackway) -> None:
    """A clone has in every slot what a new one has, in an object of its own."""
    provider = client.tracer_provider
    first, second = KERNELS.clone(provider.blank), blank(provider)
    assert first is not provider.blank
    for name in State.__slots__:
        assert getattr(first, name, "unset") == getattr(second, name, "unset"), name
    first._name, first._extra = "other", {}
    assert provider.blank._name == ""
    assert provider.blank._extra is None


class Slotted:
    """Has slots, and a dict for the rest."""

    __slots__ = ("__dict__", "a", "b")


class Below(Slotted):
    """Has slots of two classes."""

    __slots__ = ("c",)


def test_slots_of_all_classes_are_there() -> None:
    """What stands in a slot of any of its classes is the same; what was never set is not set."""
    given = Below()
    given.a, given.c, given.extra = [1], [2], [3]  # type: ignore[attr-defined]  # slots
    made = KERNELS.clone(given)
    assert type(made) is Below
    assert made.a is given.a  # type: ignore[attr-defined]  # a slot
    assert made.c is given.c  # type: ignore[attr-defined]  # a slot
    assert not hasattr(made, "b")
    assert not hasattr(made, "extra")


@pytest.mark.parametrize("given", [1, "a", [], {}, ValueError(), type("Of", (dict,), {})()])
def test_what_has_memory_of_its_own_is_refused(given: object) -> None:
    """What is not written in Python alone is not copied slot by slot."""
    with pytest.raises(TypeError):
        cast("twins.Kernel", KERNELS.clone)(given)
