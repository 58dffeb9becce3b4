"""`trackway reprice`: prices again what a price book has priced, or could not."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from trackway._cli import data
from trackway._cli.options import Directory, Json, Project, nothing, opened, run
from trackway._cli.show import screen
from trackway._cli.words import count, money, since
from trackway._store.models import exact_dollars
from trackway._store.reprice import Repriced

__all__ = ["main"]

WAIT_S: Final = 60.0


def main(argv: list[str]) -> int:
    """Runs `trackway reprice`."""
    return run(reprice, argv)


def reprice(
    *,
    since_: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="SPAN", help="Only calls since: 24h, 7d, 2w, a date. [default: all]"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Says what would change, and changes nothing.")
    ] = False,
    as_json: Json = False,
    directory: Directory = None,
    project: Project = None,
) -> None:
    """Prices calls again, each by the prices of its own time: after a new price list, or with prices of your own.

    What a span itself said it cost stays as it is. Can be interrupted and run again.
    """
    begin = None
    if since_ is not None:
        try:
            begin = since(since_, datetime.now(UTC))
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--since") from None
    with opened(directory, project) as store:
        done = Repriced()
        if store is not None:
            with _progress(screen(sys.stderr)) as bar:
                task = bar.add_task("calls", total=None)
                done = store.reprice(
                    begin,
                    dry_run=dry_run,
                    progress=lambda seen, left: bar.update(task, completed=seen, total=seen + left),
                    wait=WAIT_S,
                )
        if as_json:
            data.print_json(data.repriced(done, dry_run=dry_run))
        elif store is None:
            nothing(screen(), directory, project)
        else:
            _print(screen(), done, dry_run=dry_run)


def _progress(console: Console) -> Progress:
    """A bar on a terminal, nothing elsewhere; gone when it is done."""
    columns = (TextColumn("pricing"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _print(console: Console, done: Repriced, *, dry_run: bool) -> None:
    verb = "would change" if dry_run else "changed"
    said = f"{count(done.calls)} calls looked at, {count(done.changed)} {verb}"
    if done.newly_priced:
        said += f", {count(done.newly_priced)} of which had no price"
    console.print(Text(f"{said}."), soft_wrap=True)
    if done.changed:
        before, after = exact_dollars(done.known_before), exact_dollars(done.known_after)
        were_complete = not done.newly_priced + done.unpriced
        known = "no price" if before is None else money(before, complete=were_complete)
        now = money(after, complete=not done.unpriced)
        console.print(Text(f"Together {known} before, {now} now."), soft_wrap=True)
    if done.unpriced:
        said = f"{count(done.unpriced)} have no price: name one in a file, see TRACKWAY_PRICES."
        console.print(Text(said, style="yellow"), soft_wrap=True)
