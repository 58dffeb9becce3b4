"""The framing of one record in a segment. Pure: bytes in, bytes out.

::

    u32 length | u32 commit mark | u32 crc | u16 scope | u8 kind | u8 flags | payload | zeros up to a multiple of 8

Rules:

1. *length* (header included, so never 0) is written first: it reserves the place. A writer that is stopped in the
   middle leaves a hole and cannot hide what others append behind it.
2. The *commit mark* is written last. It is the segment's key, a random word that only the segment's header tells, so
   that no payload can look like a record when a reader has to search for the next one after damage.
3. The crc starts from the key and goes over length, scope, kind, flags and payload.
"""

from struct import Struct
from typing import Final, NamedTuple
from zlib import crc32

__all__ = [
    "ALIGNMENT",
    "FLAG_PARTIAL",
    "FLAG_UNPRICED",
    "FLAG_UPDATE",
    "HEADER_SIZE",
    "KIND_SCOPE",
    "KIND_SCORE",
    "KIND_SPAN",
    "MAX_PAYLOAD",
    "Record",
    "checksum",
    "encode",
    "measure",
    "pack_scope",
    "padded",
    "unpack_scope",
]

KIND_SPAN: Final = 0
KIND_SCOPE: Final = 1
KIND_SCORE: Final = 2

FLAG_PARTIAL: Final = 1
"""The span will be written again under the same ids."""
FLAG_UPDATE: Final = 2
"""The span was written before; the latest wins."""
FLAG_UNPRICED: Final = 4
"""The span says a model and tokens and no cost: who delivers it may add the cost to the end of the payload."""

HEADER: Final = Struct("<IIIHBB")
HEADER_SIZE: Final = HEADER.size
ALIGNMENT: Final = 8
# A span holds 2 MiB of values at most; a length beyond this is damage.
MAX_PAYLOAD: Final = 64 << 20
# zlib.crc32 gives up the GIL from 5 KiB on, and winning it back beside busy threads takes milliseconds.
CRC_PIECE: Final = 4096

# What `measure` finds where no whole record stands.
NOTHING: Final = 0
SHORT: Final = -1
TORN: Final = -2

_SCOPE_PREFIX: Final = Struct("<I")


class Record(NamedTuple):
    """A committed record and where it stands: bytes *offset* to *end* of *segment*."""

    segment: int
    offset: int
    end: int
    kind: int
    scope: int
    flags: int
    payload: bytes


def padded(length: int) -> int:
    """*length* rounded up to where the next record may start."""
    return (length + ALIGNMENT - 1) & -ALIGNMENT


def checksum(payload: bytes, length: int, meta: int, key: int) -> int:
    """The crc of a record; *meta* is the last header word: scope, kind << 16, flags << 24."""
    crc = crc32((length | meta << 32).to_bytes(8, "little"), key)
    if length <= CRC_PIECE:
        return crc32(payload, crc)
    view = memoryview(payload)
    for start in range(0, len(view), CRC_PIECE):
        crc = crc32(view[start : start + CRC_PIECE], crc)
    return crc


def encode(payload: bytes, *, scope: int, kind: int, flags: int, key: int) -> bytes:
    """A whole committed record, padding included."""
    length = HEADER_SIZE + len(payload)
    crc = checksum(payload, length, scope | kind << 16 | flags << 24, key)
    head = HEADER.pack(length, key, crc, scope, kind, flags)
    return b"".join((head, payload, bytes(-length % ALIGNMENT)))


def measure(buffer: bytes, at: int, key: int) -> int:
    """The length of the committed, intact record at *at*, else NOTHING, SHORT (it goes on behind the buffer) or TORN.

    NOTHING is a length of zero: nobody has written there.
    """
    if at + HEADER_SIZE > len(buffer):
        return SHORT
    length, mark, crc, scope, kind, flags = HEADER.unpack_from(buffer, at)
    if length == 0 and mark == 0:
        return NOTHING
    if mark != key or not HEADER_SIZE <= length <= HEADER_SIZE + MAX_PAYLOAD:
        return TORN
    if at + length > len(buffer):
        return SHORT
    payload = buffer[at + HEADER_SIZE : at + length]
    intact = checksum(payload, length, scope | kind << 16 | flags << 24, key) == crc
    return int(length) if intact else TORN


def pack_scope(resource: bytes, scope: bytes) -> bytes:
    """The payload of a scope record: what the spans that name its id have in common."""
    return _SCOPE_PREFIX.pack(len(resource)) + resource + scope


def unpack_scope(payload: bytes) -> tuple[bytes, bytes]:
    """The resource and the scope field of a scope record."""
    if len(payload) < _SCOPE_PREFIX.size:
        return b"", b""
    split = _SCOPE_PREFIX.size + int(_SCOPE_PREFIX.unpack_from(payload)[0])
    return payload[_SCOPE_PREFIX.size : split], payload[split:]
