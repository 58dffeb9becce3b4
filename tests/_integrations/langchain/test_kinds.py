"""Kind and name of a run, from what LangChain tells of it."""

import pytest

from trackway._integrations.langchain.kinds import chain_kind, run_name


@pytest.mark.parametrize(
    ("given", "serialized", "name"),
    [
        ("mine", {"name": "Class"}, "mine"),
        (None, {"name": "Class", "id": ["a", "B"]}, "Class"),
        ("", {"id": ["a", "B"]}, "B"),
        (None, {"id": []}, "chain"),
        (None, None, "chain"),
        (7, {"name": 7, "id": [7]}, "chain"),
    ],
)
def test_the_name_is_the_nearest(
    given: object, serialized: dict[str, object] | None, name: str
) -> None:
    """What the application says comes before what the class is called."""
    assert run_name(given, serialized, "chain") == name


def test_what_is_called_an_agent_is_one() -> None:
    """By its name, or by its class."""
    assert chain_kind("My Agent", None) == "agent"
    assert chain_kind("x", {"id": ["langchain", "agents", "AgentExecutor"]}) == "agent"
    assert chain_kind("RunnableSequence", {"id": ["langchain", "RunnableSequence"]}) == "chain"
