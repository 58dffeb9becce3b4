"""The values of attributes as bytes: AnyValue and KeyValue messages, and the fields that everything is made of."""

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from trackway._wire.protobuf import varint

__all__ = [
    "MAX_DEPTH",
    "AttributeValue",
    "field",
    "key_field",
    "key_value",
    "text_field",
    "utf8_of",
]

AttributeValue = (
    str
    | bool
    | int
    | float
    | bytes
    | Sequence["AttributeValue"]
    | Mapping[str, "AttributeValue"]
    | None
)
"""What an attribute may be; None stands for "no value" and is kept as such."""

# A mapping is three messages deep, and protobuf runtimes stop at 100.
MAX_DEPTH: Final = 20
TOO_DEEP: Final = "<nested too deep>"

_MAX_INT64: Final = (1 << 63) - 1
_MAX_UINT64: Final = (1 << 64) - 1
_KEYS_KEPT: Final = 1024
# Longer keys are made of data, and are not worth keeping.
_LONGEST_KEPT: Final = 100

_double: Final = struct.Struct("<d").pack


def utf8_of(string: str) -> bytes:
    try:
        return string.encode()
    except UnicodeEncodeError:
        # By way of UTF-16 two halves that belong together become their character, and each lone one U+FFFD.
        return string.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def field(tag: bytes, contents: bytes) -> bytes:
    return b"".join((tag, varint(len(contents)), contents))


def text_field(tag: bytes, string: str) -> bytes:
    return field(tag, utf8_of(string)) if string else b""


@lru_cache(_KEYS_KEPT)
def _kept_key(key: str) -> bytes:
    return key_field(key)


def key_field(key: str) -> bytes:
    """KeyValue.key, and the tag of KeyValue.value."""
    return field(b"\x0a", utf8_of(key)) + b"\x12"


def key_value(tag: bytes, key: str, value: AttributeValue, depth: int = 0) -> bytes:
    head = _kept_key(key) if len(key) <= _LONGEST_KEPT else key_field(key)
    encoded = _any_value(value, depth)
    size = varint(len(encoded))
    return b"".join((tag, varint(len(head) + len(size) + len(encoded)), head, size, encoded))


def _any_value(value: AttributeValue, depth: int) -> bytes:
    """The fields of an AnyValue; the commonest types first."""
    kind = type(value)
    if kind is str:
        return field(b"\x0a", utf8_of(value))  # type: ignore[arg-type]  # narrowed by its exact type
    if value is True or value is False:
        return b"\x10\x01" if value else b"\x10\x00"
    if kind is int:
        return _integer(value)  # type: ignore[arg-type]  # as above
    if kind is float:
        return b"\x21" + _double(value)
    return b"" if value is None else _rare_value(value, depth)


def _rare_value(value: object, depth: int) -> bytes:
    """Subclasses of the plain types, bytes, and what nests; in the order in which the official encoder asks."""
    match value:
        case str():
            return field(b"\x0a", utf8_of(str.__str__(value)))
        case int():
            return _integer(int.__index__(value))
        case float():
            return b"\x21" + _double(value)
        case bytes():
            return field(b"\x3a", value)
        case _:
            return _nested(value, depth)


def _nested(value: object, depth: int) -> bytes:
    if depth >= MAX_DEPTH:
        return field(b"\x0a", TOO_DEEP.encode())
    if isinstance(value, Sequence):
        return field(
            b"\x2a", b"".join([field(b"\x0a", _any_value(item, depth + 1)) for item in value])
        )
    if isinstance(value, Mapping):
        pairs = [key_value(b"\x0a", _name(key), item, depth + 1) for key, item in value.items()]
        return field(b"\x32", b"".join(pairs))
    return field(b"\x0a", utf8_of(_type_name(value)))


def _name(key: object) -> str:
    """A mapping's key as text; of a foreign object no method is called."""
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, bool | float | None):
        return str(key)
    return _digits(int.__index__(key)) if isinstance(key, int) else _type_name(key)


def _type_name(value: object) -> str:
    kind = type(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"


def _integer(number: int) -> bytes:
    if -_MAX_INT64 - 1 <= number <= _MAX_INT64:
        return b"\x18" + varint(number & _MAX_UINT64)
    return field(b"\x0a", _digits(number).encode())


def _digits(number: int) -> str:
    try:
        return str(number)
    except ValueError:  # more digits than the interpreter converts
        return hex(number)
