"""The kernels of `_core/plain.py` see what their twins see: nothing odd gets through, nothing plain is held up."""

import math
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from tests._core.corpus import SHAPES
from tests._core.hostile import HOSTILE, LIST, STR, Everything
from trackway._core import plain
from trackway._core.plain import OPTIONS, is_container
from trackway._core.redact import redact

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._core.plain")

# Finite floats whose sum is finite too: see the last test.
floats = st.floats(-1e300, 1e300) | st.sampled_from([0.5, math.nan, math.inf, -math.inf])
usual = st.text(max_size=12) | st.integers(-(1 << 53), 1 << 53) | floats | st.booleans() | st.none()
ODD: list[object] = [
    b"x", 1 << 53, 1 << 64, "\ud800", LIST([1]), STR("s"), Everything(), object(), {1}, ..., 1j,
]  # fmt: skip
# By number: hypothesis would ask the values for their hash.
odd = st.integers(0, len(ODD) - 1).map(lambda number: ODD[number])
NAMES: list[object] = [
    "id", "text", "model", "api_key", "password", "token", "k" * 70, "ключ", "\udc00", "", 1, None, len,
    object(), ("a",), True,
]  # fmt: skip
names = st.integers(0, len(NAMES) - 1).map(lambda number: NAMES[number])
values = st.recursive(
    usual | usual | usual | odd,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(names, inner, max_size=5)
        | st.lists(inner, max_size=2).map(lambda items: [items, items, {"id": items}])
    ),
    max_leaves=12,
)
containers = values.filter(is_container)


def unknown_key(value: object, harmless: set[str]) -> bool:
    """Whether a mapping somewhere in *value* has a text for a key that is not *harmless*."""
    if type(value) is dict:
        if any(type(key) is str and key not in harmless for key in value):
            return True
        return any(unknown_key(item, harmless) for item in value.values())
    return type(value) in {list, tuple} and any(unknown_key(item, harmless) for item in value)  # type: ignore[attr-defined]  # by its exact type


@given(containers, st.integers(-1, 60) | st.just(1 << 20), st.integers(-1, 30), st.integers(-1, 6))
def test_a_look_sees_what_its_twin_sees(value: object, room: int, nodes: int, levels: int) -> None:
    """Without regard to names, `look` counts the nodes and levels that its twin counts, and finds the same odd."""
    expected = PURE.look(value, room, names=False, nodes=nodes, levels=levels)
    assert KERNELS.look(value, room, nodes, levels, None) == expected


@given(containers, st.integers(-1, 60) | st.just(1 << 20), st.integers(-1, 30), st.integers(-1, 6))
def test_a_look_at_names_hands_back_only_what_it_does_not_know(
    value: object, room: int, nodes: int, levels: int
) -> None:
    """Where names matter, `look` finds what its twin finds, or leaves a name to it that was not judged before."""
    harmless = set(PURE._harmless)
    found = KERNELS.look(value, room, nodes, levels, harmless)
    if found is NotImplemented:
        assert unknown_key(value, harmless)
    else:
        assert found == PURE.look(value, room, names=True, nodes=nodes, levels=levels)


@given(values, st.integers(-1, 100) | st.just(1 << 20), st.booleans())
def test_json_is_that_of_the_twin(value: object, room: int, names: bool) -> None:
    """With the kernels and without, the same values are plain, and their JSON is the same."""
    assert plain.plain_bytes(value, room, names=names) == PURE.plain_bytes(value, room, names=names)


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_are_what_they_are_to_the_twin(make: Callable[[], object]) -> None:
    """No value of an application is plain with the kernels that is odd without them, nor the other way round."""
    value = make()
    for names in (True, False):
        found = plain.plain_bytes(value, 1 << 20, names=names)
        assert found == PURE.plain_bytes(value, 1 << 20, names=names)


@pytest.mark.parametrize("name", ["api_key", "password", "authorization", "access_token", *SHAPES])
def test_no_secret_name_gets_through(name: str) -> None:
    """A name that was not found harmless before is never written by the kernels alone, at whatever depth."""
    value: object = {name: "x"}
    for _ in range(5):
        assert KERNELS.plain(value, 1000, 100, 20, {"id"}, orjson.dumps, OPTIONS) is NotImplemented
        value = {"id": [value]}


def test_values_within_values_are_counted_each_time() -> None:
    """A list that holds itself twice, thirty times over, ends at the budget of nodes, not after 2^30 looks."""
    value: object = []
    for _ in range(30):
        value = [value, value]
    assert KERNELS.look(value, 1000, 100_000, 40, None) is None
    assert PURE.look(value, 1000, names=False, nodes=1000, levels=9) is None


@pytest.mark.parametrize("error", [TypeError, RuntimeError, RecursionError, orjson.JSONEncodeError])
def test_what_cannot_be_written_is_odd(error: type[Exception]) -> None:
    """Where the writer refuses, the value is the walker's, as it is for the twin; other errors are raised."""

    def refusing(value: object, default: None, options: int) -> bytes:
        raise error

    def failing(value: object, default: None, options: int) -> bytes:
        raise KeyError

    assert KERNELS.plain([1], 100, 100, 20, None, refusing, 0) is None
    with pytest.raises(KeyError):
        KERNELS.plain([1], 100, 100, 20, None, failing, 0)


def test_large_floats_are_plain() -> None:
    """Floats whose sum is beyond all floats are plain to the kernel.

    Its twin, which adds them up, leaves them to the walker, which writes the same.
    """
    value = [1e308, 1e308]
    assert plain.plain_bytes(value, 100, names=True) == orjson.dumps(value)
    assert PURE.plain_bytes(value, 100, names=True) is None


@given(containers, st.integers(0, 60) | st.just(1 << 20))
def test_what_is_clean_is_plain(value: object, room: int) -> None:
    """`clean` gives what `plain` gives; and where it says that there is no secret in it, none is found."""
    harmless = {name for name in NAMES if type(name) is str and name.isascii() and len(name) < 9}
    expected = KERNELS.plain(value, room, 99, 20, harmless, orjson.dumps, OPTIONS)
    found = KERNELS.clean(harmless, orjson.dumps, OPTIONS, 99, 20, value, room)
    if type(found) is not tuple:
        assert found is expected
        return
    data, maybe = found
    assert data == expected
    assert maybe or redact(data) is data
