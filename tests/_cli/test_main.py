"""One command for everything: what it finds, what it needs, and how it says that something is wrong."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests._cli.terminal import RUN, client, shop, trackway
from trackway import __version__
from trackway._cli.main import COMMANDS, main

COLOUR = re.compile(r"\x1b\[(?:\d+;)*3[0-7](?:;\d+)*m")
LACKING = """
import sys

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Lacking())
"""


def lacking(directory: Path, *packages: str) -> str:
    """A PYTHONPATH under which *packages* cannot be imported, as if they were not installed."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(LACKING.format(packages=packages), encoding="utf-8")
    return str(directory)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]], ids=str)
def test_help_names_every_command(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command, or asked for help, it lists all commands within 100 columns."""
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert all(f"  {command.usage} " in shown for command in COMMANDS.values())
    assert max(map(len, shown.splitlines())) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """`trackway COMMAND --help` says what the command does and is exit code 0."""
    shown = trackway(name, "--help")
    assert shown.code == 0
    assert f"trackway {name}" in shown.out
    assert shown.width <= 80


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` prints the version."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"trackway {__version__}\n"


def test_a_command_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong command is exit code 2 and says which there are, printing nothing that a terminal would obey."""
    assert main(["\x1b[2Jusers"]) == 2
    shown = capsys.readouterr()
    assert (shown.out, "\x1b" in shown.err) == ("", False)
    assert "users, user, traces, trace" in shown.err


@pytest.mark.parametrize(
    ("command", "package"),
    [
        ("users", "typer"),
        ("user alice", "rich"),
        ("traces", "duckdb"),
        ("trace abc", "typer"),
        ("demo", "duckdb"),
    ],
)
def test_without_the_extra_it_says_what_to_type(
    home: Path, tmp_path: Path, command: str, package: str
) -> None:
    """A command that reads the store is exit code 2 without `[local]`, with the line that installs it."""
    home.mkdir()
    shown = trackway(*command.split(), PYTHONPATH=lacking(tmp_path / "lacking", package))
    assert (shown.code, shown.out) == (2, "")
    assert "pip install 'trackway[local]'" in shown.err


@pytest.mark.parametrize(
    "command", [["spool", "ls"], ["doctor"], ["--help"], ["--version"]], ids=" ".join
)
def test_delivery_is_looked_after_without_the_extra(
    home: Path, tmp_path: Path, command: list[str]
) -> None:
    """`spool` and `doctor` need nothing of `[local]`: they work where only sending is installed."""
    shown = trackway(
        *command,
        PYTHONPATH=lacking(tmp_path / "lacking", "typer", "rich", "duckdb", "pydantic", "click"),
    )
    assert shown.code == 0, shown.err
    assert shown.out


@pytest.mark.parametrize("command", [["users"], ["traces"]], ids=" ".join)
def test_an_empty_store_says_where_it_looked(home: Path, command: list[str]) -> None:
    """Where nothing was traced, it says where it looked, with a snippet that runs; looking makes no directory."""
    shown = trackway(*command)
    assert (shown.code, shown.err) == (0, "")
    assert f"There are no traces in {home}\n" in shown.out
    assert not home.exists()
    snippet = re.search(r"^from trackway.*?^    .*?$", shown.out, re.MULTILINE | re.DOTALL)
    assert snippet is not None
    assert snippet[0].count("\n") == 4
    subprocess.run([sys.executable, "-c", snippet[0]], check=True, timeout=60)
    assert "alice" in trackway(*command).out


def test_an_empty_store_is_an_empty_list_in_json(home: Path) -> None:
    """With `--json` standard output is JSON even when there is nothing, and the hint goes to standard error."""
    for command in ("users", "traces"):
        shown = trackway(command, "--json")
        assert (shown.code, shown.json) == (0, [])
        assert str(home) in shown.err
    for command in ("user", "trace"):
        shown = trackway(command, "abc", "--json")
        assert (shown.code, shown.out) == (1, "")
        assert str(home) in shown.err


def test_the_directory_is_an_option(home: Path, tmp_path: Path) -> None:
    """`--dir` beats TRACKWAY_DIR."""
    shop(home)
    elsewhere = trackway("users", "--dir", str(home), TRACKWAY_DIR=str(tmp_path / "elsewhere"))
    assert "alice" in elsewhere.out
    assert "no traces" in trackway("users", TRACKWAY_DIR=str(tmp_path / "elsewhere")).out


def test_a_wrong_setting_is_one_message(home: Path) -> None:
    """A TrackwayError is its message, without a traceback, and exit code 2."""
    for command in (["users"], ["trace", "abc"]):
        shown = trackway(*command, TRACKWAY_SAMPLE_RATE="2")
        assert (shown.code, shown.out) == (2, "")
        assert shown.err == "trackway: TRACKWAY_SAMPLE_RATE '2' is not between 0 and 1\n"


def test_a_directory_that_is_none_is_one_message(tmp_path: Path) -> None:
    """What the system refuses is its message, without a traceback."""
    (tmp_path / "file").touch()
    shown = trackway("users", "--dir", str(tmp_path / "file"))
    assert "no traces in" in shown.out
    (tmp_path / "store").touch()
    shown = trackway("users", "--dir", str(tmp_path))
    assert (shown.code, shown.out) == (2, "")
    assert shown.err.startswith("trackway: ")


def test_colours_are_for_terminals_alone(home: Path) -> None:
    """On a terminal there is colour, under NO_COLOR there is none, and in a pipe no escape sequence at all."""
    shop(home)
    assert COLOUR.search(on_a_terminal("traces"))
    assert not COLOUR.search(on_a_terminal("traces", NO_COLOR="1"))
    assert "\x1b" not in trackway("traces").out


def on_a_terminal(*arguments: str, **env: str) -> str:
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", **env}
    for name in {"NO_COLOR", "FORCE_COLOR"} - env.keys():
        environment.pop(name, None)
    with subprocess.Popen([sys.executable, "-c", RUN, *arguments], stdout=theirs, env=environment):
        os.close(theirs)
        written = b""
        try:
            while piece := os.read(ours, 65_536):
                written += piece
        except OSError:  # Linux says so when the other side has closed
            pass
    os.close(ours)
    return written.decode()


def test_an_encoding_without_the_characters_is_no_failure(home: Path) -> None:
    """Where standard output can only say ASCII, lines are drawn with it, and the rest is spelled out."""
    made = client(home)
    root = made.start_observation(name="東京")
    root.start_observation(name="child").update(level="ERROR", status_message="no").end()
    root.end()
    made.shutdown()
    shown = trackway("trace", root.trace_id, PYTHONIOENCODING="ascii")
    assert shown.code == 0
    assert r"\u6771" in shown.out
    assert "`- x span child" in shown.out
