"""Files that only this user can open, on a disk that is really there."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from trackway._delivery import platform
from trackway._delivery.platform import UntrustedDirectory


@pytest.fixture
def no_umask() -> object:
    before = os.umask(0)
    yield None
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("no_umask")
def test_only_the_user_gets_in(tmp_path: Path) -> None:
    """Directories are 0700 and files 0600 even under umask 000."""
    platform.make_private_directory(tmp_path / "a" / "b")
    os.close(platform.create_private(tmp_path / "a" / "b" / "f"))
    assert mode(tmp_path / "a") == mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "a" / "b" / "f") == 0o600


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    """A symbolic link in the place of a file or of the directory is refused."""
    target = tmp_path / "target"
    target.write_text("theirs")
    link = tmp_path / "link"
    link.symlink_to(target)
    for opening in (platform.create_private, platform.change_private, platform.open_existing):
        with pytest.raises(OSError, match="link"):
            opening(link)
    with pytest.raises(UntrustedDirectory):
        platform.make_private_directory(link)
    assert target.read_text() == "theirs"


@pytest.mark.parametrize("bits", [0o020, 0o002])
def test_a_directory_that_others_write_is_refused(tmp_path: Path, bits: int) -> None:
    """A directory that group or world can write to is not used."""
    tmp_path.chmod(0o700 | bits)
    with pytest.raises(UntrustedDirectory):
        platform.make_private_directory(tmp_path)
    tmp_path.chmod(0o755)
    platform.make_private_directory(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_directory_is_refused(tmp_path: Path) -> None:
    """A directory of another user is not used, whoever we are."""
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(UntrustedDirectory):
        platform.make_private_directory(tmp_path)


def test_preallocated_space_is_on_the_disk(tmp_path: Path) -> None:
    """Preallocated bytes are no hole: a store into them cannot fail for want of space."""
    descriptor = platform.create_private(tmp_path / "f")
    platform.preallocate(descriptor, 200_000)
    found = os.fstat(descriptor)
    os.fsync(descriptor)
    assert found.st_size == 200_000
    assert os.fstat(descriptor).st_blocks * 512 >= 200_000
    os.close(descriptor)


def test_a_lock_is_held_once(tmp_path: Path) -> None:
    """A second opening of a locked file does not get the lock, in the same process either, until it is freed."""
    first = platform.change_private(tmp_path / "lock")
    second = platform.change_private(tmp_path / "lock")
    assert platform.try_lock(first)
    assert not platform.try_lock(second)
    assert not platform.try_lock(second, shared=True)
    os.close(os.open(tmp_path / "lock", os.O_RDONLY))
    assert not platform.try_lock(second)
    platform.unlock(first)
    platform.wait_lock(second, shared=False)
    assert not platform.try_lock(first)
    os.close(first)
    os.close(second)


def test_syncing_works_without_fdatasync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data is synced on platforms that only have fsync; names are synced where directories can be."""
    descriptor = platform.create_private(tmp_path / "f")
    for fdatasync in (True, False):
        changed = replace(platform.capabilities, fdatasync=fdatasync)
        monkeypatch.setattr(platform, "capabilities", changed)
        platform.sync_data(descriptor)
    platform.sync_directory(tmp_path)
    os.close(descriptor)


def test_missing_locks_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without file locks nobody believes to have one."""
    monkeypatch.setattr(platform, "capabilities", replace(platform.capabilities, lock=False))
    descriptor = platform.create_private(tmp_path / "f")
    with pytest.raises(OSError, match="cannot be locked"):
        platform.try_lock(descriptor)
    platform.wait_lock(descriptor, shared=True)
    os.close(descriptor)
