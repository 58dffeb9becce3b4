"""Reads the chain that this process appends to, with what the writer knows of it; see `own`."""

import os
from pathlib import Path
from typing import Final, final

from trackway._delivery.gather import Run, gather
from trackway._delivery.own import OwnChain
from trackway._delivery.reader import ChainReader
from trackway._delivery.record import HEADER, HEADER_SIZE, KIND_SPAN, TORN
from trackway._delivery.segment import GROWN_SIZE, NOT_OURS

__all__ = ["OwnReader"]

# Below this a request costs more than what its records cost to look at.
WORTH_IT: Final = 128 << 10
# More than any segment has.
WHOLE: Final = 1 << 40

Limits = tuple[int, int, int]
"""Flags to avoid, bytes and records at most."""


@final
class OwnReader(ChainReader):
    """The same records as of any chain; or, when there are many, their payloads alone."""

    __slots__ = ("_own",)

    def __init__(self, chain: Path, segment: int, offset: int, own: OwnChain) -> None:
        super().__init__(chain, segment, offset, live=True)
        self._own = own

    def gather(self, max_bytes: int, max_records: int, avoid: int) -> list[Run]:
        """The next spans, those with none of the flags *avoid*, as long as they are of one scope.

        Nothing where they are few or not simple; `read` finds whatever comes next.
        """
        trusted = self._own.tail()
        if trusted < (self._segment, self._offset + WORTH_IT):
            return []
        found: list[Run] = []
        try:
            while max_records > 0 and (self._segment, self._offset) < trusted:
                limits = avoid, max_bytes, max_records
                run = self._gathered(trusted, limits) or self._single(limits)
                if run is None:
                    break
                if found and run.scope != found[0].scope:
                    self._offset = run.offset
                    break
                found.append(run)
                max_bytes -= len(run.payloads)
                max_records -= run.many
        except OSError:
            # As in `read`.
            self.close()
        return found

    def _gathered(self, trusted: tuple[int, int], limits: Limits) -> Run | None:
        """What stands from the offset on in this segment."""
        if self._header is NOT_OURS:
            return None
        end = trusted[1] if trusted[0] == self._segment else WHOLE
        head = self._own.peek(self._segment, self._offset, HEADER_SIZE)
        if head is None:
            run = self._from_file(end, limits)
        else:
            scope = _scope_of(head)
            run = self._own.gather(self._segment, self._offset, end, scope, *limits)
        if run is not None:
            self._offset = run.end
        return run

    def _from_file(self, end: int, limits: Limits) -> Run | None:
        """The same of a segment that is not mapped, by one call to the system."""
        start = self._offset
        _, max_bytes, _ = limits
        data = os.pread(self._file(), min(end - start, max_bytes + HEADER_SIZE, GROWN_SIZE), start)
        scope = _scope_of(data)
        payloads, lengths, end = gather(data, 0, len(data), self._header.key, scope, *limits)
        return Run(self._segment, start, start + end, scope, payloads, lengths) if lengths else None

    def _single(self, limits: Limits) -> Run | None:
        """The next record, behind a scope's or in the next segment, if it is simple too."""
        avoid, max_bytes, _ = limits
        record = self._next()
        if record is None:
            return None
        if (
            record.kind == KIND_SPAN
            and not record.flags & avoid
            and len(record.payload) <= max_bytes
        ):
            return Run.of(record)
        self._offset = record.offset
        return None

    # -- what is known of the chain --------------------------------------------------------------------------------

    def _trusted(self) -> tuple[int, int]:
        return self._own.tail()

    def _bytes(self, size: int) -> bytes:
        # No system call, which would give up the GIL: beside a busy thread it takes 5 ms to get it back.
        found = self._own.peek(self._segment, self._offset, size)
        return super()._bytes(size) if found is None else found

    def _recover(self, length: int) -> bool:
        onward = None if length == TORN else self._own.onward(self._segment, self._offset)
        if onward is None:
            return super()._recover(length)
        self._buffer = b""
        return onward > self._segment and self._enter(onward)

    def _at_tail(self, _length: int) -> bool:
        # The deliverer has been told that there is more.
        return False

    def _recycled(self) -> bool:
        return False

    def _open(self) -> bool:
        header = self._own.header(self._segment)
        if header is None:
            return super()._open()
        self._begin(header)
        return True


def _scope_of(record: bytes) -> int:
    """The scope that the record at the start of some bytes names."""
    if len(record) < HEADER_SIZE:
        return 0
    _, _, _, scope, _, _ = HEADER.unpack_from(record)
    return int(scope)
