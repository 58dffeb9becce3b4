"""Everything `make bench` measures, in one run: `python benchmarks/run.py`.

Each library runs in an environment of its own under `.bench/`, in processes of its own, interleaved there and back
(A B C C B A), so that a machine that grows slower in between is slow for all. Figures are medians over the rounds,
ratios are between medians of this run. Results go to `benchmarks/results/latest.json` and, with `--docs`, into the
pages that quote them.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import report

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = HERE / "results" / "latest.json"
# What is installed into the environment of each library.
REQUIREMENTS = {
    "trackway": ["--editable", str(ROOT)],
    "langfuse": ["langfuse>=5,<6"],
    "otel": ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"],
}
# A cost for each observation that arrived: with the queue that it has by default, OpenTelemetry's processor drops up to
# two fifths of this workload.
WIDE_QUEUE = {"OTEL_BSP_MAX_QUEUE_SIZE": "1000000"}
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
LIBRARIES = ("trackway", "otel", "langfuse")
PARTS = ("workload", "busy", "startup", "outage")


class Bench:
    """The interpreters, and how to run a script in one."""

    def __init__(self, given):
        self.interpreters = {name: given.get(name) or environment(name) for name in REQUIREMENTS}
        self.interpreters["none"] = self.interpreters["trackway"]

    def run(self, library, script, *args, **variables):
        """The one JSON line that *script* prints."""
        ours = ("TRACKWAY_", "LANGFUSE_", "OTEL_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        # An installed package has its bytecode; one that is imported from its sources is to have it after a round too.
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(
            [self.interpreters[library], HERE / f"{script}.py", *map(str, args)],
            env=clean | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{script} {library} failed:\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    @contextmanager
    def sink(self):
        """A backend for the length of the block; its URL."""
        command = [self.interpreters["otel"], HERE / "sink.py"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
            finally:
                process.terminate()


def environment(name):
    """The interpreter of an environment under `.bench/`, made at first use."""
    directory = ROOT / ".bench" / name
    interpreter = directory / "bin" / "python"
    made = directory / ".made"
    # An editable install compiles into src/: again, when what it compiled has changed.
    sources = [ROOT / "hatch_build.py", *(ROOT / "src" / "native").iterdir()]
    changed = max(source.stat().st_mtime for source in sources)
    if not made.exists() or (name == "trackway" and made.stat().st_mtime < changed):
        print(f"making {directory.relative_to(ROOT)} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *REQUIREMENTS[name]], check=True)
        made.touch()
    return str(interpreter)


def there_and_back(names, rounds):
    """The order of the runs: there, back, there again."""
    order = []
    for number in range(rounds):
        order += list(names) if number % 2 == 0 else list(reversed(names))
    return order


def medians(rows):
    """One row of medians of the numbers in *rows*."""
    numbers = [key for key, value in rows[0].items() if isinstance(value, int | float)]
    return {key: statistics.median(row[key] for row in rows) for key in numbers} | {
        "runs": len(rows)
    }


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


def machine():
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def versions(bench):
    """The versions that were measured."""
    names = {"trackway": "trackway", "langfuse": "langfuse", "otel": "opentelemetry-sdk"}
    ask = "import sys, json; from importlib.metadata import version; print(version(sys.argv[1]))"
    return {
        name: subprocess.run(
            [bench.interpreters[name], "-c", ask, package],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for name, package in names.items()
    }


def kernels(bench):
    """Whether the library that is measured has its kernels compiled, as a wheel has them."""
    ask = "from trackway._wire.native import kernels; print('pure Python' if kernels is None else 'compiled')"
    command = [bench.interpreters["trackway"], "-c", ask]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    if found != "compiled":
        print("trackway is measured in pure Python: is there a C compiler?", flush=True)
    return found


def main():
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=6, help="of every measurement")
    parser.add_argument("--requests", type=int, default=2000, help="of a workload run")
    parser.add_argument("--turns", type=int, default=1000, help="of a run beside busy threads")
    parser.add_argument("--outage", type=int, default=60_000, help="observations without a backend")
    parser.add_argument(
        "--docs", action="store_true", help="write the tables into the pages that quote them"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=PARTS,
        help="measure these anew, and keep the rest of the last run",
    )
    for name in REQUIREMENTS:
        parser.add_argument(
            f"--{name}", help=f"an interpreter that has {name}; default: one under .bench/"
        )
    options = parser.parse_args()
    bench = Bench(vars(options))

    results = {} if not options.only else json.loads(RESULTS.read_text(encoding="utf-8"))
    results |= {
        "machine": machine(),
        "versions": versions(bench),
        "kernels": kernels(bench),
        "options": {"requests": options.requests},
    }
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
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print("\n" + report.page(results))
    if options.docs:
        report.into_pages(results, ROOT)


if __name__ == "__main__":
    main()
