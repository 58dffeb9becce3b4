"""Messages, documents and the rest, as they are recorded."""

import base64
import hashlib

import pytest
from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.documents import Document
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.outputs import ChatGeneration, Generation, LLMResult
from langchain_core.prompt_values import ChatPromptValue, StringPromptValue
from langgraph.types import Command, Send

from trackway._integrations.langchain.messages import DEPTH, ITEMS, completion, message, readable


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (HumanMessage("hi"), {"role": "user", "content": "hi"}),
        (HumanMessage("hi", name="bob"), {"role": "user", "content": "hi", "name": "bob"}),
        (SystemMessage("be"), {"role": "system", "content": "be"}),
        (AIMessage("yes"), {"role": "assistant", "content": "yes"}),
        (AIMessageChunk(content="y"), {"role": "assistant", "content": "y"}),
        (ChatMessage(content="x", role="critic"), {"role": "critic", "content": "x"}),
        (FunctionMessage(content="1", name="f"), {"role": "function", "content": "1", "name": "f"}),
        (ToolMessage("1", tool_call_id="c"), {"role": "tool", "content": "1", "tool_call_id": "c"}),
        (
            ToolMessage("1", tool_call_id="c", status="error"),
            {"role": "tool", "content": "1", "tool_call_id": "c", "status": "error"},
        ),
        (RemoveMessage(id="1"), {"role": "remove", "content": ""}),
        (
            AIMessage(
                "", additional_kwargs={"refusal": "no", "reasoning_content": "hm", "other": 1}
            ),
            {"role": "assistant", "content": "", "refusal": "no", "reasoning_content": "hm"},
        ),
        (
            AIMessage([{"type": "text", "text": "a"}]),
            {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
        ),
    ],
)
def test_a_message_is_role_and_content_and_what_there_is(
    given: BaseMessage, told: dict[str, object]
) -> None:
    """Every kind of message has a role, its content, and of the rest what is not empty."""
    assert message(given) == told


def test_files_become_references() -> None:
    """Pictures and sounds in base64 are told by type, size and hash; the application's message stays as it is."""
    encoded = base64.b64encode(bytes(range(256))).decode()
    told = f"size=256 sha256={hashlib.sha256(bytes(range(256))).hexdigest()}>"
    content: list[str | dict[str, object]] = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{encoded}"}},
        {"type": "audio", "base64": encoded, "mime_type": "audio/wav"},
    ]
    given = HumanMessage(content=content)
    assert message(given)["content"] == [
        {"type": "image_url", "image_url": {"url": f"<media type=image/png {told}"}},
        {"type": "audio", "base64": f"<media type=audio/wav {told}", "mime_type": "audio/wav"},
    ]
    assert given.content == content


def test_calls_of_tools_are_told_the_broken_too() -> None:
    """A call has id, name and arguments; one that the model wrote badly its text and the error."""
    given = AIMessage(
        "",
        tool_calls=[{"name": "f", "args": {"a": 1}, "id": "1"}],
        invalid_tool_calls=[{"name": "g", "args": "{", "id": "2", "error": "no JSON"}],
    )
    assert message(given)["tool_calls"] == [{"id": "1", "name": "f", "args": {"a": 1}}]
    assert message(given)["invalid_tool_calls"] == [
        {"id": "2", "name": "g", "args": "{", "error": "no JSON"}
    ]


def test_objects_are_found_inside_values() -> None:
    """A state, a prompt, documents, steps of agents and commands of graphs are read; the rest is left as it is."""
    user = {"role": "user", "content": "hi"}
    hi = HumanMessage("hi")
    assert readable({"messages": [hi], "n": 1}) == {"messages": [user], "n": 1}
    assert readable(ChatPromptValue(messages=[hi])) == [user]
    assert readable(StringPromptValue(text="hi")) == [user]
    assert readable((hi, None)) == [user, None]
    assert readable(Document("d", metadata={"p": 1})) == {"page_content": "d", "metadata": {"p": 1}}
    assert readable(Document("d", id="7")) == {"id": "7", "page_content": "d", "metadata": {}}
    assert readable(AgentAction("t", {"a": 1}, "log")) == {
        "tool": "t", "tool_input": {"a": 1}, "log": "log",
    }  # fmt: skip
    assert readable(AgentFinish({"output": "x"}, "log")) == {"output": "x"}
    assert readable(Command(update={"messages": [hi]}, goto="next")) == {
        "update": {"messages": [user]}, "goto": "next",
    }  # fmt: skip
    assert readable(Send("node", {"x": hi})) == {"node": "node", "arg": {"x": user}}
    other = object()
    assert readable(other) is other


def test_the_search_is_bounded() -> None:
    """Vectors, long lists and deep values are not walked through."""
    vector, many = [0.5] * 10, [HumanMessage("x")] * (ITEMS + 1)
    assert readable(vector) is vector
    assert readable(many) is many
    deep: object = HumanMessage("x")
    for _ in range(DEPTH):
        deep = {"in": deep}
    assert "HumanMessage" in repr(readable(deep))
    cyclic: dict[str, object] = {}
    cyclic["self"] = cyclic
    readable(cyclic)


def test_what_a_model_gave_is_one_message_or_several() -> None:
    """One choice is told as itself, several as a list, texts as texts, nothing as nothing."""

    def result(*several: Generation) -> LLMResult:
        return LLMResult(generations=[[*several]])

    one = ChatGeneration(message=AIMessage("a"))
    assert completion(result(one)) == {"role": "assistant", "content": "a"}
    assert completion(result(one, one)) == [{"role": "assistant", "content": "a"}] * 2
    assert completion(result(Generation(text="t"))) == "t"
    assert completion(LLMResult(generations=[])) is None
