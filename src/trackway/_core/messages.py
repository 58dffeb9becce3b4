"""Chat messages in the words of OpenTelemetry's GenAI conventions, from the shapes in which applications hold them.

`wire="genai"` writes them in place of inputs and outputs. Understood are OpenAI's chat messages and response items,
Anthropic's content blocks, LangChain's tool calls, and plain texts. Pure functions of plain containers: of anything
else no method is called, and the value is recorded as it would be without them.

The shapes: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-input-messages.json and its neighbours.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import orjson

__all__ = ["MAX_MESSAGES", "spoken"]

# Longer conversations are recorded as they are: reshaping is work that their caller waits for.
MAX_MESSAGES: Final = 10_000

Part = dict[str, object]
Given = Mapping[object, object]

# Where a request holds its messages, what the model was told beforehand, and its tools.
_MESSAGES: Final = ("messages", "input")
_INSTRUCTIONS: Final = ("system", "instructions")
_TEXTS: Final = frozenset({"text", "input_text", "output_text", "refusal"})
_MODALITIES: Final = {"image_url": "image", "input_image": "image", "image": "image"}


def spoken(value: object, *, output: bool) -> dict[str, list[Part]] | None:
    """What *value* says, by the part of the conversation: `messages`, and of a request `instructions` and `tools`.

    None for what is no conversation.
    """
    if output:
        found = _messages(value if type(value) is list else [value], "assistant")
        return None if found is None else {"messages": [_finished(m) for m in found]}
    if type(value) is not dict or _word(value.get("role")):
        found = _messages(value if type(value) in {list, tuple} else [value], "user")
        return None if found is None else {"messages": found}
    held = next((value[key] for key in _MESSAGES if value.get(key)), None)
    if held is None:
        return None
    found = _messages(held if type(held) in {list, tuple} else [held], "user")
    if found is None:
        return None
    said: dict[str, list[Part]] = {"messages": found}
    if told := next((value[key] for key in _INSTRUCTIONS if value.get(key)), None):
        said["instructions"] = _parts(told)
    tools = value.get("tools")
    if type(tools) is list and tools and all(type(tool) is dict for tool in tools):
        said["tools"] = [_tool(tool) for tool in tools]
    return said


def _messages(held: object, role: str) -> list[Part] | None:
    """*held* one by one; None where one of them is no message. Texts are said by *role*."""
    if not isinstance(held, list | tuple) or not 0 < len(held) <= MAX_MESSAGES:
        return None
    found = [_message(item, role) for item in held]
    known = [message for message in found if message is not None]
    return known if len(known) == len(found) else None


def _message(item: object, role: str) -> Part | None:
    if type(item) is str:
        return {"role": role, "parts": [{"type": "text", "content": item}]}
    if type(item) is not dict:
        return None
    said = item.get("role")
    if type(said) is str:
        return _chat_message(item, said)
    # An item of OpenAI's responses: a call, its result, what the model thought.
    kind = _word(item.get("type"))
    if kind in {"function_call", "function_call_output", "reasoning"}:
        return {
            "role": "tool" if kind == "function_call_output" else "assistant",
            "parts": [_part(item)],
        }
    return None


def _chat_message(item: Given, role: str) -> Part:
    content = item.get("content")
    called = item.get("tool_call_id")
    if role == "tool" and called is not None:
        parts: list[Part] = [{"type": "tool_call_response", "id": called, "response": content}]
    else:
        parts = _parts(content)
    if thought := item.get("reasoning_content"):
        parts.insert(0, {"type": "reasoning", "content": thought})
    if refusal := item.get("refusal"):
        parts.append({"type": "text", "content": refusal})
    calls = item.get("tool_calls")
    if type(calls) is list:
        parts += [_call(call) for call in calls if type(call) is dict]
    message: Part = {"role": role, "parts": parts}
    for key in ("name", "finish_reason"):
        if item.get(key) is not None:
            message[key] = item[key]
    return message


def _finished(message: Part) -> Part:
    """With the reason for its end, which the conventions ask of every output."""
    parts = message["parts"]
    called = isinstance(parts, list) and any(part["type"] == "tool_call" for part in parts)
    return {"finish_reason": "tool_call" if called else "stop", **message}


def _parts(content: object) -> list[Part]:
    if content is None:
        return []
    if not isinstance(content, list | tuple):
        return [_part(content)]
    return [_part(block) for block in content]


def _part(block: object) -> Part:
    """One block of content; what the conventions have no word for keeps its own."""
    if type(block) is str:
        return {"type": "text", "content": block}
    if type(block) is not dict:
        return {"type": "text", "content": block}
    kind = _word(block.get("type"))
    if kind in _TEXTS:
        return {"type": "text", "content": block.get("text", block.get("refusal"))}
    if kind in _MODALITIES:
        return _picture(block, _MODALITIES[kind])
    known = _PARTS.get(kind)
    if known is not None:
        return known(block)
    return {**{_word(key): item for key, item in block.items()}, "type": kind or "data"}


def _word(value: object) -> str:
    """A text; empty for anything else, which may not even be hashable."""
    return value if type(value) is str else ""


def _picture(block: Given, modality: str) -> Part:
    """A reference to what was seen: where it is, or what it was."""
    held = block.get("image_url", block.get("source"))
    where = held.get("url") if type(held) is dict else held
    if type(where) is str and not where.startswith("data:"):
        return {"type": "uri", "modality": modality, "uri": where}
    return {"type": modality, "modality": modality, "content": held}


def _thought(block: Given) -> Part:
    said = block.get("thinking", block.get("summary", block.get("content")))
    return {"type": "reasoning", "content": said}


def _use(block: Given) -> Part:
    return _called(block.get("id"), block.get("name"), block.get("input"))


def _function(block: Given) -> Part:
    return _called(block.get("call_id", block.get("id")), block.get("name"), block.get("arguments"))


def _result(block: Given) -> Part:
    response = block.get("content", block.get("output"))
    called = block.get("tool_use_id", block.get("call_id"))
    return {"type": "tool_call_response", "id": called, "response": response}


_PARTS: Final[dict[str, Callable[[Given], Part]]] = {
    "thinking": _thought,
    "reasoning": _thought,
    "tool_use": _use,
    "tool_call": lambda block: _called(block.get("id"), block.get("name"), block.get("args")),
    "function_call": _function,
    "tool_result": _result,
    "function_call_output": _result,
}


def _call(call: Given) -> Part:
    """A tool call as OpenAI's chat messages have it, or LangChain's."""
    function = call.get("function")
    if type(function) is dict:
        return _called(call.get("id"), function.get("name"), function.get("arguments"))
    arguments = call.get("args", call.get("arguments", call.get("input")))
    return _called(call.get("id"), call.get("name"), arguments)


def _called(identity: object, name: object, arguments: object) -> Part:
    if type(arguments) is str:
        # What is cut off in the middle stays the text that it is.
        with suppress(ValueError):
            arguments = orjson.loads(arguments)
    return {"type": "tool_call", "id": identity, "name": name, "arguments": arguments}


def _tool(tool: Given) -> Part:
    """The definition of a tool, whether OpenAI's (`function`), flat, or Anthropic's (`input_schema`)."""
    function = tool.get("function")
    held: Given = function if type(function) is dict else tool
    definition: Part = {"type": _word(tool.get("type")) or "function", "name": held.get("name")}
    schema = held.get("parameters", held.get("input_schema"))
    for key, item in (("description", held.get("description")), ("parameters", schema)):
        if item is not None:
            definition[key] = item
    return definition
