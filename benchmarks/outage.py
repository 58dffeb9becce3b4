"""Memory while the backend is down: `python outage.py TRACER OBSERVATIONS`, one JSON line.

The endpoint refuses connections. Observations of 2 KB are made as fast as the caller can; what is measured is how far
the process's own memory (anonymous pages, Linux only) grows after a warm-up, and how much of the spool is mapped.
"""

import json
import re
import socket
import sys
from pathlib import Path

import tracers
from workload import application

WARM_UP = 500
SEGMENT = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) .*\.seg$", re.MULTILINE)


def refusing_url():
    """The address of a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def anonymous_kib():
    """Anonymous memory of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1])


def mapped_kib():
    """Spool files mapped into this process."""
    maps = Path("/proc/self/maps").read_text(encoding="utf-8")
    return sum(int(end, 16) - int(start, 16) for start, end in SEGMENT.findall(maps)) / 1024


def measure(name, observations):
    """Runs the workload against nobody."""
    tracer = tracers.make(name, refusing_url())
    handle = application(tracer)
    for number in range(WARM_UP):
        handle(number)
    before, highest = anonymous_kib(), 0
    mapped = 0.0
    for number in range(observations // 3):
        handle(number)
        if number % 500 == 0:
            highest, mapped = max(highest, anonymous_kib()), max(mapped, mapped_kib())
    return {
        "tracer": name,
        "observations": observations,
        "anonymous_growth_mib": (max(highest, anonymous_kib()) - before) / 1024,
        "mapped_mib": max(mapped, mapped_kib()) / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))), flush=True)
