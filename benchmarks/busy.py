"""One observation beside two threads that compute without pause: `python busy.py TRACER ROUNDS URL`, one JSON line.

Such threads make every release of the interpreter lock cost the caller milliseconds. Each round gives way once, then
times start + update + end of an observation of 2 KB; then it gives way again and times a control loop whose median was
made the same, under the same two threads. A tracer that never gives up the lock has the control's p99.
"""

import json
import statistics
import sys
import threading
import time
from contextlib import contextmanager

import tracers
from workload import ANSWERS, DOCUMENTS

WARM_UP = 200
# How often the control's length is set right before the figures are taken.
CALIBRATIONS = 3


def spin(stop):
    """Computes until told to stop."""
    while not stop.is_set():
        sum(range(1000))


def loop(turns):
    """The control: plain Python of adjustable length."""
    for _ in range(turns):
        pass


def timed(function, *args):
    """Seconds that one call takes."""
    before = time.perf_counter()
    function(*args)
    return time.perf_counter() - before


def percentiles(seconds):
    """Median and p99 in µs."""
    seconds.sort()
    middle, high = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
    return {"p50_us": middle * 1e6, "p99_us": high * 1e6}


@contextmanager
def busy():
    """Two threads that compute for as long as the block lasts."""
    stop = threading.Event()
    threads = [threading.Thread(target=spin, args=(stop,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def paced(function, *args):
    """As `timed`, after giving way to whoever waits."""
    time.sleep(0)
    return timed(function, *args)


def in_turn(rounds, turns, tracer, material):
    """Seconds of observations, and of control loops between them."""
    observed, control = [], []
    for _ in range(rounds):
        observed.append(paced(tracer.one, *material))
        control.append(paced(loop, turns))
    return observed, control


def measure(name, rounds, url):
    """Observation and control, turn by turn."""
    tracer = tracers.make(name, url)
    material = {"question": DOCUMENTS[0]}, {"role": "assistant", "content": ANSWERS[0] * 2}
    alone = statistics.median(timed(tracer.one, *material) for _ in range(WARM_UP))
    tracer.flush()
    turns = 1_000
    with busy():
        for _ in range(CALIBRATIONS):
            observed, control = in_turn(WARM_UP, turns, tracer, material)
            longer = statistics.median(observed) / statistics.median(control)
            turns = max(1, int(turns * longer))
        observed, control = in_turn(rounds, turns, tracer, material)
    tracer.flush()
    return {
        "tracer": name,
        "alone_us": alone * 1e6,
        "observation": percentiles(observed),
        "control": percentiles(control),
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
