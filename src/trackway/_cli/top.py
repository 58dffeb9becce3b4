"""`trackway top`: what was spent, by model, user or tag."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import typer
from rich.console import Console
from rich.text import Text

from trackway._cli import data
from trackway._cli.options import (
    Directory,
    Json,
    Limit,
    Project,
    nothing,
    one_of,
    opened,
    run,
    say_more,
)
from trackway._cli.show import Column, cost, plain, print_notes, screen, table
from trackway._cli.users import NOBODY
from trackway._cli.words import count, since
from trackway._store.spending import Spending, Top

__all__ = ["main", "print_top"]

By = Literal["cost", "tokens"]
Group = Literal["model", "user", "tag"]

WIDE: Final = 110
NONE: Final = {"model": "(no model)", "user": NOBODY, "tag": "(no tag)"}


def main(argv: list[str]) -> int:
    """Runs `trackway top`."""
    return run(top, argv)


def top(  # noqa: PLR0913 - one parameter for each option
    *,
    by: Annotated[By, one_of(By, "What the groups have most of.")] = "cost",
    group: Annotated[Group, one_of(Group, "What is summed up.")] = "model",
    since_: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="SPAN", help="Only traces since: 30m, 24h, 7d, 2w, a date."
        ),
    ] = None,
    limit: Limit = 20,
    as_json: Json = False,
    directory: Directory = None,
    project: Project = None,
) -> None:
    """What was spent, and by whom: calls, tokens and cost by model, user or tag, with the total."""
    filters: dict[str, object] = {}
    if since_ is not None:
        try:
            filters["date_range"] = {"gte": since(since_, datetime.now(UTC))}
        except ValueError as error:
            raise typer.BadParameter(str(error), param_hint="--since") from None
    with opened(directory, project) as store:
        found = None
        if store is not None:
            found = store.observations.top(by=by, group=group, limit=limit, filters=filters)
        if as_json:
            data.print_json(None if found is None else data.top(found))
        if found is None or not found.groups:
            narrowed = bool(filters)
            nothing(screen(sys.stderr if as_json else None), directory, project, narrowed=narrowed)
            return
        if not as_json:
            print_top(screen(), found, by=by, group=group)
        if found.has_more:
            say_more(limit, as_json=as_json)


def print_top(console: Console, found: Top, *, by: By, group: Group) -> None:
    """A line for each group and one for all; more columns where there is room."""
    wide = console.width >= WIDE
    unpriced = bool(found.total.unpriced)
    columns = [
        Column(group.capitalize(), gives_way=True),
        Column("Calls", "right"),
        *([Column("Tokens in", "right"), Column("out", "right")] if wide else []),
        Column("Tokens", "right"),
        Column("Cost", "right"),
        *([Column("Unpriced", "right")] if unpriced else []),
        Column("Share", "right"),
    ]
    lines = [(plain(each.group, absent=NONE[group]), each) for each in found.groups]
    lines.append((Text("Total", style="bold"), found.total))
    rows = [
        _row(name, each, _share(each, found.total, by), wide=wide, unpriced=unpriced)
        for name, each in lines
    ]
    console.print(table(columns, rows))
    shown = [*found.groups, found.total]
    print_notes(console, ((each.total_cost_exact, each.cost_complete) for each in shown))
    if group == "tag" and sum(each.calls for each in found.groups) > found.total.calls:
        said = "A call with several tags counts under each of them, and once in the total."
        console.print(Text(said, style="dim"))


def _row(name: Text, each: Spending, share: str, *, wide: bool, unpriced: bool) -> list[Text | str]:
    return [
        name,
        count(each.calls),
        *([count(each.input_tokens), count(each.output_tokens)] if wide else []),
        count(each.total_tokens),
        cost(each.total_cost_exact, complete=each.cost_complete),
        *(
            [Text(count(each.unpriced), style="yellow" if each.unpriced else "dim")]
            if unpriced
            else []
        ),
        share,
    ]


def _share(each: Spending, total: Spending, by: By) -> str:
    """Of what is known: an unpriced group has no share of the cost."""
    part, whole = (
        (each.cost_pico, total.cost_pico)
        if by == "cost"
        else (each.total_tokens, total.total_tokens)
    )
    return "–" if part is None or not whole else f"{part / whole:.1%}"
