"""The way that most values take: one look at what orjson would be asked to write, and if nothing is odd, orjson.

Two microseconds for three documents of a kilobyte. Only exact built-in types are looked at, so nothing of the
application runs.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeGuard

import orjson

from trackway._core.secrets import LONGEST_NAME, Secrecy, secrecy
from trackway._wire.native import kernels

if TYPE_CHECKING:
    from types import NotImplementedType

MAX_DEPTH: Final = 20
MAX_NODES: Final = 100_000

# What is left to us: times, dataclasses and subclasses, which orjson would write in its own way; wide integers.
OPTIONS: Final = (
    orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)

# Names that were judged before. They come from code, so they are few; where they are data, the tables begin anew.
MAX_NAMES: Final = 4096
_harmless: Final[set[str]] = set()
_judged: Final[dict[str, Secrecy]] = {}
# The keys of whole mappings, all of them harmless.
_shapes: Final[set[tuple[object, ...]]] = set()
LONGEST_SHAPE: Final = 64
_SCALARS: Final = frozenset((int, bool, type(None)))

# How many keys are asked whether their mapping is something else than it seems.
TELLING: Final = 12

Container = dict[object, object] | list[object] | tuple[object, ...]


def is_container(value: object) -> TypeGuard[Container]:
    """Whether *value* is exactly a dict, list or tuple."""
    kind = type(value)
    return kind is dict or kind is list or kind is tuple


def look(  # noqa: C901, PLR0912 - a call or a table per item would take longer than all of it
    value: Container, room: int, *, names: bool, nodes: int = MAX_NODES, levels: int = MAX_DEPTH
) -> tuple[int, int] | None:
    """(nodes, levels) of *value* if orjson may write it in about *room* bytes; None if it needs the walker.

    With *names*, a secret's name among the keys is odd. Keys that are no text are left to orjson, which refuses them.
    One loop for all containers, because it runs for each value and the interpreter adapts to what it sees.
    """
    budget = nodes
    floats = 0.0
    depth = 0
    level: list[Container] = [value]
    while level:
        depth += 1
        if depth > levels:
            return None
        below: list[Container] = []
        for container in level:
            budget -= len(container) + 1
            if budget < 0:
                return None
            items: Iterable[object] = container
            if type(container) is dict:
                # Mappings come from code, so their keys recur together: one look-up for all of them.
                if names and tuple(container) not in _shapes and not _keys_stay(container):
                    return None
                items = container.values()
            for item in items:
                kind = type(item)
                if kind is str:
                    room -= len(item)  # type: ignore[arg-type]  # said by the line above
                elif kind in _SCALARS:
                    pass
                elif kind is float:
                    floats += item  # type: ignore[operator]  # likewise
                elif kind is dict or kind is list or kind is tuple:
                    below.append(item)  # type: ignore[arg-type]  # likewise
                else:
                    return None
        if room < 0:
            return None
        level = below
    # NaN and the infinities survive every addition, and nothing but a finite number minus itself is 0.
    return (nodes - budget, depth) if floats - floats == 0.0 else None


def _keys_stay(container: dict[object, object]) -> bool:
    """Whether all keys of *container* may be written with what is under them."""
    stay = harmless = True
    for key, item in container.items():
        if type(key) is not str:
            return False
        if key not in _harmless:
            stay = stay and _may_stay(key, item, container)
            harmless = harmless and key in _harmless
    if stay and harmless and len(container) <= LONGEST_SHAPE:
        if len(_shapes) >= MAX_NAMES:
            _shapes.clear()
        _shapes.add(tuple(container))
    return stay


def plain_json(
    value: Container, room: int, *, names: bool, nodes: int = MAX_NODES, levels: int = MAX_DEPTH
) -> tuple[bytes, int, int] | None:
    """(JSON, nodes, levels) of *value* in at most *room* bytes, if nothing in it is odd."""
    try:
        seen: tuple[int, int] | NotImplementedType | None = NotImplemented
        if kernels is not None:
            seen = kernels.look(value, room, nodes, levels, _harmless if names else None)
        if seen is NotImplemented:
            seen = look(value, room, names=names, nodes=nodes, levels=levels)
        if seen is None:
            return None
        data = orjson.dumps(value, None, OPTIONS)
    except (TypeError, RuntimeError):  # odd after all; another thread changed it meanwhile
        return None
    return (data, *seen) if len(data) <= room else None


def plain_bytes(value: object, room: int, *, names: bool) -> bytes | None:
    """The JSON of *value* in at most *room* bytes, if it is a container and nothing in it is odd."""
    if kernels is not None:
        data = kernels.plain(
            value, room, MAX_NODES, MAX_DEPTH, _harmless if names else None, orjson.dumps, OPTIONS
        )
        if data is not NotImplemented:
            return data
    if not is_container(value):
        return None
    written = plain_json(value, room, names=names)
    return None if written is None else written[0]


def _look_twice(value: object, room: int) -> None:  # noqa: ARG001 - without kernels there is no short way
    return None


clean: Final[Callable[[object, int], "tuple[bytes, bool] | NotImplementedType | None"]] = (
    _look_twice
    if kernels is None
    else partial(kernels.clean, _harmless, orjson.dumps, OPTIONS, MAX_NODES, MAX_DEPTH)
)
"""(What `plain_bytes` gives, whether there may be a secret in it), from one look; no tuple where it takes more."""


def judged(name: str) -> Secrecy:
    """What *name* says about the value under it, remembered for the next time."""
    how = _judged.get(name)
    if how is None:
        # Never a subclass in the tables: a look-up would call its `__eq__`.
        name = str.__str__(name)
        how = secrecy(name)
        if len(name) <= LONGEST_NAME:
            if len(_judged) >= MAX_NAMES:
                _judged.clear()
                _harmless.clear()
                _shapes.clear()
            _judged[name] = how
            if how is Secrecy.NONE:
                _harmless.add(name)
    return how


def is_secret(name: str, value: object, owner: Iterable[object]) -> bool:
    """Whether *value*, under the key *name* of *owner*, is to be replaced by a mark."""
    how = judged(name)
    if how is Secrecy.NONE or value is None:
        return False
    kind = type(value)
    if kind is str or kind is bytes:
        # What has a `logprob` is a token of text.
        return bool(value) and (how is Secrecy.ANY or not _has(owner, ("logprob",)))
    if how is Secrecy.TEXT:
        return issubclass(kind, (str, bytes, bytearray))
    if kind is dict or kind is list or kind is tuple:
        # The parameter of a tool has the name of a secret, and a schema in its place.
        return bool(value) and not (kind is dict and _has(value, ("type", "$ref", "anyOf")))  # type: ignore[arg-type]  # said by the line
    return kind is not bool


def _may_stay(key: str, value: object, owner: Iterable[object]) -> bool:
    if len(key) > LONGEST_NAME:
        return False  # so that keys cost what they are worth: the walker counts their bytes
    return not is_secret(key, value, owner)


def _has(owner: Iterable[object], keys: tuple[str, ...]) -> bool:
    """Whether one of *keys* is among the first of *owner*; a look-up could call `__eq__` of another key."""
    return any(type(key) is str and key in keys for key in list(islice(owner, TELLING)))
