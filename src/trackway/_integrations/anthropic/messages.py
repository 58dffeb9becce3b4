"""Anthropic's messages: answers, whole and as events.

The invariant: however the deltas of a stream are cut, the result is the same, and the same as of the whole message.
"""

from collections.abc import Mapping
from typing import Any, Final, final

import orjson

from trackway._integrations.content import error_in, fields_of, index_in, plain, plain_mapping
from trackway._integrations.endpoint import Outcome, not_taken

__all__ = ["MessagesAccumulator", "read_message"]

# What a delta adds to, by its type: the field of the block, and of the delta.
_TEXTS: Final = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("input", "partial_json"),
}


def read_message(answer: Mapping[str, Any]) -> Outcome:
    """A whole message."""
    reason, counts = answer.get("stop_reason"), plain_mapping(answer.get("usage"))
    blocks = [_block(plain(block)) for block in answer.get("content") or ()]
    role = answer.get("role")
    return Outcome(
        output={"role": role, "content": blocks} if role or blocks else None,
        model=answer.get("model"),
        response_id=answer.get("id"),
        finish_reasons=(reason,) if isinstance(reason, str) else (),
        service_tier=None if counts is None else counts.get("service_tier"),
        usage=counts,
    )


def _block(block: Any) -> Any:
    """A block without what is empty, and without what `parse` adds to what it says already."""
    if not isinstance(block, dict):
        return block
    return {k: v for k, v in block.items() if v is not None and k != "parsed_output"}


@final
class MessagesAccumulator:
    """A message from its events."""

    __slots__ = ("_blocks", "_error", "_message", "_pieces", "_usage", "started")

    take = staticmethod(not_taken)

    def __init__(self) -> None:
        self.started = False
        self._message: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._blocks: dict[int, dict[str, Any]] = {}
        # By block and field, the texts as they came.
        self._pieces: dict[tuple[int, str], list[str]] = {}
        self._error: str | None = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Takes the next event."""
        kind = chunk.get("type")
        if kind == "content_block_delta":
            self._delta(index_in(chunk), fields_of(chunk.get("delta") or {}))
        elif kind == "content_block_start":
            block = fields_of(chunk.get("content_block") or {})
            self._blocks[index_in(chunk)] = {k: v for k, v in block.items() if v is not None}
        elif kind == "message_start":
            message = fields_of(chunk.get("message") or {})
            self._message.update(message)
            self._count(message.get("usage"))
        elif kind == "message_delta":
            said = fields_of(chunk.get("delta") or {})
            self._message.update({k: v for k, v in said.items() if v is not None})
            self._count(chunk.get("usage"))
        elif kind == "error":
            self._error = error_in(chunk) or "error"

    def _delta(self, index: int, delta: Mapping[str, Any]) -> None:
        self.started = True
        kind = delta.get("type") or ""
        if kind in _TEXTS:
            field, said = _TEXTS[kind]
            text = delta.get(said)
            if type(text) is str:
                self._pieces.setdefault((index, field), []).append(text)
        elif kind == "citations_delta" and delta.get("citation") is not None:
            block = self._blocks.setdefault(index, {"type": "text"})
            block["citations"] = [*(block.get("citations") or ()), delta["citation"]]

    def _count(self, usage: Any) -> None:
        """Counts are cumulative: what is said later counts, and what is not said again stays."""
        said = plain_mapping(usage) or {}
        self._usage.update({k: v for k, v in said.items() if v is not None})

    def result(self) -> Outcome:
        """What has arrived."""
        indexes = sorted({*self._blocks, *(index for index, _ in self._pieces)})
        made = {**self._message, "content": [self._made(index) for index in indexes]}
        made["usage"] = dict(self._usage) if self._usage else None
        outcome = read_message(made)
        if self._error is None:
            return outcome
        return Outcome(
            output=outcome.output,
            model=outcome.model,
            response_id=outcome.response_id,
            usage=outcome.usage,
            error=self._error,
        )

    def _made(self, index: int) -> dict[str, Any]:
        block = dict(self._blocks.get(index, {}))
        for (of, field), texts in self._pieces.items():
            if of != index:
                continue
            text = "".join(texts)
            if field == "input":
                block[field] = _parsed(text) if text else block.get(field)
            else:
                begun = block.get(field)
                block[field] = begun + text if isinstance(begun, str) else text
        return block


def _parsed(text: str) -> Any:
    """The input of a tool; as text where its end has not come."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
