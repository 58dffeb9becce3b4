"""Any Python value becomes strict JSON within a budget, or text: what is recorded of inputs, outputs, metadata.

Theory of operation. Most values are dicts, lists and texts of modest size, for which orjson needs 0.2 µs/KB;
but orjson alone turns NaN into null, walks what the application did not mean to show, and expands a shared
structure of 22 levels into 31 MiB with the GIL held. So there are two ways:

1. `plain.py` looks at the containers level by level, at exact built-in types only. It is content with a tree of
   at most 20 levels and 100,000 nodes, finite floats, text keys and no name of a secret among them. What
   remains odd (an integer beyond 53 bits, a lone surrogate) makes orjson refuse under its strict options. A
   value without oddities costs one look and one `dumps`.
2. Everything else is written piece by piece by the `Walker` (`walker.py`), which has an answer to whatever there is.

Neither raises, gives up the GIL, or calls a method that the application wrote.
"""

from typing import Final

import orjson

from trackway._core.cut import shortened, utf8
from trackway._core.guard import guard
from trackway._core.plain import plain_bytes
from trackway._core.redact import redact_keys
from trackway._core.walker import Walker

MAX_BYTES: Final = 1 << 20
# Room for the longest mark; a smaller budget is taken as this one.
LEAST_BYTES: Final = 64
UNSERIALISABLE: Final = b'"<unserialisable>"'

_guard: Final = guard("serialize")


def serialize(
    value: object, *, max_bytes: int = MAX_BYTES, secret_keys: bool = True
) -> tuple[bytes, bool]:
    """(UTF-8, whether it is JSON) of *value*; never raises, never more than *max_bytes* (at least 64).

    A `str` is text as it is, everything else JSON. What does not fit is cut and marked in place; with
    *secret_keys*, a mark stands for what is under the name of a secret. What becomes of each type:
    docs/values.md.
    """
    kind = type(value)
    if issubclass(kind, str):
        return _text(str.__str__(value), max_bytes, secret_keys=secret_keys), False
    return _json(value, max_bytes, secret_keys=secret_keys), True


def json_text(value: object, *, max_bytes: int = MAX_BYTES) -> bytes:
    """*value* as JSON; a `str` is quoted."""
    return _json(value, max_bytes, secret_keys=True)


def _json(value: object, room: int, *, secret_keys: bool) -> bytes:
    if (plain := plain_bytes(value, room, names=secret_keys)) is not None:
        return plain
    if value is None or type(value) is bool:
        return orjson.dumps(value)
    return _walk(value, room, secret_keys=secret_keys)


def _walk(value: object, room: int, *, secret_keys: bool) -> bytes:
    data = UNSERIALISABLE
    with _guard:
        try:
            data = Walker(max(room, LEAST_BYTES), names=secret_keys).run(value)
        except (RecursionError, MemoryError):  # the application is at its limits: no error of ours
            data = UNSERIALISABLE
    return data


def _text(text: str, room: int, *, secret_keys: bool) -> bytes:
    room = max(room, LEAST_BYTES)
    data = utf8(text) if len(text) <= room else shortened(text, room, utf8)
    if secret_keys:
        data = redact_keys(data)  # a mark may be longer than what it stands for
    return data if len(data) <= room else shortened(data.decode(), room, utf8)
