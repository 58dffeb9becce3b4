"""Keeps what tests print and log in a run under `make leaks`: `python -m pytest -p tests.leaks.plugin`."""

import os
from pathlib import Path

import pytest

OUTPUT = Path(os.environ.get("LEAKS", ".")) / "output.txt"


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Writes down what was captured, whatever came of the test."""
    with OUTPUT.open("a", encoding="utf-8", errors="surrogateescape") as file:
        for title, text in report.sections:
            file.write(f"== {report.nodeid}: {title}\n{text}\n")
