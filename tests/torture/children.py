"""Programs that the torture runs in processes of their own. They speak on standard output, a line at a time."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

# Prints the number of each span after it has ended; ends when it is killed.
TRACER = """
import sys, threading
from pathlib import Path
from tests._delivery.sending import RESOURCE, SCOPE, delivery_to, span

url, home, first, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
delivery = delivery_to(url, home, local=False, headers={"process": str(first)})
(spool,) = delivery.sinks
scope = spool.register_scope(RESOURCE, SCOPE)
pace = threading.Event()
print("ready", flush=True)
for number in range(first, first + limit):
    spool.append(span(number, 300), scope)
    sys.stdout.write(f"{number}\\n")
    if not number % 8:
        sys.stdout.flush()
        pace.wait(0.0005)
sys.stdout.flush()
pace.wait()
"""

DRAINER = """
import sys
from trackway._cli.spool import main

print("ready", flush=True)
sys.exit(main(["drain", "--timeout", sys.argv[1]]))
"""


def start(program: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """A Python process that finds the tests; *variables* are its whole TRACKWAY_ environment."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        # Warnings about a hostile backend are no lines of the protocol.
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(**variables),
    )


def start_file(
    path: Path, *arguments: str, before: Sequence[str] = (), **variables: str
) -> subprocess.Popen[str]:
    """The same for a program in a file; what it says on standard error can be read as well."""
    return subprocess.Popen(
        [*before, sys.executable, str(path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(**variables),
    )


def environment(**variables: str) -> dict[str, str]:
    """The whole environment of a child."""
    return {
        "PATH": "",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }


def await_ready(child: subprocess.Popen[str]) -> None:
    """Waits for its first line."""
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
