"""Whatever the value, what is recorded of it is strict JSON or text, within the budget, and nothing is raised."""

import gc
import json
import math
import sys
import threading
from collections.abc import Callable, Iterator
from typing import NoReturn

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._core.hostile import HOSTILE, Everything
from trackway._core.serialize import LEAST_BYTES, MAX_BYTES, json_text, serialize

WIDEST = 2**53 - 1
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-WIDEST, WIDEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=40
)
ANYTHING = st.recursive(
    SCALARS
    | st.floats()
    | st.integers()
    | st.binary()
    | st.text(st.characters())
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.decimals()
    | st.uuids()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers() | st.text())
        | st.dictionaries(
            st.text() | st.integers() | st.floats() | st.none() | st.booleans(), inner
        )
    ),
    max_leaves=30,
)


def strict(data: bytes) -> object:
    """What *data* says, if it is strict JSON: no NaN, no name twice, no broken UTF-8."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(name)

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len({name for name, _ in pairs}) == len(pairs)
        return dict(pairs)

    value: object = json.loads(data, parse_constant=refuse, object_pairs_hook=once)
    orjson.loads(data)
    return value


@given(JSON)
def test_json_comes_back_as_it_was(value: object) -> None:
    """Any JSON value is recorded as itself."""
    data, is_json = serialize(value, secret_keys=False)
    assert strict(data) == value if is_json else data.decode() == value


@given(ANYTHING, st.integers(0, 3_000))
def test_anything_is_strict_json_within_the_budget(value: object, budget: int) -> None:
    """Any tree of types that Python has comes out as strict JSON that fits, however small the budget."""
    data = json_text(value, max_bytes=budget)
    strict(data)
    assert len(data) <= max(budget, LEAST_BYTES)


@given(ANYTHING)
def test_the_way_taken_does_not_show(value: object) -> None:
    """What is next to an odd value is recorded as it is without it."""
    beside, _ = json.loads(json_text([value, Everything()]))
    assert beside == json.loads(json_text(value))


@given(st.text(st.characters()), st.integers(0, 500))
def test_a_text_is_text(text: str, budget: int) -> None:
    """A `str` is recorded as UTF-8 without quotes, and is cut to the budget."""
    data, is_json = serialize(text, max_bytes=budget)
    assert not is_json
    assert len(data) <= max(budget, LEAST_BYTES)
    data.decode()


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("budget", [MAX_BYTES, 5_000, 64])
def test_hostile_values_are_recorded(make: Callable[[], object], budget: int) -> None:
    """No hostile value raises, gives what is no JSON, or takes more room than it has."""
    data, is_json = serialize(make(), max_bytes=budget)
    assert is_json
    strict(data)
    assert len(data) <= budget
    assert b"do not look" not in data


def test_there_are_enough_of_them() -> None:
    """At least 60 classes of hostile values are tried."""
    assert len(HOSTILE) >= 60


def test_siblings_of_a_hostile_value_are_kept() -> None:
    """What cannot be read is named in its place, and what stands around it is recorded."""
    value = strict(json_text(HOSTILE["every method raises, among others"]()))
    assert value == {"before": 1, "bad": "<tests._core.hostile.Everything>", "after": [2]}


def test_iterators_are_not_consumed() -> None:
    """A generator that is handed over still has all its items afterwards."""

    def numbers() -> Iterator[int]:
        yield from (1, 2)

    stream = numbers()
    assert serialize({"stream": stream})[0] == b'{"stream":"<builtins.generator>"}'
    assert list(stream) == [1, 2]


def test_what_is_recorded_does_not_change_later() -> None:
    """A value that is changed after it was handed over is recorded as it was."""
    value: dict[str, object] = {"a": [1]}
    data, _ = serialize(value)
    value["a"] = 2
    assert data == b'{"a":[1]}'


def test_near_the_recursion_limit() -> None:
    """A value that is recorded where hardly any stack is left takes a mark instead of an error."""

    def at_depth(frames: int) -> bytes:
        return at_depth(frames - 1) if frames else json_text(HOSTILE["dicts nested 500 times"]())

    here = len(list(iter_frames()))
    results = set()
    for left in range(60, 200):
        try:
            results.add(at_depth(sys.getrecursionlimit() - here - left)[:2])
        except RecursionError:  # not even the call itself fits
            continue
    assert results <= {b'{"', b'"<'}


def iter_frames() -> Iterator[object]:
    frame = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back  # type: ignore[assignment]  # None ends the loop


def test_a_value_that_changes_meanwhile() -> None:
    """A dict that another thread fills and empties is recorded as strict JSON each time."""
    value: dict[str, object] = {"fixed": {1, 2}}
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            for number in range(50):
                value[f"k{number}"] = [number]
            for number in range(50):
                del value[f"k{number}"]

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            assert isinstance(strict(json_text(value)), dict)
            assert isinstance(strict(json_text([value])), list)
    finally:
        stop.set()
        thread.join()


class Table(dict[str, object]):
    """A dict of the application's own class."""


class Row(dict[str, object]):
    """One that reads otherwise than it is."""

    def __iter__(self) -> Iterator[str]:
        return super().__iter__()

    def __getitem__(self, key: str) -> object:
        return "forged"


@pytest.mark.parametrize("kind", [dict, Table, Row])
def test_a_dict_that_changes_while_garbage_is_collected(kind: type[dict[str, object]]) -> None:
    """What the application runs at a collection may change a dict while it is read: it is recorded as it is, or not.

    Since Python 3.12 nothing is collected meanwhile.
    """
    # More than Python keeps tuples for.
    fixed = {f"k{number}": {number} for number in range(3_000)}
    value = kind(fixed)
    found = []

    def collecting(phase: str, _: dict[str, int]) -> None:
        if phase == "start" and value.pop("extra", None) is None:
            value["extra"] = 1

    threshold = gc.get_threshold()
    gc.callbacks.append(collecting)
    gc.set_threshold(3)
    try:
        for _ in range(5):
            found.append(json_text(value))
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(collecting)
    for text in found:
        members = strict(text)
        if kind is Row and sys.version_info < (3, 12):
            # To copy it would call its methods.
            assert members == f"<unserialisable {__name__}.Row>"
            continue
        assert isinstance(members, dict)
        members.pop("extra", None)
        assert members == {name: sorted(numbers) for name, numbers in fixed.items()}


def test_the_text_of_json_is_redacted_by_key() -> None:
    """A text that is JSON loses the values of its secret keys, unless that is switched off."""
    text = '{"api_key": "abc", "city": "Rome"}'
    assert serialize(text)[0] == b"""{"api_key": "[redacted: key 'api_key']", "city": "Rome"}"""
    assert serialize(text, secret_keys=False)[0] == text.encode()


def test_a_mark_longer_than_its_secret_fits_too() -> None:
    """Texts stay within the budget when marks make them longer."""
    text = '{"api_key": "a"}, ' * 10
    assert len(serialize(text, max_bytes=len(text))[0]) <= len(text)


def test_floats_keep_their_value() -> None:
    """A float is recorded so that reading it gives the same float."""
    for number in (0.1, 1e22, 5e-324, 1.7976931348623157e308, -0.0, math.pi):
        assert strict(json_text([number])) == [number]
        assert strict(json_text([number, {1, 2}])) == [number, [1, 2]]
