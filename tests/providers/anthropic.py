"""Answers of Anthropic's API as it gives them, whole and as events."""

import json
from typing import Any

ANSWER = "Forty-two, as ever."
USAGE = {
    "input_tokens": 12,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 100,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 9,
    "service_tier": "standard",
}
BUCKETS = {"input": 12, "input_cached_tokens": 100, "output": 9, "total": 121}


def message(*content: dict[str, Any], reason: str = "end_turn", **more: object) -> dict[str, Any]:
    """A message with these blocks."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-20260801",
        "content": list(content) or [{"type": "text", "text": ANSWER}],
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": USAGE,
        **more,
    }


def events(text: str = ANSWER) -> list[dict[str, Any]]:
    """A message, word by word."""
    words = text.split(" ")
    pieces = [words[0], *(f" {word}" for word in words[1:])]
    begun = {
        **message(),
        "content": [],
        "stop_reason": None,
        "usage": {**USAGE, "output_tokens": 1},
    }
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": piece},
            }
            for piece in pieces
        ),
        {"type": "content_block_stop", "index": 0},
        _end("end_turn"),
        {"type": "message_stop"},
    ]


def thinking_and_tool(city: str = "Oslo") -> list[dict[str, Any]]:
    """A message that thinks, and then calls a tool, its input in pieces."""
    begun = {
        **message(),
        "content": [],
        "stop_reason": None,
        "usage": {**USAGE, "output_tokens": 1},
    }
    arguments = json.dumps({"city": city})
    thought = {"type": "thinking", "thinking": "", "signature": ""}
    tool = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}

    def delta(index: int, **fields: object) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": fields}

    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": thought},
        delta(0, type="thinking_delta", thinking="Weather "),
        delta(0, type="thinking_delta", thinking="it is."),
        delta(0, type="signature_delta", signature="c2ln"),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": tool},
        delta(1, type="input_json_delta", partial_json=""),
        *(delta(1, type="input_json_delta", partial_json=arguments[i : i + 5]) for i in range(0, len(arguments), 5)),
        {"type": "content_block_stop", "index": 1},
        _end("tool_use"),
        {"type": "message_stop"},
    ]  # fmt: skip


def _end(reason: str) -> dict[str, Any]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}}
