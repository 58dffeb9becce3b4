"""Finds the command that was asked for, and turns what goes wrong into a message and an exit code.

Commands are imported when they run. Those that look after delivery (`spool`, `doctor`) need nothing but the library;
those that read the store need the `[local]` extra, and without it say what to type.

Exit codes: 0; 1 where there is no such user or trace, or the reader of a pipe has gone; 2 where the call or a setting
is wrong, or the extra is missing; 130 when interrupted.
"""

import logging
import os
import sys
from importlib import import_module
from typing import Final, NamedTuple

from trackway._cli.words import clean
from trackway._version import __version__
from trackway.errors import TrackwayError

__all__ = ["main"]

UNKNOWN: Final = 1
WRONG: Final = 2
INTERRUPTED: Final = 130


class Command(NamedTuple):
    """Where a command is, and what `trackway --help` says of it."""

    module: str
    function: str
    usage: str
    summary: str


COMMANDS: Final = {
    "users": Command(
        "users", "main", "users", "who used the application: traces, errors, tokens, cost"
    ),
    "user": Command(
        "users", "main_one", "user ID", "one of them: models, days, scores, newest traces"
    ),
    "traces": Command(
        "traces", "main", "traces", "the newest traces; --user, --tag, --since 24h …"
    ),
    "trace": Command(
        "traces", "main_one", "trace ID", "one trace as a tree; --io shows inputs and outputs"
    ),
    "top": Command("top", "main", "top", "what was spent; --by cost|tokens --group model|user|tag"),
    "reprice": Command(
        "reprice", "main", "reprice", "prices calls again: a new price list, prices of your own"
    ),
    "ingest": Command(
        "ingest", "main", "ingest", "takes what is unread into the store, and shows nothing"
    ),
    "retention": Command(
        "retention", "main", "retention", "what the store keeps; --older-than 90d deletes now"
    ),
    "demo": Command(
        "demo", "main", "demo", "makes the traces of a small application, to look around in"
    ),
    "spool": Command("spool", "main", "spool", "what waits to be delivered: ls, drain, rejected"),
    "doctor": Command(
        "doctor", "main", "doctor", "where spans go, whether it works, and what does not"
    ),
}
# What `pip install 'trackway[local]'` brings, and the command line needs.
LOCAL: Final = frozenset({"duckdb", "pydantic", "rich", "typer"})
MISSING: Final = """\
trackway {command} reads the store on this machine and needs {missing}, which is not installed. Type:

    pip install 'trackway[local]'
"""
HELP: Final = """\
Usage: trackway COMMAND [OPTIONS]

Tells, for every LLM call of an application, who it was for, what happened and what it cost.

Commands:
{commands}

Options:
  --version   the version
  --help      this text; after a command: its options

Every command knows --json. Those that read know --dir (else TRACKWAY_DIR) and --project (else all).
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command in *argv*, `sys.argv` by default; the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if argv is None:
        _plain_output()
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has seen enough; what is still in the buffer must not be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNKNOWN
    except KeyboardInterrupt:
        return INTERRUPTED
    except (TrackwayError, OSError) as error:
        return _wrong(str(error))
    return code


def _dispatch(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name in {"--version", "-V"}:
        print(f"trackway {__version__}")
        return 0
    if name in {"--help", "-h", "help"}:
        print(_help(), end="")
        return 0
    command = COMMANDS.get(name)
    if command is None:
        return _wrong(
            f"there is no command {name}; there are {', '.join(COMMANDS)} (trackway --help)"
        )
    try:
        return int(
            getattr(import_module(f"trackway._cli.{command.module}"), command.function)(
                arguments[1:]
            )
        )
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in LOCAL:
            raise
        print(MISSING.format(command=name, missing=package), file=sys.stderr)
        return WRONG


def _help() -> str:
    rows = [f"  {command.usage:<11} {command.summary}" for command in COMMANDS.values()]
    return HELP.format(commands="\n".join(rows))


def _wrong(message: str) -> int:
    print(f"trackway: {clean(message, lines=True)}", file=sys.stderr)
    return WRONG


def _plain_output() -> None:
    """No output fails for a character that its encoding lacks; no log line says more to a terminal than its text."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    handler = logging.StreamHandler()
    handler.setFormatter(_CleanFormatter("trackway: %(message)s"))
    logger = logging.getLogger("trackway")
    logger.addHandler(handler)
    logger.propagate = False


class _CleanFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return clean(super().format(record), lines=True)
