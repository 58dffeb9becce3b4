"""Observations in observations: `python depth.py TRACER DEPTH URL`, one JSON line.

One hangs in the other, DEPTH deep, then all end; again and again, until some thousands were made.
"""

import contextlib
import json
import resource
import sys
import time

import tracers
from workload import get

OBSERVATIONS = 10_000
WARM_UP = 100


def nested(tracer, depth):
    """Opens *depth* observations in each other, and ends them."""
    with contextlib.ExitStack() as stack:
        for _ in range(depth):
            stack.enter_context(tracer.block("deep"))


def measure(name, depth, url):
    """µs per observation, on the caller and of CPU with the export."""
    tracer = tracers.make(name, url)
    nested(tracer, WARM_UP)
    tracer.flush()
    get(f"{url}/reset")
    cpu, began = time.process_time(), time.perf_counter()
    for _ in range(OBSERVATIONS // depth):
        nested(tracer, depth)
    took = time.perf_counter() - began
    tracer.flush()
    cpu = time.process_time() - cpu
    return {
        "tracer": name,
        "depth": depth,
        "observations": OBSERVATIONS,
        "caller_us": took / OBSERVATIONS * 1e6,
        "cpu_us": cpu / OBSERVATIONS * 1e6,
        "reached": get(f"{url}/stats")["spans"],
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
