"""What is plain goes to orjson, what is odd does not, and the table of known names stays small."""

import datetime as dt

import pytest

from trackway._core import plain
from trackway._core.plain import MAX_DEPTH, MAX_NAMES, is_container, judged, plain_json
from trackway._core.secrets import Secrecy


def quick(value: object, room: int = 1 << 20) -> bytes | None:
    assert is_container(value)
    written = plain_json(value, room, names=True)
    return None if written is None else written[0]


def nested(levels: int) -> object:
    value: object = []
    for _ in range(levels - 1):
        value = [value]
    return value


PLAIN = {
    "arguments": {"query": "what is it?", "k": 3},
    "documents": [{"id": n, "text": "lorem ipsum", "score": 0.5} for n in range(3)],
    "messages": [{"role": "user", "content": "é"}, {"role": "assistant", "content": None}],
    "tuple": (1, True, None, 1.5, "text", [], {}),
    "twenty levels": nested(MAX_DEPTH),
    "a name that holds no secret": {"max_tokens": 5, "token_count": 7, "author": "x"},
    "a secret's name with nothing under it": {"password": None, "token": "", "secret": False},
    "tokens of text": [{"token": "Hello", "logprob": -0.1, "bytes": [72]}],
    "a schema": {"properties": {"api_key": {"type": "string"}}},
}
ODD = {
    "nan": [float("nan")],
    "infinities that cancel": [float("inf"), float("-inf")],
    "wide integer": {"id": 1 << 53},
    "half a character": ["\ud800"],
    "key that is no text": {1: "a"},
    "date": {"when": dt.date(2024, 1, 1)},
    "bytes": [b"x"],
    "twenty-one levels": nested(MAX_DEPTH + 1),
    "secret": {"deep": [{"api_key": "abc"}]},
    "long key": {"k" * 100: 1},
    "many nodes": [0] * 100_001,
}


@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_usual_values_are_plain(value: object) -> None:
    """What applications usually hand over needs no walker."""
    assert quick(value) is not None


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_odd_values_are_not(value: object) -> None:
    """What orjson would write wrongly, or should not write, is left to the walker."""
    assert quick(value) is None


def test_the_budget_is_of_bytes() -> None:
    """A value is plain only if its JSON fits, whatever its texts grow to."""
    assert quick(["\x00" * 10], 61) is None
    assert quick(["\x00" * 10], 64) == b'["' + rb"\u0000" * 10 + b'"]'


def test_levels_and_nodes_are_told() -> None:
    """The walker learns how many nodes and levels were written, because they count."""
    assert plain_json({"a": [1, [2]]}, 100, names=True) == (b'{"a":[1,[2]]}', 7, 3)


class Name(str):
    """A text of its own class."""

    __slots__ = ()


def test_tables_hold_plain_texts_alone() -> None:
    """A name of a subclass is remembered as the text that it is, so that no look-up calls its methods."""
    assert judged(Name("a name of its own class")) is Secrecy.NONE
    assert all(type(name) is str for name in (*plain._judged, *plain._harmless))
    assert "a name of its own class" in plain._harmless


def test_names_are_judged_once_and_the_table_is_bounded() -> None:
    """Where names are data, what is remembered of them stays bounded, and right."""
    for number in range(3 * MAX_NAMES):
        assert judged(f"name {number}") is Secrecy.NONE
    assert len(plain._judged) <= MAX_NAMES
    assert len(plain._harmless) <= MAX_NAMES
    assert judged("api_key") is Secrecy.ANY
