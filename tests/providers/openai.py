"""Answers of OpenAI's API as it gives them, whole and in chunks."""

from typing import Any

ANSWER = "Forty-two, as ever."
USAGE = {
    "prompt_tokens": 19,
    "completion_tokens": 10,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 6,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
BUCKETS = {
    "input": 15,
    "input_cached_tokens": 4,
    "output": 4,
    "output_reasoning_tokens": 6,
    "total": 29,
}
TOOL_CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
}


def chat(*messages: dict[str, Any], reason: str = "stop", **more: object) -> dict[str, Any]:
    """A chat completion with these messages as its choices."""
    given = messages or ({"content": ANSWER},)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": index,
                "message": {
                    "role": "assistant", "content": None, "refusal": None, "annotations": [], **message,
                },
                "logprobs": None,
                "finish_reason": reason,
            }
            for index, message in enumerate(given)
        ],
        "usage": USAGE,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        **more,
    }  # fmt: skip


def chunk(*choices: dict[str, Any], **more: object) -> dict[str, Any]:
    """A chunk of a streamed chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_760_000_000,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "choices": list(choices),
        **more,
    }


def delta(index: int = 0, reason: str | None = None, **fields: object) -> dict[str, Any]:
    """One choice of a chunk."""
    return {"index": index, "delta": fields, "logprobs": None, "finish_reason": reason}


def chat_chunks(text: str = ANSWER, *, usage: bool = False) -> list[dict[str, Any]]:
    """A chat completion, word by word; with the chunk that `include_usage` brings."""
    chunks = [chunk(delta(role="assistant", content="", refusal=None))]
    chunks += [chunk(delta(content=word)) for word in pieces(text)]
    chunks.append(chunk(delta(reason="stop")))
    return [*chunks, chunk(usage=USAGE)] if usage else chunks


def pieces(text: str) -> list[str]:
    """A text in the pieces in which a model gives it: words with the blank before."""
    words = text.split(" ")
    return [words[0], *(f" {word}" for word in words[1:])]


def tool_chunks() -> list[dict[str, Any]]:
    """Two tool calls at once, their arguments in pieces."""

    def call(index: int, **fields: object) -> dict[str, Any]:
        return chunk(delta(tool_calls=[{"index": index, **fields}]))

    return [
        chunk(delta(role="assistant", content=None)),
        call(0, id="call_1", type="function", function={"name": "get_weather", "arguments": ""}),
        call(0, function={"arguments": '{"city": '}),
        call(1, id="call_2", type="function", function={"name": "get_time", "arguments": ""}),
        call(0, function={"arguments": '"Oslo"}'}),
        call(1, function={"arguments": "{}"}),
        chunk(delta(reason="tool_calls")),
    ]


RESPONSE_USAGE = {
    "input_tokens": 19,
    "input_tokens_details": {"cached_tokens": 4},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 6},
    "total_tokens": 29,
}
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": ANSWER, "annotations": [], "logprobs": []}],
}


def response(*output: dict[str, Any], status: str = "completed", **more: object) -> dict[str, Any]:
    """A response with these items."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "gpt-4o-2024-08-06",
        "output": list(output),
        "parallel_tool_calls": True,
        "service_tier": "default",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": RESPONSE_USAGE if status == "completed" else None,
        **more,
    }


def response_events(text: str = ANSWER) -> list[dict[str, Any]]:
    """A response, word by word."""
    item = {**MESSAGE, "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    at = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    done = {**MESSAGE, "content": [{**part, "text": text}]}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response(status="in_progress")},
        {"type": "response.in_progress", "response": response(status="in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **at, "part": part},
        *(
            {"type": "response.output_text.delta", **at, "delta": word, "logprobs": []}
            for word in pieces(text)
        ),
        {"type": "response.output_text.done", **at, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **at, "part": {**part, "text": text}},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": response(done)},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


EMBEDDINGS = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [
        {"object": "embedding", "index": 0, "embedding": [0.1, 0.2, 0.3]},
        {"object": "embedding", "index": 1, "embedding": [0.4, 0.5, 0.6]},
    ],
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}
