"""`trackway ingest`: what is unread becomes readable, and nothing else happens."""

import os
import subprocess
import sys
from pathlib import Path

from tests._cli.terminal import shop, trackway
from trackway._cli.ingest import BUSY
from trackway._delivery import backlog
from trackway._delivery.chain import LOCAL
from trackway._delivery.platform import change_private, try_lock


def test_it_says_what_it_took_in(home: Path) -> None:
    """Records and time; a second time there is nothing."""
    shop(home)
    assert trackway("ingest").out.startswith("8 records in ")
    assert trackway("ingest").out.startswith("0 records in ")
    told = trackway("ingest", "--json").json
    assert isinstance(told, dict)
    assert list(told) == ["records", "malformed", "damaged_bytes", "seconds", "busy"]
    assert not any((home / "spool" / LOCAL).rglob("*.seg"))


def test_in_the_background_it_tells_nobody(home: Path) -> None:
    """What a child of an application takes in leaves the line about what is kept for a person."""
    shop(home)
    assert trackway("ingest", "--background").err == ""
    assert "This store keeps" in trackway("users").err


def test_where_there_is_nothing(home: Path) -> None:
    """Without a store it says so, and makes none."""
    assert "There are no traces in" in trackway("ingest").out
    assert not home.exists()


def test_another_process_may_be_at_it(home: Path) -> None:
    """While another one ingests for longer than it waits, it says so, with an exit code of its own."""
    shop(home)
    trackway("ingest")
    lock = change_private(home / "store" / "ingest.lock")
    assert try_lock(lock)
    program = (
        "import sys; from trackway._cli import ingest; ingest.WAIT_S = 0; sys.exit(ingest.main([]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False
    )
    os.close(lock)
    assert done.returncode == BUSY == backlog.BUSY
    assert "Another process is at it" in done.stdout
