"""What the pages say of speed is what was measured."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from tests._delivery.sending import RESOURCE, SCOPE, span
from trackway._wire import encode

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "figures" / "cost.svg"
SVG = "{http://www.w3.org/2000/svg}"


def told(*command: str) -> str:
    """What a Python process says that finds the benchmarks."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT / "benchmarks",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_pages_and_picture_are_of_the_results() -> None:
    """Tables and picture are what `python benchmarks/pages.py` makes of `benchmarks/results`."""
    assert told("pages.py", "check") == ""


def test_the_picture_is_of_text_for_light_and_dark() -> None:
    """Words and figures of the picture are text, and it has colours for a dark page."""
    drawn = ET.parse(PICTURE).getroot()
    words = [element.text for element in drawn.iter(f"{SVG}text")]
    assert "trackway" in words
    figures = [word for word in words if str(word).replace(",", "").replace(".", "").isdecimal()]
    assert len(list(drawn.iter(f"{SVG}rect"))) == len(figures)
    style = drawn.find(f"{SVG}style")
    assert style is not None
    assert "prefers-color-scheme: dark" in str(style.text)


def test_the_sink_counts_what_it_does_not_keep() -> None:
    """Spans are counted by the lengths of their fields, however many resources and scopes a request has."""
    spans = [span(number, 300) for number in range(7)]
    body = encode.request(
        [(RESOURCE, SCOPE, spans[:4]), (RESOURCE, SCOPE, []), (b"", b"", spans[4:])]
    )
    ask = "import sys; from protocols import count_otlp; print(count_otlp(bytes.fromhex(sys.argv[1])))"
    assert told("-c", ask, body.hex()).strip() == "7"
