"""Where records wait when no disk can be used: bounded, and the oldest go first. The spool locks it."""

from collections import deque
from collections.abc import Iterator
from typing import Final, final

from trackway._delivery.record import Record

__all__ = ["MemoryRing"]

MEMORY_BYTES: Final = 8 << 20
# What a waiting record costs beside its payload: the bytes object, the tuple, its place in the deque.
_MEMORY_OVERHEAD: Final = 200


@final
class MemoryRing:
    """Records that no disk would take, at most 8 MiB; the oldest go first."""

    __slots__ = ("_bytes", "_first", "_items")

    def __init__(self) -> None:
        self._items: deque[tuple[bytes, int, int, int]] = deque()
        self._bytes = 0
        self._first = 0

    def __len__(self) -> int:
        return len(self._items)

    def append(self, payload: bytes, scope: int, kind: int, flags: int) -> int:
        """Keeps a record; how many older ones (or itself) had to go for it."""
        self._items.append((payload, scope, kind, flags))
        self._bytes += len(payload) + _MEMORY_OVERHEAD
        gone = 0
        while self._bytes > MEMORY_BYTES:
            self.take()
            gone += 1
        return gone

    def take(self) -> tuple[bytes, int, int, int]:
        """Removes and returns the oldest: payload, scope, kind, flags."""
        item = self._items.popleft()
        self._bytes -= len(item[0]) + _MEMORY_OVERHEAD
        self._first += 1
        return item

    def read(self, max_bytes: int, max_records: int) -> list[Record]:
        """The oldest records, still in the ring; segment 0, and offsets that only count them."""
        return list(self._read(max_bytes, max_records))

    def release(self, end: int) -> int:
        """Removes all before *end* (of the last record delivered); how many were still there."""
        released = 0
        while self._items and self._first < end:
            self.take()
            released += 1
        return released

    def clear(self) -> None:
        """Forgets everything."""
        self._first += len(self._items)
        self._items.clear()
        self._bytes = 0

    def _read(self, max_bytes: int, max_records: int) -> Iterator[Record]:
        size = 0
        for index, (payload, scope, kind, flags) in enumerate(self._items, self._first):
            size += len(payload)
            if index - self._first >= max_records or (size > max_bytes and index > self._first):
                return
            yield Record(0, index, index + 1, kind, scope, flags, payload)
