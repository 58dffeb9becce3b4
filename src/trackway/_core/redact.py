r"""Secrets are replaced in the bytes that will be written: by shape, and by the name that they are given.

Keys of the value itself were judged when it was serialised (`serialize.py`); here are those that only a reader
of the text sees: tool-call arguments, `{"arguments": "{\"api_key\": \"…\"}"}`, two and three levels deep. The
mark names the rule and holds no character that JSON would have to escape, and what it replaces is made of whole
escapes: JSON stays JSON.

Clean text costs a test for each rare byte and a search from that byte on (`shapes.py`, `assignments.py`), and a
search for long runs (`runs.py`). Where there are kernels, two passes find out first which of the searches a text
needs: 0.2 µs/KB of plain words, 4 to 9 µs/KB of READMEs, code and JSON with ids, where Python alone needs 10 to 16.
Nothing here gives up the GIL.
"""

import functools
import re
from collections.abc import Iterable, Iterator
from typing import Final

from trackway._core.assignments import COLON, EQUALS, Sign, assigned
from trackway._core.drawn import drawn, end_of_drawn
from trackway._core.runs import runs
from trackway._core.secrets import LONGEST_NAME, Secrecy, key_mark, look_back, secrecy
from trackway._core.shapes import DRAWN_MARK, LONGER, SHAPES, Shapes
from trackway._wire.native import kernels

_BACKSLASH: Final = 0x5C
_QUOTE: Final = 0x22
# From a token's text to its `logprob`, on the same or one of the next lines.
_NEAR: Final = 160

# Before the word that a secret is, in JSON: the letter of an escape, behind its backslash.
_ESCAPES: Final = b"nrtbf"


# The closing quote of a key and the colon: in text, and in JSON inside JSON, where the quote is escaped.
_key_in_text: Final = re.compile(rb'":' + look_back(rb'":'))
_key_in_json: Final = re.compile(
    rb'\\":(?:(?<=[A-Za-z]\\":)' + look_back(rb'\\":')
    + rb'|(?<=[A-Za-z]\\\\\\":)' + look_back(rb'\\\\\\":')
    + rb'|(?<=[A-Za-z]\\{7}":)' + look_back(rb'\\{7}":')
    + rb")"
)  # fmt: skip
_colon: Final = re.compile(rb": {0,4}")
_number: Final = re.compile(rb"-?[0-9][0-9.eE+-]*+")
# Quotes of text in text, and of the three levels of JSON in JSON: as many backslashes stand before each.
_LEVELS: Final = frozenset((0, 1, 3, 7))


def redact(data: bytes) -> bytes:
    """*data*, UTF-8 text or JSON, without what looks like a secret; the same object where there is none."""
    if kernels is None:
        for _, byte, gate, clean in LOOKS:
            if byte in data and gate(data):
                data = clean(data)
        data = _replaced(data, runs(data))
    elif looks := kernels.suspicious(data):
        for bit, _, gate, clean in LOOKS:
            if looks & bit and gate(data) and (cleaned := clean(data)) is not data:
                data = cleaned
                looks = -1  # what it said was of other bytes
        if looks & LONG_RUN:
            data = _replaced(data, runs(data))
    if _BACKSLASH in data and _key_in_json.search(data):
        return _by_key(data, _key_in_json)
    return data


def _by_shape(data: bytes, shapes: Shapes) -> bytes:
    if shapes.tokens:
        data = _replaced(data, _tokens(data, shapes))
    for rule in shapes.rules:
        clean = _compiled(rule.pattern).sub(rule.mark, data)
        if clean != data:
            data = clean
    return data


_compiled: Final = functools.cache(re.compile)


def _tokens(data: bytes, shapes: Shapes) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, mark) of each token whose prefix ends where the gate was hit."""
    end = 0
    for hit in shapes.gate.finditer(data):
        behind = hit.start() + 1
        # Inside the last token: a run of prefixes would be read again from each of them.
        if behind > end and (found := _token(data, shapes, behind)):
            end = found[1]
            yield found


def _token(data: bytes, shapes: Shapes, behind: int) -> tuple[int, int, bytes] | None:
    """The token whose prefix ends at *behind*: as its vendor shapes it, or else drawn by lot."""
    telling: tuple[int, bytes] | None = None
    for width in shapes.widths:
        start = max(0, behind - width)
        token = shapes.tokens.get(data[start:behind])
        if token is None or not _begins_a_word(data, start):
            continue
        rest = _compiled(token.rest).match(data, behind)
        if rest is not None:
            return start, rest.end(), token.mark
        if token.telling and telling is None:
            telling = start, token.mark
    if telling is not None and (end := end_of_drawn(data, behind)):
        return telling[0], end, telling[1]
    key = drawn(data, behind)
    if key is None or data.startswith(LONGER.get(data[key[0] : behind], ()), key[0]):
        return None
    return *key, DRAWN_MARK


def _begins_a_word(data: bytes, start: int) -> bool:
    """Whether what stands at *start* is no part of a longer word; in JSON the letter of an escape is no word."""
    before = data[start - 1 : start] if start else b""
    if not before.isalnum() or not data[start : start + 1].isalnum():
        return True
    return before in _ESCAPES and data[start - 2 : start - 1] == b"\\"


def _by_assignment(data: bytes, sign: Sign) -> bytes:
    return _replaced(data, assigned(data, sign.byte))


_BY_BYTE: Final = {
    **{s.byte: (s.gate.search, functools.partial(_by_shape, shapes=s)) for s in SHAPES},
    **{s.byte: (s.gate.search, functools.partial(_by_assignment, sign=s)) for s in (EQUALS, COLON)},
}
LOOKS: Final = tuple((1 << bit, byte, *_BY_BYTE[byte]) for bit, byte in enumerate(b"-_.A~JB@=:"))
"""The kernel's bit for a byte, the byte, its gate, and what cleans the data where the gate was hit."""
LONG_RUN: Final = 1 << len(LOOKS)
"""The kernel's bit for what `runs.py` may find."""


def redact_keys(data: bytes) -> bytes:
    """*data*, a text that may hold JSON, without the values of secret keys; the same object where there is none."""
    if _QUOTE in data and _key_in_text.search(data):
        return _by_key(data, _key_in_text)
    return data


def redact_text(text: str) -> str:
    """*text*, such as a name or a status message, without secrets; the same object where there is none."""
    data = text.encode("utf-8", "surrogatepass")
    clean = redact(redact_keys(data))
    return text if clean is data else clean.decode("utf-8", "surrogatepass")


def _by_key(data: bytes, pattern: re.Pattern[bytes]) -> bytes:
    return _replaced(data, _values_of_secret_keys(data, pattern))


def _replaced(data: bytes, found: Iterable[tuple[int, int, bytes]]) -> bytes:
    """*data* with each (start, end, mark) that does not overlap the one before; itself where there is none."""
    parts: list[bytes] = []
    done = 0
    for start, end, mark in found:
        if start >= done:
            parts += (data[done:start], mark)
            done = end
    return b"".join((*parts, data[done:])) if parts else data


def _values_of_secret_keys(
    data: bytes, pattern: re.Pattern[bytes]
) -> Iterator[tuple[int, int, bytes]]:
    """(start, end, what to write instead) of each value that stands behind the name of a secret."""
    for found in pattern.finditer(data):
        quote = data.index(b'"', found.start())
        stop = _before_backslashes(data, quote)
        level = quote - stop
        opening = data.rfind(b'"', max(0, stop - LONGEST_NAME - 1), stop)
        colon = _colon.match(data, quote + 1)
        if opening < 0 or colon is None or level not in _LEVELS:
            continue
        # A name that is no ASCII, or holds an escape, is not in the tables.
        name = data[opening + 1 : stop].decode("ascii", "replace")
        how = secrecy(name) if "\\" not in name else Secrecy.NONE
        if how is Secrecy.NONE:
            continue
        mark = key_mark(name).encode("ascii", "replace")
        edge = data[stop : quote + 1]  # what opens and closes a text on this level
        at = colon.end()
        if data.startswith(edge, at):
            start = at + len(edge)
            end = _end_of_text(data, start, level)
            # What has a `logprob` behind it is a token of text.
            if end > start and not (name == "token" and b"logprob" in data[end : end + _NEAR]):
                yield start, end, mark
        elif how is Secrecy.ANY and (number := _number.match(data, at)):
            yield at, number.end(), edge + mark + edge


def _before_backslashes(data: bytes, quote: int) -> int:
    """Where the backslashes before *quote* begin; more than eight belong to no level that we read."""
    start = quote
    while start > 0 and quote - start < 9 and data[start - 1] == _BACKSLASH:  # noqa: PLR2004 - said above
        start -= 1
    return start


def _end_of_text(data: bytes, start: int, level: int) -> int:
    """Where the text that begins at *start* ends, whose own quotes have *level* backslashes before them.

    A quote with one level more is part of the text; one with fewer ends a text around it (ours was cut short).
    What is given back is behind a whole escape on every level.
    """
    period = 2 * (level + 1)
    behind = start
    while (quote := data.find(b'"', behind)) >= 0:
        part = data[behind:quote]
        backslashes = len(part) - len(part.rstrip(b"\\"))
        if backslashes % period != period - 1:
            return quote - (backslashes & level)
        behind = quote + 1
    return len(data)
