"""What this operating system can do, and the few file operations that depend on it.

Each capability can be missing: CPython has no `fdatasync` on macOS and no `fcntl` on Windows, and odd mounts refuse
the rest. The suite switches each one off (`capabilities` is replaced) and runs the spool again.
"""

import errno
import mmap
import os
import stat
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

__all__ = [
    "Capabilities",
    "UntrustedDirectory",
    "capabilities",
    "change_private",
    "create_private",
    "disk_space",
    "make_private_directory",
    "map_file",
    "no_locks",
    "no_space",
    "open_existing",
    "preallocate",
    "sync_data",
    "sync_directory",
    "try_lock",
    "unlock",
    "wait_lock",
]

if sys.platform == "win32":  # pragma: no cover - another platform
    import msvcrt
else:
    import fcntl

_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)
_COMMON: Final = _NOFOLLOW | _CLOEXEC | _BINARY
_ZEROS: Final = bytes(64 << 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What may be used here; a missing one costs speed or a memory bound, never a record in silence."""

    lock: bool
    """Files can be locked by process. Without it no disk is used: a living chain could not be told from a dead one."""
    map: bool
    """Shared mappings of little-endian words; else records are written with write(2)."""
    fdatasync: bool
    """Data can be synced without the timestamps; else fsync."""


capabilities = Capabilities(
    lock=sys.platform == "win32" or find_spec("fcntl") is not None,
    map=sys.byteorder == "little" and sys.platform != "win32",
    fdatasync=hasattr(os, "fdatasync"),
)


class UntrustedDirectory(OSError):  # noqa: N818 - names the thing, as the errors of `errors` do
    """Others may write to the directory, or it belongs to someone else: spans are not put there."""


def make_private_directory(path: Path) -> None:
    """Makes *path* (0700, whatever the umask) or checks that only this user can write to the one that is there."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise UntrustedDirectory(errno.ENOTDIR, "is not a directory of its own", str(path))
    if sys.platform == "win32":  # pragma: no cover - modes mean nothing there
        return
    if found.st_uid != os.geteuid():
        raise UntrustedDirectory(errno.EPERM, "belongs to another user", str(path))
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UntrustedDirectory(errno.EPERM, "can be written by others", str(path))


def create_private(path: Path) -> int:
    """A descriptor, for reading and writing, of a new file that only this user can open."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _COMMON, 0o600)


def change_private(path: Path) -> int:
    """A descriptor, for reading and writing, of a file that is made when it is missing."""
    return os.open(path, os.O_RDWR | os.O_CREAT | _COMMON, 0o600)


def open_existing(path: Path, *, write: bool = False) -> int:
    """A descriptor of a file that is there and is no symbolic link."""
    return os.open(path, (os.O_RDWR if write else os.O_RDONLY) | _COMMON)


def preallocate(descriptor: int, size: int) -> None:
    """Writes *size* bytes of zeros: a store into a hole of a full disk is a SIGBUS.

    Not `posix_fallocate`: the first store into each page then waits 2.3 µs for the file system and the very first one
    1 to 14 ms, all with the GIL held; after zeros that were written it is 0.15 µs (ext4, Linux 6.18). Writing 4 MiB of
    them takes 0.6 ms, without the GIL.
    """
    for start in range(0, size, len(_ZEROS)):
        piece = _ZEROS[: size - start]
        if os.pwrite(descriptor, piece, start) != len(piece):
            raise no_space()


def disk_space(path: Path) -> tuple[int, int]:
    """The bytes of the disk of *path* that are free to this user, and all of them."""
    if sys.platform == "win32":  # pragma: no cover - another platform
        import shutil  # noqa: PLC0415 - 5 ms that only Windows pays

        usage = shutil.disk_usage(path)
        return usage.free, usage.total
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize


def map_file(descriptor: int, size: int) -> mmap.mmap:
    """A shared mapping of the file's first *size* bytes."""
    if not capabilities.map:
        raise OSError(errno.ENODEV, "no shared mappings here")
    return mmap.mmap(descriptor, size)


def sync_data(descriptor: int) -> None:
    """Returns when the file's data is on the disk. Gives up the GIL, which `mmap.flush` does not (stalls of 14 ms)."""
    if capabilities.fdatasync:
        os.fdatasync(descriptor)
    else:
        os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Makes the names in a directory survive a power cut, where the platform can."""
    if sys.platform == "win32":  # pragma: no cover - directories cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY | _CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Takes the lock of an open file without waiting; False when another holds it.

    flock belongs to the open file, so a reader in the owner's process cannot free it by closing a descriptor of its own
    (which `lockf` allows, measured), and a forked child shares it until it closes its copy.
    """
    if not capabilities.lock:
        raise no_locks()
    if sys.platform == "win32":  # pragma: no cover - another platform
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Frees a lock for every process that has the open file."""
    if sys.platform == "win32":  # pragma: no cover - another platform
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def no_locks() -> OSError:
    """The error of a platform on which a living chain cannot be told from a dead one."""
    return OSError(errno.ENOLCK, "files cannot be locked here")


def no_space() -> OSError:
    """The error of a disk that took only a part."""
    return OSError(errno.ENOSPC, "no space left")


def wait_lock(descriptor: int, *, shared: bool) -> None:
    """Takes the lock of an open file as soon as it is free; for locks that are only held for a few file operations."""
    if not capabilities.lock:
        return
    if sys.platform == "win32":  # pragma: no cover - another platform
        msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
