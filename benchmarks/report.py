"""From the figures of `run.py` to the tables in README.md and docs/performance.md."""

NAMES = {
    "none": "the workload itself, untraced",
    "trackway": "**trackway**",
    "trackway, no redaction": "trackway, redaction off",
    "trackway, gzip": "trackway, gzip",
    "trackway, pure Python": "trackway, installed without a compiler",
    "otel": "OpenTelemetry SDK + OTLP exporter¹",
    "otel, gzip": "OpenTelemetry SDK + OTLP exporter¹, gzip",
    "langfuse": "Langfuse SDK (compresses by default)",
}


def table(header, rows):
    """A Markdown table: the first column is text, the others numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value):
    """Three significant digits at most, as a reader wants them."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def ratio(ours, theirs):
    """`1/17`, `1/2.9`, or `1.3×` where ours is not smaller."""
    if theirs <= ours:
        return f"{ours / theirs:.2f}×"
    return f"1/{theirs / ours:.{0 if theirs >= 10 * ours else 1}f}"


def workload(results):
    """One row for each variant."""
    rows = [
        [NAMES[label], number(row["p50_us"]), number(row["p99_us"]), number(row["cpu_us"])]
        for label, row in results["workload"].items()
    ]
    return table(
        ["µs per observation", "p50 on the caller", "p99 on the caller", "CPU, export included"],
        rows,
    )


# figure, variant, measure, bar against the Langfuse SDK, bar against OpenTelemetry; gzip is compared with gzip
BARS = (
    ("CPU, redaction on", "trackway", "cpu_us", "1/15", "1/4"),
    ("CPU, redaction off", "trackway, no redaction", "cpu_us", "1/20", "1/5"),
    ("CPU, gzip", "trackway, gzip", "cpu_us", "1/8", "1/3"),
    ("p50 on the caller", "trackway", "p50_us", "1/15", "1/3"),
    ("p99 on the caller", "trackway", "p99_us", "1/20", "1/20"),
)


def ratios(results):
    """Each figure against the bar that it has to pass."""
    runs, started = results["workload"], results["startup"]
    rows = []
    for title, variant, measure, *bars in BARS:
        cells = [title]
        otel = "otel, gzip" if variant.endswith("gzip") else "otel"
        for peer, bar in zip(("langfuse", otel), bars, strict=True):
            cells += [ratio(runs[variant][measure], runs[peer][measure]), bar]
        rows.append(cells)
    # What declaring loads in addition is ours to answer for, and is not held against the others.
    ours = started["trackway"]["declare_ms"]
    langfuse, otel = (ratio(ours, started[peer]["import_ms"]) for peer in ("langfuse", "otel"))
    rows.append(["import, and one decorated function", langfuse, "1/6", otel, "–"])
    return table(["trackway against", "Langfuse SDK", "bar", "OpenTelemetry¹", "bar"], rows)


def busy(results):
    """Beside two threads that compute."""
    rows = [
        [
            NAMES[name],
            number(row["alone_us"]),
            number(row["observation_p50_us"]),
            number(row["observation_p99_us"]),
            number(row["control_p99_us"]),
            f"{row['observation_p99_us'] / row['control_p99_us']:.1f}×",
        ]
        for name, row in results["busy"].items()
    ]
    return table(["µs", "alone p50", "busy p50", "busy p99", "control p99", "p99 : control"], rows)


def startup(results):
    """Before and without tracing."""
    rows = [
        [
            NAMES[name],
            number(row["import_ms"]),
            number(row["declare_ms"]),
            number(row.get("first_call_ms")),
            number(row.get("disabled_ns")),
        ]
        for name, row in results["startup"].items()
    ]
    return table(
        ["ms", "import", "and a decorated function", "the first call", "switched-off call, ns"],
        rows,
    )


def outage(results):
    """Memory while nobody answers."""
    row = results["outage"]["trackway"]
    return (
        f"{row['observations']:,} observations of 2 KB with nobody listening: anonymous memory "
        f"+{row['anonymous_growth_mib']:.1f} MiB (bar: 16), mapped {row['mapped_mib']:.1f} MiB (bar: 8)."
    )


def source(results):
    """Where the figures come from."""
    machine, versions = results["machine"], results["versions"]
    how = f" ({results['kernels']})" if "kernels" in results else ""
    return (
        f"Measured {machine['date']} on {machine['system']}, {machine['cores']} cores, Python {machine['python']}: "
        f"trackway {versions['trackway']}{how}, Langfuse SDK {versions['langfuse']}, "
        f"OpenTelemetry SDK {versions['otel']}; medians of {results['workload']['trackway']['runs']} runs "
        f"of {3 * results['options']['requests']:,} observations.\n\n"
        "¹ under a decorator written by hand, which records no user and redacts nothing; its queue is made large "
        "enough that nothing is dropped."
    )


def page(results):
    """Everything, for docs/performance.md and the terminal."""
    parts = [workload, ratios, busy, startup, outage, source]
    return "\n\n".join(part(results) for part in parts)


def short(results):
    """The comparison in the README."""
    kept = ("trackway", "otel", "langfuse")
    few = {**results, "workload": {name: results["workload"][name] for name in kept}}
    return f"{workload(few)}\n\n{source(results)}"
