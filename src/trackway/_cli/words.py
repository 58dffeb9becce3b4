"""Values as a person reads them in a terminal: money, time, counts, and text that somebody else wrote.

Nothing here knows of colours or tables, and nothing needs the `[local]` extra.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final
from unicodedata import category

__all__ = [
    "UNPRICED",
    "ago",
    "clean",
    "clean_json",
    "count",
    "elapsed",
    "many",
    "moment",
    "money",
    "since",
    "size",
    "span",
]

UNPRICED: Final = "unpriced"
# Beyond that, digits are noise: a thousand such calls cost a tenth of a cent.
SMALLEST: Final = Decimal("0.000001")
MILLION: Final = 10**6
SECOND_MS: Final = 1_000
MINUTE: Final = 60
HOUR: Final = 60
# Seconds; two clocks may differ by that much.
JUST_NOW: Final = 1

# Zero-width joiner and non-joiner hold emoji and Persian words together, and cannot reorder or hide anything.
_JOINERS: Final = frozenset("\u200c\u200d")
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# Control, format (BiDi overrides, zero-width space), surrogate, line and paragraph separators.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_MAYBE_UNSAFE: Final = re.compile(r"[^\x20-\x7e\xa1-\xac\xae-\u05ff]")

_STEPS: Final = ((60, "s"), (60, "min"), (24, "h"), (60, "day"))
_SINCE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|m|min|h|d|w)", re.IGNORECASE)
_UNIT_SECONDS: Final = {
    "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800,
}  # fmt: skip


def clean(text: str, *, lines: bool = False) -> str:
    r"""*text* without anything that a terminal would obey: `\x1b` and `\u202e` are spelled out.

    That is control characters (so ANSI and OSC 8), BiDi overrides, and whatever else is there and not seen.
    Line feeds stay where *lines* is true.
    """
    return _MAYBE_UNSAFE.sub(lambda match: _escaped(match[0], lines=lines), text)


def clean_json(text: str) -> str:
    r"""JSON with the same characters as `\u001b`, which mean the same to whoever parses it. Its own line feeds stay."""
    return _MAYBE_UNSAFE.sub(_escaped_json, text)


def _obeyed(character: str) -> bool:
    return category(character) in _UNSAFE and character not in _JOINERS


def _escaped(character: str, *, lines: bool) -> str:
    if (lines and character == "\n") or not _obeyed(character):
        return character
    if character.isascii():
        return _SHORT.get(character, f"\\x{ord(character):02x}")
    return character.encode("ascii", "backslashreplace").decode()


def _escaped_json(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\n" or not _obeyed(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def money(amount: Decimal | None, *, complete: bool = True) -> str:
    """US dollars with as many digits as say something: `$1,234.50`, `$0.42`, `$0.0042`.

    `unpriced` for None; `≥` where the price of a part of it is not known.
    """
    if amount is None:
        return UNPRICED
    return _dollars(amount) if complete else f"≥{_dollars(amount)}"


def _dollars(amount: Decimal) -> str:
    if 0 < amount < SMALLEST:
        return f"<${SMALLEST:f}"
    if 0 < amount < 1:
        # Three digits from the first that is not zero, but never fewer than cents.
        exponent = max(2, 2 - amount.adjusted())
        whole, _, digits = (
            f"{amount.quantize(Decimal(1).scaleb(-exponent), ROUND_HALF_EVEN):f}".partition(".")
        )
        return f"${whole}.{digits.rstrip('0'):0<2}"
    return f"${amount:,.2f}" if amount else "$0"


def count(number: int) -> str:
    """A count with separators; millions and more are shortened."""
    if number < MILLION:
        return f"{number:,}"
    size, unit = (MILLION, "M") if number < 1_000 * MILLION else (1_000 * MILLION, "G")
    return f"{number / size:,.2f} {unit}"


def many(number: int, word: str) -> str:
    """`1 trace`, `2,000 traces`."""
    return f"{count(number)} {word}" if number == 1 else f"{count(number)} {word}s"


def size(number: int) -> str:
    """Bytes: `512 bytes`, `1.5 MiB`, `5 GiB`."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if number >= unit:
            return f"{number / unit:.1f}".removesuffix(".0") + f" {name}"
    return many(number, "byte")


def span(seconds: float) -> str:
    """A long time in days, and in hours what is left of a day: `90 days`, `1 day 12 h`."""
    hours = round(seconds / 3_600)
    rest = f" {hours % 24} h" if hours % 24 else ""
    return f"{many(hours // 24, 'day')}{rest}"


def elapsed(seconds: float | None) -> str:
    """A duration: `<1 ms`, `12 ms`, `1.4 s`, `2 min 05 s`, `3 h 20 min`; a dash for None."""
    if seconds is None:
        return "–"
    milliseconds = round(seconds * 1_000)
    if milliseconds < SECOND_MS:
        return f"{milliseconds} ms" if milliseconds else "<1 ms"
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    if minutes < HOUR:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // HOUR:,} h {minutes % HOUR:02} min"


def ago(then: datetime | None, now: datetime) -> str:
    """How long ago: `just now`, `12 s ago`, `3 h ago`, `2 days ago`; the date beyond 60 days; a dash for None."""
    if then is None:
        return "–"
    amount = int((now - then).total_seconds())
    if abs(amount) <= JUST_NOW:
        return "just now"
    for size, unit in _STEPS:
        if 0 < amount < size:
            return f"{amount} {unit}{'s' if unit == 'day' and amount > 1 else ''} ago"
        amount //= size
    return f"{then.astimezone():%Y-%m-%d}"


def moment(then: datetime | None) -> str:
    """The time itself, in the local time zone; a dash for None."""
    return "–" if then is None else f"{then.astimezone():%Y-%m-%d %H:%M:%S %Z}"


def since(text: str, now: datetime) -> datetime:
    """The start of a span of time: `30m`, `24h`, `7d`, `2w` before *now*, or an ISO 8601 date or time (naive: local).

    Raises:
        ValueError: It is none of these.
    """
    match = _SINCE.fullmatch(text.strip())
    try:
        if match is not None:
            return now - timedelta(seconds=float(match[1]) * _UNIT_SECONDS[match[2].lower()])
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (OverflowError, ValueError):
        message = f"{clean(text)!r} is no span of time such as 30m, 24h, 7d, 2w, and no date such as 2026-01-31"
        raise ValueError(message) from None
