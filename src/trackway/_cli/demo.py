"""`trackway demo`: fills a directory with the traces of a small application, and shows what can be seen in them."""

from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from trackway import Trackway
from trackway._cli import data, demo_app
from trackway._cli.options import Json, run
from trackway._cli.show import screen
from trackway._cli.traces import id_length, print_traces
from trackway._cli.tree import print_tree
from trackway._cli.users import print_users
from trackway._cli.words import clean
from trackway._core.settings import Settings
from trackway._store.local import LocalStore
from trackway._store.models import Trace

__all__ = ["main"]


def main(argv: list[str]) -> int:
    """Runs `trackway demo`."""
    return run(demo, argv)


def demo(
    *,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Another number makes other traces.")
    ] = demo_app.SEED,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir",
            metavar="PATH",
            help="Where to put them. [default: TRACKWAY_DIR, else a place of their own]",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Makes the traces of a small application, and shows users, traces and costs.

    Nothing leaves this machine, and without --dir or TRACKWAY_DIR nothing mixes with your own traces.
    """
    place, export = _place(directory)
    now = datetime.now(UTC)
    with LocalStore(place, project=demo_app.PROJECT) as store:
        trace_id = demo_app.first_id(seed)
        if store.traces.get(trace_id) is None:
            _make(place, seed, now)
        trace = store.traces.get(trace_id)
        if trace is None:
            message = f"the traces that were made just now cannot be read in {place}"
            raise typer.BadParameter(message, param_hint="--dir")
        if as_json:
            _print_json(store, place, trace)
        else:
            _show(screen(), store, place, trace, export=export)


def _place(given: Path | None) -> tuple[Path, bool]:
    """Where the traces go, and whether other commands must be told: TRACKWAY_DIR does not say so already."""
    settings = Settings.from_env(directory=given, endpoint="none", local=True)
    if settings.sources["directory"] == "default":
        return settings.directory.with_name("trackway-demo"), True
    return settings.directory, settings.sources["directory"] == "argument"


def _make(place: Path, seed: int, now: datetime) -> None:
    client = Trackway(
        directory=place,
        # Made-up spans must not reach the backend that a person's real ones go to.
        endpoint="none",
        project=demo_app.PROJECT,
        release=demo_app.RELEASE,
        environment="production",
        enabled=True,
        local=True,
        sample_rate=1.0,
        capture_io=True,
        id_generator=demo_app.SeededIds(),
    )
    try:
        demo_app.run(client, seed, now=now)
    finally:
        client.shutdown()


def _show(console: Console, store: LocalStore, place: Path, trace: Trace, *, export: bool) -> None:
    now = datetime.now(UTC)
    users, traces = store.users.list(), store.get_traces(limit=8)
    short = trace.id[: id_length([each.id for each in store.get_traces(limit=1_000)])]
    _title(console, f"A week of a shop's support assistant, in {place}")
    _title(console, "Who used it, and what it cost", "trackway users")
    print_users(console, users, now=now)
    _title(console, "What happened last", "trackway traces")
    print_traces(console, traces, now=now)
    _title(console, "One conversation", f"trackway trace {short}")
    print_tree(console, trace, now=now, io=False, limit=100)
    _title(console, "Look around")
    if export:
        console.print(Text(f"  export TRACKWAY_DIR={quote(clean(str(place)))}"), soft_wrap=True)
    for line in (
        "trackway users --order-by errors",
        "trackway user alice",
        "trackway traces --status ERROR --since 7d",
        f"trackway trace {short} --io",
    ):
        console.print(Text(f"  {line}"), soft_wrap=True)


def _title(console: Console, text: str, command: str = "") -> None:
    console.print()
    title = Text(clean(text), style="bold underline")
    if command:
        title = Text.assemble(title, (f"   $ {command}", "dim"))
    console.print(title, soft_wrap=True)
    console.print()


def _print_json(store: LocalStore, place: Path, trace: Trace) -> None:
    each = [data.observation(observation, io=False) for observation in trace.observations]
    shown: dict[str, object] = {
        "directory": str(place),
        "users": [data.user(user) for user in store.users.list()],
        "traces": [data.trace(one) for one in store.get_traces(limit=1_000)],
        "trace": {**data.trace(trace), "observations": each},
    }
    data.print_json(shown)
