"""From the text of a setting to its value.

One small function for each form, each with an error that says what is allowed.
"""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Final
from urllib.parse import unquote, urlsplit

_SIZE: Final = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
}
_DURATION: Final = {
    "ms": 0.001,
    "": 1.0,
    "s": 1.0,
    "m": 60.0,
    "h": 3_600.0,
    "d": 86_400.0,
    "w": 604_800.0,
}
_DAY_S: Final = 86_400.0
_QUANTITY: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*\Z")
_ENVIRONMENT: Final = re.compile(r"(?!langfuse)[a-z0-9_-]{1,40}\Z")
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off", ""})


def boolean(value: object) -> bool:
    """True for `1 true yes on`, False for `0 false no off`, in any case."""
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    message = "is neither true nor false (1, true, yes, on; 0, false, no, off)"
    raise ValueError(message)


def text(value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        message = "is not a text with something in it"
        raise ValueError(message)
    try:
        value.encode()
    except UnicodeEncodeError:
        message = "is no Unicode text"
        raise ValueError(message) from None
    return value.strip()


def path(value: object) -> str:
    """The path of a directory; a name that is not Unicode is a path, too."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        message = "is no path"
        raise ValueError(message)
    return value


def key(value: object) -> str:
    """A key, which travels in a header: ASCII without blanks."""
    given = text(value)
    if not re.fullmatch(r"[!-~]+", given):
        message = "is not made of ASCII letters, digits and signs"
        raise ValueError(message)
    return given


def environment(value: object) -> str:
    """The name of a deployment environment, as Langfuse restricts it."""
    name = text(value)
    if not _ENVIRONMENT.match(name):
        message = (
            "is no environment name: 1 to 40 of a-z, 0-9, '-', '_', not starting with 'langfuse'"
        )
        raise ValueError(message)
    return name


def rate(value: object) -> float:
    """A share from 0 to 1."""
    number = _number(value)
    if not 0.0 <= number <= 1.0:
        message = "is not between 0 and 1"
        raise ValueError(message)
    return number


def duration(value: object) -> float:
    """Seconds, from a number of seconds or a text such as `500ms`, `15s`, `24h`."""
    seconds = _quantity(value, _DURATION, "a duration such as 500ms, 15s, 24h")
    if seconds <= 0:
        message = "is not above zero"
        raise ValueError(message)
    return seconds


def size(value: object) -> int:
    """Bytes, from a number or a text such as `64KiB`, `1GiB`."""
    count = int(_quantity(value, _SIZE, "a size such as 65536, 64KiB, 1GiB"))
    if count <= 0:
        message = "is not above zero"
        raise ValueError(message)
    return count


def age(value: object) -> "float | str":
    """Seconds, a day at least, from a text such as `90d`; or `off`."""
    if _is_off(value):
        return "off"
    seconds = _quantity(value, _DURATION, "a time such as 90d or 12w, nor off")
    if seconds < _DAY_S:
        # A bare 90 would be 90 seconds, which nobody means.
        message = "is less than a day: give it a unit, such as 90d or 12w, or off"
        raise ValueError(message)
    return seconds


def limit(value: object) -> "int | str":
    """Bytes, as of `size`; or `off`."""
    if _is_off(value):
        return "off"
    count = int(_quantity(value, _SIZE, "a size such as 512MiB or 5GiB, nor off"))
    if count < _SIZE["mib"]:
        message = "is less than 1MiB: give it a unit, such as 512MiB or 5GiB, or off"
        raise ValueError(message)
    return count


def _is_off(value: object) -> bool:
    return isinstance(value, str) and value.strip().lower() == "off"


def syncing(value: object) -> "float | str":
    """When what has been written is forced to the disk: `always`, `never`, or every so many seconds."""
    word = value.strip().lower() if isinstance(value, str) else value
    if word in ("always", "never"):
        return word
    return duration(value)


def choice(*allowed: str) -> "Choice":
    """One of the *allowed* words."""
    return Choice(allowed)


class Choice:
    """A parser that accepts some words only."""

    __slots__ = ("allowed",)

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed

    def __call__(self, value: object) -> str:
        word = str(value).strip().lower()
        if word not in self.allowed:
            message = f"is not one of {', '.join(self.allowed)}"
            raise ValueError(message)
        return word


def url(value: object) -> str:
    """An http(s) address without credentials, query or fragment; no slash at its end."""
    address = text(value)
    if re.search(r"[\s\x00-\x1f\x7f]", address):
        message = "has a blank or a control character in it"
        raise ValueError(message)
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "is no URL such as http://localhost:4318 or https://otlp.example.com"
        raise ValueError(message)
    if parts.username or parts.password:
        message = "has credentials in it: give them as headers"
        raise ValueError(message)
    if parts.query or parts.fragment:
        message = "has a query or a fragment, which an OTLP base URL cannot have"
        raise ValueError(message)
    _ = parts.port  # raises ValueError where the port is no number from 0 to 65535
    return address.rstrip("/")


def headers(value: object) -> tuple[tuple[str, str], ...]:
    """Pairs, from a mapping or from `name=value,name2=value2` (percent-encoded, as OTEL_EXPORTER_OTLP_HEADERS)."""
    if isinstance(value, Mapping):
        pairs = [(str(name), str(content)) for name, content in value.items()]
    else:
        pairs = list(pairs_of(str(value)))
    for number, (name, content) in enumerate(pairs, 1):
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            # Which it is, and not what: `Authorization: Basic …==` has its secret before the first `=`; so below.
            message = f"has a name that no HTTP header can have (number {number})"
            raise ValueError(message)
        if re.search(r"[^\t\x20-\x7e]", content):
            message = f"has a value that no HTTP header can have (number {number})"
            raise ValueError(message)
    return tuple(pairs)


def pairs_of(value: str) -> tuple[tuple[str, str], ...]:
    """The pairs of `name=value,name2=value2`, percent-decoded."""
    pairs = []
    for part in filter(None, (piece.strip() for piece in value.split(","))):
        name, separator, content = part.partition("=")
        if not separator or not name.strip():
            message = "is no list of name=value pairs, separated by commas"
            raise ValueError(message)
        pairs.append((unquote(name.strip()), unquote(content.strip())))
    return tuple(pairs)


def _number(value: object) -> float:
    try:
        return float(value) if isinstance(value, int | float | str) else float("nan")
    except ValueError:
        message = "is not a number"
        raise ValueError(message) from None


def _quantity(value: object, units: Mapping[str, float], what: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    match = _QUANTITY.match(value) if isinstance(value, str) else None
    unit = None if match is None else units.get(match[2].lower())
    if match is None or unit is None or not isfinite(found := float(match[1]) * unit):
        message = f"is not {what}"
        raise ValueError(message)
    return found
