"""`trackway traces` and `trackway trace ID`."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Final

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
    opened,
    run,
    say_more,
    unknown,
)
from trackway._cli.show import Column, cost, plain, print_notes, screen, table
from trackway._cli.tree import print_tree
from trackway._cli.words import ago, clean, count, elapsed, since
from trackway._store.local import LocalStore
from trackway._store.models import Trace

__all__ = ["main", "main_one", "print_traces"]

# From this width on there is room for what is nice to know.
WIDE: Final = 110
SHORTEST_ID: Final = 8
LONGEST_ID: Final = 32
NEAR: Final = 5
# Among so many of the newest traces a wrong id is looked for.
SEARCHED: Final = 1_000


def main(argv: list[str]) -> int:
    """Runs `trackway traces`."""
    return run(traces, argv)


def main_one(argv: list[str]) -> int:
    """Runs `trackway trace`."""
    return run(trace, argv)


def traces(  # noqa: PLR0913 - one parameter for each option
    *,
    user: Annotated[str | None, typer.Option(metavar="ID", help="Only this user's.")] = None,
    no_user: Annotated[bool, typer.Option("--no-user", help="Only those without a user.")] = False,
    session: Annotated[str | None, typer.Option(metavar="ID", help="Only this session's.")] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(metavar="TAG", help="Only with this tag; give it again for several."),
    ] = None,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Only of this name.")] = None,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only where this model was used.")
    ] = None,
    status: Annotated[
        str | None, typer.Option(metavar="OK|ERROR", help="Only those that ended so.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of this environment.")
    ] = None,
    since_: Annotated[
        str | None,
        typer.Option("--since", metavar="SPAN", help="30m, 24h, 7d, 2w, or a date or time."),
    ] = None,
    limit: Limit = 20,
    as_json: Json = False,
    directory: Directory = None,
    project: Project = None,
) -> None:
    """The newest traces."""
    given: dict[str, object] = {
        "user_id": user, "session_id": session, "tags": tag or None, "name": name, "model": model, "status": status,
        "environment": environment,
    }  # fmt: skip
    filters = {field: value for field, value in given.items() if value is not None}
    if no_user:
        filters["user_id"] = None
    now = datetime.now(UTC)
    if since_ is not None:
        filters["date_range"] = {"gte": _since(since_, now)}
    with opened(directory, project) as store:
        page = () if store is None else store.get_traces(limit=limit, filters=filters)
        if store is None or not page:
            if as_json:
                data.print_json([])
            nothing(
                screen(sys.stderr if as_json else None), directory, project, narrowed=bool(filters)
            )
            return
        if as_json:
            data.print_json([data.trace(each) for each in page])
        else:
            print_traces(screen(), page, now=now)
        if page.has_more:
            say_more(limit, as_json=as_json)


def _since(text: str, now: datetime) -> datetime:
    try:
        return since(text, now)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from None


def trace(  # noqa: PLR0913 - one parameter for each option
    trace_id: Annotated[
        str, typer.Argument(metavar="ID", help="The trace's id, or the beginning of it.")
    ],
    *,
    io: Annotated[bool, typer.Option("--io", help="With inputs and outputs.")] = False,
    limit: Limit = 1_000,
    as_json: Json = False,
    directory: Directory = None,
    project: Project = None,
) -> None:
    """One trace as a tree: what was done, for whom, how long it took, what it cost."""
    with opened(directory, project) as store:
        found = None if store is None else find(store, trace_id.strip().lower())
        if store is None or (found is None and not store.get_traces(limit=1)):
            nothing(screen(sys.stderr), directory, project)
            raise typer.Exit(1)
        if found is None:
            raise unknown("trace", trace_id, _near(store, trace_id))
        if as_json:
            each = [data.observation(observation, io=io) for observation in found.observations]
            data.print_json({**data.trace(found), "observations": each})
        else:
            print_tree(screen(), found, now=datetime.now(UTC), io=io, limit=limit)


def find(store: LocalStore, given: str) -> Trace | None:
    """The trace with this id, or the only one whose id begins so; says so and exits where there are several."""
    found = store.get_traces(limit=NEAR, filters={"id_prefix": given})
    exact = [each for each in found if each.id == given]
    if exact or len(found) <= 1:
        return next(iter(exact or found), None)
    console = screen(sys.stderr)
    console.print(Text(f"{clean(given)} is the beginning of several ids:"))
    for each in found:
        console.print(Text(f"  {each.id}  {clean(each.name)}"), soft_wrap=True)
    raise typer.Exit(1)


def _near(store: LocalStore, given: str) -> list[str]:
    newest = store.get_traces(limit=SEARCHED)
    names = {each.id: f"{each.id}  {each.name}" for each in newest}
    named = [each.id for each in newest if given and given.lower() in each.name.lower()]
    near = named or get_close_matches(given.lower(), names, n=NEAR, cutoff=0.7)
    return [names[each] for each in near[:NEAR]]


def print_traces(console: Console, page: Sequence[Trace], *, now: datetime) -> None:
    """A line for each trace; more columns where there is room, and the project where there are several."""
    several = len({each.project for each in page}) > 1
    wide = console.width >= WIDE
    columns = [
        Column("Trace"),
        Column("When"),
        *([Column("Project", gives_way=True)] if several else []),
        Column("Name", gives_way=True),
        Column("User", gives_way=True),
        *([Column("Session", gives_way=True), Column("Tags", gives_way=True)] if wide else []),
        Column("Latency", "right"),
        Column("Tokens", "right"),
        Column("Cost", "right"),
    ]
    length = id_length([each.id for each in page])
    rows = [
        _row(each, length, now, several=several, wide=wide, ascii_only=console.options.ascii_only)
        for each in page
    ]
    console.print(table(columns, rows))
    print_notes(console, ((each.total_cost_exact, each.cost_complete) for each in page))


def _row(  # noqa: PLR0913 - what a line depends on
    each: Trace, length: int, now: datetime, *, several: bool, wide: bool, ascii_only: bool
) -> list[Text | str]:
    failed = each.status == "ERROR"
    fault = ("x " if ascii_only else "✗ ") if failed else ""
    return [
        Text(each.id[:length], style="cyan", no_wrap=True),
        ago(each.timestamp, now),
        *([plain(each.project)] if several else []),
        plain(fault + each.name, "red" if failed else ""),
        plain(each.user_id),
        *([plain(each.session_id), plain(", ".join(each.tags) or None)] if wide else []),
        elapsed(each.latency),
        count(each.total_tokens) if each.total_tokens else "–",
        cost(each.total_cost_exact, complete=each.cost_complete),
    ]


def id_length(ids: Sequence[str]) -> int:
    """How much of each id must be shown to tell them apart."""
    length = SHORTEST_ID
    while length < LONGEST_ID and len({each[:length] for each in ids}) < len(set(ids)):
        length += 1
    return length
