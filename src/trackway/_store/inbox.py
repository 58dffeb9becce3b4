"""What applications left in the local spool, chain by chain, from where the last ingest stopped.

A chain whose owner is dead is claimed before it is read, so that "nothing follows" is final and it can be removed
once its rows are committed. Of a living one the segments that are done with are released.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from trackway._core.log import warn
from trackway._delivery import chain as chain_files
from trackway._delivery.chain import LOCAL, ChainLock
from trackway._delivery.counters import DeliveryCounters, fold
from trackway._delivery.cursor import Cursor, CursorState
from trackway._delivery.reader import ChainReader
from trackway._delivery.record import Record
from trackway._delivery.segment import segment_numbers, segment_path
from trackway._store.state import Position

__all__ = ["Delivery", "Inbox"]

READ_BYTES: Final = 4 << 20
READ_RECORDS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """Some records of a chain, and the position behind them."""

    chain: str
    records: list[Record]
    scopes: dict[int, tuple[bytes, bytes]]
    position: tuple[int, int]


@final
class Inbox:
    """The chains of the local destination. Used under the ingest lock; holds claimed chains until `settle`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.damaged_bytes = 0
        self._claimed: dict[str, ChainLock] = {}
        self._read_out: set[str] = set()

    @property
    def claimed(self) -> int:
        """How many chains are held, each with an open file."""
        return len(self._claimed)

    def deliveries(self, positions: dict[str, Position]) -> Iterator[Delivery]:
        """What is new, oldest chain first, of each no more than was there when its turn came."""
        for chain in chain_files.chains(self.root, LOCAL):
            begin = positions.get(chain.name, Position())
            lock = chain_files.claim(chain)
            if lock is not None:
                self._claimed[chain.name] = lock
            yield from self._read(chain, begin, live=None if lock is None else False)

    def _read(self, chain: Path, begin: Position, *, live: bool | None) -> Iterator[Delivery]:
        # Else an application that writes faster than this reads would never let the reader go.
        enough = _size(chain, begin.segment)
        with ChainReader(chain, begin.segment, begin.offset, live=live) as reader:
            while enough > 0:
                damaged = reader.damaged_bytes
                records = reader.read(READ_BYTES, READ_RECORDS)
                if reader.damaged_bytes > damaged:
                    self._report(chain, reader.damaged_bytes - damaged)
                if not records and (
                    reader.unreadable or reader.position == (begin.segment, begin.offset)
                ):
                    break
                enough -= sum(record.end - record.offset for record in records)
                yield Delivery(chain.name, records, reader.scopes, reader.position)
                if not records:
                    break
            if reader.unreadable:
                self._keep(chain, reader.unreadable)
                return
        if live is False:
            self._read_out.add(chain.name)

    def read_out(self, positions: dict[str, Position]) -> dict[str, Position]:
        """The positions of dead chains of which nothing is left to read."""
        return {name: positions.get(name, Position()) for name in self._read_out}

    def settle(self, positions: dict[str, Position]) -> list[str]:
        """After a commit of *positions*: frees the disk of what is ingested; the names of chains that are gone."""
        gone = []
        for name in self._read_out:
            lock = self._claimed[name]
            try:
                fold(lock, _counters(positions.get(name, Position())))
            except OSError as error:
                warn(
                    f"store:fold:{name}",
                    "%s cannot be removed now and will be later: %s",
                    lock.chain,
                    error.strerror,
                )
            else:
                gone.append(name)
            self._give_back(name)
        self._read_out.clear()
        for name, position in positions.items():
            if name not in gone:
                self._release(self.root / LOCAL / name, position)
        return gone

    def close(self) -> None:
        """Gives every claimed chain back."""
        for name in list(self._claimed):
            self._give_back(name)

    def lost_sight_of(self, names: list[str]) -> list[str]:
        """Those chains that are certainly gone."""
        folder = self.root / LOCAL
        if not names or not folder.is_dir():
            return []
        return [name for name in names if not os.path.lexists(folder / name)]

    def _release(self, chain: Path, position: Position) -> None:
        if not any(number < position.segment for number in segment_numbers(chain)):
            return
        cursor = Cursor(chain)
        cursor.load()
        if cursor.store(CursorState(position.segment, position.offset, _counters(position))):
            cursor.release_segments(position.segment)

    def _give_back(self, name: str) -> None:
        lock = self._claimed.pop(name, None)
        if lock is not None:
            lock.release()

    def _report(self, chain: Path, damaged: int) -> None:
        self.damaged_bytes += damaged
        warn(
            f"store:damaged:{chain.name}",
            "%d bytes in %s are damaged; every intact span around them was read",
            damaged,
            chain,
        )

    def _keep(self, chain: Path, unreadable: list[Path]) -> None:
        warn(
            f"store:unreadable:{chain.name}",
            "%s cannot be read by this version of trackway: it is damaged, or written by a newer one "
            "(then: pip install -U 'trackway[local]'); "
            "it is left where it is",
            unreadable[0],
        )
        self._give_back(chain.name)


def _counters(position: Position) -> DeliveryCounters:
    return DeliveryCounters(
        acked=position.records,
        rejected={"malformed": position.malformed} if position.malformed else {},
    )


def _size(chain: Path, segment: int) -> int:
    size = 0
    for number in segment_numbers(chain):
        if number >= segment:
            try:
                size += segment_path(chain, number).stat().st_size
            except FileNotFoundError:
                continue
    return size
