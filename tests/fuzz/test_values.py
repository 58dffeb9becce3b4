"""Whatever value is handed over, what is recorded is within its budget, strict JSON or text, and nothing is raised.

Nor is anything of the caller's changed: the value is the same afterwards, and says the same the second time.
"""

import decimal
import enum
import math
import uuid

from hypothesis import given
from hypothesis import strategies as st

from tests._core.test_serialize import strict
from trackway._core.redact import redact
from trackway._core.serialize import LEAST_BYTES, serialize


class Colour(enum.Enum):
    RED = 1


class Text(str):
    __slots__ = ()


class Number(int):
    __slots__ = ()


class Broken(dict[object, object]):
    """A mapping that lies about itself."""

    def __len__(self) -> int:
        return 99

    def keys(self) -> "NotImplementedError":  # type: ignore[override]  # on purpose
        raise NotImplementedError


NAMES = st.sampled_from(["api_key", "token", "a", "", "pass\ud800word", "x" * 70, "password"])
KEYS = st.one_of(
    NAMES,
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.none(),
    st.booleans(),
    st.binary(max_size=4),
    st.tuples(st.integers()),
    st.just(Colour.RED),
    NAMES.map(Text),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 200), 1 << 200).map(Number),
    st.floats(),
    st.text(st.characters(), max_size=30),
    st.text(st.characters(), max_size=9).map(Text),
    st.binary(max_size=30).map(bytearray),
    st.binary(max_size=30),
    st.decimals(),
    st.dates(),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.timedeltas(),
    st.complex_numbers(),
    st.sampled_from([Colour.RED, uuid.UUID(int=7), object(), ..., decimal.Decimal("sNaN"), Colour]),
    st.integers(0, 3_000).map(lambda n: "\x00é\ud800"[n % 3] * n),
)


def shared(inner: object) -> object:
    """The same object in several places, which is no cycle."""
    return [inner, {"again": inner}, (inner,)]


def cyclic(inner: object) -> object:
    """An object that contains itself."""
    around: list[object] = [inner]
    around.append({"around": around})
    return around


def deep(inner: object) -> object:
    """More levels than are recorded."""
    for level in range(30):
        inner = [inner] if level % 2 else {"k": inner}
    return inner


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=6),
        st.dictionaries(KEYS, inner, max_size=3).map(Broken),
        inner.map(shared),
        inner.map(cyclic),
        inner.map(deep),
        st.frozensets(st.integers() | st.text(max_size=3), max_size=4),
    ),
    max_leaves=20,
)


@given(VALUES, st.integers(0, 3_000) | st.just(1 << 20), st.booleans())
def test_any_value(value: object, budget: int, redacting: bool) -> None:
    """Any value, within any budget, with redaction or without, is recorded as the promise says."""
    before = repr(value)
    data, is_json = serialize(value, max_bytes=budget, secret_keys=redacting)
    assert repr(value) == before
    assert len(data) <= max(budget, LEAST_BYTES)
    if is_json:
        strict(data)
    else:
        assert isinstance(value, str)
        data.decode()
    assert serialize(value, max_bytes=budget, secret_keys=redacting) == (data, is_json)
    if redacting and is_json:
        strict(redact(data))
    if is_json and value is None:
        assert data == b"null"
    if isinstance(value, float) and not math.isfinite(value):
        assert data.startswith(b'"')
