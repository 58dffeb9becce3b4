"""From the text of a setting to its value: what is accepted, and that nothing else ever gets through."""

import math
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._core import parsing

PARSERS: tuple[Callable[[object], object], ...] = (
    parsing.boolean, parsing.text, parsing.path, parsing.key, parsing.environment, parsing.rate, parsing.duration,
    parsing.size, parsing.syncing, parsing.choice("a", "b"), parsing.url, parsing.headers,
)  # fmt: skip

anything = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(),
    st.lists(st.text()),
)


@given(anything)
def test_whatever_is_given_is_accepted_or_a_value_error(value: object) -> None:
    """Whatever a setting is given, a parser gives a value or raises ValueError, and no other error."""
    for parse in PARSERS:
        with suppress(ValueError):
            parse(value)


@given(anything)
def test_what_is_accepted_is_in_its_range(value: object) -> None:
    """What the parsers of numbers accept is finite and in range."""
    accepted: list[object] = []
    for parse in (parsing.rate, parsing.duration, parsing.size):
        with suppress(ValueError):
            accepted.append(parse(value))
    assert all(isinstance(n, int | float) and math.isfinite(n) and n >= 0 for n in accepted)


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("TRUE", True), (" yes ", True), ("on", True), (True, True),
     ("0", False), ("False", False), ("no", False), ("off", False), ("", False), (False, False)],
)  # fmt: skip
def test_booleans(text: object, value: bool) -> None:
    """The usual words, in any case."""
    assert parsing.boolean(text) is value


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("15s", 15.0), (" 1.5 m ", 90.0), ("24h", 86_400.0), ("2D", 172_800.0), ("3", 3.0),
     (0.25, 0.25)],
)  # fmt: skip
def test_durations(text: object, seconds: float) -> None:
    """A number of seconds, or a text with a unit."""
    assert parsing.duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "count"),
    [("65536", 65_536), ("64KiB", 65_536), ("1 gib", 1 << 30), ("1.5MB", 1_500_000), (7, 7), ("8b", 8)],
)  # fmt: skip
def test_sizes(text: object, count: int) -> None:
    """A number of bytes, or a text with a decimal or binary unit."""
    assert parsing.size(text) == count


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90d", 7_776_000.0), ("1w", 604_800.0), ("24h", 86_400.0), (" OFF ", "off"), (86_400, 86_400.0)],
)  # fmt: skip
def test_ages(text: object, seconds: object) -> None:
    """A day at least, with a unit, or off."""
    assert parsing.age(text) == seconds


@pytest.mark.parametrize(("text", "count"), [("5GiB", 5 << 30), (1 << 20, 1 << 20), ("off", "off")])
def test_limits(text: object, count: object) -> None:
    """A mebibyte at least, or off."""
    assert parsing.limit(text) == count


@pytest.mark.parametrize("text", ["90", "23h", 90, "-1d", "soon", "", None, True, "9" * 400 + "d"])
def test_what_is_no_age(text: object) -> None:
    """A number without a unit is refused: 90 would be 90 seconds, which nobody means."""
    with pytest.raises(ValueError, match=r"is less than a day|is not a time"):
        parsing.age(text)


@pytest.mark.parametrize("text", ["5", "1000KiB", 0, "none", "", None, False, "9" * 400])
def test_what_is_no_limit(text: object) -> None:
    """A number without a unit is refused here, too: 5 would be five bytes."""
    with pytest.raises(ValueError, match=r"is less than 1MiB|is not a size"):
        parsing.limit(text)


def test_headers_are_percent_decoded() -> None:
    """Pairs as OTEL_EXPORTER_OTLP_HEADERS has them; a value may have `=` in it."""
    told = parsing.headers(" authorization = Basic%20dGVzdA== , x-team=a%2Cb,,")
    assert told == (("authorization", "Basic dGVzdA=="), ("x-team", "a,b"))
    assert parsing.headers({"a": "b=c"}) == (("a", "b=c"),)


@given(st.dictionaries(st.text(), st.text()))
def test_no_header_can_smuggle_another(headers: dict[str, str]) -> None:
    """Names and values that are accepted have no line break, and no colon in a name."""
    try:
        told = parsing.headers(headers)
    except ValueError:
        return
    for name, value in told:
        assert not {"\r", "\n", "\0", ":", " "} & set(name)
        assert not {"\r", "\n", "\0"} & set(value)
