"""A part of the suite under `make leaks`: secrets in every observation, debug logging on, every file kept and read."""

import os
import subprocess
import sys
from pathlib import Path

from tests.leaks.scan import scan

ROOT = Path(__file__).parents[2]
ROOMS = (
    "tests/_core/test_call.py",
    "tests/_delivery/test_posting.py",
    "tests/test_client.py",
)


def test_no_planted_secret_is_left_by_a_part_of_the_suite(tmp_path: Path) -> None:
    """In no file, log line or output of these rooms there is a secret; there are marks in place of them."""
    (tmp_path / "home").mkdir()
    subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "tests.leaks.plugin", "-p", "no:cacheprovider", "--tb=no",
            f"--basetemp={tmp_path / 'tmp'}", "-o", "tmp_path_retention_policy=all", "--log-level=DEBUG", *ROOMS,
        ],
        cwd=ROOT, timeout=110, check=False, capture_output=True,
        env=os.environ | {
            "LEAKS": str(tmp_path), "HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(ROOT / "tests" / "leaks" / "planting"),
        },
    )  # fmt: skip
    found, size, closed = scan(tmp_path)
    assert (found, closed) == ([], [])
    assert size > 200_000
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert written.count(b"[redacted: key 'password']") > 20
    assert written.count(b"use [redacted: ") > 20
    assert list(tmp_path.glob("debug-*.log"))
