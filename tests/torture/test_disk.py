"""A disk that fails: nothing is raised, everything is counted, and what could be kept comes back when it heals."""

import errno
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests._delivery.spools import (
    DESTINATION,
    live_chain,
    number_of,
    numbered,
    payloads,
    read_all,
    spool_at,
    start,
)
from trackway._core import log
from trackway._core.settings import Settings
from trackway._delivery import platform
from trackway._delivery.chain import chains
from trackway._delivery.delivery import open_delivery
from trackway._delivery.spool import RETRY_DISK_NS, Spool
from trackway._delivery.survey import survey, used_bytes


class Clock:
    """A monotonic clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now

    def retry(self) -> None:
        self.now += RETRY_DISK_NS


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spool(home: Path, clock: Clock) -> Iterator[Spool]:
    spool = Spool(home / "spool", DESTINATION, monotonic=clock)
    yield spool
    spool.close()


def everything(home: Path) -> list[int]:
    """The numbers of all records of the destination."""
    found = [read_all(chain) for chain in chains(home / "spool", DESTINATION)]
    return [number_of(record) for records in found for record in records]


@contextmanager
def limited(kind: int, soft: int) -> Iterator[None]:
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


FILE_SIZES = [0, 100, 4095, 4097, 30_000, 65_536, 100_000, 131_072, 1_000_000]


@pytest.mark.parametrize("limit", FILE_SIZES)
def test_no_larger_files(home: Path, spool: Spool, clock: Clock, limit: int) -> None:
    """Under any RLIMIT_FSIZE each record is on disk or in memory, and on disk when the limit is gone."""
    with limited(resource.RLIMIT_FSIZE, limit):
        for n in range(600):
            spool.append(numbered(n, 1000), 0)
            if n % 50 == 0:
                spool.prepare()
        counters = spool.counters()
        assert counters.ended == 600
        assert counters.dropped == {}
        assert survey_of(home) == counters.appended
        if limit >= 4096:
            assert counters.appended > 0
    clock.retry()
    spool.prepare()
    assert spool.counters().in_memory == 0
    assert sorted(everything(home)) == list(range(600))


def survey_of(home: Path) -> int:
    """How many records stand in the spool, read one by one."""
    return len(everything(home))


@pytest.mark.parametrize("spare", [0, 1, 2, 3])
def test_no_descriptors(home: Path, spool: Spool, clock: Clock, spare: int) -> None:
    """Out of descriptors, however few are left, records wait in memory, and go to disk when there are some again."""
    used = max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    with limited(resource.RLIMIT_NOFILE, used + 1):
        # The holes below the limit are filled, except for *spare* ones.
        taken: list[int] = []
        while True:
            try:
                taken.append(os.open("/dev/null", os.O_RDONLY))
            except OSError:
                break
        for descriptor in taken[:spare]:
            os.close(descriptor)
        for n in range(200):
            spool.append(numbered(n, 1000), 0)
        assert spool.trouble is not None
        assert spool.counters().ended == 200
        for descriptor in taken[spare:]:
            os.close(descriptor)
    assert survey_of(home) == spool.counters().appended
    clock.retry()
    spool.prepare()
    assert spool.writer_kind == "mmap"
    assert sorted(everything(home)) == list(range(200))


@pytest.mark.parametrize("maps", [True, False])
@pytest.mark.parametrize("at", range(0, 200_000, 30_011))
def test_a_full_disk(
    home: Path, spool: Spool, clock: Clock, monkeypatch: pytest.MonkeyPatch, at: int, *, maps: bool
) -> None:
    """A disk that is full after any number of bytes costs nothing that fits in memory, and is used again."""
    monkeypatch.setattr(platform, "capabilities", replace(platform.capabilities, map=maps))
    pwrite, left = os.pwrite, at

    def full(descriptor: int, data: bytes, offset: int) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        # As a disk does: a part of it, then nothing.
        part = data[:left]
        left -= len(data)
        return pwrite(descriptor, part, offset)

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", full)
        for n in range(300):
            spool.append(numbered(n, 1000), 0)
            if n % 20 == 0:
                clock.retry()
                spool.prepare()
        assert spool.writer_kind == "memory"
        assert spool.counters().ended == 300
        left = 1 << 30
        clock.retry()
        spool.prepare()
        spool.append(numbered(300), 0)
    assert spool.counters().in_memory == 0
    assert sorted(everything(home)) == list(range(301))
    assert sum(len(list(chain.iterdir())) for chain in chains(home / "spool", DESTINATION)) < 12


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mount"), reason="needs a mount of its own"
)
def test_a_disk_that_is_really_full(home: Path) -> None:
    """On a file system of 300 KiB nothing is killed by SIGBUS, and each record is on disk, in memory, or counted."""
    home.mkdir()
    program = """
import os, sys, subprocess
from pathlib import Path
place = Path(sys.argv[1])
if os.system(f"mount -t tmpfs -o size=300k,mode=700 none {place} 2>/dev/null"):
    print("no mount"); sys.exit(0)
from trackway._delivery.spool import Spool
from trackway._delivery.reader import ChainReader
now = 0
spool = Spool(place / "spool", "local", monotonic=lambda: now)
for n in range(1000):
    spool.append(b"%d" % n + bytes(1000), 0)
    if n % 10 == 0:
        now += 10**10
        spool.prepare()
counters = spool.counters()
assert counters.ended == 1000, counters
assert counters.appended > 50 and counters.in_memory > 500, counters
with ChainReader(spool.live_chain()) as reader:
    found = 0
    while more := reader.read():
        found += len(more)
assert found == counters.appended, (found, counters)
print("good")
"""
    command = ["unshare", "-m"] if shutil.which("unshare") else []
    child = start(program, str(home), before=command)
    said, _ = child.communicate(timeout=60)
    assert child.returncode == 0
    if said.strip() == "no mount":
        pytest.skip("mounting is not allowed here")
    assert said.strip() == "good"


@pytest.mark.parametrize("maps", [True, False])
def test_the_spool_is_deleted_underneath(
    home: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch, *, maps: bool
) -> None:
    """When someone removes the folder, what was not delivered is counted as lost and the rest goes to a new one."""
    monkeypatch.setattr(platform, "capabilities", replace(platform.capabilities, map=maps))
    for n in range(10):
        spool.append(numbered(n), 0)
    spool.settle(4)
    shutil.rmtree(home)
    spool.append(numbered(10), 0)
    spool.prepare()
    spool.append(numbered(11), 0)
    assert everything(home) == [11]
    assert spool.counters().dropped == {"deleted": 7}
    assert spool.counters().ended == 12
    assert survey(home / "spool", DESTINATION).delivery.dropped == {"deleted": 7}


def test_the_spool_is_deleted_without_a_worker(home: Path, spool: Spool) -> None:
    """An append that needs the next segment of a removed folder begins a new one."""
    for n in range(60):
        spool.append(numbered(n, 1000), 0)
    shutil.rmtree(home)
    for n in range(60, 100):
        spool.append(numbered(n, 1000), 0)
    found = everything(home)
    assert found == list(range(100 - len(found), 100))
    assert len(found) > 30
    assert spool.counters().dropped == {"deleted": 100 - len(found)}
    spool.sync()


def test_a_directory_that_others_write(
    home: Path, spool: Spool, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Spans are not put where others can write: they wait in memory, with one warning that names the setting."""
    (home / "spool").mkdir(parents=True)
    (home / "spool").chmod(0o777)
    for n in range(3):
        spool.append(numbered(n), 0)
        spool.prepare()
    assert spool.writer_kind == "memory"
    assert [r.payload for r in spool.read_memory()] == [numbered(n) for n in range(3)]
    (line,) = caplog.messages
    assert "TRACKWAY_DIR" in line
    assert "written by others" in line
    assert spool.release_memory(1) == 1
    (home / "spool").chmod(0o700)
    clock.retry()
    spool.prepare()
    assert everything(home) == [1, 2]
    counters = spool.counters()
    assert (counters.ended, counters.from_memory, counters.appended) == (3, 1, 2)


def test_a_disk_that_never_heals(home: Path, spool: Spool, clock: Clock) -> None:
    """Without any disk 8 MiB are kept, the oldest go and are counted, at the end the rest; nothing is raised."""
    home.write_text("a file where the directory should be")
    for n in range(300):
        spool.append(numbered(n, 100_000), 0)
        clock.retry()
        spool.prepare()
        spool.sync()
    counters = spool.counters()
    assert counters.ended == 300
    assert 70 < counters.in_memory < 84
    log.forget()
    spool.close()
    assert spool.counters().dropped == {"no_disk": 300}
    assert spool.counters().ended == 300


TOTAL = 100 << 30
FLOOR = 2 << 30


def test_the_last_of_a_disk_is_left_to_others(home: Path, clock: Clock) -> None:
    """Without a quota nothing is dropped while the disk has room; below the floor no file grows, until there is."""
    free = FLOOR
    spool = Spool(home / "spool", DESTINATION, monotonic=clock, space=lambda _: (free, TOTAL))
    for n in range(1_000):
        spool.append(numbered(n, 1000), 0)
        spool.prepare()
    assert spool.counters().appended == 1_000
    free = FLOOR - 1
    for n in range(1_000, 6_000):
        spool.append(numbered(n, 1000), 0)
        clock.retry()
        spool.prepare()
    size, counters = sum(used_bytes(c) for c in chains(spool.root, DESTINATION)), spool.counters()
    # What had been begun is filled.
    assert counters.appended < 3_000
    assert counters.in_memory == 5_000 + 1_000 - counters.appended
    assert spool.writer_kind == "memory"
    assert spool.trouble is not None
    assert "2048 MiB" in str(spool.trouble)
    free = FLOOR
    clock.retry()
    spool.prepare()
    assert sum(used_bytes(c) for c in chains(spool.root, DESTINATION)) > size
    assert spool.counters().in_memory == 0
    spool.close()
    assert sorted(everything(home)) == list(range(6_000))


@pytest.mark.parametrize(("total", "floor"), [(10 << 30, 512 << 20), (100 << 30, 2 << 30)])
def test_the_floor_is_a_share_of_a_small_disk(
    home: Path, clock: Clock, total: int, floor: int
) -> None:
    """5 % of a disk of 10 GiB, 2 GiB of one of 100: one byte less, and nothing is begun."""
    for below in (0, 1):
        left = (floor - below, total)
        spool = Spool(home, DESTINATION, monotonic=clock, space=partial(_space, left))
        spool.append(numbered(0), 0)
        assert spool.writer_kind == ("memory" if below else "mmap")
        spool.close()


def _space(left: tuple[int, int], _folder: Path) -> tuple[int, int]:
    return left


def test_the_space_of_a_disk_is_what_the_system_says(home: Path) -> None:
    """The embedded store's spool asks the disk itself."""
    home.mkdir()
    free, total = platform.disk_space(home)
    assert 0 < free <= total
    assert abs(shutil.disk_usage(home).total - total) < 1 << 20
    delivery = open_delivery(Settings.from_env(endpoint="http://127.0.0.1:9", local=True))
    remote, local = delivery.sinks
    assert (remote.space, local.space) == (None, platform.disk_space)
    delivery.shutdown(0)


CAPABILITIES = ["lock", "map", "fdatasync"]


@pytest.mark.parametrize("missing", CAPABILITIES)
def test_each_capability_missing(
    home: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """Without any one capability everything is kept, on disk or (without locks) in memory."""
    monkeypatch.setattr(
        platform, "capabilities", replace(platform.capabilities, **{missing: False})
    )
    for n in range(300):
        spool.append(numbered(n, 1000), 0)
        if n % 30 == 0:
            spool.prepare()
            spool.sync()
    assert spool.counters().ended == 300
    if missing == "lock":
        assert spool.writer_kind == "memory"
        assert not home.exists()
    else:
        assert payloads(live_chain(spool)) == [numbered(n, 1000) for n in range(300)]


def test_a_read_only_directory(home: Path) -> None:
    """Where nothing can be written, records wait in memory."""
    home.mkdir()
    home.chmod(0o500)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.chown(home, 12345, 12345)
            os.setuid(12345)
            spool, scope = spool_at(home)
            spool.append(b"x", scope)
            spool.prepare()
            code = 0 if spool.writer_kind == "memory" and spool.counters().ended == 1 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
