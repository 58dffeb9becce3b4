"""A server on loopback that speaks as much of OpenAI's protocol as its SDK and instrumentations of it need.

Chat completions, whole and streamed, embeddings, and an error for the model `broken`. The answer is always forty-two,
and in JSON schemas of OpenAI's reference; usage is 12 tokens in and 5 out.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

__all__ = ["ANSWER", "served"]

ANSWER: Final = "forty-two"
_USAGE: Final = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked["model"] == "broken":
            self._answer({"error": {"message": "the model is broken", "type": "server_error"}}, 400)
        elif self.path.endswith("/embeddings"):
            self._answer(_embeddings(asked["model"]))
        elif asked.get("stream"):
            self._stream(asked)
        else:
            self._answer(_completion(asked["model"]))

    def _answer(self, body: object, status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, asked: dict[str, object]) -> None:
        pieces = [f"data: {json.dumps(chunk)}\n\n" for chunk in _chunks(str(asked["model"]))]
        data = "".join([*pieces, "data: [DONE]\n\n"]).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: standard error is the test's."""


def _completion(model: str) -> dict[str, object]:
    message = {"role": "assistant", "content": ANSWER}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": f"{model}-2024-07-18",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": _USAGE,
    }


def _chunks(model: str) -> Iterator[dict[str, object]]:
    """The answer in three pieces, then how it ended, then the usage."""
    deltas: list[dict[str, str]] = [
        {"role": "assistant"},
        {"content": ANSWER[:5]},
        {"content": ANSWER[5:]},
    ]
    for delta in [*deltas, {}]:
        yield {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": f"{model}-2024-07-18",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}],
        }
    yield {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": f"{model}-2024-07-18",
        "choices": [],
        "usage": _USAGE,
    }


def _embeddings(model: str) -> dict[str, object]:
    data = [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}]
    return {
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }


@contextmanager
def served() -> Iterator[str]:
    """The base URL for `OpenAI(base_url=…)`, as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="openai")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
