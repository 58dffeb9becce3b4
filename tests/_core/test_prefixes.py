"""The table of prefixes: what has to hold of each row, or no gate would find it."""

import re

import pytest

from trackway._core.prefixes import DOTTED, HYPHENATED, UNDERSCORED, Table
from trackway._core.shapes import SHAPES


@pytest.mark.parametrize(
    ("table", "sign"), [(HYPHENATED, "-"), (UNDERSCORED, "_"), (DOTTED, ".")], ids=["-", "_", "."]
)
def test_prefixes_end_with_the_sign_of_their_table(table: Table, sign: str) -> None:
    """Each prefix ends with the sign by which the gate of its table finds it, and stands there once."""
    prefixes = [prefix for _, together, _ in table for prefix in together.split()]
    assert [prefix for prefix in prefixes if not prefix.endswith(sign)] == []
    assert len(set(prefixes)) == len(prefixes)


def test_what_follows_is_bounded_from_below() -> None:
    """Behind every prefix stands a pattern that an empty rest does not satisfy."""
    for shapes in SHAPES:
        assert [p for p, t in shapes.tokens.items() if re.compile(t.rest).fullmatch(b"")] == []


def test_public_keys_are_in_no_table() -> None:
    """Keys that are meant to be seen are no rows."""
    prefixes = {prefix for shapes in SHAPES for prefix in shapes.tokens}
    assert prefixes.isdisjoint({b"pk_live_", b"pk_test_", b"pk-lf-", b"phc_", b"cs_live_"})
