"""What becomes of each type that JSON does not know: one table, and a few libraries known without an import.

A translation is one level deep and made of built-in types; the walker goes on from there. Nothing here calls a
method that the application wrote: methods are taken from the built-in class, fields from where Python keeps
them (`classes.py`). The exceptions: a `tzinfo` must be asked for its offset, and a dict that changes all the time is
copied, which may compare keys (`entries`). Unknown objects are named, never opened.
"""

import sys
from codecs import utf_8_decode
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from types import FunctionType, WrapperDescriptorType
from typing import Final, Never, final
from uuid import UUID

from trackway._core.classes import (
    bases,
    class_attribute,
    class_name,
    module_name,
    own_attributes,
    read,
    short_name,
)
from trackway._core.cut import size

# Bytes are read as text up to here; values are cut far below.
MAX_TEXT_BYTES: Final = 4 << 20
# More numbers than these are no longer read by anyone; an embedding has up to 3,072.
MAX_ARRAY: Final = 4_096
# Python refuses to write integers of more than 4,300 digits (14,284 bits); these take 20 µs.
MAX_INTEGER_BITS: Final = 8_192
# Exceptions may be made of anything; what comes after these is no message.
MAX_ARGS: Final = 10
# A dict that changed while it was read is read so often again, before it is copied whole.
TRIES: Final = 8
SECRET_TYPE: Final = "[redacted: secret type]"  # noqa: S105 - the mark of one

_SECRET_TYPES: Final = frozenset(("_SecretBase", "_SecretField", "SecretStr", "SecretBytes"))
# Kinds of numpy's types that have a plain counterpart: truth values, numbers, texts.
_PLAIN_ARRAYS: Final = "biufUS"


@final
class Entries:
    """The entries of a subclass of dict: to build a dict of them could call `__hash__` and `__eq__` of the keys."""

    __slots__ = ("pairs", "total")

    def __init__(self, pairs: list[tuple[object, object]], total: int) -> None:
        self.pairs = pairs
        self.total = total


def translate(value: object, limit: int) -> object:
    """*value* in built-in types or as `Entries`; of a collection at most *limit* items and one."""
    kind = type(value)
    # By id, because a metaclass of the application may have a `__hash__`.
    exact = _BY_ID.get(id(kind))
    if exact is not None:
        return exact(value)  # type: ignore[arg-type]  # *value* is of this class
    if issubclass(kind, dict):
        return entries(value, limit)  # type: ignore[arg-type]  # said by the line above
    for base, iterate in _COLLECTIONS:
        if issubclass(kind, base):
            return _fields_or_list(kind, islice(iterate(value), limit + 1))  # type: ignore[arg-type]  # *value* is a *base*
    for base, encode in _ENCODERS:
        if issubclass(kind, base):
            return encode(value)  # type: ignore[arg-type]  # as above
    return _foreign(value, kind)


def key_text(key: object) -> str:  # noqa: PLR0911 - a table of types
    """*key* of a mapping as a text: as JSON would write it, where it can."""
    kind = type(key)
    if issubclass(kind, str):
        return str.__str__(key)
    if key is None:
        return "null"
    if kind is bool:
        return "true" if key else "false"
    if kind is tuple:
        # Tuples in tuples are named only, so that no depth of them matters.
        return _tuple_text(key)  # type: ignore[arg-type]  # said by the line above
    simple = key if kind is int or kind is float else translate(key, 0)
    if type(simple) is int:
        return integer_text(simple)
    if type(simple) is float:
        return float.__repr__(simple)
    return simple if type(simple) is str else f"<{class_name(kind)}>"


def _tuple_text(key: tuple[object, ...]) -> str:
    """The parts of *key*; tuples in it are named only, so that no depth of them matters."""
    return ", ".join("(…)" if type(part) is tuple else key_text(part) for part in key[:MAX_ARGS])


def integer_text(value: int) -> str:
    """The digits of *value*, or the number of its bits where the digits would fill a page."""
    bits = value.bit_length()
    return repr(value) if bits <= MAX_INTEGER_BITS else f"<integer of {bits} bits>"


# -- the standard library ---------------------------------------------------------------------------------------------


def entries(value: dict[object, object], limit: int) -> Entries:
    """The first *limit* entries of *value* and one, as they were at one moment, while other threads may change it."""
    for _ in range(TRIES):
        # Each pair is a new tuple, so before Python 3.12 garbage may be collected amid them, and what the application
        # runs then (`gc.callbacks`, a `__del__`) lets other threads go on.
        try:
            return Entries(list(islice(dict.items(value), limit + 1)), dict.__len__(value))
        except RuntimeError:
            continue
    if class_attribute(type(value), "__iter__") is dict.__iter__:
        # No pair is made while a dict is copied; one with an `__iter__` of its own is copied by its own methods, this
        # one at most by the `__eq__` of keys that have one hash.
        value = dict.copy(value)
    return Entries(list(islice(dict.items(value), limit + 1)), dict.__len__(value))


def _enum(value: Enum) -> object:
    return own_attributes(value).get("_value_", f"<{class_name(type(value))}>")


def _bytes(value: bytes | bytearray) -> str:
    kind = bytes if issubclass(type(value), bytes) else bytearray
    total = kind.__len__(value)  # type: ignore[arg-type]  # chosen by the line above
    start = kind.__getitem__(value, slice(MAX_TEXT_BYTES))  # type: ignore[index]  # as above
    try:
        text, used = utf_8_decode(start, "strict", total <= MAX_TEXT_BYTES)
    except UnicodeDecodeError:
        return f"<{total} bytes>"
    return text if used == total else f"{text}<… {size(total - used)} cut>"


def _datetime(value: datetime) -> str:
    if value.tzinfo is None:
        try:
            return datetime.isoformat(datetime.astimezone(value))
        except (OverflowError, ValueError, OSError):  # beyond what the system's clock can say
            return datetime.isoformat(value)
    return datetime.isoformat(value)


_args: Final = BaseException.__dict__["args"].__get__


def _exception(value: BaseException) -> str:
    """`Type: text`, the text as the built-in classes make it: a `__str__` of the application is not called."""
    kind = type(value)
    args: tuple[object, ...] = _args(value, kind)[:MAX_ARGS]
    own = class_attribute(kind, "__str__")
    if type(own) is WrapperDescriptorType and all(_is_scalar(arg) for arg in args):
        text: object = own.__get__(value, kind)()
    else:
        text = ", ".join(
            key_text(arg) if _is_scalar(arg) else f"<{class_name(type(arg))}>" for arg in args
        )
    return f"{short_name(kind)}: {text}" if text else short_name(kind)


def _is_scalar(value: object) -> bool:
    kind = type(value)
    return kind is str or kind is int or kind is float or kind is bool or value is None


def _class(value: type) -> str:
    return f"<class {class_name(value)}>"


def _function(value: FunctionType) -> str:
    module = value.__module__
    return (
        f"<function {module}.{value.__qualname__}>"
        if type(module) is str
        else f"<function {value.__qualname__}>"
    )


def _fields_or_list(kind: type, items: Iterator[object]) -> object:
    """A named tuple by its fields, any other collection as a list."""
    names = class_attribute(kind, "_fields") if issubclass(kind, tuple) else None
    found = list(items)
    if isinstance(names, tuple) and type(names) is tuple and len(names) >= len(found) > 0:
        return {name: item for name, item in zip(names, found, strict=False) if type(name) is str}
    return found


# Of two that fit, the first counts: an enum of texts is an enum, a `datetime` is also a `date`.
_COLLECTIONS: Final[tuple[tuple[type, Callable[[Never], Iterable[object]]], ...]] = (
    (list, list.__iter__),
    (tuple, tuple.__iter__),
    (set, set.__iter__),
    (frozenset, frozenset.__iter__),
    (deque, deque.__iter__),
    (type({}.keys()), iter),
    (type({}.values()), iter),
    (type({}.items()), iter),
    (range, iter),
)
_ENCODERS: Final[tuple[tuple[type, Callable[[Never], object]], ...]] = (
    (Enum, _enum),
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
    (bytes, _bytes),
    (bytearray, _bytes),
    (datetime, _datetime),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, timedelta.total_seconds),
    (Decimal, Decimal.__str__),
    (UUID, UUID.__str__),
    (PurePath, PurePath.__str__),
    (complex, complex.__repr__),
    (BaseException, _exception),
    (FunctionType, _function),
    (type, _class),
)

_BY_ID: Final = {id(base): encode for base, encode in _ENCODERS}

# -- what other libraries and decorators make -------------------------------------------------------------------------


def _foreign(value: object, kind: type) -> object:
    for base in bases(kind):
        if short_name(base) in _SECRET_TYPES and module_name(base).startswith("pydantic"):
            return SECRET_TYPE
    names = class_attribute(kind, "__dataclass_fields__")
    if type(names) is dict:
        return read(value, names)
    names = class_attribute(kind, "__attrs_attrs__")
    if isinstance(names, tuple):
        return read(value, [getattr(field, "name", None) for field in names])
    fields = class_attribute(kind, "__pydantic_fields__") or class_attribute(kind, "__fields__")
    if type(fields) is dict:
        return _pydantic(value, fields)
    plain = _numpy(value, kind)
    return f"<{class_name(kind)}>" if plain is None else plain


def _pydantic(value: object, fields: dict[str, object]) -> dict[str, object]:
    """The fields of a model but those that it excludes from its own dumps, and whatever else it was given."""
    shown = [name for name, field in fields.items() if getattr(field, "exclude", None) is not True]
    extra = read(value, ("__pydantic_extra__",)).get("__pydantic_extra__")
    return {**read(value, shown), **(extra if isinstance(extra, dict) else {})}


def _numpy(value: object, kind: type) -> object:
    """A scalar as Python's, a small array of numbers as lists, a large one by its shape; None if it is neither."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if issubclass(kind, numpy.generic):
        plain: object = numpy.generic.item(value)
        # A `longdouble` has no counterpart: its item is itself.
        return (
            plain if not issubclass(type(plain), numpy.generic) else numpy.generic.__float__(plain)
        )
    if not issubclass(kind, numpy.ndarray):
        return None
    array = numpy.ndarray.view(value, numpy.ndarray)
    if array.size <= MAX_ARRAY and array.dtype.kind in _PLAIN_ARRAYS:
        items: object = array.tolist()
        return items
    return f"<numpy.ndarray {array.dtype.name} {array.shape}>"
