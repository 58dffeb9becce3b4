"""Spans that a server refused for what they are: kept, so that a person can look at them and send them again.

::

    <root>/<destination id>/rejected/letters.jsonl  letters.old.jsonl  lock

One JSON object a line, the bytes of the span in base64. A line that a kill cut off is skipped. When the newer file
has reached half of what dead letters may take, it replaces the older one: the oldest go first. They stay counted as
rejected.
"""

import base64
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import orjson

from trackway._delivery import platform

__all__ = ["DeadLetter", "DeadLetters"]

FOLDER: Final = "rejected"
# Of the destination's quota: dead letters must not push out what can still be delivered.
SHARE: Final = 16
SMALLEST: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A refused span and what the server said of it."""

    time_ns: int
    reason: str
    """The status, as it is counted."""
    message: str
    resource: bytes
    scope: bytes
    payload: bytes
    score: bool = False
    """Whether the payload is a score, which is JSON and has an address of its own."""

    def line(self) -> bytes:
        """One line of JSON."""
        return orjson.dumps(
            {
                "time_ns": self.time_ns,
                "reason": self.reason,
                "message": self.message,
                "resource": base64.b64encode(self.resource).decode(),
                "scope": base64.b64encode(self.scope).decode(),
                "span": base64.b64encode(self.payload).decode(),
                "score": self.score,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )

    @classmethod
    def parse(cls, line: bytes) -> "DeadLetter | None":
        """What `line` wrote; None for anything else."""
        try:
            text = orjson.loads(line)
            return cls(
                time_ns=int(text["time_ns"]),
                reason=str(text["reason"]),
                message=str(text["message"]),
                resource=base64.b64decode(text["resource"], validate=True),
                scope=base64.b64decode(text["scope"], validate=True),
                payload=base64.b64decode(text["span"], validate=True),
                score=text.get("score") is True,
            )
        except (ValueError, TypeError, KeyError):
            return None


@final
class DeadLetters:
    """The dead letters of one destination; every process may add and read."""

    __slots__ = ("_folder", "_limit")

    def __init__(self, root: Path, destination: str, quota: int | None) -> None:
        self._folder = root / destination / FOLDER
        self._limit = max((quota or 0) // SHARE, SMALLEST)

    def put(self, letter: DeadLetter) -> None:
        """Keeps a letter; OSError where the disk refuses."""
        platform.make_private_directory(self._folder)
        data = letter.line()
        with self._lock():
            newest = self._folder / "letters.jsonl"
            if newest.exists() and newest.stat().st_size + len(data) > self._limit // 2:
                newest.replace(self._folder / "letters.old.jsonl")
            descriptor = platform.change_private(newest)
            try:
                end = os.lseek(descriptor, 0, os.SEEK_END)
                # What a killed process began must not swallow this line.
                if end and os.pread(descriptor, 1, end - 1) != b"\n":
                    data = b"\n" + data
                if os.pwrite(descriptor, data, end) != len(data):
                    os.ftruncate(descriptor, end)
                    raise platform.no_space()
            finally:
                os.close(descriptor)

    def __iter__(self) -> Iterator[DeadLetter]:
        """All of them, oldest first."""
        for name in ("letters.old.jsonl", "letters.jsonl"):
            try:
                data = (self._folder / name).read_bytes()
            except OSError:
                continue
            yield from filter(None, map(DeadLetter.parse, data.splitlines()))

    def remove(self, letters: Collection[DeadLetter]) -> None:
        """Forgets these; OSError where the disk refuses."""
        if letters:
            with self._lock():
                self._replace([letter for letter in self if letter not in letters])

    def _replace(self, letters: list[DeadLetter]) -> None:
        aside = self._folder / ".letters.new"
        aside.unlink(missing_ok=True)
        descriptor = platform.create_private(aside)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(letter.line() for letter in letters)
        aside.replace(self._folder / "letters.jsonl")
        (self._folder / "letters.old.jsonl").unlink(missing_ok=True)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        descriptor = platform.change_private(self._folder / "lock")
        try:
            platform.wait_lock(descriptor, shared=False)
            yield
        finally:
            os.close(descriptor)
