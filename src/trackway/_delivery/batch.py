"""Which records travel together. Pure: records in, request bodies out; nothing is decoded or encoded again.

A batch is a run of consecutive records of one chain, so that one place in the chain says how far delivery has come.
Its body is the join of the records' bytes behind the header of their resource and scope. Scores of a backend that keeps
them apart from spans (Langfuse) are records of their own; a batch holds records of one kind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final, Self

from trackway._delivery.record import FLAG_UNPRICED, KIND_SCORE, Record
from trackway._wire import encode

__all__ = ["MOST", "RECORDS", "TARGET", "Batch"]

TARGET: Final = 1 << 20
"""Bytes to aim for. On loopback a request costs 75 µs for 200 KB, 140 µs for 1 MB, 760 µs for 4 MB (caches)."""
MOST: Final = 2 << 20
"""Bytes to take where more waits: beside a busy thread a request takes 15 ms, in which more than 1 MB may come."""
RECORDS: Final = 4_096
"""Records at most: small ones cost more memory as objects than as bytes."""

Place = tuple[int, int]
NO_SCOPE: Final = (b"", b"")
_kind: Final = attrgetter("kind")
_scope: Final = attrgetter("scope")
_payload: Final = attrgetter("payload")


@dataclass(frozen=True, slots=True)
class Batch:
    """A run of records; once it is settled, its chain is delivered up to *end*."""

    records: tuple[Record, ...]
    scopes: Mapping[int, tuple[bytes, bytes]]
    """Resource and scope fields by the records' scope ids."""
    end: Place
    size: int
    """Bytes of the records alone."""

    @classmethod
    def of(cls, records: Sequence[Record], scopes: Mapping[int, tuple[bytes, bytes]]) -> Self:
        """All of *records*, of which there is at least one."""
        last = records[-1]
        size = sum([len(record[-1]) for record in records])
        return cls(tuple(records), scopes, (last.segment, last.end), size)

    @classmethod
    def runs(
        cls, records: Sequence[Record], scopes: Mapping[int, tuple[bytes, bytes]]
    ) -> list[Self]:
        """*records* as batches of one kind each, in their order."""
        if KIND_SCORE not in set(map(_kind, records)):
            # As good as always: a loop per record less.
            return [cls.of(records, scopes)] if records else []
        return [
            cls.of(list(run), scopes)
            for _, run in groupby(records, lambda record: record.kind == KIND_SCORE)
        ]

    def completed(self, complete: Callable[[bytes], bytes]) -> "Batch":
        """The same with the records that are flagged as unpriced as *complete* makes them; no other is touched."""
        if not any(record.flags & FLAG_UNPRICED for record in self.records):
            return self
        records = [
            record._replace(payload=complete(record.payload))
            if record.flags & FLAG_UNPRICED
            else record
            for record in self.records
        ]
        return Batch.of(records, self.scopes)

    def __len__(self) -> int:
        return len(self.records)

    @property
    def scores(self) -> bool:
        """Whether these are scores, which have an address of their own."""
        return self.records[0].kind == KIND_SCORE

    def body(self) -> bytes:
        """The request; spans of one resource and scope stand together, in the order in which they ended."""
        if self.scores:
            return b"[" + b",".join(record.payload for record in self.records) + b"]"
        if len(ids := set(map(_scope, self.records))) == 1:
            pair = self.scopes.get(ids.pop(), NO_SCOPE)
            return encode.request([(*pair, list(map(_payload, self.records)))])
        groups: dict[tuple[bytes, bytes], list[bytes]] = {}
        for record in self.records:
            pair = self.scopes.get(record.scope, NO_SCOPE)
            payloads = groups.get(pair)
            if payloads is None:
                groups[pair] = [record.payload]
            else:
                payloads.append(record.payload)
        return encode.request(
            (resource, scope, found) for (resource, scope), found in groups.items()
        )

    def halves(self) -> tuple["Batch", "Batch"]:
        """The first and the second half of two or more records; by bytes as far as both get one."""
        half = self.size // 2
        size, count = 0, 0
        while count < len(self.records) - 1 and (
            not count or size + len(self.records[count].payload) <= half
        ):
            size += len(self.records[count].payload)
            count += 1
        return Batch.of(self.records[:count], self.scopes), Batch.of(
            self.records[count:], self.scopes
        )
