"""Kind and name of a run, from what LangChain tells of it."""

import pytest

from trackway._integrations.langchain.kinds import chain_kind, made_by, run_name


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


def test_a_graph_that_is_made_as_an_agent_is_one() -> None:
    """What `create_agent` of LangChain made is an agent; its nodes, and chains in its tools, are not."""
    made: dict[str, object] = {"ls_integration": "langchain_create_agent"}
    inside = {**made, "langgraph_node": "tools"}
    named = {**inside, "lc_agent_name": "weather"}
    assert chain_kind("LangGraph", None, made) == "agent"
    assert chain_kind("LangGraph", None, made, "langgraph") == "agent"
    assert chain_kind("tools", None, inside, made_by(made)) == "chain"
    assert chain_kind("weather", None, named, made_by(inside)) == "agent"
    # A handler that joins inside of a tool knows of no run around.
    assert chain_kind("chain", None, inside) == "chain"
    assert chain_kind("LangGraph", None, {"ls_integration": "langgraph"}) == "chain"
