"""Events from AWS's binary event stream, wherever its bytes are cut: for who reads a Bedrock stream as bytes.

A frame is: its length, that of its headers, a checksum; the headers; a payload; a checksum. The payload is JSON that
holds an event of the model's as base64. Checksums are the SDK's business: what does not fit ends the reading here.

The invariant: any cut of the same bytes gives the same events, and no bytes raise.
"""

import binascii
from typing import Any, Final, final

import orjson

__all__ = ["Frames", "is_framed"]

_PRELUDE: Final = 12
_CHECKSUM: Final = 4
# AWS's limit is 24 MiB (16 before 2024); what says more is no frame.
LONGEST: Final = 24 << 20
_TEXT: Final = 7


def is_framed(begin: bytes) -> bool:
    """Whether a stream that begins so is one of frames: a length under 16 MiB begins with a zero, text never does."""
    return begin[:1] == b"\0"


@final
class Frames:
    """Takes bytes, gives the JSON objects of the events that are complete."""

    __slots__ = ("_broken", "_tail")

    def __init__(self) -> None:
        self._tail = b""
        self._broken = False

    def feed(self, piece: bytes) -> list[dict[str, Any]]:
        """The objects that *piece* completes; a frame that holds none is left out."""
        data = self._tail + piece
        found = []
        at = 0
        while not self._broken and len(data) - at >= _PRELUDE:
            size = int.from_bytes(data[at : at + 4])
            headers = int.from_bytes(data[at + 4 : at + 8])
            if not _PRELUDE + headers + _CHECKSUM <= size <= LONGEST:
                self._broken = True
            elif len(data) - at < size:
                break
            else:
                body = at + _PRELUDE + headers
                event = _event(data[at + _PRELUDE : body], data[body : at + size - _CHECKSUM])
                if event is not None:
                    found.append(event)
                at += size
        self._tail = b"" if self._broken else data[at:]
        return found


def _event(headers: bytes, payload: bytes) -> dict[str, Any] | None:
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(body, dict):
        return None
    said = _texts(headers)
    if said.get(":message-type") != "event":
        kind = said.get(":exception-type") or said.get(":error-code")
        return {"type": "error", "error": {"type": kind, "message": body.get("message")}}
    try:
        event = orjson.loads(binascii.a2b_base64(body.get("bytes") or ""))
    except (TypeError, ValueError):
        return None
    return event if isinstance(event, dict) else None


def _texts(headers: bytes) -> dict[str, str]:
    """The headers that are texts; up to the first that is none, of which these streams have none."""
    texts = {}
    at = 0
    while at < len(headers):
        name = at + 1 + headers[at]
        if headers[name : name + 1] != bytes((_TEXT,)):
            break
        value = name + 3 + int.from_bytes(headers[name + 1 : name + 3])
        texts[_decoded(headers[at + 1 : name])] = _decoded(headers[name + 3 : value])
        at = value
    return texts


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")
