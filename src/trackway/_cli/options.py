"""What the reading commands share: options, the store they open, and what they say when there is nothing in it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, ParamSpec, cast, get_args

import typer
from rich.console import Console
from rich.text import Text
from typer.models import OptionInfo

from trackway._cli.show import screen
from trackway._cli.words import clean, size, span
from trackway._core.settings import Settings
from trackway._store.local import LocalStore, local_store
from trackway._store.retention import Rule

__all__ = [
    "Directory",
    "Json",
    "Limit",
    "Project",
    "kept_by",
    "nothing",
    "one_of",
    "opened",
    "run",
    "say_more",
    "unknown",
]

Directory = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="PATH",
        help="Where the store is. [default: TRACKWAY_DIR, else the user's data folder]",
    ),
]
Project = Annotated[
    str | None, typer.Option("--project", metavar="NAME", help="Only this project. [default: all]")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
Limit = Annotated[
    int, typer.Option("--limit", min=1, max=1_000_000, metavar="N", help="At most so many.")
]

P = ParamSpec("P")


def one_of(choices: object, said: str) -> OptionInfo:
    """An option that takes one of *choices* (a `Literal`), and names them where it is given something else."""
    names: tuple[str, ...] = get_args(choices)

    def parsed(given: str) -> str:
        if given not in names:
            raise typer.BadParameter(f"{clean(given)!r} is none of {', '.join(names)}")
        return given

    # Its own reading of a Literal came with release 0.19, and words an error as its library does.
    return cast("OptionInfo", typer.Option(parser=parsed, metavar="|".join(names), help=said))


FIRST_STEPS: Final = """
Run this with Python, then ask again:

from trackway import observe, propagate_attributes
@observe
def answer(question): return "Paris"
with propagate_attributes(user_id="alice"):
    answer("What is the capital of France?")

Or look around in made-up traces: trackway demo
"""


def run(command: Callable[P, None], argv: list[str]) -> int:
    """Runs one command with the arguments behind its name; its exit code."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    try:
        typer.main.get_command(app).main(
            args=argv,
            prog_name=f"trackway {command.__name__.rstrip('_')}",
            windows_expand_args=False,
        )
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def say_more(limit: int, *, as_json: bool) -> None:
    """Says that rows were left out: where JSON is printed, on standard error."""
    console = screen(sys.stderr if as_json else sys.stdout)
    console.print(Text(f"There are more: --limit {limit * 10}", style="dim"))


@contextmanager
def opened(
    directory: Path | None, project: str | None, *, telling: bool = True, lean: bool = False
) -> Iterator[LocalStore | None]:
    """The store; None where there is no such directory: looking must not make one.

    The first command on a store says what it keeps, on standard error, unless not *telling*. *lean*: see `LocalStore`.
    """
    settings = Settings.from_env(directory=directory)
    if not settings.directory.is_dir():
        yield None
        return
    with local_store(settings, project, lean=lean) as store:
        yield store
        if telling and store.retention.unsaid():
            said = f"This store keeps {kept_by(store.retention.rule)}. To keep more or less: trackway retention --help"
            console = screen(sys.stderr)
            console.print(Text(said, style="dim"), soft_wrap=True)


def kept_by(rule: Rule) -> str:
    """A rule in words."""
    limits = [] if rule.age_s is None else [span(rule.age_s)]
    if rule.size is not None:
        limits.append(size(rule.size))
    tail = ", whichever comes first" if len(limits) > 1 else ""
    return " or ".join(limits) + tail if limits else "everything"


def nothing(
    console: Console, directory: Path | None, project: str | None, *, narrowed: bool = False
) -> None:
    """Says that there is nothing to show, why, and what to do."""
    place = Settings.from_env(directory=directory).directory
    known = _projects(place)
    if known and project is not None and project not in known:
        said = f"There is no project {project} in {place}. There are: {', '.join(known)}"
        console.print(Text(clean(said)), soft_wrap=True)
    elif known:
        console.print(Text("No trace fits." if narrowed else "There is nothing to show."))
    else:
        console.print(Text(clean(f"There are no traces in {place}")), soft_wrap=True)
        console.print(Text(FIRST_STEPS), soft_wrap=True)


def _projects(place: Path) -> list[str]:
    """Projects among the newest traces."""
    if not place.is_dir():
        return []
    with LocalStore(place, project=None) as store:
        return sorted({trace.project for trace in store.get_traces(limit=1_000)})


def unknown(what: str, given: str, near: list[str]) -> typer.Exit:
    """Says on standard error that there is no such thing, and what is near; the exit to raise."""
    console = screen(sys.stderr)
    console.print(Text(clean(f"There is no {what} {given}")), soft_wrap=True)
    if near:
        console.print("Near it:")
        for each in near:
            console.print(Text(f"  {clean(each)}"), soft_wrap=True)
    return typer.Exit(1)
