"""What a backend says when it refuses, as it may be logged and kept: short, printable, and without our credentials.

Servers and proxies repeat headers in their error pages.
"""

import base64
import binascii
from collections.abc import Iterable
from typing import Final

from trackway._core.redact import redact_text

__all__ = ["printable", "secrets_of"]

DETAIL_LENGTH: Final = 200
MARK: Final = b"[redacted: header]"
# A shorter word of a header (`4`, `Basic`, a public key's `pk`) is no secret, and stands in many answers.
SHORTEST: Final = 8


def secrets_of(headers: Iterable[tuple[str, str]]) -> tuple[bytes, ...]:
    """The words of these *headers* that an answer must not repeat, the longest first; and what Basic encodes."""
    words: set[str] = set()
    for _, value in headers:
        words.update(value.split())
        scheme, _, encoded = value.partition(" ")
        if scheme.lower() == "basic":
            try:
                words.add(base64.b64decode(encoded).decode().partition(":")[2])
            except (binascii.Error, UnicodeDecodeError):
                continue
    long = (word.encode() for word in words if len(word) >= SHORTEST)
    return tuple(sorted(long, key=len, reverse=True))


def printable(text: bytes, secrets: Iterable[bytes] = ()) -> str:
    """The start of a *text* from outside, with none of *secrets*, and nothing in it that a terminal would obey."""
    for secret in secrets:
        text = text.replace(secret, MARK)
    # Not only the start: a secret that the end cuts off would not be known any more.
    decoded = redact_text(text.decode(errors="replace"))[:DETAIL_LENGTH]
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in decoded)
