"""Any parents that spans can claim to have become a tree that can be drawn."""

from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from trackway._cli.tree import branches, print_tree
from trackway._store.models import Observation, Score, Trace

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Nothing:
    """The content of a trace without payloads."""

    def __init__(self) -> None:
        self.held: tuple[Observation, ...] = ()

    def observations(self, project: str, trace_id: str) -> tuple[Observation, ...]:
        return self.held

    def scores(self, project: str, trace_id: str) -> tuple[Score, ...]:
        return ()

    def root_payload(self, project: str, trace_id: str) -> tuple[object, object]:
        return None, None

    def payload(self, project: str, trace_id: str, observation_id: str) -> tuple[object, object]:
        return None, None


CONTENT = Nothing()
PLAIN = Observation(
    id="0", trace_id="t", project="p", parent_observation_id=None, type="SPAN", name="n", start_time=NOW, end_time=NOW,
    latency=0.0, time_to_first_token=None, completion_start_time=None, user_id=None, session_id=None, environment=None,
    release=None, version=None, level="DEFAULT", status="OK", status_message=None, model=None, model_parameters={},
    input_tokens=None, output_tokens=None, total_tokens=None, usage_details={}, cost_pico={}, metadata={},
    price_source=None, price_version=None, prompt_name=None, prompt_version=None, exception=None,
    attributes={}, content=CONTENT,
)  # fmt: skip


def family(parents: list[int | None]) -> list[Observation]:
    """An observation for each entry, whose parent is the entry's value: any number, itself, or none that is there."""
    return [
        replace(
            PLAIN, id=str(number), parent_observation_id=None if parent is None else str(parent)
        )
        for number, parent in enumerate(parents)
    ]


def drawn(observations: list[Observation], width: int, *, io: bool = False) -> list[str]:
    """The lines that are printed for them."""
    content = Nothing()
    content.held = tuple(replace(each, content=content) for each in observations)
    trace = Trace(
        id="t", project="p", name="n", timestamp=NOW, end_time=NOW, latency=0.0, user_id="alice", session_id=None,
        tags=[], environment=None, release=None, version=None, status="OK", level="DEFAULT", status_message=None,
        observation_count=len(observations), error_count=0, models=[], input_tokens=0, output_tokens=0, total_tokens=0,
        cost_pico=0, cost_complete=True, metadata={}, url="", content=content,
    )  # fmt: skip
    written = StringIO()
    print_tree(Console(file=written, width=width), trace, now=NOW, io=io, limit=10_000)
    return written.getvalue().splitlines()


@given(st.lists(st.none() | st.integers(0, 12), max_size=12))
def test_every_observation_is_drawn_once(parents: list[int | None]) -> None:
    """Whatever parents are claimed, rings and strangers included, each observation has one place, and one line."""
    observations = family(parents)
    places = list(branches(observations))
    assert sorted(place.observation.id for place in places) == sorted(
        each.id for each in observations
    )
    lines = drawn(observations, 80)
    titles = next(number for number, line in enumerate(lines) if "Latency" in line)
    assert len(lines) - titles - 1 == len(observations)


@given(st.lists(st.none() | st.integers(0, 11), max_size=12))
def test_a_parent_stands_above_its_children(parents: list[int | None]) -> None:
    """Where no ring is claimed, each child is one level below its parent, and after it."""
    tidy = [
        parent if parent is not None and parent < number else None
        for number, parent in enumerate(parents)
    ]
    places = {
        place.observation.id: (at, len(place.lasts))
        for at, place in enumerate(branches(family(tidy)))
    }
    for number, parent in enumerate(tidy):
        at, depth = places[str(number)]
        if parent is None:
            assert depth == 0
        else:
            assert places[str(parent)][0] < at
            assert depth == places[str(parent)][1] + 1


def test_a_deep_chain_stays_within_the_line() -> None:
    """Five thousand levels are drawn without recursion, each within the terminal, saying how deep it is."""
    lines = drawn(family([None, *range(5_000)]), 80)
    assert max(map(cell_len, lines)) <= 80
    assert any(line.startswith("[5000] ") and "span n" in line for line in lines)


@given(st.text(max_size=60), st.integers(20, 130))
def test_any_text_stays_within_the_line(text: str, width: int) -> None:
    """Whatever names, models, users and messages are, wide characters too, no line is longer than the terminal."""
    observation = replace(
        PLAIN,
        name=text,
        model=text,
        user_id=text,
        status_message=text,
        status="ERROR",
        level="ERROR",
    )
    lines = drawn([observation], max(width, 60))
    assert max(map(cell_len, lines)) <= max(width, 60)


def test_an_observation_of_another_user_says_whose_it_is() -> None:
    """Where an observation's own user is not the trace's, its line names the user; a warning is marked."""
    observations = [
        replace(PLAIN, user_id="alice"),
        replace(PLAIN, id="1", user_id="bob", level="WARNING"),
    ]
    *_, hers, his = drawn(observations, 80)
    assert "user" not in hers
    assert "span n (warning) · user bob" in his


def test_tokens_without_their_sides_are_a_sum() -> None:
    """Where only a total is known, the total is shown; where nothing is, nothing is."""
    total, nothing = replace(PLAIN, total_tokens=1_234), replace(PLAIN, id="1")
    *_, first, second = drawn([total, nothing], 80)
    assert first.split() == ["span", "n", "<1", "ms", "1,234"]
    assert second.split() == ["span", "n", "<1", "ms"]
