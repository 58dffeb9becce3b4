"""What may be recorded of a payload: objects of an SDK as plain values, files in base64 as references.

Nothing of the caller's is changed or copied deep: what holds neither an SDK's object nor a file is handed back itself,
and above a file only the containers on the way to it are made anew.

A reference is a text, so that the shape around it stays what every viewer of messages knows:
`<media type=image/png size=48213 sha256=9f86d081…>`; size and hash are of the bytes, not of their base64.
"""

import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeGuard

from trackway._wire.native import kernels

__all__ = [
    "EXTRA",
    "MODELS",
    "PAYLOAD",
    "error_in",
    "fields_of",
    "index_in",
    "is_mapping",
    "is_model",
    "plain",
    "plain_mapping",
    "reference",
]

# Of one payload, this many values are looked at; what is beyond is left to the serializer, which has bounds of its own.
MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 24
# Characters of an error that is no object.
LONGEST_ERROR: Final = 1_000
# A file of fewer characters than this says less than its reference would.
SHORTEST: Final = 64
# Characters of base64 that are decoded and hashed at once: below 2,048 bytes `hashlib` keeps the interpreter lock,
# and giving it up costs milliseconds beside busy threads.
PIECE: Final = 2_728

# Where providers put base64 without saying so in the value.
_KEYS: Final = frozenset({"base64", "data", "b64_json", "file_data", "partial_image_b64", "result"})
_BASE64: Final = re.compile(rf"[A-Za-z0-9+/_-]{{{SHORTEST - 4}}}")
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.+-]+)*;base64,", re.ASCII)

# How files begin whose type nobody says; a RIFF says further on what it is.
_BEGINNINGS: Final = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_RIFF: Final = {b"WAVE": "audio/wav", b"WEBP": "image/webp"}
# Characters of base64 that hold all of the above.
_BEGINNING: Final = 16

# Where pydantic holds the fields that an SDK did not declare.
EXTRA: Final = "__pydantic_extra__"
_LEAVES: Final = frozenset({int, float, bool, type(None)})

# To ask a class whether it is a mapping or a model takes ten times as long as to look up what it said; more classes
# than these are asked each time.
MAX_KINDS: Final = 1_000
_mappings: Final[dict[type, bool]] = {}
MODELS: Final[set[type]] = set()


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether *value* is a mapping, of any class."""
    kind = type(value)
    known = _mappings.get(kind)
    if known is None:
        known = issubclass(kind, Mapping)
        if len(_mappings) < MAX_KINDS:
            _mappings[kind] = known
    return known


def is_model(kind: type) -> bool:
    """Whether *kind* is a class of an SDK's objects."""
    if kind in MODELS:
        return True
    if not hasattr(kind, "model_fields"):
        return False
    if len(MODELS) < MAX_KINDS:
        MODELS.add(kind)
    return True


def fields_in_python(value: Any) -> Mapping[str, Any]:
    """`fields_of`, where the kernel has no answer."""
    kind = type(value)
    if kind is dict or (kind not in MODELS and is_mapping(value)):
        return value  # type: ignore[no-any-return]  # a mapping
    # So that the kernel knows it the next time.
    is_model(kind)
    declared: dict[str, Any] = getattr(value, "__dict__", {})
    extra = getattr(value, EXTRA, None)
    return {**declared, **extra} if extra else declared


def plain_in_python(value: Any) -> Any:
    """`plain`, where the kernel has no answer."""
    kind = type(value)
    if kind is str:
        return _text(value)
    return value if kind in _LEAVES else _Walk().of(value, 0)


fields_of: Final[Callable[[Any], Mapping[str, Any]]] = (
    fields_in_python
    if kernels is None
    else partial(kernels.fields, fields_in_python, MODELS, EXTRA)
)
"""The fields of a mapping, or of an SDK's object; no copy where there are none but the declared."""

# What bounds the kernels.
PAYLOAD: Final = MODELS, _KEYS, EXTRA, SHORTEST, MAX_NODES, MAX_DEPTH

plain: Final[Callable[[Any], Any]] = (
    plain_in_python if kernels is None else partial(kernels.content, plain_in_python, *PAYLOAD)
)
"""What is handed over with SDK objects as dicts (without their empty fields) and files in base64 as references."""


def index_in(fields: Mapping[str, Any], otherwise: int = 0, *, name: str = "index") -> int:
    """What numbers a piece of a stream; what is no number would not sort with the others."""
    index = fields.get(name)
    return index if type(index) is int else otherwise


def error_in(fields: Mapping[str, Any], name: str = "error") -> str | None:
    """What an answer says that went wrong, as `code: message`; None where it says nothing."""
    error = fields.get(name)
    if not error:
        return None
    if not is_mapping(error) and not is_model(type(error)):
        return str(error)[:LONGEST_ERROR]
    said = fields_of(error)
    return f"{said.get('code') or said.get('type') or 'error'}: {said.get('message') or ''}"


def plain_mapping(value: Any) -> dict[str, Any] | None:
    """*value* as `plain` gives it, where that is a mapping."""
    made = plain(value)
    return made if isinstance(made, dict) else None


def reference(encoded: str, media_type: str, start: int = 0) -> str:
    """What is recorded in place of the base64 text that begins at *start*."""
    digest, size = hashlib.sha256(), 0
    standard = encoded.translate(_URL_SAFE) if "-" in encoded or "_" in encoded else encoded
    for begin in range(start, len(standard), PIECE):
        piece = standard[begin : begin + PIECE]
        try:
            raw = binascii.a2b_base64(piece + "=" * (-len(piece) % 4))
        except ValueError:
            # No base64 after all: the text itself is what is counted.
            raw = piece.encode("utf-8", "replace")
        digest.update(raw)
        size += len(raw)
    return f"<media type={media_type} size={size} sha256={digest.hexdigest()}>"


_URL_SAFE: Final = str.maketrans("-_", "+/")


class _Walk:
    """One pass over a payload."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_NODES

    def of(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return _text(value)
        self._left -= 1
        if kind in _LEAVES or depth > MAX_DEPTH or self._left < 0:
            return value
        if kind is dict:
            return self._dict(value, depth + 1)
        if kind is list or kind is tuple:
            return self._list(value, depth + 1)
        return self._model(value, depth + 1) if is_model(kind) else value

    def _model(self, given: Any, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, item in fields_of(given).items():
            kind = type(item)
            if kind in _LEAVES:
                if item is not None:
                    made[key] = item
            elif kind is str:
                made[key] = item if len(item) < SHORTEST else _text_under(key, item, given.__dict__)
            else:
                made[key] = self.of(item, depth)
        return made

    def _dict(self, given: dict[Any, Any], depth: int) -> dict[Any, Any]:
        changed: dict[Any, Any] | None = None
        for key, item in given.items():
            kind = type(item)
            if kind is str:
                # All but files begin otherwise; to find that out by a call would double what a message costs.
                if len(item) < SHORTEST or (item[0] != "d" and key not in _KEYS):
                    continue
                new = _text_under(key, item, given)
            elif kind in _LEAVES:
                continue
            else:
                new = self.of(item, depth)
            if new is not item:
                if changed is None:
                    changed = dict(given)
                changed[key] = new
        return given if changed is None else changed

    def _list(self, given: Any, depth: int) -> Any:
        changed: list[Any] | None = None
        for index, item in enumerate(given):
            if type(item) in _LEAVES:
                continue
            new = self.of(item, depth)
            if new is not item:
                if changed is None:
                    changed = list(given)
                changed[index] = new
        return given if changed is None else changed


def _text_under(key: Any, text: str, beside: Mapping[Any, Any]) -> str:
    return _file(beside, text) if key in _KEYS else _text(text)


def _text(text: str) -> str:
    if len(text) < SHORTEST or text[:5] != "data:":
        return text
    found = _DATA_URL.match(text)
    if found is None:
        return text
    return reference(text, found[1] or "application/octet-stream", found.end())


def _file(beside: Mapping[Any, Any], text: str) -> str:
    """The value of a key that may hold base64; what stands beside it says of which type."""
    if len(text) < SHORTEST or _BASE64.match(text) is None:
        return _text(text)
    for key in ("media_type", "mime_type"):
        if isinstance(beside.get(key), str):
            return reference(text, beside[key])
    if isinstance(beside.get("format"), str):
        return reference(text, f"audio/{beside['format']}")
    drawn = beside.get("type") == "image_generation_call" or "b64_json" in beside
    if drawn and beside.get("output_format"):
        return reference(text, f"image/{beside['output_format']}")
    unknown = "audio/unknown" if "transcript" in beside else "application/octet-stream"
    return reference(text, _type_of(text) or ("image/png" if drawn else unknown))


def _type_of(text: str) -> str | None:
    """What a file is by how it begins."""
    head = binascii.a2b_base64(text[:_BEGINNING].translate(_URL_SAFE))
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12])
    return next((kind for begin, kind in _BEGINNINGS if head.startswith(begin)), None)
