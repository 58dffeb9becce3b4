"""What values look like to a person, and what a terminal never gets to see."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unicodedata import category

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._cli import words

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
JOINERS = {"\u200c", "\u200d"}


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "$0"),
        ("0.0000001", "<$0.000001"),
        ("0.000001", "$0.000001"),
        ("0.0000394", "$0.0000394"),
        ("0.0042", "$0.0042"),
        ("0.00426789", "$0.00427"),
        ("0.4", "$0.40"),
        ("0.4251", "$0.425"),
        ("0.99999", "$1.00"),
        ("1", "$1.00"),
        ("12.345", "$12.34"),
        ("1234567.891", "$1,234,567.89"),
    ],
)
def test_money_has_the_digits_that_say_something(amount: str, shown: str) -> None:
    """Small amounts keep three digits, large ones cents, and none is longer than it needs to be."""
    assert words.money(Decimal(amount)) == shown


def test_what_has_no_price_is_never_zero_dollars() -> None:
    """No price is `unpriced`; a sum that lacks a part says so."""
    assert words.money(None) == "unpriced"
    assert words.money(None, complete=False) == "unpriced"
    assert words.money(Decimal("0.5"), complete=False) == "≥$0.50"


@given(st.decimals(min_value=0, max_value=10**6, places=12, allow_nan=False))
def test_money_is_the_amount_to_three_digits(amount: Decimal) -> None:
    """What is shown differs from the amount by at most half of its last digit."""
    shown = words.money(amount)
    if shown.startswith("<"):
        assert 0 < amount < words.SMALLEST
        return
    read = Decimal(shown.removeprefix("$").replace(",", ""))
    assert abs(read - amount) <= max(Decimal("0.0051") if amount >= 1 else amount / 190, Decimal(0))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "–"),
        (0.0, "<1 ms"),
        (0.012, "12 ms"),
        (0.9996, "1.0 s"),
        (1.44, "1.4 s"),
        (59.96, "1 min 00 s"),
        (125.2, "2 min 05 s"),
        (12_000.0, "3 h 20 min"),
    ],
)
def test_durations_have_the_unit_that_fits(seconds: float | None, shown: str) -> None:
    """Milliseconds, seconds, minutes, hours: whichever a person would say."""
    assert words.elapsed(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "just now"),
        (-0.5, "just now"),
        (12, "12 s ago"),
        (125, "2 min ago"),
        (3 * 3_600, "3 h ago"),
        (86_400, "1 day ago"),
        (10 * 86_400, "10 days ago"),
        (90 * 86_400, "2025-12-01"),
        (-7_200, "2026-03-01"),
    ],
)
def test_times_are_relative_while_that_says_more(seconds: float, shown: str) -> None:
    """Up to two months ago it is how long; beyond, and in the future, the date."""
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [(999_999, "999,999"), (1_234_567, "1.23 M"), (5 * 10**9, "5.00 G")]
)
def test_counts_are_shortened_from_a_million(number: int, shown: str) -> None:
    """Digits are grouped, and no column is blown up by a billion tokens."""
    assert words.count(number) == shown


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("24h", NOW - timedelta(hours=24)),
        ("1.5 h", NOW - timedelta(minutes=90)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-02-28T10:00:00+00:00", datetime(2026, 2, 28, 10, tzinfo=UTC)),
    ],
)
def test_since_takes_spans_and_moments(text: str, start: datetime) -> None:
    """A span counts back from now; a time with its zone is itself."""
    assert words.since(text, NOW) == start


@pytest.mark.parametrize("text", ["", "yesterday", "5 parsecs", "9" * 400 + "d", "-3d", "\x1b[31m"])
def test_since_refuses_what_it_cannot_read(text: str) -> None:
    """What is neither a span nor a time is a ValueError that repeats it harmlessly."""
    with pytest.raises(ValueError, match="no span of time") as caught:
        words.since(text, NOW)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x1b]8;;http://evil\x07click\x1b]8;;\x07", r"\x1b]8;;http://evil\x07click\x1b]8;;\x07"),
        ("a\u202eb", r"a\u202eb"),
        ("\x9b2J", r"\x9b2J"),
        ("one\ntwo\tthree\r", r"one\ntwo\tthree\r"),
        ("zero\u200bwidth \ufeff \U000e0041", r"zero\u200bwidth \ufeff \U000e0041"),
        ("Ünïcödé 東京 👩\u200d🚀", "Ünïcödé 東京 👩\u200d🚀"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(text: str, shown: str) -> None:
    """ANSI, OSC 8, C1 controls, BiDi overrides and what is invisible show; people's languages are left alone."""
    assert words.clean(text) == shown


@given(st.text())
def test_no_cleaned_text_commands_a_terminal(text: str) -> None:
    """Whatever an application recorded, nothing is left that is not seen, but for what holds emoji together."""
    left = {character for character in words.clean(text) if category(character) in UNSAFE}
    assert left <= JOINERS
    assert {c for c in words.clean(text, lines=True) if category(c) in UNSAFE} <= JOINERS | {"\n"}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_cleaned_json_means_the_same(text: str) -> None:
    """JSON keeps its meaning to the last character, and commands no terminal either."""
    cleaned = words.clean_json(orjson.dumps({"value": text}, option=orjson.OPT_INDENT_2).decode())
    assert orjson.loads(cleaned) == {"value": text}
    assert {c for c in cleaned if category(c) in UNSAFE} <= JOINERS | {"\n"}
