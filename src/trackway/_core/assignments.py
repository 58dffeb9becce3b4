r"""Secrets that are assigned to their name in plain text: `OPENAI_API_KEY=…`, `password: …`, `X-Api-Key: …`.

Names are judged as the keys of mappings are. But a text says `token = get_token()` and `password: str` more often than
it says a password, so the value has to look like one, too: a word of eight characters or more with letters and digits
that is no name, call, path or number. Quotes around it stay, so that JSON stays JSON.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from trackway._core.secrets import ENDINGS, LONGEST_NAME, Secrecy, key_mark, look_back, secrecy

__all__ = ["COLON", "EQUALS", "Sign", "assigned"]

# What may stand between the sign and the value: a blank, and a quote, which in JSON has backslashes.
_OPENING: Final = rb">? ?\\{0,3}[\"'`]?"
# A digit soon, and eight characters: most of what is assigned is a short word, or one without a digit.
_AHEAD: Final = (
    rb"(?=[ >\\\"'`]{0,5}+(?=[\w.~+/=!@#%^*-]{8})"
    rb"(?:[A-Za-z_.~+/=!@#%^*-]{0,40}+[0-9]|(?=[A-Za-z_-]{8})[A-Z]{0,9}[a-z_-]{1,9}[A-Z]))"
)
_SCHEMED: Final = rb"[\"']?[Bb]earer [A-Za-z0-9._~+/=-]{16}"


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign that assigns, and the gate that finds out whether it may assign a secret."""

    byte: int
    gate: re.Pattern[bytes]


# Before the sign, behind the name: `:=`, the end of `environ["…"]`, the quote of a key before `=>`, a type.
_BEFORE_EQUALS: Final = (
    rb" =",
    rb":=",
    rb" :=",
    rb"[\"']\] =",
    rb"[\"']\]=",
    rb"[\"'] =",
    rb": str =",
    rb": string =",
)
EQUALS: Final = Sign(
    b"="[0],
    re.compile(
        b"=(?:"
        + _AHEAD
        + b"(?:"
        + b"|".join(
            (
                look_back(b"="),
                *(b"(?<=" + behind + b")" + look_back(behind) for behind in _BEFORE_EQUALS),
            )
        )
        + b")"
        b"|" + _SCHEMED + b")"
    ),
)
# What the names of secrets end with: most colons stand behind something else, or begin an address.
_LAST: Final = b"[" + "".join({e[-1] + e[-1].upper() for e in sorted(ENDINGS)}).encode() + b"'`]"
# What stands behind the quote of a JSON key was judged before.
COLON: Final = Sign(
    b":"[0],
    re.compile(
        b":(?!//)(?:" + _SCHEMED + b'|(?<!":)(?:(?<=' + _LAST + b":)" + _AHEAD + b"(?:" + look_back(b":")
        + b"|(?<=['`]:)" + look_back(b"['`]:") + b")"
        + b"| (?:[Tt]oken|[Aa]pi-?[Kk]ey) [A-Za-z_.~+/-]{0,24}+[0-9]| " + _SCHEMED + b"))"
    ),
)  # fmt: skip
_SIGNS: Final = {sign.byte: sign.gate for sign in (EQUALS, COLON)}

_name: Final = re.compile(rb"([A-Za-z][\w.-]*)(?::? ?str(?:ing)?)?[\"'\]` :]{0,4}\Z")
_bearer: Final = re.compile(
    rb"[ \"']{0,2}[Bb]earer (?=[A-Za-z._~+/-]{0,99}[0-9])([A-Za-z0-9._~+/-]{16,}+={0,2})"
)
_value: Final = re.compile(
    _OPENING + rb"(?:(?:[Bb]earer|[Bb]asic|[Tt]oken|[Aa]pi-?[Kk]ey|[Kk]ey) )?"
    rb"([\w.~+/!@#$%^*:-]{8,}+(?:={1,2}[\w.~+/!@#$%^*:-]{1,400}+){0,8}+={0,2}+)(?![(\[{<])"
)
# A name of a program's own: words with underscores or dots between them.
_identifier: Final = re.compile(rb"[A-Za-z_][\w.]*\Z")
_digits: Final = re.compile(rb"[0-9]")
_letter: Final = re.compile(rb"[A-Za-z]")
_capital: Final = re.compile(rb"[A-Z]")
# Where a letter meets a digit, or a small letter a capital.
_change: Final = re.compile(rb"[a-z](?=[A-Z0-9])|[A-Z](?=[a-z0-9])|[0-9](?=[A-Za-z])")
# So long, with so many digits or changes, is no name that somebody made up: of random letters and digits, 40 to 60 %
# are followed by another class.
_LONG: Final = 12
_MANY_DIGITS: Final = 3
_MANY_CHANGES: Final = 0.3
_WILD_CHANGES: Final = 0.35
# Of random letters half are capitals; of `getTokenOfUser` a fifth.
_LONG_LETTERS: Final = 10
_FEW_CAPITALS: Final = 0.25
# `UserName` has two of eight.
_SOME_CAPITALS: Final = 0.3
_MANY_CAPITALS: Final = 0.8
# Longer than a time in milliseconds.
_LONG_NUMBER: Final = 14


def assigned(data: bytes, byte: int) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, what to write instead) of each value that *byte*, a sign, assigns to the name of a secret."""
    end = 0
    for hit in _SIGNS[byte].finditer(data):
        behind = hit.start() + 1
        if behind <= end:
            continue
        bearer = _bearer.match(data, behind)
        if bearer is not None:
            end = bearer.end()
            yield bearer.start(1), bearer.end(1), b"[redacted: bearer token]"
            continue
        name = _name.search(data, max(0, behind - LONGEST_NAME - 12), behind - 1)
        value = _value.match(data, behind)
        if name is None or value is None:
            continue
        text = name[1].decode("ascii", "replace")
        how = secrecy(text)
        if how is not Secrecy.NONE and _is_made_up(value[1], how):
            end = value.end()
            yield value.start(1), value.end(1), key_mark(text).encode()


def _is_made_up(value: bytes, how: Secrecy) -> bool:
    """Whether *value* is no word of a program or of a language."""
    if value.startswith((b"$", b".")):
        return False
    if not _letter.search(value):
        return how is Secrecy.ANY and value.isdigit() and len(value) >= _LONG_NUMBER
    changes = len(_change.findall(value)) / len(value)
    long = len(value) >= _LONG_LETTERS
    wild = changes >= (_MANY_CHANGES if long else _WILD_CHANGES)
    if not _digits.search(value):
        capitals = len(_capital.findall(value)) / len(value)
        return wild and (_FEW_CAPITALS if long else _SOME_CAPITALS) <= capitals <= _MANY_CAPITALS
    # Base64 may begin with a slash as paths do.
    if (
        how is Secrecy.ANY
        and not value.startswith(b"/")
        and ((b"_" not in value and b"." not in value) or not _identifier.match(value))
    ):
        return True
    return wild or (len(value) >= _LONG and len(_digits.findall(value)) >= _MANY_DIGITS)
