"""The Responses API: answers, whole and as events.

The events of a stream repeat the whole answer at its end; what is put together from their deltas counts where the end
never came. The invariant: however the deltas are cut, the result is the same.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, final

from trackway._integrations.content import (
    EXTRA,
    MODELS,
    error_in,
    fields_of,
    index_in,
    plain,
    plain_mapping,
)
from trackway._integrations.endpoint import Outcome, not_taken
from trackway._integrations.server_tools import paid_calls
from trackway._wire.native import kernels

__all__ = ["ResponsesAccumulator", "read_response"]

_ENDS: Final = frozenset({"response.completed", "response.failed", "response.incomplete"})
# Deltas of text: which list of the item it is in, the type of its part, and the field there. Some go to a field of the
# item itself.
_DELTAS: Final = {
    "response.output_text.delta": ("content", "output_text", "text"),
    "response.refusal.delta": ("content", "refusal", "refusal"),
    "response.reasoning_text.delta": ("content", "reasoning_text", "text"),
    "response.reasoning_summary_text.delta": ("summary", "summary_text", "text"),
    "response.function_call_arguments.delta": ("", "", "arguments"),
    "response.mcp_call_arguments.delta": ("", "", "arguments"),
    "response.custom_tool_call_input.delta": ("", "", "input"),
    "response.code_interpreter_call_code.delta": ("", "", "code"),
}
# What numbers the part.
_NUMBERS: Final = {
    kind: f"{where}_index" if where else "" for kind, (where, _, _) in _DELTAS.items()
}
_NAMES: Final = ("type", "delta", "output_index")
# A part of a higher number is none that a model gave.
MAX_PARTS: Final = 1_000


def read_response(answer: Mapping[str, Any]) -> Outcome:
    """A whole response."""
    output = [plain(item) for item in _list(answer.get("output"))]
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


def _list(value: Any) -> list[Any]:
    """*value*, if it is a list; servers that speak like OpenAI do not always."""
    return value if isinstance(value, list) else []


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
    return error_in(answer) or ("failed" if answer.get("status") == "failed" else None)


@final
class ResponsesAccumulator:
    """A response from its events."""

    __slots__ = ("_begin", "_end", "_error", "_items", "_pieces", "started", "take")

    def __init__(self) -> None:
        self.started = False
        self._begin: Mapping[str, Any] = {}
        self._end: Mapping[str, Any] | None = None
        self._error: str | None = None
        self._items: dict[int, Any] = {}
        # By kind of delta, item and part, texts as they came.
        self._pieces: dict[tuple[str, int, int], list[str]] = {}
        self.take: Callable[[Any], bool] = (
            not_taken
            if kernels is None
            else partial(kernels.piece, MODELS, EXTRA, _NAMES, _NUMBERS, self._pieces)
        )

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Takes the next event."""
        kind = chunk.get("type") or ""
        number = _NUMBERS.get(kind)
        if number is not None:
            self.started = True
            index, part = chunk.get("output_index") or 0, chunk.get(number) or 0
            delta, pieces = chunk.get("delta"), self._pieces.get((kind, index, part))
            if type(delta) is not str:
                return
            if pieces is not None:
                pieces.append(delta)
            elif type(index) is type(part) is int and 0 <= part < MAX_PARTS:
                self._pieces[kind, index, part] = [delta]
        elif kind.endswith(".delta"):  # audio in base64, images in the making
            self.started = True
        elif kind.startswith("response.output_item."):
            index = index_in(chunk, name="output_index")
            self._items[index] = (kind.endswith(".done"), chunk.get("item"))
        elif kind in _ENDS:
            self._end = fields_of(chunk.get("response") or {})
        elif kind == "response.created":
            self._begin = fields_of(chunk.get("response") or {})
        elif kind == "error":
            self._error = f"{chunk.get('code') or 'error'}: {chunk.get('message') or ''}"

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
        return sorted({*self._items, *(index for _, index, _ in self._pieces)})

    def _item(self, index: int) -> Any:
        done, item = self._items.get(index, (False, None))
        made = dict(plain_mapping(item) or {})
        if done:
            return made
        for (kind, of, part), texts in self._pieces.items():
            if of != index:
                continue
            where, of_type, field = _DELTAS[kind]
            text = "".join(texts)
            if not where:
                made[field] = text
                continue
            parts = [dict(p) for p in _list(made.get(where)) if isinstance(p, dict)]
            parts += [{} for _ in range(part + 1 - len(parts))]
            parts[part] = {**parts[part], "type": of_type, field: text}
            made[where] = parts
        made.pop("status", None)
        return made
