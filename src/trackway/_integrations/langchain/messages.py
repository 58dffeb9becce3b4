"""Messages, prompts, documents and results of LangChain as people read them: role, content, tool calls.

LangChain's objects would be recorded field by field, with a dozen empty fields each. Whatever is none of them passes
through as it is: what becomes of other values is decided where all values are (`_core/values.py`).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.documents import Document
from langchain_core.messages import BaseMessage, ChatMessage, ToolMessage
from langchain_core.prompt_values import PromptValue

from trackway._integrations.content import plain

if TYPE_CHECKING:
    from langchain_core.outputs import LLMResult

__all__ = ["completion", "message", "readable"]

_ROLES: Final = {
    "human": "user",
    "HumanMessageChunk": "user",
    "ai": "assistant",
    "AIMessageChunk": "assistant",
    "SystemMessageChunk": "system",
    "ToolMessageChunk": "tool",
    "FunctionMessageChunk": "function",
}
# What providers say beside the content, and LangChain hands through.
_BESIDE: Final = ("refusal", "reasoning_content", "audio", "function_call")
# Where LangChain's objects are looked for inside other values: a state of a graph holds lists of messages.
DEPTH: Final = 6
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
ITEMS: Final = 1_000
# Classes of LangGraph that hold messages, known by name because it need not be installed.
_HOLDERS: Final = {
    "Command": ("update", "goto", "resume"),
    "Interrupt": ("value", "id"),
    "Send": ("node", "arg"),
}


def message(given: BaseMessage) -> dict[str, object]:
    """One message: role and content, and of the rest what there is."""
    role = given.role if isinstance(given, ChatMessage) else _ROLES.get(given.type, given.type)
    told: dict[str, object] = {"role": role, "content": plain(given.content)}
    if given.name:
        told["name"] = given.name
    for key in ("tool_calls", "invalid_tool_calls"):
        calls = getattr(given, key, None)
        if calls:
            told[key] = [_call(call) for call in calls]
    if isinstance(given, ToolMessage):
        told["tool_call_id"] = given.tool_call_id
        if given.status != "success":
            told["status"] = given.status
    beside = given.additional_kwargs
    for key in _BESIDE:
        if beside.get(key):
            told[key] = plain(beside[key])
    return told


def _call(given: Mapping[str, object]) -> dict[str, object]:
    return {
        key: given[key] for key in ("id", "name", "args", "error") if given.get(key) is not None
    }


def completion(result: "LLMResult") -> object:
    """What the model gave: one message or text, or a list where several were asked for."""
    choices = [one for several in result.generations for one in several]
    told: list[object] = []
    for choice in choices:
        said = getattr(choice, "message", None)
        told.append(message(said) if isinstance(said, BaseMessage) else choice.text)
    return told[0] if len(told) == 1 else told or None


def readable(value: object, depth: int = DEPTH) -> object:
    """*value* with LangChain's objects in it as people read them; everything else as it is."""
    kind = type(value)
    if kind in _SCALARS or depth == 0:
        return value
    if kind is dict and isinstance(value, dict):
        return {key: readable(item, depth - 1) for key, item in value.items()}
    if kind in {list, tuple} and isinstance(value, Sequence):
        return _items(value, depth)
    if isinstance(value, BaseMessage):
        return message(value)
    if isinstance(value, PromptValue):
        return _items(value.to_messages(), depth)
    return _told(value, depth)


def _told(value: object, depth: int) -> object:
    """What there is to be read of the rarer objects."""
    if isinstance(value, Document):
        named = {} if value.id is None else {"id": value.id}
        return {**named, "page_content": value.page_content, "metadata": value.metadata}
    if isinstance(value, AgentAction):
        return {"tool": value.tool, "tool_input": value.tool_input, "log": value.log}
    if isinstance(value, AgentFinish):
        return value.return_values
    kind = type(value)
    if kind.__module__ == "langgraph.types" and kind.__name__ in _HOLDERS:
        fields = {name: getattr(value, name, None) for name in _HOLDERS[kind.__name__]}
        return {k: readable(v, depth - 1) for k, v in fields.items() if v is not None and v != ()}
    return value


def _items(value: Sequence[object], depth: int) -> object:
    if not value or len(value) > ITEMS or type(value[0]) in _SCALARS:
        # Vectors and texts hold no messages.
        return value
    return [readable(item, depth - 1) for item in value]
