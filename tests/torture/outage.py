"""A program whose backend is away: `python tests/torture/outage.py SECONDS A_SECOND BYTES`.

It ends so many observations of so many bytes a second, and tells how far its memory grew and what it mapped; then it
waits for a line, delivers, and tells how long that took.
"""

import json
import re
import sys
import threading
import time
from pathlib import Path

from trackway import get_client

WARM_UP = 200
SEGMENT = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .*\.seg$", re.MULTILINE)


def anonymous_mib() -> float:
    """Memory of this process that no file is behind."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(r"RssAnon:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0


def mapped_mib() -> float:
    """Spool files that are mapped into this process."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    return sum(int(end, 16) - int(start, 16) for start, end in SEGMENT.findall(maps)) / (1 << 20)


def trace(numbers: range, size: int) -> None:
    client = get_client()
    for number in numbers:
        with client.start_as_current_observation(name=f"span {number}", input="x" * size):
            pass


def outage(seconds: float, each: int, size: int) -> dict[str, float]:
    """Traces at this pace, ten times a second; the highest figures that were seen."""
    trace(range(WARM_UP), size)
    before, anonymous, mapped = anonymous_mib(), 0.0, 0.0
    pace = threading.Event()
    number, end = WARM_UP, WARM_UP + int(seconds * each)
    began = time.monotonic()
    while number < end:
        due = min(WARM_UP + int((time.monotonic() - began + 0.1) * each), end)
        trace(range(number, due), size)
        number = due
        anonymous, mapped = max(anonymous, anonymous_mib()), max(mapped, mapped_mib())
        pace.wait(0.1)
    took = time.monotonic() - began
    return {"ended": number, "took_s": took, "grown_mib": anonymous - before, "mapped_mib": mapped}


def main() -> None:
    seconds, each, size = float(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(outage(seconds, each, size)), flush=True)
    sys.stdin.readline()
    before, began = anonymous_mib(), time.monotonic()
    delivered = get_client().flush(600.0)
    took = time.monotonic() - began
    grown = anonymous_mib() - before
    print(json.dumps({"delivered": delivered, "took_s": took, "grown_mib": grown}), flush=True)


if __name__ == "__main__":
    main()
