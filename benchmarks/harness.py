"""What measuring takes: an environment for each library, processes in them, a sink, and the order of the runs."""

import json
import os
import platform
import statistics
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = HERE / "results"
# What is installed into the environment of each library; the first is what its version is of.
REQUIREMENTS = {
    "trackway": ["--editable", str(ROOT)],
    "trackway-openai": ["--editable", str(ROOT), "openai>=3,<4"],
    "trackway-prices": ["--editable", f"{ROOT}[prices]", "openai>=3,<4"],
    "langfuse": ["langfuse>=5,<6"],
    "langfuse-langchain": ["langfuse>=5,<6", "langchain>=1,<2"],
    "langfuse-openai": ["langfuse>=5,<6", "openai>=3,<4"],
    "otel": ["opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "zstandard"],
    "logfire": ["logfire"],
    "phoenix": ["arize-phoenix-otel", "openinference-instrumentation"],
    "langsmith": ["langsmith"],
    "mlflow": ["mlflow-tracing", "opentelemetry-exporter-otlp-proto-http"],
    "lmnr": ["lmnr"],
}
# A cost for each observation that arrived: with the queue that it has by default, OpenTelemetry's processor drops up to
# two fifths of this workload.
WIDE_QUEUE = {"OTEL_BSP_MAX_QUEUE_SIZE": "1000000"}
# Variables that would set up a library that is measured.
SETTINGS = ("TRACKWAY_", "LANGFUSE_", "OTEL_", "LOGFIRE_", "PHOENIX_", "LANGSMITH_", "LANGCHAIN_")
PATIENCE_S = 600


class UnmeasuredError(Exception):
    """A library that could not be installed or run; says why."""


class Bench:
    """The interpreters, and how to run a script in one."""

    def __init__(self, libraries, given):
        self.missing = {}
        self.interpreters = {}
        for name in libraries:
            try:
                self.interpreters[name] = given.get(name) or environment(name)
            except UnmeasuredError as why:
                self.missing[name] = str(why)
                print(f"skipped: {name}: {why}", flush=True)
        self.interpreters["none"] = self.interpreters["trackway"]

    def run(self, library, script, *args, **variables):
        """The one JSON line that *script* prints."""
        clean = {n: value for n, value in os.environ.items() if not n.startswith(SETTINGS)}
        # An installed package has its bytecode; one that is imported from its sources is to have it after a round too.
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        command = [self.interpreters[library], HERE / f"{script}.py", *map(str, args)]
        try:
            done = subprocess.run(
                command,
                env=clean | variables,
                capture_output=True,
                text=True,
                check=True,
                timeout=PATIENCE_S,
            )
        except subprocess.CalledProcessError as error:
            raise UnmeasuredError(f"{script} {library} failed:\n{error.stderr[-2000:]}") from None
        except subprocess.TimeoutExpired:
            raise UnmeasuredError(f"{script} {library} did not end in {PATIENCE_S} s") from None
        return json.loads(done.stdout.splitlines()[-1])

    @contextmanager
    def sink(self):
        """A backend for the length of the block; its URL."""
        command = [self.interpreters["otel"], HERE / "sink.py"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
            finally:
                process.terminate()

    def versions(self):
        """What was measured."""
        ask = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
        return {
            name: self._ask(
                name, ask, REQUIREMENTS[name][0].split(">")[0].replace("--editable", name)
            )
            for name in self.interpreters
            if name != "none"
        }

    def kernels(self):
        """Whether the library that is measured has its kernels compiled, as a wheel has them."""
        ask = "from trackway._wire.native import kernels; print('pure Python' if kernels is None else 'compiled')"
        found = self._ask("trackway", ask)
        if found != "compiled":
            print("trackway is measured in pure Python: is there a C compiler?", flush=True)
        return found

    def _ask(self, name, *question):
        command = [self.interpreters[name], "-c", *question]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def about(self):
        """What a reader of the figures has to know, and how to have them again."""
        return {
            "command": " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
            "machine": machine(),
            "versions": self.versions(),
            "kernels": self.kernels(),
        }


def environment(name):
    """The interpreter of an environment under `.bench/`, made at first use."""
    directory = ROOT / ".bench" / name
    interpreter = directory / "bin" / "python"
    made = directory / ".made"
    # An editable install compiles into src/: again, when what it compiled has changed.
    sources = [ROOT / "hatch_build.py", *(ROOT / "src" / "native").iterdir()]
    changed = max(source.stat().st_mtime for source in sources)
    wanted = "\n".join(REQUIREMENTS[name])
    stale = name.startswith("trackway") and made.exists() and made.stat().st_mtime < changed
    if stale or not made.exists() or made.read_text(encoding="utf-8") != wanted:
        print(f"making {directory.relative_to(ROOT)} …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        pip = [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        done = subprocess.run(
            [*pip, *REQUIREMENTS[name]], check=False, stderr=subprocess.PIPE, text=True
        )
        if done.returncode:
            last = [line for line in done.stderr.splitlines() if line.startswith("ERROR")][-1:]
            raise UnmeasuredError(f"could not be installed: {' '.join(last) or done.stderr[-200:]}")
        made.write_text(wanted, encoding="utf-8")
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


def machine():
    """What the figures were measured on, and how much else it had to do when they were begun."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": cores,
        "load": round(os.getloadavg()[0], 1),
        "date": datetime.now(UTC).date().isoformat(),
    }


def write(name, results):
    """Keeps *results* under *name*."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(_rounded(results), indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def read(name):
    """What was kept under *name*; nothing where nothing was."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _rounded(value):
    """Four digits of every number: more say nothing, and change with every run."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, float):
        return float(f"{value:.4g}")
    return value
