"""`trackway retention`: what the store keeps and by which rule; `--older-than` deletes now."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.text import Text

from trackway._cli import data
from trackway._cli.options import Directory, Json, kept_by, nothing, opened, run
from trackway._cli.show import print_facts, screen
from trackway._cli.words import count, many, since, size
from trackway._delivery.backlog import unread
from trackway._delivery.chain import spool_root
from trackway._store.local import LocalStore
from trackway._store.retention import Days, Holdings
from trackway.errors import ReadNotAvailable

__all__ = ["main"]

WAIT_S: Final = 60.0
VARIABLES: Final = (
    ("retention", "TRACKWAY_RETENTION"),
    ("retention_size", "TRACKWAY_RETENTION_SIZE"),
)


def main(argv: list[str]) -> int:
    """Runs `trackway retention`."""
    return run(retention, argv)


def retention(
    *,
    older_than: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN",
            help="Deletes the days (UTC) that are over for so long: 90d, 12w, or before a date. "
            "No day is deleted in part.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Says what it would delete, and deletes nothing.")
    ] = False,
    as_json: Json = False,
    directory: Directory = None,
) -> None:
    """What the store keeps, and by which rule.

    The rule is TRACKWAY_RETENTION (90d) and TRACKWAY_RETENTION_SIZE (5GiB), whichever comes first; `off` is no limit.
    """
    age_s = None if older_than is None else _age(older_than)
    if age_s is None and dry_run:
        message = "says what --older-than would delete: give that, too"
        raise typer.BadParameter(message, param_hint="--dry-run")
    with opened(directory, None, telling=False) as store:
        if store is None:
            if as_json:
                data.print_json(None)
            nothing(screen(sys.stderr if as_json else None), directory, None)
            return
        gone = None if age_s is None else _deleted(store, age_s, dry_run=dry_run)
        held = store.retention.holdings()
        waiting = sum(unread(spool_root(store.directory)).values())
    if as_json:
        data.print_json(data.retention(held, unread=waiting, gone=gone, dry_run=dry_run))
    elif gone is not None and older_than is not None:
        _print_deleted(screen(), gone, older_than, held, dry_run=dry_run)
    else:
        _print_holdings(screen(), store, held, waiting)


def _age(text: str) -> float:
    now = datetime.now(UTC)
    try:
        age_s = (now - since(text, now)).total_seconds()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--older-than") from None
    if age_s < 0:
        message = f"{text} is in the future"
        raise typer.BadParameter(message, param_hint="--older-than")
    return age_s


def _deleted(store: LocalStore, age_s: float, *, dry_run: bool) -> Days:
    if dry_run:
        return store.retention.older_than(age_s)
    gone = store.delete_older(age_s, WAIT_S)
    if gone is None:
        message = (
            f"another process has been ingesting into {store.directory} for a minute; try again"
        )
        raise ReadNotAvailable(message, setting="directory")
    return gone


def _print_deleted(
    console: Console, gone: Days, older_than: str, held: Holdings, *, dry_run: bool
) -> None:
    if not gone.files:
        said = f"No day is over for {older_than}."
        if held.held.first is not None:
            said += f" The oldest is {held.held.first}."
        console.print(Text(said), soft_wrap=True)
        return
    verb = "Would delete" if dry_run else "Deleted"
    said = f"{verb} {_days(gone)}: {_amount(gone)}."
    console.print(Text(said), soft_wrap=True)


def _print_holdings(console: Console, store: LocalStore, found: Holdings, waiting: int) -> None:
    held = found.held
    print_facts(
        console,
        [
            ("store", str(store.directory / "store")),
            ("keeps", kept_by(found.rule)),
            ("set by", _sources(found)),
            ("holds", _amount(held) if held.files else "nothing yet"),
            ("days", _days(held) if held.files else None),
            (
                "unread",
                f"{size(waiting)} of spool; the next command that reads takes them in"
                if waiting
                else None,
            ),
            ("let go", f"{count(found.retired_rows)} rows so far" if found.retired_rows else None),
        ],
    )


def _amount(found: Days) -> str:
    rows, files = many(found.rows, "observation"), many(found.files, "file")
    return f"{rows}, {size(found.bytes)} in {files}"


def _sources(found: Holdings) -> str:
    if not found.rule.given and not found.noted:
        return f"default; to change it: {' and '.join(variable for _, variable in VARIABLES)}"
    said = []
    for name, variable in VARIABLES:
        if name in found.rule.given:
            said.append(f"{variable} of this process")
        elif name in found.noted:
            said.append(f"{variable} of an earlier process")
        else:
            said.append(f"{variable} is the default")
    return "; ".join(said)


def _days(days: Days) -> str:
    if days.first == days.last:
        return f"1 day, {days.first}"
    return f"{count(days.days)} days, {days.first} to {days.last}"
