"""`trackway ingest`: takes what applications have left in the spool into the store, as every reader does first."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from trackway._cli import data
from trackway._cli.options import Directory, Json, nothing, opened, run
from trackway._cli.show import screen
from trackway._cli.words import count, elapsed, many
from trackway._store.ingest import IngestReport

__all__ = ["BUSY", "main"]

WAIT_S: Final = 60.0
# EX_TEMPFAIL of sysexits.h.
BUSY: Final = 75
LOWEST: Final = 19


def main(argv: list[str]) -> int:
    """Runs `trackway ingest`."""
    return run(ingest, argv)


def ingest(
    *,
    background: Annotated[
        bool,
        typer.Option(
            "--background", help="At the lowest priority, for a process that nobody waits for."
        ),
    ] = False,
    as_json: Json = False,
    directory: Directory = None,
) -> None:
    """Takes what applications have left in the spool into the store.

    Every command that reads does this first; this one does nothing else. For a machine where nobody looks for weeks.
    """
    if background:
        _give_way()
    with opened(directory, None, telling=not background, lean=background) as store:
        report = IngestReport() if store is None else store.ingest(WAIT_S)
    if as_json:
        data.print_json(data.ingested(report))
    elif store is None:
        nothing(screen(), directory, None)
    elif report.busy:
        screen().print(Text("Another process is at it, and takes what is there."))
    else:
        said = f"{many(report.records, 'record')} in {elapsed(report.seconds)}"
        if report.malformed:
            said += f"; {count(report.malformed)} were no span and are left out"
        screen().print(Text(said))
    if report.busy:
        raise typer.Exit(BUSY)


def _give_way() -> None:
    """The application that this is a child of comes first: for the processor, and where memory is short."""
    with suppress(OSError, AttributeError):
        os.nice(LOWEST)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
