"""Gives back what a killed owner had preallocated: 64 KiB for a process that ended a single span."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from trackway._delivery import platform
from trackway._delivery.reader import ChainReader
from trackway._delivery.record import padded
from trackway._delivery.segment import (
    RECORDS_AT,
    VERSION,
    read_header,
    segment_numbers,
    segment_path,
)

__all__ = ["trim"]

# Less than a block is not worth a look.
BLOCK: Final = 4096


def trim(chain: Path) -> None:
    """Cuts the segments of a chain to their used size, and removes a spare; for who holds the chain's lock."""
    for number in segment_numbers(chain):
        # What cannot be trimmed is as good as before.
        with suppress(OSError):
            _trim(chain, number)


def _trim(chain: Path, number: int) -> None:
    path = segment_path(chain, number)
    descriptor = platform.open_existing(path, write=True)
    try:
        size = os.fstat(descriptor).st_size
        header = read_header(os.pread(descriptor, RECORDS_AT, 0))
        if header is not None and 0 < header.version <= VERSION:
            if header.number != number:
                path.unlink()
                return
            if header.recycled:
                # An earlier use filled it to the end.
                _cut(descriptor, size, max(RECORDS_AT, _last_end(chain, number)))
                return
        if os.pread(descriptor, BLOCK, max(size - BLOCK, 0)).strip(b"\0"):
            return
        used = padded(len(os.pread(descriptor, size, 0).rstrip(b"\0")))
        if not used:
            path.unlink()
            return
        if header is not None and 0 < header.version <= VERSION:
            # A payload may end with zeros.
            _cut(descriptor, size, max(used, RECORDS_AT, _last_end(chain, number)))
    finally:
        os.close(descriptor)


def _cut(descriptor: int, size: int, used: int) -> None:
    if size - used >= BLOCK:
        os.ftruncate(descriptor, used)


def _last_end(chain: Path, number: int) -> int:
    """Where the last record of a segment ends."""
    end = 0
    with ChainReader(chain, number, live=False) as reader:
        while records := [record for record in reader.read() if record.segment == number]:
            end = records[-1].end
    return end
