"""From the shapes in which applications hold a conversation to the words of OpenTelemetry's GenAI conventions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._core.messages import MAX_MESSAGES, spoken

SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}
TEXT = {"type": "text", "content": "hi"}
CALL = {"type": "tool_call", "id": "c1", "name": "search", "arguments": {"q": "x"}}

MESSAGES: list[tuple[object, object]] = [
    ("hi", {"role": "user", "parts": [TEXT]}),
    ({"role": "system", "content": "hi"}, {"role": "system", "parts": [TEXT]}),
    ({"role": "user", "content": "hi", "name": "al"}, {"role": "user", "parts": [TEXT], "name": "al"}),
    ({"role": "user", "content": [{"type": "text", "text": "hi"}]}, {"role": "user", "parts": [TEXT]}),
    ({"role": "user", "content": [{"type": "input_text", "text": "hi"}]}, {"role": "user", "parts": [TEXT]}),
    (
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]},
        {"role": "user", "parts": [{"type": "uri", "modality": "image", "uri": "https://a/b.png"}]},
    ),
    (
        {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "<cut>"}}]},
        {
            "role": "user",
            "parts": [{"type": "image", "modality": "image", "content": {"type": "base64", "data": "<cut>"}}],
        },
    ),
    # OpenAI's chat: arguments are JSON text.
    (
        {
            "role": "assistant", "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "search", "arguments": '{"q":"x"}'}}],
        },
        {"role": "assistant", "parts": [CALL]},
    ),
    # LangChain's.
    (
        {"role": "assistant", "content": "hi", "tool_calls": [{"id": "c1", "name": "search", "args": {"q": "x"}}]},
        {"role": "assistant", "parts": [TEXT, CALL]},
    ),
    # Anthropic's.
    (
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "hm"},
            {"type": "tool_use", "id": "c1", "name": "search", "input": {"q": "x"}},
        ]},
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, CALL]},
    ),
    (
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "42"}]},
        {"role": "user", "parts": [{"type": "tool_call_response", "id": "c1", "response": "42"}]},
    ),
    (
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "42"}]},
    ),
    # OpenAI's responses.
    (
        {"type": "function_call", "call_id": "c1", "name": "search", "arguments": '{"q":"x"}'},
        {"role": "assistant", "parts": [CALL]},
    ),
    (
        {"type": "function_call_output", "call_id": "c1", "output": "42"},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "42"}]},
    ),
    # What the conventions have no word for, and what is cut off.
    (
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"format": "wav"}}]},
        {"role": "user", "parts": [{"type": "input_audio", "input_audio": {"format": "wav"}}]},
    ),
    (
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "s", "arguments": '{"q'}}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "s", "arguments": '{"q'}]},
    ),
    (
        {"role": "assistant", "content": None, "refusal": "hi", "reasoning_content": "hm"},
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, TEXT]},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("held", "expected"), MESSAGES)
def test_a_message(held: object, expected: object) -> None:
    """Each shape in which a message is held, alone, in a list, or as what a request sends."""
    for value in ([held], (held,), {"model": "m", "messages": [held]}, {"input": [held]}):
        assert spoken(value, output=False) == {"messages": [expected]}
    if isinstance(held, dict) and "role" not in held:
        return  # an item of a list, never alone
    assert spoken(held, output=False) == {"messages": [expected]}


def test_what_a_request_says_beside_its_messages() -> None:
    """Instructions and tools, as OpenAI's chat, its responses and Anthropic have them."""
    tool = {"type": "function", "name": "search", "description": "Looks.", "parameters": SCHEMA}
    flat = dict(tool)
    nested = {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}
    theirs = {"name": "search", "description": "Looks.", "input_schema": SCHEMA}
    for given_tool in (flat, nested, theirs):
        found = spoken(
            {"input": "hi", "instructions": "be kind", "tools": [given_tool]}, output=False
        )
        assert found == {
            "messages": [{"role": "user", "parts": [TEXT]}],
            "instructions": [{"type": "text", "content": "be kind"}],
            "tools": [tool],
        }
    blocks = [{"type": "text", "text": "be kind", "cache_control": {"type": "ephemeral"}}]
    told = spoken({"messages": ["hi"], "system": blocks}, output=False)
    assert told is not None
    assert told["instructions"] == [{"type": "text", "content": "be kind"}]


def test_an_answer_says_why_it_ended() -> None:
    """The reason is what the provider said, else what follows from the answer; a text is the assistant's."""
    assert spoken("hi", output=True) == {
        "messages": [{"role": "assistant", "parts": [TEXT], "finish_reason": "stop"}]
    }
    cut = {"role": "assistant", "content": "hi", "finish_reason": "length"}
    called = {
        "role": "assistant",
        "tool_calls": [{"id": "c1", "name": "search", "args": {"q": "x"}}],
    }
    found = spoken([cut, called], output=True)
    assert found is not None
    assert [message["finish_reason"] for message in found["messages"]] == ["length", "tool_call"]


@pytest.mark.parametrize(
    "value",
    [
        None, 1, [], {}, {"query": "hi"}, {"messages": []}, ["hi", 1], [{"content": "no role"}], {"messages": 1},
        [{"role": "user", "content": "hi"}, {"query": "hi"}], ["x"] * (MAX_MESSAGES + 1),
    ],
)  # fmt: skip
def test_what_is_no_conversation(value: object) -> None:
    """Other values are left as they are."""
    assert spoken(value, output=False) is None


class Hostile(dict[str, object]):
    def get(self, *_: object) -> object:
        raise AssertionError

    __getitem__ = __iter__ = __len__ = keys = items = get  # type: ignore[assignment]


def test_no_method_of_the_applications_objects_is_called() -> None:
    """What only looks like a message is not asked."""
    assert spoken(Hostile(), output=False) is None
    assert spoken([Hostile()], output=True) is None
    for content in (Hostile(), [Hostile()], ({"type": Hostile()},)):
        found = spoken([{"role": "user", "content": content}], output=False)
        assert found is not None
        assert len(found["messages"]) == 1


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["role", "content", "type", "text", "tool_calls", "function", "arguments", "messages", "tools", "input",
             "system", "image_url", "url", "id", "name", "tool_call_id", "reasoning_content", "source", "summary"]
        ),
        inner | st.sampled_from(["user", "tool", "tool_use", "tool_result", "text", "reasoning", "image_url", "{}"]),
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JUNK, st.booleans())
def test_any_value_is_a_conversation_or_none(value: object, output: bool) -> None:
    """Whatever is handed over, every message has a role and parts that each have a type; the value stays as it was."""
    before = json.dumps(value)
    found = spoken(value, output=output)
    assert json.dumps(value) == before
    for message in (found or {}).get("messages", []):
        parts = message["parts"]
        assert isinstance(parts, list)
        assert isinstance(message["role"], str)
        assert all(isinstance(part["type"], str) for part in parts)
        assert not output or "finish_reason" in message
