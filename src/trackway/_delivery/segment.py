"""The file of a chain: its header, its name, and what to call the counters in it.

::

    0    header: magic, version, key, number, created, records before this segment, crc
    64   the same again: one damaged byte must not cost a segment
    128  16 words that the owner updates in place: records appended to the chain, then what was dropped, by reason
    256  records

A spare is a file that is made ahead and not in use yet: its header is all zeros, or names another number than the file
does. The latter was a segment of this chain before, is delivered, and got a new name and key (`writers`, recycling).
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import Final
from zlib import crc32

__all__ = [
    "COUNTERS_AT",
    "DROP_REASONS",
    "FIRST_SIZE",
    "GROWN_SIZE",
    "LARGEST_SIZE",
    "RECORDS_AT",
    "VERSION",
    "Header",
    "pack_counters",
    "read_counters",
    "read_header",
    "segment_numbers",
    "segment_path",
    "segments_from",
]

MAGIC: Final = b"trackway"
VERSION: Final = 1
RECORDS_AT: Final = 256
COUNTERS_AT: Final = 128
# 64 KiB first: 100 processes that are killed after one span leave 6 MiB, with 2 MiB segments it would be 200.
FIRST_SIZE: Final = 64 << 10
# A batch: small enough that a few are recycled while the caches have them, and that they come back soon.
GROWN_SIZE: Final = 1 << 20
# What is made for a single record; 8 MiB is what the mappings may take (`live.py`).
LARGEST_SIZE: Final = 2 << 20

DROP_REASONS: Final = (
    "sampled",
    "filtered",
    "no_disk",
    "too_large",
    "interrupted",
    "deleted",
    "quota",
    "age",
    "other",
    "late_update",
)
"""Why an ended span may not be kept. The place in this tuple is the format: new ones are added at the end, 15 fit."""

_FIELDS: Final = Struct("<8sHHIQQQ")
_CRC: Final = Struct("<I")
_CRC_AT: Final = 60
_COPY: Final = 64
_COUNTERS: Final = Struct("<16Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a segment says of itself; `version` 0 stands for a file that is not ours or too damaged to tell."""

    version: int = VERSION
    key: int
    number: int
    created_ns: int
    records_before: int
    in_place: bool = True
    """The counter words are current at every record; else they are as old as the last sync."""
    recycled: bool = False
    """What stands behind the last record may be left of an earlier use; it has another key."""

    def pack(self) -> bytes:
        """Both copies."""
        fields = _FIELDS.pack(
            MAGIC,
            self.version,
            self.in_place | self.recycled << 1,
            self.key,
            self.number,
            self.created_ns,
            self.records_before,
        )
        copy = fields.ljust(_CRC_AT, b"\0")
        copy += _CRC.pack(crc32(copy))
        return copy + copy


NOT_OURS: Final = Header(version=0, key=0, number=0, created_ns=0, records_before=0)


def read_header(data: bytes, number: int | None = None) -> Header | None:
    """The header at the start of *data*; None where the file is not in use (a spare), NOT_OURS where nothing fits.

    *number*: what the file is called, to tell a spare that was a segment before.
    """
    for start in (0, _COPY):
        copy = data[start : start + _COPY]
        if (
            len(copy) == _COPY
            and copy.startswith(MAGIC)
            and _CRC.unpack_from(copy, _CRC_AT)[0] == crc32(copy[:_CRC_AT])
        ):
            _, version, flags, key, named, created_ns, before = _FIELDS.unpack_from(copy)
            if number not in {None, named} and version <= VERSION:
                return None
            return Header(
                version=version,
                key=key,
                number=named,
                created_ns=created_ns,
                records_before=before,
                in_place=bool(flags & 1),
                recycled=bool(flags & 2),
            )
    return NOT_OURS if data[:RECORDS_AT].strip(b"\0") else None


def pack_counters(appended: int, dropped: Mapping[str, int]) -> bytes:
    """The counter words."""
    return _COUNTERS.pack(
        appended, *(dropped.get(r, 0) for r in DROP_REASONS), *[0] * (15 - len(DROP_REASONS))
    )


def read_counters(data: bytes) -> tuple[int, dict[str, int]]:
    """Records appended, and dropped by reason, from the start of a segment."""
    if len(data) < COUNTERS_AT + _COUNTERS.size:
        return 0, {}
    appended, *words = _COUNTERS.unpack_from(data, COUNTERS_AT)
    return appended, {reason: n for reason, n in zip(DROP_REASONS, words, strict=False) if n}


def segment_path(chain: Path, number: int) -> Path:
    """Where segment *number* of a chain is."""
    return chain / f"{number:08d}.seg"


def segment_numbers(chain: Path) -> list[int]:
    """The numbers of the segments that are there, ascending; none when the chain is gone."""
    try:
        names = os.listdir(chain)  # noqa: PTH208 - names are wanted, not a Path for each
    except OSError:
        return []
    return sorted(int(n[:-4]) for n in names if n.endswith(".seg") and n[:-4].isdecimal())


def segments_from(chain: Path, number: int) -> Iterator[int]:
    """*number*, whether it is there or not, then those that are and come after it, ascending.

    The next segment is hardly ever another one than the next number. A list of all for each of them made the delivery
    of a backlog of thousands the slower the longer it was.
    """
    yield number
    yield from (each for each in segment_numbers(chain) if each > number)
