"""The sum that must always be right, over living and dead processes of a destination.

``ended = acked + rejected{reason} + dropped{reason} + handed_over + in_spool + in_memory``

What ended, and what was dropped before it was written, stands in the chain's newest segment header (its owner writes
it). What became of the rest stands in the chain's cursor (who delivers it writes it). When a chain is removed, both are
added to `totals.json` of its destination, exactly once:

1. The lock of the totals is held over the whole of it, and by who sums up (shared).
2. `totals.json` is replaced, in one rename, by one that contains the sum **and the chain's name**. This is the commit.
3. The chain's files are removed.
4. Names whose chain is gone are left out at the next fold.

Killed between 2 and 3: the chain is still there, its name is in the totals, so nobody counts it again and the next one
who claims it only does step 3.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import orjson

from trackway._delivery import chain as chain_files
from trackway._delivery import platform
from trackway._delivery.chain import ChainLock
from trackway._delivery.reader import ChainReader
from trackway._delivery.segment import (
    NOT_OURS,
    RECORDS_AT,
    VERSION,
    read_counters,
    read_header,
    segment_numbers,
    segment_path,
)

__all__ = [
    "ChainCounters",
    "DeliveryCounters",
    "add_totals",
    "chain_counters",
    "counters_text",
    "fold",
    "is_in_use",
    "load_totals",
    "parse_counters",
    "remove_segment",
    "sum_reasons",
    "totals",
    "totals_lock",
]

TOTALS: Final = "totals.json"
TOTALS_LOCK: Final = "totals.lock"
# A living chain may change between the list of its segments and their opening; each time it has written a MiB.
LOOKS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainCounters:
    """What a process ended for one destination, as far as its spool knows."""

    appended: int = 0
    """Records on disk, delivered since or not."""
    in_memory: int = 0
    from_memory: int = 0
    """Records that were delivered out of memory, never having been on disk."""
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def ended(self) -> int:
        """All of it."""
        return self.appended + self.in_memory + self.from_memory + sum(self.dropped.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCounters:
    """What became of the records of a chain that were read out of it."""

    acked: int = 0
    handed_over: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def settled(self) -> int:
        """Records that are no longer the spool's."""
        return (
            self.acked + self.handed_over + sum(self.rejected.values()) + sum(self.dropped.values())
        )

    def __add__(self, other: "DeliveryCounters") -> "DeliveryCounters":
        return DeliveryCounters(
            acked=self.acked + other.acked,
            handed_over=self.handed_over + other.handed_over,
            rejected=sum_reasons((self.rejected, other.rejected)),
            dropped=sum_reasons((self.dropped, other.dropped)),
        )

    def with_dropped(self, reason: str, n: int) -> "DeliveryCounters":
        """The same and *n* more dropped for *reason*."""
        return replace(self, dropped=sum_reasons((self.dropped, {reason: n}))) if n else self


def chain_counters(chain: Path) -> ChainCounters:
    """What the owner of a chain wrote down, from its newest segment in use."""
    for _ in range(LOOKS):
        numbers = segment_numbers(chain)
        found = next(
            filter(None, (_counters_of(chain, number) for number in reversed(numbers))), None
        )
        if found is not None:
            return found
        if numbers == segment_numbers(chain):
            break
        # Its owner has gone on and recycled what was there.
    return ChainCounters()


def _counters_of(chain: Path, number: int) -> ChainCounters | None:
    try:
        data = _start(segment_path(chain, number))
    except OSError:
        return None
    header = read_header(data, number)
    if header is None or header is NOT_OURS or header.version > VERSION:
        return None
    appended, dropped = read_counters(data)
    if not header.in_place:
        appended = max(appended, header.records_before + _count(chain, number))
    return ChainCounters(appended=max(appended, header.records_before), dropped=dropped)


def totals(root: Path, destination: str) -> DeliveryCounters:
    """The counters of the chains that are gone."""
    return load_totals(root / destination)[0]


def fold(lock: ChainLock, delivered: DeliveryCounters) -> None:
    """Removes a chain that is delivered or given up, and adds its counters to the totals of its destination.

    What its owner counted and nobody ever read was torn in the middle of an append, or damaged: dropped{interrupted}.
    OSError when the totals cannot be written: then the chain stays. The lock remains the caller's to release.
    """
    chain = lock.chain
    folder = chain.parent
    with totals_lock(folder, shared=False):
        sums, folded = load_totals(folder)
        if chain.name not in folded:
            owned = chain_counters(chain)
            lost = max(owned.appended - delivered.settled, 0)
            sums = (
                sums
                + delivered.with_dropped("interrupted", lost)
                + DeliveryCounters(dropped=owned.dropped)
            )
            _store(folder, sums, [*(n for n in folded if (folder / n).exists()), chain.name])
        _remove(chain)


def add_totals(root: Path, destination: str, more: DeliveryCounters) -> None:
    """Adds counts that belong to no chain: of a process that never had one."""
    folder = root / destination
    platform.make_private_directory(root)
    platform.make_private_directory(folder)
    with totals_lock(folder, shared=False):
        sums, folded = load_totals(folder)
        _store(folder, sums + more, folded)


def _count(chain: Path, number: int) -> int:
    """Records of one segment."""
    with ChainReader(chain, number, live=False) as reader:
        found = 0
        while records := [r for r in reader.read() if r.segment == number]:
            found += len(records)
        return found


def _start(path: Path) -> bytes:
    descriptor = platform.open_existing(path)
    try:
        return os.pread(descriptor, RECORDS_AT, 0)
    finally:
        os.close(descriptor)


@contextmanager
def totals_lock(folder: Path, *, shared: bool) -> Iterator[None]:
    """Held while chains are counted (shared) or removed."""
    descriptor = platform.change_private(folder / TOTALS_LOCK)
    try:
        platform.wait_lock(descriptor, shared=shared)
        yield
    finally:
        os.close(descriptor)


def load_totals(folder: Path) -> tuple[DeliveryCounters, list[str]]:
    """The sums, and the names of the chains that are in them though their files may still be there."""
    try:
        text = orjson.loads((folder / TOTALS).read_bytes())
        return parse_counters(text), [str(name) for name in text.get("folded", ())]
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return DeliveryCounters(), []


def _store(folder: Path, sums: DeliveryCounters, folded: Iterable[str]) -> None:
    aside = folder / f".{TOTALS}.new"
    aside.unlink(missing_ok=True)
    descriptor = platform.create_private(aside)
    try:
        data = orjson.dumps({**counters_text(sums), "folded": list(folded)})
        if os.write(descriptor, data) != len(data):
            raise platform.no_space()
        # Before the chain's files go: else a power cut could leave neither.
        platform.sync_data(descriptor)
    finally:
        os.close(descriptor)
    aside.replace(folder / TOTALS)


def _remove(chain: Path) -> None:
    """Removes the files of a chain, unless segments of a newer version are among them."""
    for number in segment_numbers(chain):
        remove_segment(segment_path(chain, number))
    if segment_numbers(chain):
        return
    # Out of sight in one step: a chain without its lock could never be claimed again.
    hidden = chain.with_name(chain_files.GONE + chain.name)
    chain.rename(hidden)
    chain_files.remove_hidden(hidden)


def remove_segment(path: Path) -> bool:
    """Removes a segment unless a newer version of this library wrote it, which alone knows what is in it."""
    try:
        header = read_header(_start(path))
        if header is not None and header.version > VERSION:
            return False
        path.unlink(missing_ok=True)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def is_in_use(path: Path) -> bool:
    """Whether a segment has a header of its own: a spare has none yet."""
    try:
        return read_header(_start(path), int(path.stem)) is not None
    except OSError:
        return False


def counters_text(counters: DeliveryCounters) -> dict[str, int | dict[str, int]]:
    """What is written of counters."""
    return {
        "acked": counters.acked,
        "handed_over": counters.handed_over,
        "rejected": dict(counters.rejected),
        "dropped": dict(counters.dropped),
    }


def parse_counters(text: Mapping[str, object]) -> DeliveryCounters:
    """The counters back; TypeError, ValueError or AttributeError when it is something else."""
    return DeliveryCounters(
        acked=_number(text["acked"]) if "acked" in text else 0,
        handed_over=_number(text["handed_over"]) if "handed_over" in text else 0,
        rejected=_reasons(text.get("rejected")),
        dropped=_reasons(text.get("dropped")),
    )


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(value)
    return value


def _reasons(value: object) -> dict[str, int]:
    return (
        {str(reason): _number(n) for reason, n in value.items()} if isinstance(value, dict) else {}
    )


def sum_reasons(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts by reason, added up."""
    sums: dict[str, int] = {}
    for part in parts:
        for reason, n in part.items():
            sums[reason] = sums.get(reason, 0) + n
    return sums
