"""Values that an application may hand over by accident or malice: each a class of its own, made anew by a function."""

import asyncio
import collections
import ctypes
import dataclasses
import datetime as dt
import decimal
import enum
import io
import itertools
import pathlib
import re
import socket
import sys
import threading
import types
import uuid
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, NamedTuple, NoReturn


class Hostile(RuntimeError):
    """Raised by every method that must not be called."""


def refuse(*_: object, **__: object) -> NoReturn:
    raise Hostile


def words(text: str) -> list[str]:
    return text.split()


SPECIAL = words("""
    __repr__ __str__ __bytes__ __format__ __hash__ __eq__ __bool__ __len__ __iter__ __next__ __contains__ __getitem__
    __getattr__ __getattribute__ __int__ __float__ __index__ __complex__ __call__ __enter__ __exit__ __reduce__
    __reduce_ex__ __copy__ __deepcopy__ __dir__ __sizeof__ __lt__ __gt__ __add__ __abs__ __fspath__ __reversed__
    __await__ __aiter__ __length_hint__ __missing__ keys values items tolist item isoformat model_dump dict json
    to_dict utcoffset
""")
METHODS: dict[str, object] = dict.fromkeys(SPECIAL, refuse)
NO_HASH = {name: method for name, method in METHODS.items() if name not in {"__hash__", "__eq__"}}
READABLE = {name: method for name, method in NO_HASH.items() if "getattr" not in name}

Everything = type("Everything", (), METHODS)
BadKey = type("BadKey", (), NO_HASH)
LIST, DICT, TUPLE, SET, STR, INT, FLOAT, BYTES = (
    type(f"Bad{base.__name__}", (base,), METHODS)
    for base in (list, dict, tuple, set, str, int, float, bytes)
)
BadDate = type("BadDate", (dt.datetime,), METHODS)
BadDecimal = type("BadDecimal", (decimal.Decimal,), METHODS)
BadPath = type("BadPath", (pathlib.PurePosixPath,), READABLE)
BadError = type("BadError", (Exception,), METHODS)
BadUUID = type("BadUUID", (uuid.UUID,), NO_HASH)


class Lying:
    """Says that it is a dict."""

    __class__ = dict  # type: ignore[assignment]  # the lie


RaisingClass = type("RaisingClass", (), {"__class__": property(refuse)})


class Meta(type):
    __hash__ = __eq__ = __repr__ = __instancecheck__ = __subclasscheck__ = refuse

    @property
    def __mro__(cls) -> NoReturn:
        raise Hostile


class OfMeta(metaclass=Meta):
    """Its class cannot be asked for anything."""


class NoModule:
    __module__ = 5  # type: ignore[assignment]


class Quiet:
    """Says nothing of its own; its dict is full of what nobody asked for."""

    def __init__(self) -> None:
        self.secret = "do not look"


class EndlessMapping(Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        return map(str, itertools.count())

    def __len__(self) -> int:
        return sys.maxsize


class Zone(dt.tzinfo):
    def utcoffset(self, moment: dt.datetime | None) -> NoReturn:
        raise Hostile

    dst = tzname = utcoffset


class Fields(NamedTuple):
    first: object
    second: object = None


@dataclasses.dataclass
class Data:
    value: object = None
    other: object = None

    def __getattribute__(self, name: str) -> object:
        raise Hostile


@dataclasses.dataclass(slots=True)
class Slots:
    value: object = None


class Colour(enum.Enum):
    RED = "red"
    MANY = [1, 2, {"three": 3}]


class OfItself(enum.Enum):
    ONE = 1


class Texts(enum.StrEnum):
    ONE = "one"


class Bits(enum.IntFlag):
    A = 1
    B = 2


class Model:
    """Looks like a model of pydantic, with fields that are none."""

    __pydantic_fields__: ClassVar[dict[object, object]] = {"a": None, 5: None}

    def __init__(self) -> None:
        self.a = Everything()


class Structure(ctypes.Structure):
    _fields_: ClassVar = [("x", ctypes.c_int)]


def filled(value: object, **attributes: object) -> object:
    for name, attribute in attributes.items():
        object.__setattr__(value, name, attribute)
    return value


def data(value: object, other: object = None) -> Data:
    return Data(value, other)


def cyclic_list() -> object:
    value: list[object] = [1]
    value.append(value)
    return value


def cyclic_dict() -> object:
    value: dict[str, object] = {"a": 1}
    value["self"] = [value]
    return value


def cyclic_pair() -> object:
    first: list[object] = []
    first.append((first, {"again": first}))
    return first


def cyclic_data() -> object:
    value = data(1)
    object.__setattr__(value, "other", [value])
    return value


def cyclic_enum() -> object:
    OfItself.ONE._value_ = OfItself.ONE  # type: ignore[assignment]
    return OfItself.ONE


def bomb(levels: int, wide: int = 2) -> object:
    value: object = ["leaf"]
    for _ in range(levels):
        value = [value] * wide
    return value


def bomb_of_dicts(levels: int) -> object:
    value: object = {"leaf": 1.5}
    for _ in range(levels):
        value = {"left": value, "right": value}
    return value


def deep(levels: int) -> object:
    value: object = "bottom"
    for _ in range(levels):
        value = [value]
    return value


def deep_dicts(levels: int) -> object:
    value: object = dt.date(2024, 1, 1)
    for _ in range(levels):
        value = {"down": value}
    return value


def deep_tuple_key(levels: int) -> object:
    key: object = 1
    for _ in range(levels):
        key = (key, key)
    return {key: 1} if levels < 12 else {"key": key}


def defaults() -> object:
    value: collections.defaultdict[str, list[int]] = collections.defaultdict(list)
    value["a"].append(1)
    return value


def generator() -> Iterator[int]:
    yield 1 // 0


async def coroutine() -> None:
    raise Hostile


def closed_coroutine() -> object:
    waiting = coroutine()
    waiting.close()
    return waiting


def closed_socket() -> object:
    value = socket.socket()
    value.close()
    return value


def error_in_error() -> object:
    error = ValueError(Everything(), b"\xff", 1)
    error.__cause__ = error
    return error


def proxied() -> object:
    target = Quiet()
    return [weakref.ref(target), weakref.proxy(target)]


def closed_loop() -> object:
    loop = asyncio.new_event_loop()
    loop.close()
    return loop


HOSTILE: dict[str, Callable[[], object]] = {
    "every method raises": Everything,
    "every method raises, among others": lambda: {"before": 1, "bad": Everything(), "after": [2]},
    "list subclass": lambda: LIST([1, Everything()]),
    "dict subclass": lambda: DICT(a=1, b=Everything()),
    "tuple subclass": lambda: TUPLE((1, 2)),
    "set subclass": lambda: SET([1, 2]),
    "str subclass": lambda: [STR("text")],
    "int subclass": lambda: [INT(5), INT(1 << 70)],
    "float subclass": lambda: [FLOAT(1.5), FLOAT("nan")],
    "bytes subclass": lambda: BYTES(b"text"),
    "datetime subclass": lambda: BadDate(2024, 1, 1),
    "decimal subclass": lambda: BadDecimal("1.10"),
    "path subclass": lambda: BadPath("a/b"),
    "error subclass": lambda: BadError("text"),
    "uuid subclass": lambda: BadUUID(int=1),
    "a lie about the class": Lying,
    "no word about the class": RaisingClass,
    "metaclass that raises": OfMeta,
    "class of such a metaclass": lambda: OfMeta,
    "module that is no text": NoModule,
    "object with a dict": Quiet,
    "endless mapping": EndlessMapping,
    "key with methods that raise": lambda: {BadKey(): 1, BadKey(): 2, "good": 3},
    "keys of all kinds": lambda: {1: 1, "1": 2, 1.5: 3, None: 4, "null": 5, (1, 2): 6, b"1": 7},
    "keys that are equal as text": lambda: {object(): n for n in range(5_000)},
    "keys of surrogates": lambda: dict.fromkeys(("\ud800", "\udfff", "�"), 1),
    "key of a megabyte": lambda: {"k" * 1_000_000: 1},
    "deep tuple as key": lambda: deep_tuple_key(10),
    "list in itself": cyclic_list,
    "dict in itself": cyclic_dict,
    "two in each other": cyclic_pair,
    "dataclass in itself": cyclic_data,
    "enum of itself": cyclic_enum,
    "bomb of 22 levels": lambda: bomb(22),
    "bomb of 100 levels": lambda: bomb(100),
    "wide bomb": lambda: bomb(5, wide=1_000),
    "bomb of dicts": lambda: bomb_of_dicts(60),
    "bomb with a date": lambda: {"bomb": bomb(19), "date": dt.date(2024, 1, 1)},
    "bomb of tuples": lambda: deep_tuple_key(40),
    "nested 100,000 times": lambda: deep(100_000),
    "dicts nested 500 times": lambda: deep_dicts(500),
    "a million integers": lambda: list(range(1_000_000)),
    "a million keys": lambda: dict.fromkeys(range(1_000_000)),
    "text of 10 MB": lambda: ["x" * 10_000_000, "after"],
    "10 MB of wide text": lambda: {"text": "😀" * 2_500_000, "after": 1},
    "2 MB of control characters": lambda: ["\x00" * 2_000_000],
    "20 MB of bytes": lambda: [b"x" * 20_000_000],
    "bytes that are no text": lambda: b"\xff\xfe" * 100,
    "memory": lambda: [memoryview(b"abc"), bytearray(b"abc\xff")],
    "lone surrogates": lambda: {"text": "a\ud800b\udfff", "list": ["\udc80"]},
    "floats that JSON has no word for": lambda: [float("nan"), float("inf"), -float("inf")],
    "integers beyond 53 bits": lambda: [1 << 53, -(1 << 63), 1 << 64, 10**5_000, -(10**100_000)],
    "decimals": lambda: [decimal.Decimal("sNaN"), decimal.Decimal("1E+999999"), decimal.Decimal(0)],
    "times at the edge": lambda: [
        dt.datetime(1, 1, 1),
        dt.datetime(9999, 12, 31),
        dt.datetime(2024, 1, 1, tzinfo=Zone()),
        dt.time(1, tzinfo=Zone()),
        dt.timedelta.max,
    ],
    "endless iterators": lambda: [itertools.count(), itertools.repeat(1), iter(int, 1)],
    "generator": generator,
    "coroutine": closed_coroutine,
    "range of 10^18": lambda: range(10**18),
    "named tuples": lambda: [Fields(1, Everything()), filled(Fields(Fields(1)))],
    "dataclasses that hide": lambda: [data(Everything()), Slots(), filled(object.__new__(Slots))],
    "enums": lambda: [Colour.RED, Colour.MANY, Texts.ONE, Bits.A | Bits.B, Colour],
    "model with fields that are none": Model,
    "errors": lambda: [error_in_error(), KeyError(("a",)), ExceptionGroup("g", [ValueError("v")])],
    "views and defaults": lambda: [
        defaults(),
        {"a": 1}.keys(),
        {"a": 1}.items(),
        {"a": [1]}.values(),
    ],
    "sets and queues": lambda: [{1, "a"}, frozenset([1]), collections.deque([1], 3)],
    "functions and modules": lambda: [
        refuse,
        print,
        lambda: 1,
        re,
        int,
        types.SimpleNamespace(a=1),
    ],
    "locks and threads": lambda: [threading.Lock(), threading.current_thread(), closed_loop()],
    "files and sockets": lambda: [io.BytesIO(b"x"), closed_socket(), sys.stdout],
    "references": proxied,
    "structures of C": lambda: [Structure(1), ctypes.c_int(5), (ctypes.c_int * 2)(1, 2)],
    "frames and code": lambda: [sys._getframe(), refuse.__code__, re.compile("x")],
}
