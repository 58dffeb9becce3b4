"""Attributes, read: a KeyValue becomes a key and a value.

Spans repeat themselves: of a dozen attributes most are the same for every span of an application. So a short
attribute is looked up whole, by its bytes, in a table of those that were decoded before (`known`, else `learn`); one
that is new and of a common type, and the longer ones (input, output), are recognised by the lengths inside, which
follow from one another. What is neither takes the long way, field by field (`pair`).
"""

import struct
from itertools import takewhile
from typing import Final

from trackway._wire.encode import AttributeValue
from trackway._wire.protobuf import (
    BYTES,
    FIXED64,
    ONE_BYTE,
    VARINT,
    DecodeError,
    Message,
    fields,
    int64,
    long_varint,
    text,
)

__all__ = ["MAX_DEPTH", "Pair", "known", "learn", "long_pair", "pair", "pairs"]

MAX_DEPTH: Final = 64
"""How many AnyValues may stand inside one another."""

_KEY_VALUE: Final = {1: BYTES, 2: BYTES}
_ANY_VALUE: Final = {
    1: BYTES, 2: VARINT, 3: VARINT, 4: FIXED64, 5: BYTES, 6: BYTES, 7: BYTES, 8: VARINT
}  # fmt: skip
_ARRAY: Final = 5
_MAPPING: Final = 6
_LIST: Final = {1: BYTES}

Pair = tuple[str, AttributeValue]
"""A key and its value; a sequence is a tuple, a mapping a dict."""

# Attributes of up to 127 bytes that were met before. Forgotten all at once when full: at worst 2 MB, and an
# application's own constants are back after its next span.
known: dict[bytes, Pair] = {}
_MAX_KNOWN: Final = 4096

_KEY_TAG: Final = 0x0A
_double: Final = struct.Struct("<d").unpack
# What stands between a key and its text when both lengths take two bytes: tag, length, tag, length.
_long_text: Final = struct.Struct("<BHBH")
_SHORTEST_LONG_TEXT: Final = 0x80 + _long_text.size
_LONGEST_LONG_TEXT: Final = 0x3FFF + 3
# What stands between a key and its value, by how many bytes follow the key, when both lengths take one byte: for a
# text tag, length, tag, length; for an integer tag, length, tag. Nothing follows a key with 0xFF.
_NEVER: Final = (b"\xff",) * 4
_short_text: Final = (*_NEVER, *[bytes((0x12, n - 2, 0x0A, n - 4)) for n in range(4, ONE_BYTE)])
_short_integer: Final = (*_NEVER, *[bytes((0x12, n - 2, 0x18)) for n in range(4, ONE_BYTE)])
_DOUBLE: Final = b"\x12\x09\x21"
_SHORTEST_PAIR: Final = 6  # the tags and lengths of a key and a value of nothing


def learn(raw: bytes) -> Pair:
    """A KeyValue that was not met before; kept for the next time unless somebody could change its value."""
    found = _short_pair(raw) or pair(raw, 1)
    value = found[1]
    if isinstance(value, dict) or (
        isinstance(value, tuple) and not all(isinstance(item, str) for item in value)
    ):
        return found
    if len(known) >= _MAX_KNOWN:
        known.clear()
    known[raw] = found
    return found


def _short_pair(raw: bytes) -> Pair | None:
    """A KeyValue below 128 bytes that is spelled in the usual way and is a text, an integer, or a double."""
    if len(raw) < _SHORTEST_PAIR or raw[0] != _KEY_TAG:
        return None
    key_end = 2 + raw[1]
    tail = raw[key_end:]
    size = len(tail)
    value: str | int | float
    if tail.startswith(_short_text[size]):
        value = tail[4:].decode()
    elif tail.startswith(_short_integer[size]):
        number, end = long_varint(tail, 4, tail[3]) if tail[3] >= ONE_BYTE else (tail[3], 4)
        if end != size:
            return None
        value = int64(number)
    elif size == len(_DOUBLE) + 8 and tail.startswith(_DOUBLE):
        value = _double(tail[len(_DOUBLE) :])[0]
    else:
        return None
    return raw[2:key_end].decode(), value


def long_pair(data: bytes, position: int, stop: int) -> Pair:
    """A KeyValue of 128 bytes or more: a text below 16 KiB by its lengths, everything else field by field."""
    key_end = position + 2 + data[position + 1]
    size = stop - key_end
    if (
        data[position] == _KEY_TAG
        and data[position + 1] < ONE_BYTE
        and _SHORTEST_LONG_TEXT <= size <= _LONGEST_LONG_TEXT
    ):
        value, string = size - 3, size - 6
        expected = (
            0x12,
            value & 0x7F | 0x80 | value >> 7 << 8,
            0x0A,
            string & 0x7F | 0x80 | string >> 7 << 8,
        )
        if _long_text.unpack_from(data, key_end) == expected:
            return data[position + 2 : key_end].decode(), data[key_end + 6 : stop].decode()
    return pair(data[position:stop], 1)


def pair(data: bytes, depth: int) -> Pair:
    """A KeyValue whose value is inside *depth* - 1 others."""
    message = Message(fields(data, _KEY_VALUE))
    return message.text(1), _any_value(message.merged(2), depth)


def pairs(encoded: list[bytes], depth: int = 1) -> dict[str, AttributeValue]:
    """The attributes that these KeyValues are."""
    return dict([pair(each, depth) for each in encoded])


def _any_value(data: bytes, depth: int) -> AttributeValue:
    if depth > MAX_DEPTH:
        raise DecodeError("values are nested too deep")
    found = [each for each in fields(data, _ANY_VALUE) if each[0] in _ANY_VALUE]
    if not found:
        return None
    # Of alternatives the last counts; a list that comes in several parts is one list.
    which, number, raw = found[-1]
    if which not in {_ARRAY, _MAPPING}:
        return _scalar(which, number, raw)
    parts = [each[2] for each in takewhile(lambda each: each[0] == which, reversed(found))]
    items = Message(fields(b"".join(reversed(parts)), _LIST)).every(1)
    if which == _MAPPING:
        return pairs(items, depth + 1)
    return tuple([_any_value(item, depth + 1) for item in items])


def _scalar(which: int, number: int, raw: bytes) -> str | int | float | bytes | None:
    match which:
        case 1:
            return text(raw)
        case 2:
            return number != 0
        case 3:
            return int64(number)
        case 4:
            return float(_double(raw)[0])
        case 7:
            return raw
        case _:  # a reference into a table of strings, which traces do not have
            return None
