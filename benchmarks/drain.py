"""How fast a backlog is delivered: `python drain.py OBSERVATIONS BYTES SINK`, one JSON line.

So many observations of so many bytes are ended while nobody listens. Then a sink begins to, which only counts, in a
process of its own under the interpreter SINK; what is measured is the time until all have arrived, and the CPU of this
process. With `profile` behind it, it prints on standard error where the delivering thread spent its time.
"""

import cProfile
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from outage import refusing_url

HERE = Path(__file__).parent
PATIENCE_S = 900.0


def backlog(client, observations, size):
    """Ends so many observations."""
    for number in range(observations):
        with client.start_as_current_observation(name=f"span {number}", input="x" * size):
            pass


def profiled(function):
    """*function*, which prints a profile of what it did when it is told to stop."""
    profile = cProfile.Profile()

    def run(*args):
        profile.enable()
        try:
            return function(*args)
        finally:
            profile.disable()

    run.profile = profile
    return run


def measure(observations, size, sink, *, profile):
    """A backlog, and the time that it takes to be gone."""
    url = refusing_url()
    with tempfile.TemporaryDirectory(prefix="trackway-bench-") as directory:
        os.environ.update(TRACKWAY_ENDPOINT=url, TRACKWAY_LOCAL="false", TRACKWAY_DIR=directory)
        os.environ.update(TRACKWAY_SPOOL_QUOTA="40GiB", TRACKWAY_COMPRESSION="none")
        from trackway import get_client
        from trackway._delivery.exporter import Exporter

        if profile:
            Exporter.step = profiled(Exporter.step)
        client = get_client()
        backlog(client, observations, size)
        command = [sink, HERE / "sink.py", "forget", url.rpartition(":")[2]]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            began, cpu = time.monotonic(), time.process_time()
            delivered = client.flush(PATIENCE_S)
            took, cpu = time.monotonic() - began, time.process_time() - cpu
            with urllib.request.urlopen(f"{url}/stats") as answer:
                arrived = json.loads(answer.read())["spans"]
            process.terminate()
        client.shutdown()
    if profile:
        pstats.Stats(Exporter.step.profile, stream=sys.stderr).sort_stats("tottime").print_stats(25)
    return {
        "observations": observations,
        "bytes": size,
        "delivered": delivered,
        "arrived": arrived,
        "a_second": observations / took,
        "cpu_us": cpu / observations * 1e6,
    }


if __name__ == "__main__":
    made, each, interpreter, *options = sys.argv[1:]
    print(json.dumps(measure(int(made), int(each), interpreter, profile="profile" in options)))
