"""Prices of one's own, out of a file: JSON, or TOML. They come before the price list.

::

    [[prices]]
    model = "gpt-4o*"          # a pattern: * and ?, the case does not matter
    provider = "azure"         # optional
    tier = "batch"             # optional; without it: standard
    from = 2026-01-01          # optional: since when, UTC
    input = 1.25               # US dollars per million tokens, by bucket
    output = 5.0
    input_above_200000 = 2.5   # optional: the price of all tokens where the input has more than so many

Of several entries that fit, the last one counts whose `from` has come. Searches and requests are per thousand,
`audio_seconds` per hour.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from fnmatch import translate
from hashlib import sha256
from pathlib import Path
from typing import Final, NoReturn, final

from trackway._core.usage import UNITS
from trackway._prices.catalog import provider_of, tier_of
from trackway._prices.money import scaled
from trackway._prices.rates import PER, WITHIN, Rate, Rates
from trackway.errors import ConfigurationError

__all__ = ["Overrides", "load"]

SOURCE: Final = "overrides"
NAMES: Final = frozenset({"input", "output", *WITHIN, *UNITS})
_WORDS: Final = frozenset({"model", "provider", "tier", "from"})
_ABOVE: Final = re.compile(r"(?P<name>\w+?)_above_(?P<start>[0-9]{1,12})")
# A dollar a token and a thousand times more: what is beyond was meant to be something else.
_MOST: Final = Decimal(10**9)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The prices of the models that a pattern fits."""

    pattern: re.Pattern[str]
    provider: str | None
    tier: str
    since: int
    """Nanoseconds since the epoch."""
    rates: Rates


@final
@dataclass(frozen=True, slots=True)
class Overrides:
    """The entries of a file."""

    entries: tuple[Entry, ...]
    version: str
    """The beginning of the hash of the file."""

    def find(
        self, provider: str | None, model: str, tier: str, at: int
    ) -> tuple[Rates | None, int, int]:
        """The rates of *model* at *at* (ns since the epoch), and the time for which that holds."""
        found: Rates | None = None
        since, until = 0, 1 << 63
        for entry in self.entries:
            if not (
                entry.tier == tier
                and (entry.provider is None or entry.provider == provider)
                and entry.pattern.fullmatch(model)
            ):
                continue
            if entry.since <= at:
                found, since = entry.rates, max(since, entry.since)
            else:
                until = min(until, entry.since)
        return found, since, until


def load(path: Path, setting: str) -> Overrides:
    """The prices in the file at *path*.

    Raises:
        ConfigurationError: It cannot be read, or says what it cannot mean; *setting* is how the message names what
            the path came from.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{setting}: {path} cannot be read: {error.strerror}", setting="prices"
        ) from None
    reader = _Reader(path, setting)
    version = sha256(content).hexdigest()[:12]
    return Overrides(tuple(reader.entries(content, version)), version)


class _Reader:
    """One file; what it says of a fault names the setting, the file and the place in it."""

    def __init__(self, path: Path, setting: str) -> None:
        self._path = path
        self._setting = setting
        self._place = ""

    def entries(self, content: bytes, version: str) -> list[Entry]:
        document = self._document(content)
        listed = document.get("prices") if isinstance(document, dict) else document
        if not isinstance(listed, list):
            self._fail('needs a list of tables [[prices]] (TOML) or {"prices": […]} (JSON)')
        found = []
        for number, entry in enumerate(listed, 1):
            self._place = f", entry {number}"
            found.append(self._entry(entry, version))
        return found

    def _document(self, content: bytes) -> object:
        import tomllib  # noqa: PLC0415 - 5 ms, for who has such a file

        try:
            text = content.decode()
            if self._path.suffix.lower() == ".toml":
                return tomllib.loads(text, parse_float=Decimal)
            found: object = json.loads(text, parse_float=Decimal)
        except UnicodeDecodeError:
            self._fail("is not UTF-8")
        except tomllib.TOMLDecodeError as error:
            self._fail(f"is not TOML: {error}")
        except json.JSONDecodeError as error:
            self._fail(f"is not JSON: {error.msg} (at line {error.lineno}, column {error.colno})")
        except (RecursionError, ValueError) as error:
            self._fail(f"cannot be understood: {error}")
        return found

    def _entry(self, entry: object, version: str) -> Entry:
        if not isinstance(entry, dict):
            self._fail("is not a table")
        model = self._text(entry, "model")
        if model is None:
            self._fail("has no model")
        provider, tier = self._text(entry, "provider"), self._text(entry, "tier")
        rates = self._rates(entry)
        if not rates:
            self._fail(f"has no price: give one of {', '.join(sorted(NAMES))}")
        return Entry(
            pattern=re.compile(translate(model.lower())),
            provider=None if provider is None else provider_of(provider),
            tier=tier_of(tier),
            since=self._since(entry.get("from")),
            rates=Rates(by_name=rates, source=SOURCE, version=version),
        )

    def _text(self, entry: Mapping[str, object], name: str) -> str | None:
        value = entry.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            self._fail(f"{name} is not a text")
        return value.strip()

    def _since(self, value: object) -> int:
        if value is None:
            return 0
        moment: date | None = value if isinstance(value, date) else None
        if isinstance(value, str):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                moment = None
        if moment is None:
            self._fail("from is not a date such as 2026-01-31")
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, time())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(int(moment.timestamp()), 0) * 1_000_000_000

    def _rates(self, entry: Mapping[str, object]) -> dict[str, Rate]:
        bases: dict[str, Decimal] = {}
        steps: dict[str, list[tuple[int, Decimal]]] = {}
        for key, value in entry.items():
            if key in _WORDS:
                continue
            if key in NAMES:
                bases[key] = self._price(key, value)
            elif (above := _ABOVE.fullmatch(key)) and above["name"] in NAMES:
                step = (int(above["start"]), self._price(key, value))
                steps.setdefault(above["name"], []).append(step)
            else:
                self._fail(f"there is no bucket {key!r}; there are {', '.join(sorted(NAMES))}")
        for name in steps.keys() - bases.keys():
            self._fail(f"{name}_above_… is given without {name}")
        rates = {}
        for name, price in bases.items():
            per = PER.get(name, 1_000_000)
            above_that = sorted(steps.get(name, ()))
            rates[name] = Rate(
                scaled(price, per), tuple((start, scaled(p, per)) for start, p in above_that)
            )
        return rates

    def _price(self, key: str, value: object) -> Decimal:
        if isinstance(value, int | Decimal | str) and not isinstance(value, bool):
            try:
                price = Decimal(value)
            except InvalidOperation:
                price = Decimal("nan")
            if price.is_finite() and 0 <= price <= _MOST:
                return price
        return self._fail(f"{key} is not an amount of US dollars of at least 0")

    def _fail(self, what: str) -> NoReturn:
        raise ConfigurationError(
            f"{self._setting}: {self._path}{self._place}: {what}", setting="prices"
        )
