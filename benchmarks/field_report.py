"""From the figures of `field.py` to the tables in docs/performance.md."""

from report import number, ratio, table

NAMES = {
    "none": "the workload itself, untraced",
    "trackway": "**trackway**",
    "trackway, gzip": "trackway, gzip",
    "otel": "OpenTelemetry SDK",
    "langfuse": "Langfuse",
    "logfire": "Logfire",
    "phoenix": "Phoenix, OpenInference",
    "langsmith": "LangSmith",
    "mlflow, otlp": "MLflow, by OTLP",
    "mlflow": "MLflow, to its server",
    "lmnr": "Laminar",
}
VERSIONS = {
    "trackway": "trackway",
    "otel": "OpenTelemetry SDK",
    "langfuse": "Langfuse",
    "logfire": "Logfire",
    "phoenix": "arize-phoenix-otel",
    "langsmith": "LangSmith",
    "mlflow": "mlflow-tracing",
    "lmnr": "Laminar",
}


def source(results, only=tuple(VERSIONS)):
    """Where the figures come from, and what could not be measured."""
    machine, versions = results["machine"], results["versions"]
    named = ", ".join(f"{VERSIONS[key]} {versions[key]}" for key in only if key in versions)
    rounds = results["options"]["rounds"]
    runs = "one run" if rounds == 1 else f"medians of {rounds} runs"
    words = (
        f"Measured {machine['date']} on {machine['system']}, {machine['cores']} cores, Python {machine['python']}, "
        f"load {machine['load']} when it began: {named}; {runs}."
    )
    for label, why in results["skipped"].items():
        words += f"\n\nNot measured: {NAMES.get(label, label)} ({why.splitlines()[0]})."
    return words


def arrived(row):
    """The share that reached the sink."""
    share = row["reached"] / row["observations"]
    return "all" if share == 1 else f"{share:.0%}"


def peers(results):
    """Costs beside the field."""
    return "\n\n".join([one_thread(results), at_once(results), start(results), source(results)])


def one_thread(results):
    """One thread, small and large, with what arrived."""
    runs = results["peers"]["workload"]
    small, large = runs["2 KB, 1"], runs["10 KB, 1"]
    rows = []
    for label, row in small.items():
        other = large.get(label, {})
        rows.append(
            [
                NAMES[label],
                *(number(row[key]) for key in ("p50_us", "p99_us", "cpu_us")),
                *(number(other.get(key)) for key in ("p50_us", "p99_us", "cpu_us")),
                "–" if label == "none" else arrived(row),
            ]
        )
    header = [
        "µs per observation",
        "2 KB: p50",
        "p99",
        "CPU",
        "10 KB: p50",
        "p99",
        "CPU",
        "arrived",
    ]
    return table(header, rows)


def at_once(results):
    """CPU where many requests are handled at once."""
    runs = results["peers"]["workload"]
    columns = {
        "2 KB, 8": "8 threads, 2 KB",
        "10 KB, 8": "8 threads, 10 KB",
        "2 KB, tasks": "1,000 tasks, 2 KB",
        "10 KB, tasks": "1,000 tasks, 10 KB",
    }
    rows = []
    for label in runs["2 KB, 1"]:
        there = [runs[name].get(label, {}) for name in columns]
        shares = {arrived(row) for row in there if row}
        share = "–" if label == "none" else ", ".join(sorted(shares))
        rows.append([NAMES[label], *(number(row.get("cpu_us")) for row in there), share])
    return table(["CPU, µs per observation", *columns.values(), "arrived"], rows)


def start(results):
    """Import and memory."""
    found, runs = results["peers"]["startup"], results["peers"]["workload"]["2 KB, 1"]
    plain = runs["none"]["rss_mib"]
    rows = [
        [
            NAMES[label],
            number(row["import_cpu_ms"]),
            number(row["rss_mib"]),
            number(runs[label]["rss_mib"] - plain) if label in runs else "–",
        ]
        for label, row in found.items()
    ]
    count = runs["none"]["observations"]
    return table(
        [
            "",
            "import, ms of CPU",
            "memory after it, MiB",
            f"more than untraced after {count:,.0f} observations, MiB",
        ],
        rows,
    )


def growth(results):
    """One table for each thing that grows."""
    found = results["growth"]
    parts = [
        grown(found["payload"], "KB of text an observation: CPU, µs", "cpu_us"),
        grown(found["payload"], "the same: median on the caller, µs", "p50_us"),
        grown(found["payload"], "the same: memory of the process, MiB", "rss_mib"),
        grown(found["depth"], "observations in one another: CPU, µs", "cpu_us"),
        grown(found["threads"], "threads: CPU, µs", "cpu_us"),
        source(results, only=("trackway", "otel", "langfuse")),
    ]
    return "\n\n".join(parts)


def grown(steps, title, measure):
    """CPU of each library at each step, and how ours compares."""
    labels = list(next(iter(steps.values())))
    rows = []
    for step, each in steps.items():
        cells = [
            f"{int(step):,}",
            *(number(each[label][measure]) if label in each else "–" for label in labels),
        ]
        cells += [
            ratio(each["trackway"][measure], each[label][measure]) if label in each else "–"
            for label in labels
            if label != "trackway"
        ]
        missing = [f"{NAMES[n]} {arrived(r)}" for n, r in each.items() if arrived(r) != "all"]
        rows.append([*cells, ", ".join(missing) or "all"])
    header = [title, *(NAMES[label] for label in labels)]
    header += [f"to {NAMES[label]}" for label in labels if label != "trackway"]
    return table([*header, "arrived"], rows)


def drain(results):
    """How fast a backlog goes."""
    rows = [
        [f"{int(backlog):,}", f"{row['a_second']:,.0f}", number(row["cpu_us"])]
        for backlog, row in results["drain"].items()
    ]
    header = ["observations of 10 KB that waited", "delivered a second", "CPU, µs each"]
    return table(header, rows) + "\n\n" + source(results, only=("trackway",))


def users(results):
    """How many observations have a wrong user, none, or did not arrive."""
    titles = {
        "sync": "functions, generators, threads",
        "async": "the same, tasks, cancellations, async generators",
    }
    rows = [
        [
            f"{titles[row['programs']]}; {row['extent']}",
            NAMES[row["library"]],
            *(f"{row[key]:,}" for key in ("observations", "wrong", "missing", "lost")),
            f"{(row['wrong'] + row['missing'] + row['lost']) / row['observations']:.1%}",
        ]
        for row in results["users"].values()
    ]
    header = [
        "programs of",
        "library",
        "observations",
        "wrong user",
        "no user",
        "not recorded",
        "share",
    ]
    return table(header, rows) + "\n\n" + source(results, only=("trackway", "langfuse"))
