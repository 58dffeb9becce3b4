"""What waits unread for the embedded store, and the child process that takes it in where nobody reads for long.

Theory of operation. Applications only append; a reader takes it in. Where none comes, the spool grows, so above a
threshold a worker starts `python -m trackway ingest`. Rules:

1. *Nothing waits for it.* Its end is asked for, never waited for; at the exit of the application it is left to
   finish. It can be killed at any moment: what is taken in is exactly once (`_store/ingest.py`).
2. *One at a time on a machine.* Who starts one holds a lock until it ends; beside it, ingesting has a lock of its own.
3. *It is a process of ours.* None of the application's descriptors, streams, tracing or settings reach it. It is
   started without a fork hook, in a session of its own, and lowers its own priority.
4. *A failure is said once*, with the command that tells why, and tried again after longer and longer rests. That it
   changed nothing is a failure, too.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

from trackway._core.log import logger
from trackway._delivery import platform
from trackway._delivery.chain import LOCAL, chains, is_live, spool_root
from trackway._delivery.counters import is_in_use
from trackway._delivery.segment import LARGEST_SIZE, segment_numbers, segment_path

if TYPE_CHECKING:
    import subprocess

__all__ = ["Backlog", "unread"]

LOCK: Final = ".ingest.lock"
# A process that has just begun is not looked after yet: most are over soon.
FIRST_LOOK_S: Final = 10.0
LOOK_EVERY_S: Final = 1.0
# A look may take so much of a thread's time.
SHARE: Final = 0.01
POLL_S: Final = 0.5
# Where another process's child is at work.
OTHERS_S: Final = 30.0
SHORTEST_REST_S: Final = 60.0
LONGEST_REST_S: Final = 3_600.0
# 256 MiB take some 15 s; after this long it hangs.
LONGEST_RUN_S: Final = 3_600.0
# How long the end of a client waits for the end of its child, which dies of the signal at once.
GOODBYE_S: Final = 1.0
# Exit code of `trackway ingest`: another process has been at it for a minute.
BUSY: Final = 75
_MIB: Final = 1 << 20


def unread(root: Path) -> dict[Path, int]:
    """The segments that no reader has taken in, and their bytes; those that are being written to are left out."""
    found: dict[Path, int] = {}
    for chain in chains(root, LOCAL):
        paths = [segment_path(chain, number) for number in segment_numbers(chain)]
        used = [path for path in paths if is_in_use(path)]
        if used and is_live(chain):
            used.pop()
        for path in used:
            try:
                found[path] = path.stat().st_size
            except OSError:
                continue
    return found


def interpreter() -> str | None:
    """A Python that has what this process has; None where there is none, as in an application frozen into one file."""
    if getattr(sys, "frozen", False):
        return None
    beside = Path(sys.prefix) / ("Scripts/python.exe" if os.name == "nt" else "bin/python3")
    # A server that embeds Python says that it is the executable.
    for path in (Path(sys.executable or ""), beside):
        if path.name.startswith(("python", "pypy")) and os.access(path, os.X_OK):
            return str(path)
    return None


def installed(package: str) -> bool:
    """Whether *package* can be imported; without importing it."""
    from importlib.util import find_spec  # noqa: PLC0415 - for who has much unread

    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


@final
class Backlog:
    """Looks after what waits unread below *directory*; for one thread at a time.

    *appended* says about how many bytes this process has written so far, *environment* makes that of a child.
    """

    __slots__ = (
        "_appended",
        "_at_start",
        "_child",
        "_clock",
        "_directory",
        "_due",
        "_environment",
        "_lock",
        "_not_before",
        "_rest",
        "_root",
        "_said",
        "_seen",
        "_started",
        "_stride",
        "_threshold",
    )

    def __init__(
        self,
        directory: Path,
        threshold: int,
        appended: Callable[[], int],
        environment: Callable[[], Mapping[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._root = spool_root(directory)
        self._threshold = threshold
        self._stride = min(LARGEST_SIZE, threshold // 4)
        self._appended = appended
        self._environment = environment
        self._clock = clock
        self._not_before = clock() + FIRST_LOOK_S
        self._due = True
        self._seen = 0
        self._rest = SHORTEST_REST_S
        self._said = False
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = -1
        self._started = 0.0
        self._at_start: dict[Path, int] = {}

    @property
    def running(self) -> bool:
        """Whether a child is at work, or has ended and nobody has asked how."""
        return self._child is not None

    def step(self) -> float | None:
        """Does what is due; seconds until it wants to be asked again, None when that is not for this to say."""
        if self._child is not None:
            return self._watch(self._child)
        grown = self._appended() - self._seen >= self._stride
        if not (grown or self._due):
            return None
        now = self._clock()
        if now < self._not_before:
            # No thread is kept for a rest.
            return (
                self._not_before - now if grown and self._not_before - now <= LOOK_EVERY_S else None
            )
        self._seen, self._due = self._appended(), False
        waiting = unread(self._root)
        self._not_before = now + max(LOOK_EVERY_S, (self._clock() - now) / SHARE)
        return self._start(waiting) if sum(waiting.values()) >= self._threshold else None

    def close(self, *, leave: bool) -> None:
        """Ends the child, or at the exit of the process leaves it to finish."""
        child, self._child = self._child, None
        if child is not None and leave:
            # Else its finalizer warns of it. Whoever inherits it asks for its end.
            child.returncode = 0
        elif child is not None:
            _end(child)
        self._unlock()

    def after_fork_in_child(self) -> None:
        """The parent's child is none of this process's, nor is the lock."""
        if self._child is not None:
            self._child.returncode = 0
        self._child = None
        if self._lock >= 0:
            os.close(self._lock)
        self._lock = -1
        self._not_before = self._clock() + FIRST_LOOK_S

    # -- inside ------------------------------------------------------------------------------------

    def _start(self, waiting: dict[Path, int]) -> float | None:
        python = interpreter()
        if python is None or not installed("duckdb"):
            self._say_to_type(
                waiting, "" if python is None else "pip install 'trackway[local]' && "
            )
            self._not_before = float("inf")
            return None
        if not self._locked():
            self._not_before, self._due = self._clock() + OTHERS_S, True
            return None
        import subprocess  # noqa: PLC0415 - 5 ms for who starts one

        command = [
            python,
            "-P",
            "-m",
            "trackway",
            "ingest",
            "--background",
            "--dir",
            str(self._directory),
        ]
        try:
            self._child = subprocess.Popen(  # noqa: S603 - this very Python, and a path that was given to it
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self._environment(),
                start_new_session=True,
            )
        except OSError as error:
            self._failed(waiting, f"could not be started: {error.strerror}")
            return None
        self._at_start, self._started = waiting, self._clock()
        return POLL_S

    def _watch(self, child: "subprocess.Popen[bytes]") -> float | None:
        code = child.poll()
        if code is None and self._clock() - self._started < LONGEST_RUN_S:
            return POLL_S
        if code is None:
            _end(child)
        self._child, self._due = None, True
        left = {path: n for path, n in unread(self._root).items() if path in self._at_start}
        if code == BUSY:
            self._unlock()
            self._not_before = self._clock() + OTHERS_S
        elif code:
            self._failed(left, f"ended with {code}")
        elif sum(left.values()) >= self._threshold:
            self._failed(left, "took nothing in" if code == 0 else "did not end")
        else:
            self._unlock()
            self._rest, self._said, self._not_before = SHORTEST_REST_S, False, self._clock()
        return None

    def _failed(self, waiting: Mapping[Path, int], how: str) -> None:
        self._unlock()
        self._not_before, self._due = self._clock() + self._rest, True
        self._rest = min(self._rest * 2, LONGEST_REST_S)
        self._say(
            waiting,
            f"a process that should take them in {how}; this command says why: {self._command()}",
        )

    def _say_to_type(self, waiting: Mapping[Path, int], first: str) -> None:
        self._say(waiting, f"to take them into the store, type: {first}{self._command()}")

    def _say(self, waiting: Mapping[Path, int], what: str) -> None:
        if not self._said:
            self._said = True
            size = sum(waiting.values()) // _MIB
            logger.warning("%d MiB of spans in %s are unread; %s", size, self._root / LOCAL, what)

    def _command(self) -> str:
        import shlex  # noqa: PLC0415 - for a message

        return f"trackway ingest --dir {shlex.quote(str(self._directory))}"

    def _locked(self) -> bool:
        descriptor = -1
        try:
            descriptor = platform.change_private(self._root / LOCAL / LOCK)
            if platform.try_lock(descriptor):
                self._lock = descriptor
                return True
        except OSError:
            # Without descriptors or a disk there is none to be had now.
            pass
        if descriptor >= 0:
            os.close(descriptor)
        return False

    def _unlock(self) -> None:
        descriptor, self._lock = self._lock, -1
        if descriptor >= 0:
            # Explicitly, because children that were forked below Python still have the file open.
            platform.unlock(descriptor)
            os.close(descriptor)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Ends *child*, which may be in the middle of anything."""
    from subprocess import TimeoutExpired  # noqa: PLC0415 - whoever has a child has it loaded

    child.kill()
    try:
        child.wait(GOODBYE_S)
    except TimeoutExpired:
        child.returncode = 0
