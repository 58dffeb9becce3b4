"""Texts that do not fit, and the marks that say how much is missing."""

from collections.abc import Callable
from typing import Final

import orjson

# The longest mark of a cut text, with its quotes.
TEXT_MARK: Final = 32
KILO: Final = 1000


def size(count: int) -> str:
    """*count* bytes for a reader: `999 B`, `1.2 KB`, `3.4 MB`."""
    if count < KILO:
        return f"{count} B"
    if count < KILO * KILO:
        return f"{count / KILO:.1f} KB"
    return f"{count / KILO / KILO:.1f} MB"


def without_surrogates(text: str) -> str:
    """*text* as Unicode can write it: the two halves of a character are joined, a lone half becomes U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def utf8(text: str) -> bytes:
    """*text* in UTF-8, whatever it holds."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return without_surrogates(text).encode()


def quoted(text: str) -> bytes:
    """*text* as a JSON string, whatever it holds."""
    try:
        return orjson.dumps(text)
    except TypeError:
        return orjson.dumps(without_surrogates(text))


def shortened(text: str, room: int, encode: Callable[[str], bytes]) -> bytes:
    """The start of *text* and a mark that says how much is cut, in at most *room* bytes (64 or more)."""
    room -= TEXT_MARK
    keep = min(len(text), room)
    length = len(encode(text[:keep]))
    for attempt in range(4):
        over = length - room
        if over <= 0:
            break
        # In proportion first; a character is one byte at least, so what is taken away last is always enough.
        keep = max(0, keep - over) if attempt > 1 else keep * room // length
        length = len(encode(text[:keep]))
    cut = (len(text) - keep) * length // keep if keep else len(text)
    return encode(f"{text[:keep]}<… {size(cut)} cut>")
