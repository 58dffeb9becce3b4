"""One picture of what tracing costs, as SVG: bars, in the colours of the reader's light or dark page.

Text stays text, and there is nothing in it that a browser, GitHub and mkdocs do not all show.
"""

from html import escape

# As they are called in the picture, with the compression that they use unless told otherwise, and we on demand. What
# sends a request for each trace (MLflow to its own server) would leave nothing to see of the others.
NAMES = {
    "trackway": "trackway",
    "trackway, gzip": "trackway, gzip",
    "otel": "OpenTelemetry SDK",
    "phoenix": "Phoenix, OpenInference",
    "langsmith": "LangSmith, zstd",
    "mlflow, otlp": "MLflow, by OTLP",
    "langfuse": "Langfuse, gzip",
    "logfire": "Logfire",
    "lmnr": "Laminar, gzip",
}
PANELS = (("cpu_us", "CPU, export included"), ("p50_us", "on the caller, median"))
WIDTH, LABELS, GAP, VALUE = 760, 178, 28, 52
TOP, ROW, BAR, BOTTOM = 74, 27, 15, 34
STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: #1f2328 }
  .title { font-size: 16px; font-weight: 600 }
  .small { font-size: 12px; fill: #59636e }
  .ours { font-weight: 600 }
  .bar { fill: #98a2b0 }
  .bar.ours { fill: #1a6f5c }
  .axis { stroke: #d1d9e0 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .bar { fill: #6b7686 }
    .bar.ours { fill: #3fb995 }
    .axis { stroke: #3d444d }
  }
"""


def figure(value):
    """Microseconds as a reader wants them."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def text(x, y, words, kind="", anchor="start"):
    """One line of text."""
    return f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def panel(rows, measure, title, left, width):
    """Bars of one measure, with its title above and its figures behind."""
    most = max(row[measure] for _, row in rows)
    room = width - VALUE
    yield text(left, TOP - 14, title, "small")
    bottom = TOP + ROW * len(rows)
    yield f'<line class="axis" x1="{left}" x2="{left}" y1="{TOP - 4}" y2="{bottom}"/>'
    for number, (label, row) in enumerate(rows):
        kind = " ours" if label.startswith("trackway") else ""
        length = round(max(2.0, row[measure] / most * room), 1)
        y = TOP + ROW * number + (ROW - BAR) // 2
        yield f'<rect class="bar{kind}" x="{left}" y="{y}" width="{length}" height="{BAR}" rx="2"/>'
        yield text(left + length + 6, y + 12, figure(row[measure]), kind.strip())


def svg(results):
    """The picture of the results of `field.py`."""
    measured = results["peers"]["workload"]["2 KB, 1"]
    rows = [(label, measured[label]) for label in NAMES if label in measured]
    rows.sort(key=lambda each: each[1]["cpu_us"])
    height = TOP + ROW * len(rows) + BOTTOM
    title = "What tracing costs, in µs for each observation of 2 KB"
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        text(0, 22, title, "title"),
    ]
    for number, (label, _) in enumerate(rows):
        kind = "ours" if label.startswith("trackway") else ""
        parts.append(text(LABELS - 12, TOP + ROW * number + 18, NAMES[label], kind, "end"))
    width = (WIDTH - LABELS - GAP) // len(PANELS)
    for number, (measure, words) in enumerate(PANELS):
        parts += panel(rows, measure, words, LABELS + number * (width + GAP), width)
    machine = results["machine"]
    where = f"{machine['date']}, {machine['system']}, {machine['cores']} cores, Python {machine['python']}; one run"
    parts += [text(LABELS, height - 8, where, "small"), "</svg>"]
    return "\n".join(parts) + "\n"
