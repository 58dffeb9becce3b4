"""`wire="genai"`: messages instead of input and output, each written once."""

import json
from pathlib import Path

from tests.spans import spans
from trackway import Trackway, observe, propagate_attributes
from trackway._core.values import Mask
from trackway._store.normalize import base, observation

REQUEST = {
    "messages": [{"role": "user", "content": "hi"}],
    "tools": [{"type": "function", "function": {"name": "search", "parameters": {}}}],
    "system": "be kind",
}


def attributes(home: Path) -> dict[str, object]:
    """Those of the only span, wherever it was to go."""
    (destination,) = (path.name for path in (home / "spool").iterdir() if path.is_dir())
    (span,) = spans(home, destination=destination)
    return dict(span.attributes)


def said(text: object) -> list[dict[str, object]]:
    """The JSON of an attribute."""
    told: list[dict[str, object]] = json.loads(str(text))
    return told


def client(*, mask: Mask | None = None, local: bool | None = None) -> Trackway:
    return Trackway(endpoint="http://127.0.0.1:9", wire="genai", mask=mask, local=local)


def test_a_generation_speaks_in_messages(home: Path) -> None:
    """Messages, instructions and tools under the names of the conventions, and no input or output beside them."""
    with propagate_attributes(session_id="s", tags=["web"], metadata={"plan": "pro"}):
        client().start_observation(
            name="chat", as_type="generation", input=REQUEST, output="hello", metadata={"n": 1}, model="gpt-4o",
            usage_details={"input": 3, "output": 1}, cost_details={"total": 0.5},
        ).end()  # fmt: skip
    found = attributes(home)
    assert said(found["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "hi"}]}
    ]
    assert said(found["gen_ai.system_instructions"]) == [{"type": "text", "content": "be kind"}]
    assert said(found["gen_ai.tool.definitions"])[0]["name"] == "search"
    (answer,) = said(found["gen_ai.output.messages"])
    assert answer == {
        "role": "assistant",
        "parts": [{"type": "text", "content": "hello"}],
        "finish_reason": "stop",
    }
    assert not found.keys() & {"input.value", "output.value", "input.mime_type", "output.mime_type"}
    assert found["gen_ai.conversation.id"] == "s"
    assert (found["gen_ai.usage.input_tokens"], found["gen_ai.usage.cost"]) == (3, 0.5)
    assert found["tag.tags"] == ("web",)
    assert json.loads(str(found["metadata"])) == {"plan": "pro", "n": "1"}
    assert not [
        key
        for key in found
        if key.startswith(("llm.token_count", "langfuse.trace", "openinference"))
    ]


def test_what_is_no_conversation_stays_an_input(home: Path) -> None:
    """Other kinds, and values of a generation that are no messages, are written as they always are."""
    speaker = client()
    speaker.start_observation(name="tool", as_type="tool", input="hi", output={"a": 1}).end()
    found = attributes(home)
    assert (found["input.value"], found["output.value"]) == ("hi", '{"a":1}')


def test_the_last_word_counts(home: Path) -> None:
    """A value that replaces another leaves nothing of it, in whichever form either is."""
    o = client().start_observation(name="g", as_type="generation", input=REQUEST, output="hello")
    room = o._room
    for _ in range(10):
        o.update(input={"query": 1}, output={"answer": 1})
        o.update(input=REQUEST, output="hello")
    assert o._room == room
    o.update(input={"query": 1})
    o.end()
    found = attributes(home)
    assert found["input.value"] == '{"query":1}'
    assert "gen_ai.input.messages" not in found
    assert "gen_ai.tool.definitions" not in found
    assert "gen_ai.output.messages" in found


def test_decorated_functions_speak_too(home: Path) -> None:
    """A generation by `@observe` that takes messages and gives a text is a conversation."""
    speaker = client()

    @observe(as_type="generation")
    def chat(messages: list[dict[str, str]]) -> str:
        return messages[0]["content"].upper()

    assert chat([{"role": "user", "content": "hi"}]) == "HI"
    assert speaker is not None
    found = attributes(home)
    assert said(found["gen_ai.input.messages"])[0]["role"] == "user"
    assert said(found["gen_ai.output.messages"])[0]["parts"] == [{"type": "text", "content": "HI"}]


def test_masks_and_redaction_come_first(home: Path) -> None:
    """The mask sees the application's value, once; secrets in the arguments of a tool call are replaced."""
    seen: list[object] = []

    def mask(*, data: object) -> object:
        seen.append(data)
        return data

    call = {"id": "c", "function": {"name": "f", "arguments": '{"api_key":"hunter2hunter2"}'}}
    answer = {"role": "assistant", "content": "x", "tool_calls": [call]}
    client(mask=mask).start_observation(
        name="g", as_type="generation", input=REQUEST, output=answer
    ).end()
    assert [value for value in seen if value is REQUEST or value is answer] == [REQUEST, answer]
    assert "hunter2" not in str(attributes(home))


def test_with_a_local_copy_the_wire_is_all(home: Path) -> None:
    """The embedded store shows inputs as they were, so a client that keeps a copy writes every dialect."""
    both = client(local=True)
    both.start_observation(name="g", as_type="generation", input=REQUEST, output="hello").end()
    trace = both.get_traces()[0]
    assert trace.observations[0].input == REQUEST


def test_the_store_reads_messages(home: Path) -> None:
    """Where another trackway receives such a span, its messages are its input and output."""
    client().start_observation(name="g", as_type="generation", input=REQUEST, output="hello").end()
    (destination,) = (path.name for path in (home / "spool").iterdir() if path.is_dir())
    (span,) = spans(home, destination=destination)
    row = observation(span, base({}), ours=False)
    assert json.loads(str(row["input"]))[0]["role"] == "user"
    assert json.loads(str(row["output"]))[0]["role"] == "assistant"
