"""Everything `make bench` measures, in one run: `python benchmarks/run.py`.

Each library runs in an environment of its own under `.bench/`, in processes of its own, interleaved there and back
(A B C C B A), so that a machine that grows slower in between is slow for all. Figures are medians over the rounds,
ratios are between medians of this run. Results go to `benchmarks/results/latest.json` and into the pages that
quote them.
"""

import argparse
from tempfile import TemporaryDirectory

import pages
import report
from harness import WIDE_QUEUE, Bench, UnmeasuredError, medians, read, there_and_back, write

LIBRARIES = ("trackway", "otel", "langfuse")
# label: (library, environment variables)
VARIANTS = {
    "none": ("none", {}),
    "trackway": ("trackway", {"TRACKWAY_COMPRESSION": "none"}),
    "trackway, no redaction": (
        "trackway",
        {"TRACKWAY_COMPRESSION": "none", "TRACKWAY_REDACT": "false"},
    ),
    "trackway, gzip": ("trackway", {"TRACKWAY_COMPRESSION": "gzip"}),
    "trackway, pure Python": ("trackway", {"TRACKWAY_COMPRESSION": "none", "BENCH_PURE": "1"}),
    "otel": ("otel", WIDE_QUEUE),
    "otel, gzip": ("otel", {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"} | WIDE_QUEUE),
    "langfuse": ("langfuse", {}),  # compresses by default
}
PARTS = ("workload", "busy", "startup", "outage")


def workload(bench, url, rounds, requests):
    """CPU, p50 and p99 of each variant."""
    rows = {label: [] for label in VARIANTS}
    for label in there_and_back(VARIANTS, rounds):
        library, variables = VARIANTS[label]
        row = bench.run(library, "workload", library, requests, url, **variables)
        if library != "none" and row["reached"] != row["observations"]:
            print(f"  {label}: {row['reached']} of {row['observations']} arrived", flush=True)
        rows[label].append(row)
        print(
            f"  {label:24} cpu {row['cpu_us']:7.1f}  p50 {row['p50_us']:6.1f}  p99 {row['p99_us']:7.1f}",
            flush=True,
        )
    return {label: medians(each) for label, each in rows.items()}


def busy(bench, url, rounds, turns):
    """One observation beside two busy threads."""
    rows = {name: [] for name in LIBRARIES}
    for name in there_and_back(LIBRARIES, rounds):
        row = bench.run(name, "busy", name, turns, url)
        flat = {
            f"{which}_{k}": v for which in ("observation", "control") for k, v in row[which].items()
        }
        rows[name].append({"alone_us": row["alone_us"], **flat})
        print(f"  {name:24} {flat}", flush=True)
    return {name: medians(each) for name, each in rows.items()}


def startup(bench, rounds):
    """Imports, first calls and switched-off calls; the first round only fills the caches."""
    rows = {name: [] for name in LIBRARIES}
    for number, name in enumerate(there_and_back(LIBRARIES, rounds + 1)):
        with TemporaryDirectory() as directory:
            row = bench.run(name, "startup", name, "off", directory)
            if name != "otel":
                row |= bench.run(name, "startup", name, "on", directory)
        if number >= len(LIBRARIES):
            rows[name].append({k: v for k, v in row.items() if v is not None})
    return {name: medians(each) for name, each in rows.items()}


def main():
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=6, help="of every measurement")
    parser.add_argument("--requests", type=int, default=2000, help="of a workload run")
    parser.add_argument("--turns", type=int, default=1000, help="of a run beside busy threads")
    parser.add_argument("--outage", type=int, default=60_000, help="observations without a backend")
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        help="measure these anew, and keep the rest of the last run",
    )
    for name in LIBRARIES:
        parser.add_argument(
            f"--{name}", help=f"an interpreter that has {name}; default: one under .bench/"
        )
    options = parser.parse_args()
    bench = Bench(LIBRARIES, vars(options))
    if bench.missing:
        raise UnmeasuredError(bench.missing)

    results = read("latest") if options.only else {}
    results |= bench.about() | {"options": {"requests": options.requests}}
    with bench.sink() as url:
        measurements = {
            "workload": lambda: workload(bench, url, options.rounds, options.requests),
            "busy": lambda: busy(bench, url, min(4, options.rounds), options.turns),
            "startup": lambda: startup(bench, max(4, options.rounds)),
            "outage": lambda: {
                "trackway": bench.run("trackway", "outage", "trackway", options.outage)
            },
        }
        for name in options.only or measurements:
            print(name, flush=True)
            results[name] = measurements[name]()
    write("latest", results)
    print("\n" + report.page(results))
    pages.write()


if __name__ == "__main__":
    main()
