"""The Responses API: answers, whole and as events.

The events of a stream repeat the whole answer at its end; what is put together from their deltas counts where the end
never came. The invariant: however the deltas are cut, the result is the same.
"""

from collections.abc import Mapping
from typing import Any, Final, final

from trackway._integrations.content import fields_of, plain, plain_mapping
from trackway._integrations.endpoint import Outcome
from trackway._integrations.server_tools import paid_calls

__all__ = ["ResponsesAccumulator", "read_response"]

_ENDS: Final = frozenset({"response.completed", "response.failed", "response.incomplete"})
# Deltas that go to a field of the item itself; the others go to one of its parts.
_OF_ITEM: Final = {
    "response.function_call_arguments.delta": "arguments",
    "response.mcp_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "input",
    "response.code_interpreter_call_code.delta": "code",
}
# Deltas of a part: which list of the item it is in, what numbers it, its type, and its field.
_OF_PART: Final = {
    "response.output_text.delta": ("content", "content_index", "output_text", "text"),
    "response.refusal.delta": ("content", "content_index", "refusal", "refusal"),
    "response.reasoning_text.delta": ("content", "content_index", "reasoning_text", "text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_index", "summary_text", "text"),
}


def read_response(answer: Mapping[str, Any]) -> Outcome:
    """A whole response."""
    output = [plain(item) for item in answer.get("output") or ()]
    usage, tools = plain_mapping(answer.get("usage")), plain_mapping(answer.get("tool_usage"))
    if usage is not None and tools is not None:
        usage = {**usage, "tool_usage": tools}
    return Outcome(
        output=_output(output),
        model=answer.get("model"),
        response_id=answer.get("id"),
        finish_reasons=_reasons(answer),
        service_tier=answer.get("service_tier"),
        usage=usage,
        units=paid_calls(output, tools),
        error=_error(answer),
    )


def _output(items: list[Any]) -> Any:
    """The items, without what `parse` and empty lists add; one message alone stands for itself."""
    cleaned = [_cleaned(item) for item in items]
    return cleaned[0] if len(cleaned) == 1 else cleaned or None


def _cleaned(item: Any) -> Any:
    if not isinstance(item, dict):
        return item
    kept = {
        k: v
        for k, v in item.items()
        if v not in (None, []) and k not in {"parsed", "parsed_arguments"}
    }
    for key in ("content", "summary"):
        if isinstance(kept.get(key), list):
            kept[key] = [_cleaned(part) for part in kept[key]]
    return kept


def _reasons(answer: Mapping[str, Any]) -> tuple[str, ...]:
    details = answer.get("incomplete_details")
    reason = fields_of(details).get("reason") if details is not None else None
    status = reason or answer.get("status")
    return (status,) if isinstance(status, str) else ()


def _error(answer: Mapping[str, Any]) -> str | None:
    error = answer.get("error")
    if error is None:
        return "failed" if answer.get("status") == "failed" else None
    fields = fields_of(error)
    return f"{fields.get('code') or 'error'}: {fields.get('message') or ''}"


@final
class ResponsesAccumulator:
    """A response from its events."""

    __slots__ = ("_begin", "_end", "_error", "_items", "_pieces", "started")

    def __init__(self) -> None:
        self.started = False
        self._begin: Mapping[str, Any] = {}
        self._end: Mapping[str, Any] | None = None
        self._error: str | None = None
        self._items: dict[int, Any] = {}
        # By item, list, part and field: texts as they came, and the type of the part.
        self._pieces: dict[tuple[int, str, int, str, str], list[str]] = {}

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Takes the next event."""
        kind = chunk.get("type") or ""
        if kind.endswith(".delta"):
            self.started = True
            self._delta(kind, chunk)
        elif kind.startswith("response.output_item."):
            self._items[chunk.get("output_index") or 0] = (
                kind.endswith(".done"),
                chunk.get("item"),
            )
        elif kind in _ENDS:
            self._end = fields_of(chunk.get("response") or {})
        elif kind == "response.created":
            self._begin = fields_of(chunk.get("response") or {})
        elif kind == "error":
            self._error = f"{chunk.get('code') or 'error'}: {chunk.get('message') or ''}"

    def _delta(self, kind: str, chunk: Mapping[str, Any]) -> None:
        delta, index = chunk.get("delta"), chunk.get("output_index") or 0
        if type(delta) is not str:
            return
        field = _OF_ITEM.get(kind)
        if field is not None:
            key = (index, "", 0, "", field)
        elif kind in _OF_PART:
            where, number, of_type, field = _OF_PART[kind]
            key = (index, where, chunk.get(number) or 0, of_type, field)
        else:  # audio in base64, images in the making
            return
        self._pieces.setdefault(key, []).append(delta)

    def result(self) -> Outcome:
        """What has arrived."""
        if self._end is not None:
            return read_response(self._end)
        found = {
            key: value for key, value in self._begin.items() if key not in {"status", "output"}
        }
        partial = {**found, "output": [self._item(index) for index in self._indexes()]}
        outcome = read_response(partial)
        if self._error is None:
            return outcome
        return Outcome(
            output=outcome.output,
            model=outcome.model,
            response_id=outcome.response_id,
            error=self._error,
        )

    def _indexes(self) -> list[int]:
        return sorted({*self._items, *(key[0] for key in self._pieces)})

    def _item(self, index: int) -> Any:
        done, item = self._items.get(index, (False, None))
        made: dict[str, Any] = {} if item is None else dict(plain(item))
        if done:
            return made
        for (of, where, part, of_type, field), texts in sorted(self._pieces.items()):
            if of != index:
                continue
            text = "".join(texts)
            if not where:
                made[field] = text
                continue
            parts = [dict(p) for p in made.get(where) or ()]
            parts += [{} for _ in range(part + 1 - len(parts))]
            parts[part] = {**parts[part], "type": of_type, field: text}
            made[where] = parts
        made.pop("status", None)
        return made
