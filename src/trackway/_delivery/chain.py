"""Who owns which files: a chain is the folder of one process's segments for one destination.

::

    <root>/<destination id>/<created>-<pid>-<random>/owner.lock  00000001.seg  cursor

The owner holds the flock of `owner.lock` as long as it may append; the kernel frees it when the last process that has
the file open dies. Who else takes that lock (`claim`) may deliver and remove the chain: nobody can append any more. A
chain is made under a hidden name, locked, then renamed: there is no moment in which it can be seen without its owner.
"""

import hashlib
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, final

import orjson

from trackway._core.loading import loading
from trackway._delivery import platform

__all__ = [
    "LOCAL",
    "ChainLock",
    "Clock",
    "chains",
    "claim",
    "create_chain",
    "created_ns",
    "dating",
    "describe",
    "description",
    "destination_id",
    "destinations",
    "is_live",
    "remove_hidden",
    "spool_root",
    "sweep",
]

Clock = Callable[[], int]
"""Wall-clock nanoseconds."""

LOCAL: Final = "local"
OWNER_LOCK: Final = "owner.lock"
DESCRIPTION: Final = "destination.json"
CURSOR: Final = "cursor"
GONE: Final = ".gone-"
_UNFINISHED: Final = ".new-"
# A chain is half made for a fraction of a millisecond; what is this old was left by a process that was killed then.
_ABANDONED_NS: Final = 3_600 * 1_000_000_000


def spool_root(directory: Path) -> Path:
    """The folder of all destinations below the library's directory: the *root* of everything in this package."""
    return directory / "spool"


def destination_id(kind: str, base: str, key: str) -> str:
    """A short name for where spans go, the same in every process of that configuration; no secret goes in."""
    return hashlib.sha256(f"{kind}\0{base}\0{key}".encode()).hexdigest()[:16]


@final
class ChainLock:
    """The right to append to a chain or to deliver it; held until `release` or the death of the process."""

    __slots__ = ("_descriptor", "_pid", "chain")

    def __init__(self, chain: Path, descriptor: int) -> None:
        self.chain = chain
        self._descriptor = descriptor
        self._pid = os.getpid()

    def release(self) -> None:
        """Gives the right back; in a forked child, only closes the copy: the lock is the parent's."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        try:
            # Explicitly, because children that were forked below Python still have the file open.
            if self._pid == os.getpid():
                platform.unlock(descriptor)
        finally:
            os.close(descriptor)

    def abandon(self) -> None:
        """Closes a copy that a fork made, without unlocking."""
        descriptor, self._descriptor = self._descriptor, -1
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
        self.release()


def dating() -> Clock:
    """A clock to date spans by, which is never set back: a day that it was set back would be a day of age."""
    offset = time.time_ns() - time.monotonic_ns()
    # The later of both: the monotonic clock stands still while the machine sleeps.
    return lambda: max(time.time_ns(), time.monotonic_ns() + offset)


def create_chain(root: Path, destination: str, clock: Clock = time.time_ns) -> ChainLock:
    """A new chain that this process owns; OSError when the directory cannot be used or trusted."""
    if not platform.capabilities.lock:
        raise platform.no_locks()
    folder = root / destination
    platform.make_private_directory(root)
    platform.make_private_directory(folder)
    name = f"{clock():016x}-{os.getpid():x}-{os.urandom(4).hex()}"
    hidden = folder / (_UNFINISHED + name)
    hidden.mkdir(mode=0o700)
    descriptor = -1
    try:
        descriptor = platform.create_private(hidden / OWNER_LOCK)
        platform.try_lock(descriptor)
        hidden.rename(folder / name)
    except OSError:
        if descriptor >= 0:
            os.close(descriptor)
        (hidden / OWNER_LOCK).unlink(missing_ok=True)
        hidden.rmdir()
        raise
    return ChainLock(folder / name, descriptor)


def chains(root: Path, destination: str) -> list[Path]:
    """The chains of a destination, oldest first."""
    folder = root / destination
    return [
        folder / name
        for name in sorted(_names(folder))
        if name[:1] != "." and _created(name) is not None
    ]


def created_ns(chain: Path) -> int:
    """When a chain was begun, by the wall clock of its owner; 0 when its name does not tell."""
    return _created(chain.name) or 0


def claim(chain: Path) -> ChainLock | None:
    """The right to deliver and remove a chain, when no living process has it; None else.

    What its owner had preallocated is given back.
    """
    with loading():
        from trackway._delivery.trim import trim  # noqa: PLC0415 - reading a chain asks whether it is live

    try:
        descriptor = platform.open_existing(chain / OWNER_LOCK, write=True)
    except OSError:
        return None
    try:
        if platform.try_lock(descriptor) and _same_file(descriptor, chain / OWNER_LOCK):
            trim(chain)
            return ChainLock(chain, descriptor)
    except OSError:
        pass
    os.close(descriptor)
    return None


def is_live(chain: Path) -> bool:
    """Whether someone holds the chain: its owner, or who delivers what the owner left."""
    try:
        descriptor = platform.open_existing(chain / OWNER_LOCK)
    except FileNotFoundError:
        return False
    except OSError:
        # Out of descriptors, for one: to take a living chain for dead would cost its last record.
        return True
    try:
        return not platform.try_lock(descriptor, shared=True)
    except OSError:
        return True
    finally:
        os.close(descriptor)


def describe(root: Path, destination: str, text: Mapping[str, str]) -> None:
    """Writes down what a destination is, for people; nothing secret belongs here."""
    wanted = orjson.dumps(dict(text), option=orjson.OPT_SORT_KEYS)
    path = root / destination / DESCRIPTION
    try:
        if path.read_bytes() == wanted:
            return
    except FileNotFoundError:
        pass
    aside = path.with_name(f".{DESCRIPTION}-{os.getpid()}-{os.urandom(4).hex()}")
    descriptor = platform.create_private(aside)
    try:
        os.write(descriptor, wanted)
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def description(root: Path, destination: str) -> dict[str, str]:
    """What `describe` wrote; empty when nothing readable is there."""
    try:
        text = orjson.loads((root / destination / DESCRIPTION).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in text.items()} if isinstance(text, dict) else {}


def destinations(root: Path) -> list[str]:
    """The ids of all destinations that this user's processes have written for."""
    return sorted(name for name in _names(root) if name[:1] != "." and (root / name).is_dir())


def sweep(root: Path, destination: str, clock: Clock = time.time_ns) -> None:
    """Removes what processes left that were killed while they made or removed a chain."""
    for name in _names(root / destination):
        born = _created(name.removeprefix(_UNFINISHED)) if name.startswith(_UNFINISHED) else None
        if name.startswith(GONE) or (born is not None and clock() - born >= _ABANDONED_NS):
            remove_hidden(root / destination / name)


def remove_hidden(folder: Path) -> None:
    """Removes a chain that has no segments; what cannot be removed now is swept later."""
    with suppress(OSError):
        (folder / CURSOR).unlink(missing_ok=True)
        (folder / OWNER_LOCK).unlink(missing_ok=True)
        folder.rmdir()


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names are wanted, not a Path for each
    except OSError:
        return []


def _created(name: str) -> int | None:
    born, _, rest = name.partition("-")
    try:
        return int(born, 16) if rest.count("-") == 1 else None
    except ValueError:
        return None


def _same_file(descriptor: int, path: Path) -> bool:
    """Whether the file that was locked is still the chain's: another may have removed it in between."""
    locked, there = os.fstat(descriptor), path.lstat()
    return (locked.st_dev, locked.st_ino) == (there.st_dev, there.st_ino)
