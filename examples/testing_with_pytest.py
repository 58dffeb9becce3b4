"""Tests of an application's traces: whose they are, what they cost, what they must not hold.

pytest examples/testing_with_pytest.py
"""

import pytest

from trackway import get_client, observe, propagate_attributes
from trackway.testing import Spans

# -- the application ---------------------------------------------------------------------------------------------------


@observe(as_type="retriever")
def search(question: str) -> list[str]:
    """Finds what may help."""
    return [f"A page about {question}"]


@observe(as_type="generation")
def answer(question: str, pages: list[str]) -> str:
    """Asks the model."""
    get_client().update_current_generation(
        model="gpt-4o",
        usage_details={"input": 310, "output": 42},
        cost_details={"input": 0.000775, "output": 0.00042},
    )
    return f"About {question}, read this: {pages[0]}"


@observe(as_type="agent", name="chat")
def chat(question: str, user: str) -> str:
    """Serves one question of one user."""
    with propagate_attributes(user_id=user, tags=["support"]):
        try:
            return answer(question, search(question))
        finally:
            get_client().score_current_trace(name="answered", value=True)


# -- its tests ---------------------------------------------------------------------------------------------------------


def test_every_step_is_the_users(trackway_spans: Spans) -> None:
    """Whoever asked, each step of the trace carries them."""
    chat("trains", user="alice")
    chat("planes", user="bob")
    assert trackway_spans.tree("user_id") == [
        {
            "name": "chat",
            "user_id": user,
            "children": [
                {"name": "search", "user_id": user},
                {"name": "answer", "user_id": user},
            ],
        }
        for user in ("alice", "bob")
    ]


def test_the_model_and_its_cost(trackway_spans: Spans) -> None:
    """The generation says which model was asked, and what for."""
    chat("trains", user="alice")
    generation = trackway_spans.one("answer")
    assert generation["model"] == "gpt-4o"
    assert generation["usage"]["total"] == 352
    assert generation["cost"]["total"] == pytest.approx(0.001195)
    assert [score["name"] for score in trackway_spans.scores] == ["answered"]


def test_no_key_is_recorded(trackway_spans: Spans) -> None:
    """A key that a user pastes into a question does not reach the trace."""
    chat("What is wrong with AKIAIOSFODNN7EXAMPLE?", user="alice")
    assert "AKIAIOSFODNN7EXAMPLE" not in str(list(trackway_spans))


@pytest.mark.trackway(deterministic=True)
def test_ids_and_times(trackway_spans: Spans) -> None:
    """With ids that count and a clock that ticks, a whole span can be written down."""
    chat("trains", user="alice")
    search = trackway_spans.one("search")
    assert (search["id"], search["parent_id"]) == ("0000000000000002", "0000000000000001")
    assert search["end_time"] - search["start_time"] == 1_000_000_000
