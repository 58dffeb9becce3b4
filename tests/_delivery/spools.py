"""What the tests of the spool share: chains to read, payloads to recognise, children to kill."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from trackway._delivery.reader import ChainReader
from trackway._delivery.record import Record
from trackway._delivery.spool import Spool

DESTINATION = "0123456789abcdef"


def spool_at(home: Path, destination: str = DESTINATION) -> tuple[Spool, int]:
    """A spool and the id of one scope."""
    spool = Spool(home / "spool", destination, description={"kind": "test"})
    return spool, spool.register_scope(b"the resource", b"the scope")


def numbered(number: int, size: int = 100) -> bytes:
    """A payload that tells its number."""
    return b"%d:" % number + b"x" * size


def number_of(record: Record) -> int:
    """The number that `numbered` put in."""
    return int(record.payload.partition(b":")[0])


def read_all(chain: Path, *, live: bool | None = None) -> list[Record]:
    """Every record that a fresh reader finds, in the order in which it finds them."""
    with ChainReader(chain, live=live) as reader:
        records: list[Record] = []
        while more := reader.read():
            records += more
        return records


def payloads(chain: Path, *, live: bool | None = None) -> list[bytes]:
    """The payloads of `read_all`."""
    return [record.payload for record in read_all(chain, live=live)]


def live_chain(spool: Spool) -> Path:
    """The chain that a spool appends to, which has to exist."""
    chain = spool.live_chain()
    assert chain is not None
    return chain


def start(
    program: str, *arguments: str, before: Sequence[str] = (), err: IO[bytes] | None = None
) -> subprocess.Popen[str]:
    """A Python process of its own; it speaks on its standard output and waits on its standard input."""
    return subprocess.Popen(
        [*before, sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=err,
        text=True,
    )


def kill(child: subprocess.Popen[str]) -> None:
    """SIGKILL, and waits for the end."""
    os.kill(child.pid, signal.SIGKILL)
    child.communicate(timeout=60)
