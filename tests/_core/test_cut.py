"""Texts are cut to any room, at whole characters, with a mark that says how much is missing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._core.cut import quoted, shortened, size, utf8, without_surrogates


@given(st.text(st.characters(), min_size=50), st.integers(64, 400))
def test_a_cut_text_fits_and_is_a_text(text: str, room: int) -> None:
    """However wide the characters are, the cut text fits and is valid, quoted or not."""
    plain, json_string = shortened(text, room, utf8), shortened(text, room, quoted)
    assert len(plain) <= room
    assert len(json_string) <= room
    plain.decode()
    assert json.loads(json_string).endswith(" cut>")


@pytest.mark.parametrize("letter", ["a", "é", "😀", "\x00", '"'])
def test_a_cut_text_uses_its_room(letter: str) -> None:
    """A text of one kind of character is cut no shorter than it must be, within a few characters."""
    data = shortened(letter * 100_000, 10_000, quoted)
    assert 9_900 < len(data) <= 10_000


def test_uneven_texts_fit_too() -> None:
    """A text whose start is narrow and whose end is wide, or the other way round, still fits."""
    for text in ("a" * 5_000 + "\x00" * 5_000, "\x00" * 5_000 + "a" * 5_000, "\x00a" * 5_000):
        assert 64 <= len(shortened(text, 8_000, quoted)) <= 8_000


def test_the_mark_says_what_is_missing() -> None:
    """The size in the mark is that of the missing bytes."""
    assert shortened("a" * 1_000_000, 132, utf8) == b"a" * 100 + "<… 999.9 KB cut>".encode()
    assert [size(n) for n in (0, 999, 1_500, 2_500_000)] == ["0 B", "999 B", "1.5 KB", "2.5 MB"]


def test_surrogates_become_what_unicode_can_write() -> None:
    """Two halves of a character are joined; each half that is alone becomes U+FFFD."""
    assert without_surrogates("\ud83d\ude00") == "😀"
    assert without_surrogates("a\ud83db\ude00\ud800") == "a�b��"
