"""Keys that no table names: a word or three that end with a hyphen or an underscore, and characters drawn by lot.

How many characters it takes depends on the words. `secret`, `token` or `live` say what follows; `key` or `api` say it
half; behind others it takes so long a run that nothing else is like it. Ids are shorter, or hexadecimal, or their word
says what they are: they stay, because a trace is read by them, and so do keys that are meant to be public.
"""

import re
from typing import Final

__all__ = ["AHEAD", "WORDS", "drawn", "end_of_drawn"]

# The last word of a head, and how many characters it takes behind it.
_SAYING: Final = (
    *("sk", "rk", "sak", "pat", "tkn", "live", "token", "secret", "apikey", "private", "password"),
    *("priv", "sat", "pwd", "credential", "passphrase"),
)
_HINTING: Final = (
    *(
        "key",
        "api",
        "auth",
        "oauth",
        "access",
        "personal",
        "prod",
        "test",
        "admin",
        "svc",
        "refresh",
    ),
    *("sandbox", "client", "service", "at", "oat", "production", "server"),
)
_BEHIND_A_PREFIX: Final = 14
_FEWEST: Final = 16
_HINTED: Final = 24
_SHORTEST: Final = {
    **dict.fromkeys((word.encode() for word in _SAYING), _FEWEST),
    **dict.fromkeys((word.encode() for word in _HINTING), _HINTED),
}
_OTHERWISE: Final = 30
# Of them, with hyphens and underscores in between: a name may be long.
_WITH_SIGNS: Final = 36
_HEXADECIMAL: Final = 32
_FEW_HEXADECIMAL: Final = 20

# The words of what is meant to be seen.
_PUBLIC: Final = frozenset((b"pk", b"pub", b"public", b"publishable", b"anon", b"cs", b"phc"))
_IDS: Final = frozenset(
    word.encode()
    for word in (
        *("id", "ids", "uid", "uuid", "call", "msg", "message", "resp", "response", "run", "req"),
        *("request", "chatcmpl", "cmpl", "gen", "toolu", "tool", "tooluse", "srvtoolu", "asst"),
        *("thread", "file", "batch", "job", "ftjob", "task", "step", "item", "conv", "chat"),
        *("trace", "span", "session", "sess", "user", "org", "proj", "project", "evt", "event"),
        *("cursor", "page", "next", "etag", "hash", "digest", "commit", "rev", "version", "image"),
        *("img", "doc", "node", "chunk", "rs", "fc", "ws", "vs", "bdrk", "cus", "sub", "price", "acct"),
        *("base64", "integrity", "checksum", "cache", "fp", "nonce", "state", "v1", "v2"),
    )
)  # fmt: skip

_LONGEST_HEAD: Final = 40
_head: Final = re.compile(
    rb"(?<![A-Za-z0-9])(?:[A-Za-z][a-z0-9]{0,11}|[A-Z][A-Z0-9]{1,11})"
    rb"(?:[_-](?:[a-z][a-z0-9]{0,11}|[A-Z][A-Z0-9]{0,11})){0,2}[_.-]\Z"
)
_words: Final = re.compile(rb"[A-Za-z0-9]+")
# Bounded, or a run of such heads would be read to its end from each of them.
_body: Final = re.compile(rb"[\w+/-]{14,400}+={0,2}(?![\w+/=-])")
# What would make the word behind it a part of something longer, such as a path or Base64.
_INSIDE: Final = frozenset(b"+/.%_-")
_digit: Final = re.compile(rb"[0-9]")
_sign: Final = re.compile(rb"[_+/-]")
_not_hexadecimal: Final = re.compile(rb"[^0-9a-fA-F=-]")
# A part of an id: `lc_run--` and a UUID, `sentry-trace_` and two numbers.
_hexadecimal_part: Final = re.compile(
    rb"(?<![A-Za-z0-9])(?:[0-9a-f]{4,}|[0-9A-F]{4,})(?![A-Za-z0-9])"
)
# A word of `SEC_ASN1DecoderSetFilterProc`: such words are most of a name, and a quarter of what was drawn by lot.
_camel: Final = re.compile(rb"[A-Z][a-z]{2,}")
# Where a letter meets a digit, or a small letter a capital: of three alphabets 60 % of the places, of two 40 %.
_change: Final = re.compile(rb"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")
_MANY_CHANGES: Final = 0.33
_SOME_CHANGES: Final = 0.2
_MANY_DIGITS: Final = 3
# Letters alone have half of their places between two of them; behind a word that says it, so many are no name.
_MORE_CHANGES: Final = 0.4
_LETTERS_ALONE: Final = 20


def _ahead() -> bytes:
    by_width: dict[int, list[str]] = {}
    for word in (*_SAYING, *_HINTING):
        by_width.setdefault(len(word), []).extend((word, word.upper()))
    told = "|".join(f"(?<=(?:{'|'.join(each)})[_-])" for each in by_width.values())
    return rb"(?=[\w-]{16})(?:(?=[\w-]{30})|" + told.encode() + b")"


WORDS: Final = tuple(_SHORTEST)
"""The words that say or hint that a key follows."""
AHEAD: Final = _ahead()
"""What a gate finds them by, behind the hyphen or underscore."""


def drawn(data: bytes, behind: int) -> tuple[int, int] | None:
    """From where to where such a key stands around *behind*, where its head ends."""
    body = _body.match(data, behind)
    if body is None:
        return None
    head = _head.search(data, max(0, behind - _LONGEST_HEAD), behind)
    if head is None:
        return None
    words = _words.findall(head[0].lower())
    before = data[head.start() - 1] if head.start() else 0x20
    if words[0] in _PUBLIC or words[-1] in _IDS or words[-1].startswith(b"sha"):
        return None
    if words[-1] not in _SHORTEST and (before in _INSIDE or words[0] in _IDS):
        return None
    shortest = _FEWEST if _hint(words) else _SHORTEST.get(words[-1], _OTHERWISE)
    if not _is_drawn(body[0], shortest):
        return None
    # The letter of an escape (`\n`) is no part of the word behind it.
    return (behind if before == 0x5C else head.start()), body.end()  # noqa: PLR2004 - a backslash


def end_of_drawn(data: bytes, behind: int) -> int | None:
    """Where a key ends whose prefix is a vendor's and ends at *behind*.

    It takes fewer characters than behind a word that says it: vendors change how many they give.
    """
    body = _body.match(data, behind)
    return body.end() if body and _is_drawn(body[0], _BEHIND_A_PREFIX) else None


def _hint(words: list[bytes]) -> bool:
    """Whether two words that hint at a key say it together, as in `key_test_…`."""
    return len(words) > 1 and words[-1] in _SHORTEST and words[-2] in _SHORTEST


def _is_drawn(value: bytes, shortest: int) -> bool:
    """Whether *value*, of *shortest* characters or more, is no name that somebody made up."""
    if shortest == _OTHERWISE and _sign.search(value):
        shortest = _WITH_SIGNS
    size, digits = len(value), len(_digit.findall(value))
    if size < shortest:
        return False
    if not _not_hexadecimal.search(value):
        least = _FEW_HEXADECIMAL if shortest == _BEHIND_A_PREFIX else _HEXADECIMAL
        return shortest < _OTHERWISE and size >= least and b"-" not in value
    if 2 * len(_hexadecimal_part.sub(b"", value)) < size:
        return False
    if 5 * len(_camel.sub(b"", value)) < 2 * size:
        return False
    changes = len(_change.findall(value)) / size
    if not digits:
        return shortest < _HINTED and size >= _LETTERS_ALONE and changes >= _MORE_CHANGES
    few = 1 if shortest == _BEHIND_A_PREFIX else _MANY_DIGITS
    return changes >= _MANY_CHANGES or (digits >= few and changes >= _SOME_CHANGES)
