"""The inner loop of delivering what this process wrote itself: payloads, out of a mapped segment, ready to be sent.

A request is its head and the payloads one behind the other. Where nobody has to look at single records they are not
made: 0.1 µs for one of 2.4 KB instead of 0.5 (`scan`, then a join; CPython 3.11, warm), under the GIL, which a thread
of the application waits for. And a join of 1 MiB gives the GIL up, to win it back 5 ms later beside a busy thread.

Only for bytes that are known to be intact: a commit mark is enough here, no checksum is compared. Who has to look after
all (a server that refuses one of them) gets the records back from `Run.records`.
"""

from collections.abc import Iterator
from mmap import mmap
from struct import Struct
from typing import Final, NamedTuple, Self

from trackway._delivery.record import (
    HEADER,
    HEADER_SIZE,
    KIND_SPAN,
    MAX_PAYLOAD,
    Record,
    padded,
)
from trackway._wire.native import kernels

__all__ = ["Run", "gather"]

_LENGTHS: Final = Struct("<I")
_LARGEST: Final = HEADER_SIZE + MAX_PAYLOAD


class Run(NamedTuple):
    """Spans of one scope that stand one behind the other in bytes *offset* to *end* of *segment*."""

    segment: int
    offset: int
    end: int
    scope: int
    payloads: bytes
    lengths: bytes
    """A little-endian 32-bit number for each payload."""

    @property
    def many(self) -> int:
        """How many there are."""
        return len(self.lengths) // _LENGTHS.size

    @classmethod
    def of(cls, record: Record) -> Self:
        """One span alone."""
        length = _LENGTHS.pack(len(record.payload))
        return cls(record.segment, record.offset, record.end, record.scope, record.payload, length)

    def records(self) -> Iterator[Record]:
        """Each for itself, without its flags."""
        at, offset = 0, self.offset
        for (length,) in _LENGTHS.iter_unpack(self.lengths):
            end = offset + padded(HEADER_SIZE + length)
            payload = self.payloads[at : at + length]
            yield Record(self.segment, offset, end, KIND_SPAN, self.scope, 0, payload)
            at, offset = at + length, end


def gather(  # noqa: PLR0913, PLR0917 - as its kernel
    segment: mmap | bytes,
    at: int,
    end: int,
    key: int,
    scope: int,
    avoid: int,
    max_bytes: int,
    max_records: int,
) -> tuple[bytes, bytes, int]:
    """The payloads of the committed spans from *at* on, their lengths (see `Run`), and where they end.

    Up to *end*, to a record of another kind or *scope* or with one of the flags *avoid*, or to a limit.
    """
    if kernels is not None:
        return kernels.gather(segment, at, end, key, scope, avoid, max_bytes, max_records)
    payloads: list[bytes] = []
    lengths: list[bytes] = []
    size = min(end, len(segment))
    while at <= size - HEADER_SIZE and len(payloads) < max_records:
        length, mark, _, of_scope, kind, flags = HEADER.unpack_from(segment, at)
        max_bytes -= length - HEADER_SIZE
        if mark != key or not HEADER_SIZE <= length <= min(_LARGEST, size - at) or max_bytes < 0:
            break
        if kind != KIND_SPAN or of_scope != scope or flags & avoid:
            break
        payloads.append(segment[at + HEADER_SIZE : at + length])
        lengths.append(_LENGTHS.pack(length - HEADER_SIZE))
        at += padded(length)
    return b"".join(payloads), b"".join(lengths), at
