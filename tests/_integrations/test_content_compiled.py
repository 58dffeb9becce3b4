"""The kernel of `_integrations/content.py` gives what its twin gives."""

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessage
from pydantic import BaseModel, ConfigDict

from tests import twins
from trackway._integrations import content

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._integrations.content")

LONG = "QUJD" * 40


class Text(str):
    """A text of a class of its own."""

    __slots__ = ()


class Texts(list[str]):
    """A list of a class of its own."""


class Open(BaseModel):
    """An object with fields that nobody declared."""

    model_config = ConfigDict(extra="allow")
    content: Any = None
    data: Any = None


class Closed(BaseModel):
    """An object with declared fields alone."""

    type: Any = "text"
    audio: Any = None


class Slotted:
    """Has the mark of a model, and no fields."""

    __slots__ = ()
    model_fields = ()

    def __deepcopy__(self, _: object) -> "Slotted":
        return self


texts = st.text(max_size=9) | st.sampled_from(
    [LONG, f"data:image/png;base64,{LONG}", "d" * 70, f"data:{LONG}", "x" * 63, "\udc00" * 70]
)
leaves = texts | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none()
odd = st.sampled_from(
    [b"x", Texts([LONG]), OrderedDict(data=LONG), Text(LONG), frozenset({1}), 1j, Slotted(), Closed]
)
keys = st.sampled_from(["data", "b64_json", "text", "format", "media_type", "parsed", Text("data")])
values = st.recursive(
    leaves | leaves | leaves | odd,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys | st.integers(0, 3), inner, max_size=4)
        | st.builds(Closed, type=inner, audio=inner)
        | st.builds(Open, content=inner, data=inner, more=inner, format=texts)
        | st.builds(Open.model_construct, content=inner)
    ),
    max_leaves=14,
)


@given(values)
def test_a_payload_is_what_its_twin_makes_of_it(value: object) -> None:
    """Any payload comes to the same, the same objects where nothing changes; and nothing happens to it."""
    before = copy.deepcopy(value)
    made, expected = content.plain(value), PURE.plain(value)
    assert type(made) is type(expected)
    assert made == expected
    assert (made is value) == (expected is value)
    assert value == before


@pytest.mark.parametrize(
    "make",
    [
        lambda inner: [inner],
        lambda inner: {"content": inner},
        lambda inner: Closed(type=inner),
        lambda inner: (inner, Closed()),
    ],
)
@pytest.mark.parametrize("levels", [3, 24, 25, 26, 190, 300])
def test_a_deep_payload_is_what_its_twin_makes_of_it(
    make: Callable[[object], object], levels: int
) -> None:
    """Where the bound of levels lies is decided once: above and below it both give the same."""
    value: object = Closed(audio="x")
    for _ in range(levels):
        value = make(value)
    # Compared as text: what is below the bound stays an object, and equal ones would be compared to any depth.
    assert _shown(content.plain(value)) == _shown(PURE.plain(value))


def _shown(value: Any) -> list[str]:
    kinds = []
    while isinstance(value, dict | list | tuple | Closed):
        kinds.append(type(value).__name__)
        inner = vars(value) if isinstance(value, Closed) else value
        several = list(inner.values()) if isinstance(inner, dict) else list(inner)
        value = several[0] if several else None
    return kinds


def test_a_payload_of_many_parts() -> None:
    """A payload of more parts than are looked at comes to the same as in Python."""
    value = [[Closed(type="x")] for _ in range(content.MAX_NODES)]
    made, expected = content.plain(value), PURE.plain(value)
    assert made == expected
    assert made[0] == [{"type": "x"}]
    assert made[-1] == [Closed(type="x")]


def test_a_message_of_the_sdk() -> None:
    """A message as the SDK gives it is taken apart by the kernel itself."""
    message = ChatCompletionMessage(role="assistant", content="Hi", refusal=None)
    content.plain(message)
    tables = content.MODELS, content._KEYS, content.EXTRA
    made = KERNELS.content(lambda _: "asked", *tables, 64, 100, 24, message)
    assert made == {"role": "assistant", "content": "Hi"}
    assert KERNELS.content(lambda _: "asked", *tables, 64, 100, 24, object()) == "asked"


@given(values.filter(lambda value: not isinstance(value, type)))
def test_fields_are_those_of_its_twin(value: object) -> None:
    """The fields of anything are the same, and the very ones of the object where there are no others."""
    found, expected = content.fields_of(value), PURE.fields_of(value)
    assert found == expected
    if isinstance(value, Closed):
        assert found is expected is value.__dict__
        known: set[type] = {Closed}
        assert KERNELS.fields(lambda _: {}, known, content.EXTRA, value) is value.__dict__


@pytest.mark.parametrize(
    "given",
    [
        (),
        (len, set(), set(), "", 1, 1, 1, 1),
        (len, set(), frozenset(), "", 1, 1, 201, 1),
        (len, set(), frozenset(), "", 0, 1, 1, 1),
    ],
)
def test_wrong_arguments_are_refused(given: tuple[object, ...]) -> None:
    """What would read beyond a bound is an error."""
    with pytest.raises((TypeError, OverflowError)):
        cast("twins.Kernel", KERNELS.content)(*given)


@pytest.mark.parametrize(
    "given", [(), (len, frozenset(), "", 1), (len, set(), b"", 1), (len, set(), "")]
)
def test_wrong_arguments_for_fields_are_refused(given: tuple[object, ...]) -> None:
    """What would be read as something else is an error."""
    with pytest.raises(TypeError):
        cast("twins.Kernel", KERNELS.fields)(*given)
