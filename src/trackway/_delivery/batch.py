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

from trackway._delivery.gather import Run
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
    """Records that stand one behind the other; once it is settled, its chain is delivered up to *end*."""

    singles: tuple[Record, ...]
    gathered: tuple[Run, ...]
    """One of the two is empty."""
    scopes: Mapping[int, tuple[bytes, bytes]]
    """Resource and scope fields by the records' scope ids."""
    end: Place
    size: int
    """Bytes of the records alone."""
    many: int
    """How many there are."""

    @classmethod
    def of(cls, records: Sequence[Record], scopes: Mapping[int, tuple[bytes, bytes]]) -> Self:
        """All of *records*, of which there is at least one."""
        last = records[-1]
        size = sum([len(record[-1]) for record in records])
        return cls(tuple(records), (), scopes, (last.segment, last.end), size, len(records))

    @classmethod
    def of_runs(cls, runs: Sequence[Run], scopes: Mapping[int, tuple[bytes, bytes]]) -> Self:
        """All of *runs*, at least one, which are of one scope."""
        last = runs[-1]
        size = sum([len(run.payloads) for run in runs])
        many = sum([run.many for run in runs])
        return cls((), tuple(runs), scopes, (last.segment, last.end), size, many)

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
        if not any(record.flags & FLAG_UNPRICED for record in self.singles):
            return self
        records = [
            record._replace(payload=complete(record.payload))
            if record.flags & FLAG_UNPRICED
            else record
            for record in self.singles
        ]
        return Batch.of(records, self.scopes)

    def __len__(self) -> int:
        return self.many

    @property
    def records(self) -> tuple[Record, ...]:
        """Each for itself; made on demand where they were gathered."""
        return self.singles or tuple(record for run in self.gathered for record in run.records())

    @property
    def scores(self) -> bool:
        """Whether these are scores, which have an address of their own."""
        return bool(self.singles) and self.singles[0].kind == KIND_SCORE

    def parts(self) -> tuple[bytes, ...]:
        """The request, in the pieces that are there already."""
        if not self.gathered:
            return (self.body(),)
        pair = self.scopes.get(self.gathered[0].scope, NO_SCOPE)
        return (encode.request_head(*pair, self.size), *[run.payloads for run in self.gathered])

    def body(self) -> bytes:
        """The request; spans of one resource and scope stand together, in the order in which they ended."""
        if self.gathered:
            return b"".join(self.parts())
        if self.scores:
            return b"[" + b",".join(map(_payload, self.singles)) + b"]"
        if len(ids := set(map(_scope, self.singles))) == 1:
            pair = self.scopes.get(ids.pop(), NO_SCOPE)
            return encode.request([(*pair, list(map(_payload, self.singles)))])
        groups: dict[tuple[bytes, bytes], list[bytes]] = {}
        for record in self.singles:
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
        records, half = self.records, self.size // 2
        size, count = 0, 0
        while count < len(records) - 1 and (
            not count or size + len(records[count].payload) <= half
        ):
            size += len(records[count].payload)
            count += 1
        return Batch.of(records[:count], self.scopes), Batch.of(records[count:], self.scopes)
