"""Writes what the pages quote of `benchmarks/results`: `python benchmarks/pages.py`; with `check`, says what is stale.

A block stands between `<!-- figures: NAME -->` and `<!-- end -->` in Markdown; the picture is a file of its own.
"""

import re
import sys

import chart
import field_report
import report
from harness import ROOT, read

PAGES = ("README.md", "docs/performance.md")
PICTURE = "docs/figures/cost.svg"
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
# name of the block: the file of results, and what makes text of it
BLOCKS = {
    "page": ("latest", report.page),
    "short": ("latest", report.short),
    "peers": ("peers", field_report.peers),
    "growth": ("growth", field_report.growth),
    "drain": ("drain", field_report.drain),
    "users": ("users", field_report.users),
}


def block(match):
    """The text of one block; as it stands where nothing was measured."""
    name, make = BLOCKS[match[2]]
    results = read(name)
    return f"{match[1]}\n{make(results)}\n\n{match[3]}" if results else match[0]


def current():
    """Each file, and what it should hold."""
    for name in PAGES:
        yield ROOT / name, BLOCK.sub(block, (ROOT / name).read_text(encoding="utf-8"))
    if results := read("peers"):
        yield ROOT / PICTURE, chart.svg(results)


def write():
    """Brings all files up to date."""
    for path, text in current():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def check():
    """Names the files that are not up to date."""
    return [
        str(path.relative_to(ROOT))
        for path, text in current()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    if "check" in sys.argv[1:]:
        stale = check()
        sys.exit(f"not what benchmarks/results say: {', '.join(stale)}" if stale else 0)
    write()
