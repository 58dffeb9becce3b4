"""How far a chain is delivered: one small file beside it, written by the one process that delivers it.

Two slots, written in turn, each with a sequence number and a crc: whoever is killed while writing one leaves the other.
The file never grows after its first write, so that deliveries are remembered on a disk that is full.
"""

import mmap
import os
from pathlib import Path
from struct import Struct
from typing import Final, NamedTuple, final
from zlib import crc32

import orjson

from trackway._delivery import platform
from trackway._delivery.chain import CURSOR
from trackway._delivery.counters import (
    DeliveryCounters,
    counters_text,
    is_in_use,
    parse_counters,
    remove_segment,
)
from trackway._delivery.reader import ChainReader
from trackway._delivery.segment import segment_numbers, segment_path

__all__ = ["Cursor", "CursorState"]

SLOT: Final = 2048
_PREFIX: Final = Struct("<IIQII")  # crc, length, sequence, segment, offset
_LARGEST_TEXT: Final = SLOT - _PREFIX.size


class CursorState(NamedTuple):
    """Everything before *offset* of *segment* is settled, and this is what became of it."""

    segment: int = 1
    offset: int = 0
    counters: DeliveryCounters = DeliveryCounters()


@final
class Cursor:
    """The remembered place of a chain's only deliverer: its owner's worker, or who claimed it."""

    __slots__ = ("_map", "_released", "_sequence", "chain")

    def __init__(self, chain: Path) -> None:
        self.chain = chain
        self._map: mmap.mmap | None = None
        self._sequence = 0
        self._released: int | None = None
        """The segments before this one have been removed; None where that is not known."""

    def load(self) -> CursorState:
        """The newest place that was stored whole; the beginning when there is none."""
        try:
            data = (self.chain / CURSOR).read_bytes()
        except OSError:
            return CursorState()
        found = [s for s in (_unpack(data[:SLOT]), _unpack(data[SLOT : 2 * SLOT])) if s is not None]
        if not found:
            return CursorState()
        self._sequence, state = max(found, key=lambda slot: slot[0])
        return state

    def store(self, state: CursorState) -> bool:
        """Remembers a place; False when the disk refused (then it may be delivered twice, never lost)."""
        self._sequence += 1
        data, at = _pack(self._sequence, state), self._sequence % 2 * SLOT
        try:
            if self._map is None and platform.capabilities.map:
                self._map = self._mapped()
        except OSError:
            # No mappings, no disk: the plain way tells.
            pass
        try:
            if self._map is not None:
                # Without a system call, which a busy thread makes wait for the GIL: this is once for every request.
                self._map[at : at + len(data)] = data
                return True
            descriptor = self._opened()
            try:
                return os.pwrite(descriptor, data, at) == len(data)
            finally:
                os.close(descriptor)
        except OSError:
            return False

    def close(self) -> None:
        """Lets go of the file; a later `store` takes it up again."""
        mapped, self._map = self._map, None
        if mapped is not None:
            mapped.close()

    def _mapped(self) -> mmap.mmap:
        descriptor = self._opened()
        try:
            return platform.map_file(descriptor, 2 * SLOT)
        finally:
            os.close(descriptor)

    def _opened(self) -> int:
        """The file, in its full size: a store into a hole of a full disk is a SIGBUS."""
        descriptor = platform.change_private(self.chain / CURSOR)
        try:
            if os.fstat(descriptor).st_size < 2 * SLOT:
                platform.preallocate(descriptor, 2 * SLOT)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def release_segments(self, before: int) -> None:
        """Removes the delivered segments; a newer version's are left alone."""
        known = self._released
        # Once a segment: a list of thousands of files each time would be most of the work of a long backlog.
        numbers = segment_numbers(self.chain) if known is None else range(known, before)
        for number in numbers:
            if number < before:
                remove_segment(segment_path(self.chain, number))
        self._released = max(before, known or 0)

    def drop_oldest(self, state: CursorState, reason: str) -> CursorState | None:
        """Gives up the oldest whole segment, counted under *reason*; where delivery goes on, None if only one is left.

        The newest segment is never dropped: the owner may be writing to it, and its header holds the chain's counters.
        Readers made before must be made anew.
        """
        in_use = [
            number
            for number in segment_numbers(self.chain)
            if is_in_use(segment_path(self.chain, number))
        ]
        if len(in_use) < 2:  # noqa: PLR2004 - one to drop and one to stay
            return None
        oldest = in_use[0]
        following = CursorState(in_use[1], 0, state.counters)
        if oldest >= state.segment:
            start = state.offset if oldest == state.segment else 0
            lost = _count_from(self.chain, oldest, start)
            following = following._replace(counters=state.counters.with_dropped(reason, lost))
        else:
            following = state
        # First the place, then the file: who is killed in between drops what was counted, once.
        if self.store(following):
            self.release_segments(in_use[1])
            return following
        return None


def _count_from(chain: Path, segment: int, offset: int) -> int:
    with ChainReader(chain, segment, offset, live=False) as reader:
        lost = 0
        while records := [record for record in reader.read() if record.segment == segment]:
            lost += len(records)
        return lost


def _pack(sequence: int, state: CursorState) -> bytes:
    text = orjson.dumps(counters_text(state.counters))
    if len(text) > _LARGEST_TEXT:
        # Reasons are status codes and a handful of words; a table this long is a mistake, the sums stay right.
        text = orjson.dumps(counters_text(_merged(state.counters)))
    rest = _PREFIX.pack(0, len(text), sequence, state.segment, state.offset)[4:] + text
    return crc32(rest).to_bytes(4, "little") + rest


def _unpack(slot: bytes) -> tuple[int, CursorState] | None:
    if len(slot) < _PREFIX.size:
        return None
    crc, length, sequence, segment, offset = _PREFIX.unpack_from(slot)
    end = _PREFIX.size + length
    if not length or end > len(slot) or crc32(slot[4:end]) != crc:
        return None
    try:
        return sequence, CursorState(
            segment, offset, parse_counters(orjson.loads(slot[_PREFIX.size : end]))
        )
    except (ValueError, TypeError, AttributeError):
        return None


def _merged(counters: DeliveryCounters) -> DeliveryCounters:
    return DeliveryCounters(
        acked=counters.acked,
        handed_over=counters.handed_over,
        rejected={"other": sum(counters.rejected.values())},
        dropped={"other": sum(counters.dropped.values())},
    )
