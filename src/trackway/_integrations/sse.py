"""Server-sent events from bytes, wherever they are cut: for who reads a streamed answer as bytes or lines.

The invariant: any cut of the same bytes gives the same events.
"""

from typing import Any, Final, final

import orjson

__all__ = ["Events"]

# A line of more bytes than this is no event that anybody accumulates (a base64 image has a few MiB).
LONGEST: Final = 16 << 20


@final
class Events:
    """Takes bytes, gives the JSON objects of the events that are complete."""

    __slots__ = ("_data", "_tail")

    def __init__(self) -> None:
        self._tail = b""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[dict[str, Any]]:
        """The objects that *piece* completes; what is no JSON object (`[DONE]`, comments) is left out."""
        text = self._tail + piece
        # A line ends with CRLF, LF or CR; a CR at the end may be the half of a CRLF, and waits.
        waiting = text.endswith(b"\r")
        lines = (
            (text[:-1] if waiting else text)
            .replace(b"\r\n", b"\n")
            .replace(b"\r", b"\n")
            .split(b"\n")
        )
        self._tail = lines.pop() + (b"\r" if waiting else b"")
        if len(self._tail) > LONGEST:
            self._tail = b""
        found = []
        for line in lines:
            event = self._line(line)
            if event is not None:
                found.append(event)
        return found

    def _line(self, line: bytes) -> dict[str, Any] | None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif not line and self._data:
            data, self._data = b"\n".join(self._data), []
            return _parsed(data)
        return None


def _parsed(data: bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
