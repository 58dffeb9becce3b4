"""What a configuration says: of users, by either spelling, and what of the rest is recorded."""

from pathlib import Path
from typing import cast

import pytest
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableConfig, RunnableLambda

from tests._integrations.langchain.applications import answering, metadata_of
from tests.spans import only, spans
from trackway import observe
from trackway._integrations.langchain.configuration import (
    attempt_of,
    labels,
    observation_metadata,
    propagated,
    said_in,
)
from trackway.langchain import CallbackHandler


def test_both_spellings_are_understood_and_ours_wins() -> None:
    """`trackway_…` and `langfuse_…` keys mean the same; where both are given, ours counts."""
    assert said_in({"langfuse_user_id": "a", "langfuse_session_id": "s", "trackway_user_id": "b"}) == {
        "user_id": "b", "session_id": "s",
    }  # fmt: skip
    assert said_in({"trackway_user_id": None, "user_id": "x"}) == {"metadata": {"user_id": "x"}}
    assert said_in(None) == {}


def test_every_propagated_attribute_can_be_said(home: Path, handler: CallbackHandler) -> None:
    """User, session, tags, trace name, version and environment of the configuration are on every observation."""
    said = {
        "trackway_user_id": "alice", "trackway_session_id": "s", "trackway_tags": ["a"],
        "trackway_trace_name": "chat", "trackway_version": "v2", "trackway_environment": "staging",
    }  # fmt: skip
    config: RunnableConfig = {"callbacks": [handler], "metadata": said, "tags": ["b", "a"]}
    (RunnableLambda[str, str](lambda _: "?") | answering()).invoke("x", config)
    assert len(spans(home)) == 3
    for span in spans(home):
        told = span.attributes
        assert (told["user.id"], told["session.id"]) == ("alice", "s")
        assert told["langfuse.trace.tags"] == ("b", "a")
        assert told["langfuse.trace.name"] == "chat"
        assert (told["langfuse.version"], told["langfuse.environment"]) == ("v2", "staging")
        assert metadata_of(span) == {}


@pytest.mark.parametrize("value", [7, "x" * 201, ["alice"], {"a": 1}, object()])
def test_what_cannot_be_a_user_is_dropped_with_a_word(
    home: Path, handler: CallbackHandler, caplog: pytest.LogCaptureFixture, value: object
) -> None:
    """A value that `propagate_attributes` would drop is dropped, with its warning, and nowhere else recorded."""
    config: RunnableConfig = {"callbacks": [handler], "metadata": {"trackway_user_id": value}}
    answering().invoke("?", config)
    assert "user.id" not in only(home).attributes
    assert metadata_of(only(home)) == {}
    assert "'user_id'" in caplog.text


def test_other_metadata_is_the_observations(home: Path, handler: CallbackHandler) -> None:
    """What the application adds is on every observation of the call; what LangChain says of itself is not."""
    config: RunnableConfig = {"callbacks": [handler], "metadata": {"order": 7, "thread_id": "t"}}
    (RunnableLambda[str, str](lambda _: "?") | answering()).invoke("x", config)
    assert [metadata_of(span) for span in spans(home)] == [{"order": "7", "thread_id": "t"}] * 3
    internal = {
        "ls_provider": "x",
        "lc_versions": {},
        "langgraph_triggers": (),
        "langfuse_tags": ["a"],
    }
    assert observation_metadata({**internal, "langgraph_node": "n"}) == {"langgraph_node": "n"}


def test_tags_of_the_application_are_told_from_langchains() -> None:
    """Tags that LangChain and LangGraph set themselves are no labels; an attempt is a number."""
    assert labels(["seq:step:1", "a", "map:key:b", "graph:step:3", "langsmith:hidden", "b"]) == [
        "a",
        "b",
    ]
    assert attempt_of(["retry:attempt:3"]) == 3
    assert attempt_of(["retry:attempt:x", "a"]) is None
    assert (labels(None), attempt_of(None)) == ([], None)


def test_tags_of_a_part_are_the_parts_own(home: Path, handler: CallbackHandler) -> None:
    """Tags of the call are the trace's; those of a part of it are metadata of that part."""
    part = answering().with_config(tags=["fast"], run_name="part")
    config: RunnableConfig = {"callbacks": [handler], "tags": ["call"]}
    (RunnableLambda[str, str](lambda _: "?") | part).invoke("x", config)
    assert {span.attributes["langfuse.trace.tags"] for span in spans(home)} == {("call",)}
    assert metadata_of(only(home, "part")) == {"tags": '["fast"]'}


@pytest.mark.parametrize("where", ["call", "template"])
def test_a_prompt_is_linked_to_the_generation(
    home: Path, handler: CallbackHandler, where: str
) -> None:
    """The version of a prompt, said by the call or by the template beside the model, is linked to the model's call."""
    link = {"langfuse_prompt": {"name": "greeting", "version": 3}}
    template = ChatPromptTemplate.from_messages([("human", "{x}")])
    config: RunnableConfig = {"callbacks": [handler]}
    if where == "template":
        template.metadata = link
    else:
        config["metadata"] = link
    (template | answering()).invoke({"x": "hi"}, config)
    linked = [s.name for s in spans(home) if "langfuse.observation.prompt.name" in s.attributes]
    assert linked == ["GenericFakeChatModel"]
    assert only(home, linked[0]).attributes["langfuse.observation.prompt.version"] == 3
    assert not any("prompt" in str(metadata_of(span)) for span in spans(home))


def test_tags_come_in_the_order_of_their_places() -> None:
    """Tags of the configuration come before those of its metadata; what is nothing is None."""
    both = propagated({"tags": ["b"]}, ["a"])
    assert both is not None
    assert both.tags == ("a", "b")
    assert propagated({"prompt": {"name": "x", "version": 1}}, []) is None
    assert propagated({"tags": 7}, ["a"]).tags == ("a",)  # type: ignore[union-attr]  # it is there


def test_metadata_of_the_call_reaches_what_its_parts_call(
    home: Path, handler: CallbackHandler
) -> None:
    """What is short is on every observation, decorated functions too, nearer words over it; the rest on the runs."""

    @observe
    def inside() -> None: ...

    def work(_: object) -> None:
        inside()

    long = "x" * 300
    own = {"trackway_metadata": {"order": 18}, "part": "p"}
    step: RunnableLambda[object, None] = RunnableLambda(work, name="work")
    metadata = {"order": 17, "rate": 0.5, "long": long, "deep": {"a": 1}, "langgraph_node": "n"}
    (step | step.with_config(metadata=own)).invoke(
        1, {"callbacks": [handler], "metadata": metadata}
    )
    prefix = "langfuse.trace.metadata."
    told = [
        {k.removeprefix(prefix): v for k, v in span.attributes.items() if k.startswith(prefix)}
        for span in spans(home)
        if span.name == "inside"
    ]
    assert told == [{"order": "17", "rate": "0.5"}, {"order": "18", "rate": "0.5", "part": "p"}]
    assert metadata_of(next(span for span in spans(home) if span.name == "work"))["long"] == long


def test_a_key_that_is_no_text_is_no_harm(home: Path, handler: CallbackHandler) -> None:
    """Metadata with an odd key is recorded but for that key."""
    config = cast("RunnableConfig", {"callbacks": [handler], "metadata": {1: "x", "a": "b"}})
    RunnableLambda(str, name="work").invoke(1, config)
    assert metadata_of(only(home, "work"))["a"] == "b"
