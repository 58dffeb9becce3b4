"""Forks beside eight tracing threads, and beside a log handler whose lock some thread has."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backend import Backend
from tests.spans import spans
from tests.torture import storm
from tests.torture.children import start_file
from trackway._cli.spool import main as spool_command
from trackway._wire.decode import decode_request

PROGRAM = Path(storm.__file__)


def settings(backend: Backend, home: Path) -> dict[str, str]:
    return {
        "TRACKWAY_ENDPOINT": backend.url,
        "TRACKWAY_DIR": str(home),
        "TRACKWAY_PROJECT": "tests",
        "TRACKWAY_LOCAL": "true",
    }


def test_a_fork_beside_the_first_observations(home: Path, count: Callable[[int, int], int]) -> None:
    """A process that forks while its threads are making the client, imports and all, has a child that traces."""
    with Backend() as backend:
        for number in range(count(3, 200)):
            program = start_file(PROGRAM, "1", **settings(backend, home / str(number)))
            said, errors = program.communicate()
            assert (program.returncode, errors) == (0, "")
            assert json.loads(said)["ended"] == 1


def test_no_fork_hangs_repeats_or_loses(
    home: Path, count: Callable[[int, int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every child ends, no id is drawn twice, nothing is lost or sent twice, and not a line is logged."""
    forks = count(100, 10_000)
    with Backend() as backend:
        variables = settings(backend, home)
        program = start_file(PROGRAM, str(forks), **variables)
        said, errors = program.communicate()
        assert (program.returncode, errors) == (0, "")
        found = json.loads(said)
        print(found)
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        assert spool_command(["drain", "--timeout", "60"]) == 0
    assert (found["ended"], found["hung"], found["failed"]) == (forks, 0, 0)
    expected = {f"thread {n} {k}" for n, ended in enumerate(found["threads"]) for k in range(ended)}
    expected |= {f"child {n} {k}" for n in range(forks) for k in range(storm.EACH_CHILD)}
    arrived = Counter(
        span.span_id
        for request, _ in backend.accepted
        for _, _, span in decode_request(request.body)
    )
    kept = spans(home)
    assert sorted(span.name for span in kept) == sorted(expected)
    assert {span.span_id for span in kept} == set(arrived)
    assert len({span.trace_id for span in kept}) == len(arrived) == len(expected)
    # Children that left a batch without having written down its answer: none but the last of a connection can be.
    last = {r.connection: set(r.span_ids) for r, _ in backend.accepted}
    assert {s for s, n in arrived.items() if n > 1} <= set().union(*last.values())
