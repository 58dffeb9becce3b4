"""Reads a chain from a remembered place on, while its owner appends or after it died.

Invariant: whatever bytes the segments hold, `read` yields only committed, intact records, in order, and never raises.

How it goes on where no intact record stands at the next place:

1. Nothing or an unfinished record, and the owner lives: it may be in the middle of writing. If nothing is committed
   behind it, come back later.
2. Something *is* committed behind it, in this segment or in a later one: appends are made one after another, so the
   place is looked at **once more**, afresh (the first look may be older than the second), and if it is still no record
   it never will be: skip to the next commit mark, or to the next segment.
3. The owner is dead: as in 2, after one more look.
4. The file may become another segment while it is read: its owner recycles what is delivered. What has the key of the
   header that was read is a record of the segment that was opened; before anything is passed over the header is read
   again, and if it has changed, the segment is gone.
5. A segment of a newer version, or a file that is none of ours, is skipped and listed in `unreadable`.

Read with pread: a mapping of a file that another process truncates is a SIGBUS.
"""

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from trackway._delivery import chain as chain_files
from trackway._delivery import platform
from trackway._delivery.record import (
    ALIGNMENT,
    HEADER,
    HEADER_SIZE,
    KIND_SCOPE,
    NOTHING,
    SHORT,
    Record,
    measure,
    padded,
    unpack_scope,
)
from trackway._delivery.scan import scan
from trackway._delivery.segment import (
    NOT_OURS,
    RECORDS_AT,
    VERSION,
    Header,
    read_header,
    segment_path,
    segments_from,
)

__all__ = ["ChainReader"]

# Large enough that a system call is shared by a hundred records, small beside the 16 MiB that the worker may take.
CHUNK: Final = 256 << 10


class ChainReader:
    """The committed records of a chain, from (*segment*, *offset*) on.

    *live*: whether the owner may still append; None (the default) asks the owner's lock whenever it matters. Who holds
    the chain's lock itself says False. Not for two threads at once. Where the owner is this process: `OwnReader`.
    """

    __slots__ = (
        "_buffer",
        "_buffer_at",
        "_descriptor",
        "_header",
        "_live",
        "_offset",
        "_segment",
        "chain",
        "damaged_bytes",
        "scopes",
        "unreadable",
    )

    def __init__(
        self,
        chain: Path,
        segment: int = 1,
        offset: int = 0,
        *,
        live: bool | None = None,
    ) -> None:
        self.chain = chain
        self.scopes: dict[int, tuple[bytes, bytes]] = {}
        self.damaged_bytes = 0
        self.unreadable: list[Path] = []
        self._segment = segment
        self._offset = padded(offset)
        self._live = live
        self._descriptor = -1
        self._header: Header = NOT_OURS
        self._buffer = b""
        self._buffer_at = 0

    @property
    def position(self) -> tuple[int, int]:
        """Where the next read goes on; to be remembered once what was read is delivered."""
        return self._segment, self._offset

    def read(self, max_bytes: int = 1 << 20, max_records: int = 1_000) -> list[Record]:
        """The next records, at least one if there is one; an empty list when nothing is there yet, or ever (dead)."""
        records: list[Record] = []
        trusted = self._trusted()
        left = max_bytes
        try:
            while len(records) < max_records and left > 0:
                run = self._run(trusted, left, max_records - len(records))
                if run:
                    records += run
                    left -= sum([len(record[-1]) for record in run])
                    continue
                # Whatever it was that ended the run is looked at closely, and is hardly ever a span.
                record = self._next()
                if record is None:
                    break
                left -= len(record.payload)
                if left < 0 and records:
                    self._offset = record.offset
                    break
                records.append(record)
        except OSError:
            # Out of descriptors, an unreadable disk: what was read is good, the rest may be there next time.
            self.close()
        return records

    def close(self) -> None:
        """Closes the open segment; a later read opens it again."""
        descriptor, self._descriptor = self._descriptor, -1
        self._header = NOT_OURS
        self._buffer = b""
        self._buffer_at = 0
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _run(self, trusted: tuple[int, int], max_bytes: int, max_records: int) -> list[Record]:
        """The records that stand whole in the buffer."""
        at = self._offset - self._buffer_at
        segment = self._segment
        # Of an earlier segment everything is before the place that is trusted.
        sure = trusted[1] - self._buffer_at if segment == trusted[0] else len(self._buffer) + 8
        run, end = scan(
            self._buffer,
            at,
            self._header.key,
            segment=segment,
            origin=self._buffer_at,
            trusted=sure if segment <= trusted[0] else 0,
            max_bytes=max_bytes,
            max_records=max_records,
        )
        self._offset = self._buffer_at + end
        return run

    def _next(self) -> Record | None:
        """The next record that is not a scope's; None at the end of what is there."""
        while self._header is not NOT_OURS or self._open():
            length = self._measure()
            if length <= 0:
                if self._recover(length):
                    continue
                return None
            at = self._offset - self._buffer_at
            _, _, _, scope, kind, flags = HEADER.unpack_from(self._buffer, at)
            payload = self._buffer[at + HEADER_SIZE : at + length]
            start = self._offset
            self._offset = start + padded(length)
            if kind != KIND_SCOPE:
                return Record(self._segment, start, self._offset, kind, scope, flags, payload)
            self.scopes[scope] = unpack_scope(payload)
        return None

    def _measure(self) -> int:
        """The length of the record at the offset, filling the buffer as needed; see `record.measure`."""
        length = measure(self._buffer, self._offset - self._buffer_at, self._header.key)
        return self._refill() if length == SHORT else length

    def _refill(self) -> int:
        """The same from fresh bytes of the file."""
        self._buffer_at = self._offset
        self._buffer = self._bytes(CHUNK)
        length = measure(self._buffer, 0, self._header.key)
        if length == SHORT and len(self._buffer) >= HEADER_SIZE:
            wanted = int(HEADER.unpack_from(self._buffer)[0])
            self._buffer = self._bytes(wanted)
            length = measure(self._buffer, 0, self._header.key)
        return length if self._buffer else NOTHING

    def _bytes(self, size: int) -> bytes:
        """Of the file, from the offset on."""
        return os.pread(self._file(), size, self._offset)

    def _file(self) -> int:
        """The open segment, which is opened only now where it could be read without."""
        if self._descriptor < 0:
            self._descriptor = platform.open_existing(segment_path(self.chain, self._segment))
        return self._descriptor

    def _trusted(self) -> tuple[int, int]:
        """Up to where the records were written by this very process: their commit marks are enough."""
        return (0, 0)

    # -- where no record stands ---------------------------------------------------------------------------------

    def _recover(self, length: int) -> bool:
        """Moves to the next record; False when there is nothing to do but to come back later."""
        found = None if self._at_tail(length) else self._search()
        if found is None and self._following() is None and self._owner_lives():
            self._buffer = b""
            return False
        # What was found may have been written after the first look at this place.
        return self._refill() > 0 or self._pass_over(found)

    def _at_tail(self, length: int) -> bool:
        """Whether it need not be searched for something behind a place of that measure.

        At the tail of a living chain this is asked at every poll, and the rest of a segment may be 2 MiB of zeros. A
        plain file has no bytes there yet, unless an interrupted append left a hole.
        """
        return length == NOTHING and (self._header.in_place or not self._buffer)

    def _pass_over(self, found: int | None) -> bool:
        """Goes to the next record behind a place that is none, or to the next segment; False when there is neither."""
        # The segment is complete, or a later record was found: only now is the search final.
        found = self._search() if found is None else found
        rest = b"" if found is not None else self._rest()
        if self._recycled():
            self._enter(self._segment + 1)
        elif found is not None:
            self.damaged_bytes += found - self._offset
            self._offset = found
        else:
            self._pass_rubbish(rest)
            following = self._following()
            if following is None:
                return False
            self._enter(following)
        return True

    def _search(self) -> int | None:
        """Where the next intact record of this segment starts, behind the offset."""
        mark = self._header.key.to_bytes(4, "little")
        rest = self._rest()
        at = rest.find(mark, ALIGNMENT)
        while at >= 0:
            start = at - 4
            if (self._offset + start) % ALIGNMENT == 0 and measure(
                rest, start, self._header.key
            ) > 0:
                return self._offset + start
            at = rest.find(mark, at + 1)
        return None

    def _rest(self) -> bytes:
        size = os.fstat(self._file()).st_size - self._offset
        return os.pread(self._descriptor, max(size, 0), self._offset)

    def _pass_rubbish(self, rest: bytes) -> None:
        """Counts, once, what stands behind the last record without being one."""
        rubbish = len(rest.rstrip(b"\0"))
        self.damaged_bytes += self._torn(rest) if self._header.recycled else rubbish
        self._offset += padded(rubbish)

    def _torn(self, rest: bytes) -> int:
        """How much of *rest* this use of a recycled file left: one record, or nothing that can be told."""
        if len(rest) < HEADER_SIZE:
            return 0
        length, mark, *_ = HEADER.unpack_from(rest)
        if mark not in {0, self._header.key}:
            return 0
        return min(padded(length), len(rest)) if length else 0

    def _recycled(self) -> bool:
        """Whether the open file has meanwhile become another segment: its header changes before any record does."""
        if self._live is False:
            return False
        header = read_header(os.pread(self._descriptor, RECORDS_AT, 0), self._segment)
        return header is None or (header.version > 0 and header.key != self._header.key)

    def _owner_lives(self) -> bool:
        if self._live is False:
            return False
        if self._live is None and not chain_files.is_live(self.chain):
            # A dead owner never comes back.
            self._live = False
        return self._live is not False

    # -- from segment to segment --------------------------------------------------------------------------------

    def _following(self) -> int | None:
        """The next segment that is in use; a spare (a header of zeros) is not."""
        later = segments_from(self.chain, self._segment + 1)
        return next((number for number in later if self._is_in_use(number)), None)

    def _is_in_use(self, number: int) -> bool:
        """Whether the segment is no spare. What nothing fits is "not yet" while its owner may be writing the header."""
        found = self._header_of(number)
        return found is not None and (found is not NOT_OURS or not self._owner_lives())

    def _header_of(self, number: int) -> Header | None:
        try:
            descriptor = platform.open_existing(segment_path(self.chain, number))
        except FileNotFoundError:
            return None
        try:
            return read_header(os.pread(descriptor, RECORDS_AT, 0), number)
        finally:
            os.close(descriptor)

    def _enter(self, number: int) -> bool:
        self.close()
        self._segment, self._offset = number, 0
        return True

    def _open(self) -> bool:
        """Opens the segment of the position, or the first one behind it that can be read."""
        for number in segments_from(self.chain, self._segment):
            if number > self._segment:
                if not self._is_in_use(number):
                    continue
                # What stood before was delivered or dropped, and is gone.
                self._enter(number)
            if self._open_one(number):
                return True
        return False

    def _open_one(self, number: int) -> bool:
        path = segment_path(self.chain, number)
        try:
            descriptor = platform.open_existing(path)
        except FileNotFoundError:
            return False
        header = read_header(os.pread(descriptor, RECORDS_AT, 0), number)
        if header is None or not 0 < header.version <= VERSION:
            os.close(descriptor)
            if header is not None and path not in self.unreadable:
                self.unreadable.append(path)
            return False
        if path in self.unreadable:
            # It was looked at in the moment in which its owner wrote the header.
            self.unreadable.remove(path)
        self._descriptor = descriptor
        self._begin(header)
        return True

    def _begin(self, header: Header) -> None:
        """Goes to where the records of the opened segment begin, or to the remembered offset."""
        self._header = header
        resumed, self._offset = max(self._offset, RECORDS_AT), RECORDS_AT
        try:
            self._learn_scopes(resumed)
        finally:
            # Out of descriptors: what was read before must not be read again.
            self._offset = resumed

    def _learn_scopes(self, end: int) -> None:
        """Reads the scope records before a remembered offset: they stand where the scope was first used."""
        while self._offset < end:
            length = self._measure()
            if length <= 0:
                found = self._search()
                if found is None:
                    return
                self._offset = found
                continue
            at = self._offset - self._buffer_at
            _, _, _, scope, kind, _ = HEADER.unpack_from(self._buffer, at)
            if kind == KIND_SCOPE:
                self.scopes[scope] = unpack_scope(self._buffer[at + HEADER_SIZE : at + length])
            self._offset += padded(length)
