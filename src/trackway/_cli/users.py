"""`trackway users` and `trackway user ID`."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
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
    unknown,
)
from trackway._cli.show import Column, cost, plain, print_facts, print_notes, screen, table
from trackway._cli.traces import print_traces
from trackway._cli.words import ago, clean, count, elapsed, many, moment
from trackway._store.local import LocalStore
from trackway._store.models import DayUse, Trace, User, UserSummary

__all__ = ["main", "main_one", "print_users"]

Order = Literal["cost", "traces", "tokens", "errors", "last_seen", "latency_p95"]

WIDE: Final = 110
NEAR: Final = 5
SEARCHED: Final = 10_000
DAYS: Final = 14
RECENT: Final = 10
NOBODY: Final = "(no user)"


def main(argv: list[str]) -> int:
    """Runs `trackway users`."""
    return run(users, argv)


def main_one(argv: list[str]) -> int:
    """Runs `trackway user`."""
    return run(user, argv)


def users(
    *,
    order_by: Annotated[Order, one_of(Order, "What they have most of.")] = "cost",
    limit: Limit = 20,
    as_json: Json = False,
    directory: Directory = None,
    project: Project = None,
) -> None:
    """Who used the application: what they did, and what it cost."""
    with opened(directory, project) as store:
        page = () if store is None else store.users.list(order_by=order_by, limit=limit)
        if store is None or not page:
            if as_json:
                data.print_json([])
            nothing(screen(sys.stderr if as_json else None), directory, project)
            return
        if as_json:
            data.print_json([data.user(each) for each in page])
        else:
            print_users(screen(), page, now=datetime.now(UTC))
        if page.has_more:
            say_more(limit, as_json=as_json)


def print_users(console: Console, page: Sequence[UserSummary], *, now: datetime) -> None:
    """A line for each user; more columns where there is room."""
    wide = console.width >= WIDE
    columns = [
        Column("User", gives_way=True),
        Column("Traces", "right"),
        Column("Errors", "right"),
        *([Column("Sessions", "right")] if wide else []),
        Column("Tokens", "right"),
        Column("Cost", "right"),
        *([Column("Latency p50", "right")] if wide else []),
        Column("Latency p95" if wide else "p95", "right"),
        Column("Last seen"),
    ]
    console.print(table(columns, [_row(each, now, wide=wide) for each in page]))
    print_notes(console, ((each.total_cost_exact, each.cost_complete) for each in page))


def _row(each: UserSummary, now: datetime, *, wide: bool) -> list[Text | str]:
    return [
        plain(each.user_id, absent=NOBODY),
        count(each.traces),
        Text(count(each.errors), style="red" if each.errors else "dim"),
        *([count(each.sessions)] if wide else []),
        count(each.total_tokens),
        cost(each.total_cost_exact, complete=each.cost_complete),
        *([elapsed(each.latency_p50)] if wide else []),
        elapsed(each.latency_p95),
        ago(each.last_seen, now),
    ]


def user(
    user_id: Annotated[
        str, typer.Argument(metavar="ID", help="The user's id, as the application gave it.")
    ],
    *,
    as_json: Json = False,
    directory: Directory = None,
    project: Project = None,
) -> None:
    """One user: totals, models, days, scores and the newest traces."""
    with opened(directory, project) as store:
        found = None if store is None else store.users.get(user_id)
        if store is None or (found is None and not store.get_traces(limit=1)):
            nothing(screen(sys.stderr), directory, project)
            raise typer.Exit(1)
        if found is None:
            raise unknown("user", user_id, _near(store, user_id))
        if as_json:
            data.print_json(data.user_page(found))
        else:
            recent = store.get_traces(limit=RECENT, filters={"user_id": user_id})
            print_user(screen(), found, recent, now=datetime.now(UTC))


def _near(store: LocalStore, given: str) -> list[str]:
    known = [
        each.user_id
        for each in store.users.list(order_by="last_seen", limit=SEARCHED)
        if each.user_id
    ]
    folded = given.casefold()
    alike = [each for each in known if folded in each.casefold() or each.casefold() in folded]
    close = get_close_matches(given, known, n=NEAR, cutoff=0.5)
    return [*dict.fromkeys((*alike[:NEAR], *close))][:NEAR]


def print_user(console: Console, page: User, recent: Sequence[Trace], *, now: datetime) -> None:
    """One user's page."""
    failed = f"{page.errors:,} of {page.traces:,} traces ended in failure ({page.error_rate:.1%})"
    tokens = f"{count(page.total_tokens)} ({count(page.input_tokens)} in, {count(page.output_tokens)} out)"
    scores = ", ".join(f"{each.name} {each.mean:.2g} (of {each.count:,})" for each in page.scores)
    console.print(Text(clean(page.user_id or NOBODY), style="bold"))
    print_facts(
        console,
        [
            ("first seen", f"{moment(page.first_seen)}, {ago(page.first_seen, now)}"),
            ("last seen", f"{moment(page.last_seen)}, {ago(page.last_seen, now)}"),
            ("traces", f"{count(page.traces)} in {many(page.sessions, 'session')}"),
            ("errors", Text(failed, style="red") if page.errors else failed),
            ("latency", f"p50 {elapsed(page.latency_p50)}, p95 {elapsed(page.latency_p95)}"),
            ("tokens", tokens),
            ("cost", cost(page.total_cost_exact, complete=page.cost_complete)),
            ("scores", scores or None),
        ],
    )
    _print_models(console, page)
    _print_days(console, page)
    priced = [page, *page.models, *page.daily[-DAYS:]]
    print_notes(console, ((each.total_cost_exact, each.cost_complete) for each in priced))
    if recent:
        console.print()
        print_traces(console, recent, now=now)


def _print_models(console: Console, page: User) -> None:
    if not page.models:
        return
    titles = ("Calls", "Tokens in", "out", "Cost")
    columns = [Column("Model", gives_way=True), *(Column(title, "right") for title in titles)]
    rows: list[list[Text | str]] = [
        [plain(each.model), count(each.observations), count(each.input_tokens), count(each.output_tokens),
         cost(each.total_cost_exact, complete=each.cost_complete)]
        for each in page.models
    ]  # fmt: skip
    console.print()
    console.print(table(columns, rows))


def _print_days(console: Console, page: User) -> None:
    if len(page.daily) <= 1:
        return
    columns = [
        Column("Day"),
        *(Column(title, "right") for title in ("Traces", "Errors", "Tokens", "Cost")),
    ]
    rows: list[list[Text | str]] = [
        [f"{each.day:%Y-%m-%d %a}", count(each.traces), Text(count(each.errors), style="red" if each.errors else "dim"),
         count(each.total_tokens), _cost_of_day(each)]
        for each in page.daily[-DAYS:]
    ]  # fmt: skip
    console.print()
    console.print(table(columns, rows))
    if len(page.daily) > DAYS:
        console.print(Text(f"the last {DAYS} of {len(page.daily)} days; all: --json", style="dim"))


def _cost_of_day(day: DayUse) -> Text:
    if not day.cost_pico and not day.total_tokens and day.cost_complete:
        return Text("–", style="dim")
    return cost(day.total_cost_exact, complete=day.cost_complete)
