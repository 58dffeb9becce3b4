"""Ids: unique over threads and forks, the same for the same seed, and taken from callers only if they are ids."""

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.spans import only
from trackway import Trackway
from trackway._core import ids


def test_ids_are_unique_over_threads() -> None:
    """Threads at once draw no id twice."""
    drawn: list[list[bytes]] = []

    def draw() -> None:
        drawn.append([ids.random_ids.span_id() for _ in range(5_000)])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id_ for some in drawn for id_ in some}) == 20_000


def test_a_forked_child_draws_its_own(tmp_path: Path) -> None:
    """Parent and children go on with sequences of their own."""
    read, write = os.pipe()
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            os.write(write, ids.random_ids.trace_id().hex().encode() + b"\n")
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    os.write(write, ids.random_ids.trace_id().hex().encode() + b"\n")
    os.close(write)
    with os.fdopen(read) as lines:
        assert len(set(lines)) == 4


def test_a_seed_gives_one_id(client: Trackway) -> None:
    """The id for a seed is the first half of its SHA-256: the Langfuse SDKs derive the same."""
    for seed in ("order-7", "", "用户", "\ud800"):
        expected = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        assert client.create_trace_id(seed) == client.create_trace_id(seed) == expected
    assert client.create_trace_id() != client.create_trace_id()
    assert len(client.create_trace_id()) == 32


@given(st.one_of(st.text(), st.integers(), st.binary(), st.none()))
def test_what_is_parsed_is_an_id(value: object) -> None:
    """Only hex of at most the right length, and not zero, is an id; nothing is raised."""
    for parse, size in ((ids.parse_trace_id, 16), (ids.parse_span_id, 8)):
        parsed = parse(value)
        if parsed is not None:
            assert len(parsed) == size
            assert any(parsed)
            assert int(str(value), 16) == int.from_bytes(parsed)


@given(st.binary(min_size=16, max_size=16))
def test_ids_survive_their_text(raw: bytes) -> None:
    """The hex of an id, in any case, is parsed to the id; zero is none."""
    parsed = raw if any(raw) else None
    assert ids.parse_trace_id(raw.hex()) == ids.parse_trace_id(raw.hex().upper()) == parsed


@pytest.mark.parametrize(
    "text", ["0x" + "a" * 30, "a_b", " ab", "ab ", "ab\n", "+ab", "١٢", "", "a" * 33]
)
def test_what_python_takes_for_a_number_is_no_id(text: str) -> None:
    """Signs, prefixes, blanks, underscores and other scripts' digits are no hex."""
    assert ids.parse_trace_id(text) is None


class Counting:
    """A caller's generator."""

    def __init__(self, answer: Callable[[], object]) -> None:
        self.answer = answer

    def generate_span_id(self) -> int:
        return self.answer()  # type: ignore[return-value]  # whatever it is

    def generate_trace_id(self) -> int:
        return self.answer()  # type: ignore[return-value]  # whatever it is


def test_a_callers_generator_is_used(home: Path) -> None:
    """`id_generator` draws the ids."""
    numbers = iter(range(1, 10))
    Trackway(id_generator=Counting(lambda: next(numbers))).create_event(name="e")
    found = only(home)
    assert {int(found.trace_id, 16), int(found.span_id, 16)} == {1, 2}


def _fail() -> object:
    raise RuntimeError


@pytest.mark.parametrize(
    "answer", [_fail, lambda: 0, lambda: -1, lambda: 1 << 128, lambda: "a", lambda: None]
)
def test_a_generator_that_fails_costs_nothing(home: Path, answer: Callable[[], object]) -> None:
    """Where it raises or gives what is no id, an id is drawn for it."""
    Trackway(id_generator=Counting(answer)).create_event(name="e")
    found = only(home)
    assert int(found.trace_id, 16)
    assert int(found.span_id, 16)
