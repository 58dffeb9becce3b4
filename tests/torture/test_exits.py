"""However a process ends and however its backend feels, what had ended is delivered, or waits and is delivered then."""

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import backend as b
from tests.backend import Backend, Behaviour, Connection, Request
from tests.spans import spans
from tests.torture import exits
from tests.torture.children import start_file
from tests.torture.exits import WAYS, Way
from trackway._cli.spool import main as spool_command
from trackway._delivery.chain import destinations, spool_root
from trackway._delivery.stats import destination_stats
from trackway._wire.decode import decode_request

PROGRAM = Path(exits.__file__)


def slow(connection: Connection, request: Request) -> bool:
    """Accepts, and lets the client wait for the answer."""
    connection.accept(request)
    connection.backend.waiting.wait(0.3)
    connection.reply(200)
    return True


MOODS: dict[str, Behaviour | None] = {
    "up": b.ok(),
    "down": None,
    "slow": slow,
    "rejecting": b.status(400),
    "silent": b.accept_and_hang_up,
}


@dataclass
class Cell:
    """One way to end before one mood."""

    mood: str
    backend: Backend
    home: Path
    child: subprocess.Popen[str]

    @property
    def variables(self) -> dict[str, str]:
        return variables(self.backend, self.home)


def variables(backend: Backend, home: Path) -> dict[str, str]:
    return {
        "TRACKWAY_ENDPOINT": backend.url,
        "TRACKWAY_DIR": str(home),
        "TRACKWAY_PROJECT": "tests",
        "TRACKWAY_LOCAL": "true",
    }


@contextmanager
def cells(name: str, each: int, home: Path) -> Iterator[list[Cell]]:
    """A process that ends in this way for every mood, all at the same time, and their backends."""
    with ExitStack() as stack:
        started = []
        for mood, behaviour in MOODS.items():
            backend = Backend(behaviour or b.ok(), listening=behaviour is not None)
            stack.enter_context(backend)
            own = home / mood
            child = start_file(PROGRAM, name, str(each), **variables(backend, own))
            stack.enter_context(child)
            stack.callback(child.kill)
            started.append(Cell(mood, backend, own, child))
        yield started


@pytest.mark.parametrize("name", WAYS)
def test_every_way_to_end(
    home: Path, count: Callable[[int, int], int], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Before a backend that is up, down, slow, rejecting or silent, all that had ended arrives, now or later."""
    way, each = WAYS[name], count(20, 1_000)
    expected = {f"{writer} {number}" for writer in way.writers for number in range(each)}
    with cells(name, each, home) as started:
        for cell in started:
            end(cell, way)
        for cell in started:
            for variable, value in cell.variables.items():
                monkeypatch.setenv(variable, value)
            deliver_the_rest(cell)
            check(cell, way, expected)


def end(cell: Cell, way: Way) -> None:
    """Sees the process and its children to their end."""
    if way.sent is not None:
        assert cell.child.stdout is not None
        assert cell.child.stdout.readline() == "ready\n"
        cell.child.send_signal(way.sent)
    # Until the last child has closed the pipes, too.
    _, errors = cell.child.communicate(timeout=60)
    assert way.status in {None, cell.child.returncode}, (cell.mood, errors)
    assert "tracing failed" not in errors, errors
    assert "Warning: " not in errors, errors


def deliver_the_rest(cell: Cell) -> None:
    """What a person would do: the backend is well again, what waits is sent, then what was refused."""
    cell.backend.play([b.ok()])
    if cell.mood == "down":
        cell.backend.listen()
    assert spool_command(["drain", "--timeout", "60"]) == 0
    assert spool_command(["rejected", "--send"]) == 0


def check(cell: Cell, way: Way, expected: set[str]) -> None:
    """All there, under different ids, counted, and twice only where no answer was seen."""
    arrived = Counter[tuple[str, str]]()
    explained = Counter[tuple[str, str]]()
    last = {request.connection: request for request, _ in cell.backend.accepted}
    for request, answered in cell.backend.accepted:
        found = [(span.span_id, span.name) for _, _, span in decode_request(request.body)]
        arrived.update(found)
        if not answered or (way.abrupt and last[request.connection] is request):
            explained.update(found)
    if way.abrupt:
        # Killed when its last request had been refused, before that was written down: it is refused again, kept twice.
        ended = {request.connection: request for request in cell.backend.requests}
        taken = {id(request) for request, _ in cell.backend.accepted}
        for request in ended.values():
            if id(request) not in taken:
                explained.update(
                    (span.span_id, span.name) for _, _, span in decode_request(request.body)
                )
    assert {name for _, name in arrived} == expected, cell.mood
    assert len(arrived) == len({name for name, _ in arrived}) == len(expected), cell.mood
    for span, times in arrived.items():
        assert times == 1 or times - 1 <= explained[span], (cell.mood, span)
    # The copy for the embedded store has each exactly once.
    assert sorted(span.name for span in spans(cell.home)) == sorted(expected), cell.mood
    for destination in destinations(spool_root(cell.home)):
        stats = destination_stats(spool_root(cell.home), destination)
        assert stats.ended == stats.accounted == len(expected), (cell.mood, stats)
        assert stats.dropped == {}, (cell.mood, stats)
