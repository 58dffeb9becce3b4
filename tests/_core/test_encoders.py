"""What is recorded of each type, one line each."""

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import sys
import time
import uuid
from collections.abc import Iterator
from typing import NamedTuple

import pydantic
import pytest

from tests._core.hostile import refuse
from trackway._core.serialize import json_text


class Point(NamedTuple):
    x: int
    y: object


class Colour(enum.Enum):
    RED = "red"
    DAY = dt.date(2024, 1, 1)


class Flags(enum.IntFlag):
    A = 1
    B = 2


@dataclasses.dataclass
class Plain:
    a: int
    api_key: str = "abc"
    counted: int = dataclasses.field(default=3, init=False)


@dataclasses.dataclass(slots=True)
class Slotted:
    a: object = 1

    @property
    def b(self) -> int:
        refuse()


class Model(pydantic.BaseModel):  # type: ignore[explicit-any]  # in what pydantic generates
    model_config = pydantic.ConfigDict(extra="allow")

    name: str = "n"
    password: pydantic.SecretStr = pydantic.SecretStr("abc")
    pin: pydantic.SecretBytes = pydantic.SecretBytes(b"abc")
    hidden: str = pydantic.Field(default="abc", exclude=True)
    inner: "Model | None" = None

    @pydantic.computed_field
    def computed(self) -> int:
        refuse()


class Attribute(NamedTuple):
    name: str


class Attributes:
    """As the library attrs describes its classes."""

    __attrs_attrs__ = (Attribute("x"),)

    def __init__(self) -> None:
        self.x, self.y = 1, 2


class OwnText(Exception):
    __str__ = refuse


ZONE = dt.timezone(dt.timedelta(hours=2))
TYPES: list[tuple[object, object]] = [
    (float("nan"), "NaN"),
    (float("inf"), "Infinity"),
    (float("-inf"), "-Infinity"),
    (2**53 - 1, 2**53 - 1),
    (2**53, "9007199254740992"),
    (-(2**63), "-9223372036854775808"),
    (10**5000, "<integer of 16610 bits>"),
    (b"text \xc3\xa9", "text é"),
    (bytearray(b"text"), "text"),
    (b"\xff\xfe\xfd", "<3 bytes>"),
    (memoryview(b"x"), "<builtins.memoryview>"),
    (decimal.Decimal("1.10"), "1.10"),
    (decimal.Decimal("NaN"), "NaN"),
    (dt.datetime(2024, 1, 2, 3, 4, 5, 6, ZONE), "2024-01-02T03:04:05.000006+02:00"),
    (dt.datetime(1, 1, 1), "0001-01-01T00:00:00"),
    (dt.date(2024, 1, 2), "2024-01-02"),
    (dt.time(1, 2, tzinfo=ZONE), "01:02:00+02:00"),
    (dt.timedelta(minutes=1, milliseconds=500), 60.5),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (1 + 2j, "(1+2j)"),
    (Colour.RED, "red"),
    (Colour.DAY, "2024-01-01"),
    (Flags.A | Flags.B, 3),
    ({3}, [3]),
    (frozenset(["a"]), ["a"]),
    (collections.deque([1, 2]), [1, 2]),
    (range(3), [0, 1, 2]),
    ({"a": 1}.keys(), ["a"]),
    ({"a": 1}.values(), [1]),
    ({"a": 1}.items(), [["a", 1]]),
    (Point(1, {2}), {"x": 1, "y": [2]}),
    (time.gmtime(0), [1970, 1, 1, 0, 0, 0, 3, 1, 0]),
    (collections.OrderedDict(a={1}), {"a": [1]}),
    (collections.Counter("aa"), {"a": 2}),
    (Plain(1), {"a": 1, "api_key": "[redacted: key 'api_key']", "counted": 3}),
    (Slotted({2}), {"a": [2]}),
    (object.__new__(Slotted), {}),
    (Attributes(), {"x": 1}),
    (ValueError("bad"), "ValueError: bad"),
    (KeyError("k"), "KeyError: 'k'"),
    (FileNotFoundError(2, "none", "f"), "FileNotFoundError: [Errno 2] none: 'f'"),
    (OwnText("text"), "OwnText: text"),
    (ValueError(), "ValueError"),
    (ValueError(object(), 1), "ValueError: <builtins.object>, 1"),
    (int, "<class builtins.int>"),
    (refuse, "<function tests._core.hostile.refuse>"),
    (object(), "<builtins.object>"),
    (
        {1: "a", "1": "b", 1.5: "c", None: "d", (1, "x"): "f", Colour.RED: "g"},
        {"1": "a", "1 (2)": "b", "1.5": "c", "null": "d", "1, x": "f", "red": "g"},
    ),
    ({2**60: 1, b"k": 2, float("inf"): 3, object: 4}, {str(2**60): 1, "k": 2, "inf": 3, "<class builtins.object>": 4}),
    ({False: 1, ((1,), 2): 2, frozenset([1]): 3}, {"false": 1, "(…), 2": 2, "<builtins.frozenset>": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), TYPES, ids=lambda value: type(value).__name__)
def test_each_type(value: object, expected: object) -> None:
    """A value of the type is recorded as the table says, alone and inside another."""
    assert json.loads(json_text(value)) == expected
    assert json.loads(json_text({"in": [value]})) == {"in": [expected]}


def test_a_naive_time_is_of_the_local_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A datetime without a zone is recorded with the offset of the machine's."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        moment = dt.datetime(2024, 1, 2, 3, 4)
        assert json_text(moment) == b'"2024-01-02T03:04:00+05:45"'
    finally:
        monkeypatch.undo()
        time.tzset()


def test_pydantic_models_field_by_field() -> None:
    """A model shows its fields and extras; secret types are masked, excluded and computed fields are left out."""
    model = Model.model_validate({"name": "outer", "more": {1}, "inner": Model()})
    assert json.loads(json_text(model)) == {
        "name": "outer",
        "password": "[redacted: key 'password']",
        "pin": "[redacted: secret type]",
        "inner": {
            "name": "n",
            "password": "[redacted: key 'password']",
            "pin": "[redacted: secret type]",
            "inner": None,
        },
        "more": [1],
    }
    assert json_text([pydantic.SecretStr("abc")]) == b'["[redacted: secret type]"]'


def test_long_bytes_are_read_as_far_as_needed() -> None:
    """Bytes of many megabytes are text up to a limit, cut at a whole character, and marked."""
    text = json.loads(json_text("é".encode() * 5_000_000, max_bytes=8 << 20))
    assert text == "é" * (2 << 20) + "<… 5.8 MB cut>"


def test_numpy_values() -> None:
    """Scalars become numbers, small arrays lists, large arrays and those of objects are named."""
    numpy = pytest.importorskip("numpy")
    values: list[object] = [
        numpy.float64(1.5),
        numpy.float32(0.5),
        numpy.int64(0),
        numpy.bool_(False),
        numpy.str_("s"),
        numpy.longdouble(2),
        numpy.datetime64("2024-01-01"),
        numpy.array([[1, 2], [3, 4]]),
        numpy.array([numpy.nan]),
        numpy.zeros((100, 100)),
        numpy.array([object()]),
    ]
    assert json.loads(json_text(values)) == [
        *(1.5, 0.5, 0, False, "s", 2.0, "2024-01-01", [[1, 2], [3, 4]], ["NaN"]),
        "<numpy.ndarray float64 (100, 100)>",
        "<numpy.ndarray object (1,)>",
    ]


@pytest.fixture
def without_numpy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delitem(sys.modules, "numpy", raising=False)
    yield
    assert "numpy" not in sys.modules


@pytest.mark.usefixtures("without_numpy")
def test_numpy_is_not_imported() -> None:
    """An unknown object does not make us load a library to recognise it."""
    assert json_text(object()) == b'"<builtins.object>"'
