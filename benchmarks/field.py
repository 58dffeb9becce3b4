"""Beside the rest of the field, and how costs grow: `python benchmarks/field.py`, or `make peers-bench`.

*peers*: the workload of `workload.py` with 2 and 10 KB an observation, in one thread, eight, and 1,000 tasks; what a
program pays for the import, and its memory. *growth*: trackway, OpenTelemetry's SDK and Langfuse's with payloads of
1 KB to 1 MB, observations nested up to 10,000 deep, and 1 to 64 threads. *drain*: how fast backlogs are delivered.
*users*: whose observations carry the right user (`right_user.py`).

Each library runs in an environment of its own; one that cannot be installed or run is skipped, and named with the
reason. Each part is a file in `benchmarks/results/`, and goes from there into the pages and the picture that quote it;
`--only` measures some anew. Everything: half an hour; a look at whether all runs: `--rounds 1 --requests 200`.
"""

import argparse
from collections import defaultdict
from itertools import product
from tempfile import TemporaryDirectory

import pages
from harness import (
    WIDE_QUEUE,
    Bench,
    UnmeasuredError,
    medians,
    there_and_back,
    write,
)

# label: (library, environment variables)
FIELD = {
    "none": ("none", {}),
    "trackway": ("trackway", {"TRACKWAY_COMPRESSION": "none"}),
    "trackway, gzip": ("trackway", {"TRACKWAY_COMPRESSION": "gzip"}),
    "otel": ("otel", WIDE_QUEUE),
    "langfuse": ("langfuse", WIDE_QUEUE),
    "logfire": ("logfire", WIDE_QUEUE),
    "phoenix": ("phoenix", WIDE_QUEUE),
    "langsmith": ("langsmith", {}),
    "mlflow, otlp": ("mlflow", WIDE_QUEUE | {"BENCH_MLFLOW_OTLP": "1"}),
    "mlflow": ("mlflow", {}),
    "lmnr": ("lmnr", WIDE_QUEUE),
}
CLOSEST = ("trackway", "otel", "langfuse")
LIBRARIES = tuple(dict.fromkeys(library for library, _ in FIELD.values() if library != "none"))
PARTS = ("peers", "growth", "drain", "users")
KILOBYTES = (2, 10)
SHAPES = ("1", "8", "tasks")
PAYLOADS_KB = (1, 10, 100, 1000)
DEPTHS = (1, 10, 100, 1_000, 10_000)
THREADS = (1, 2, 4, 8, 16, 32, 64)
BACKLOGS = (10_000, 100_000, 400_000)
BACKLOG_BYTES = 10_000
# Megabytes of payload in a run, so that the one with the largest payloads ends.
MOST_MB = 60


class Field:
    """The measurements, and what could not be measured."""

    def __init__(self, bench, options):
        self.bench = bench
        self.options = options
        self.skipped = dict(bench.missing)

    def each(self, labels, what, script, arguments):
        """The medians of *script* for each of *labels*; it is run there and back."""
        rows = defaultdict(list)
        there = [label for label in labels if FIELD[label][0] in self.bench.interpreters]
        for label in there_and_back(there, self.options.rounds):
            library, variables = FIELD[label]
            if label in self.skipped:
                continue
            try:
                row = self.bench.run(library, script, library, *arguments, **variables)
            except UnmeasuredError as why:
                self.skipped[label] = str(why)
                rows.pop(label, None)
                print(f"skipped: {label}: {why}", flush=True)
                continue
            rows[label].append(row)
            print(f"  {what:12} {label:16} {told(row)}", flush=True)
        return {label: medians(rows[label]) for label in there if rows[label]}

    def peers(self, url):
        """The whole field."""
        results = {}
        for size in KILOBYTES:
            for shape in SHAPES:
                arguments = (self.options.requests, url, size, shape)
                name = f"{size} KB, {shape}"
                results[name] = self.each(FIELD, name, "workload", arguments)
        labels = [
            label for label in FIELD if label not in {"none", "trackway, gzip", "mlflow, otlp"}
        ]
        with TemporaryDirectory() as directory:
            started = self.each(labels, "import", "startup", ("off", directory))
        return {"workload": results, "startup": started}

    def growth(self, url):
        """The closest, as something grows."""
        found = {"payload": {}, "depth": {}, "threads": {}}
        for size in PAYLOADS_KB:
            requests = max(10, min(self.options.requests, MOST_MB * 1000 // (3 * size)))
            found["payload"][size] = self.each(
                CLOSEST, f"{size} KB", "workload", (requests, url, size, "1")
            )
        for depth in DEPTHS:
            found["depth"][depth] = self.each(CLOSEST, f"{depth} deep", "depth", (depth, url))
        for threads in THREADS:
            found["threads"][threads] = self.each(
                CLOSEST, f"{threads} threads", "workload", (self.options.requests, url, 2, threads)
            )
        return found

    def drain(self, _):
        """Backlogs of trackway's, which the others have not."""
        sink = self.bench.interpreters["otel"]
        found = {}
        for backlog in BACKLOGS:
            rows = [
                self.bench.run("trackway", "drain", backlog, BACKLOG_BYTES, sink)
                for _ in range(self.options.rounds)
            ]
            found[backlog] = medians(rows)
            print(f"  {backlog:,} waiting: {found[backlog]['a_second']:,.0f} a second", flush=True)
        return found

    def users(self, _):
        """Whose observations carry the right user."""
        found = {}
        for mode, extent in product(("sync", "async"), ("plain", "all")):
            for library in ("trackway", "langfuse"):
                if library in self.bench.interpreters:
                    arguments = (library, mode, extent, self.options.observations)
                    row = self.bench.run(library, "right_user", *arguments)
                    found[f"{library}, {mode}, {extent}"] = row
                    print(f"  {row}", flush=True)
        return found


def told(row):
    """What is shown of a row while it runs."""
    kept = {
        "cpu_us": "cpu",
        "caller_us": "on the caller",
        "p50_us": "p50",
        "p99_us": "p99",
        "rss_mib": "MiB",
        "import_ms": "import ms",
    }
    figures = [f"{name} {row[key]:.1f}" for key, name in kept.items() if row.get(key) is not None]
    if row["tracer"] != "none" and row.get("reached") not in {None, row.get("observations")}:
        figures.append(f"arrived {row['reached']} of {row['observations']}")
    return "  ".join(figures)


def main():
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="of every measurement")
    parser.add_argument("--requests", type=int, default=1000, help="of a workload run")
    parser.add_argument("--observations", type=int, default=100_000, help="of programs with users")
    parser.add_argument("--only", nargs="+", choices=PARTS)
    options = parser.parse_args()
    bench = Bench(LIBRARIES, {})
    about = bench.about() | {"options": {"rounds": options.rounds, "requests": options.requests}}
    with bench.sink() as url:
        for name in options.only or PARTS:
            print(name, flush=True)
            field = Field(bench, options)
            figures = getattr(field, name)(url)
            write(name, about | {"skipped": field.skipped, name: figures})
    pages.write()


if __name__ == "__main__":
    main()
