"""A server on this machine that answers chat completions as OpenAI does, whole and streamed."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

USAGE = {
    "prompt_tokens": 10,
    "completion_tokens": 3,
    "total_tokens": 13,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 1},
}
MODEL = "gpt-4o-2024-08-06"


class _Answers(BaseHTTPRequestHandler):
    """One answer a connection, so that none outlives a test."""

    def log_message(self, *_: object) -> None: ...

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked["model"] == "refused":
            self._send(400, "application/json", json.dumps({"error": {"message": "no such model"}}))
        elif asked.get("stream"):
            self._send(200, "text/event-stream", "".join(_events(asked)))
        else:
            self._send(200, "application/json", json.dumps(_whole(asked)))

    def _send(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _whole(asked: dict[str, object]) -> dict[str, object]:
    message = {"role": "assistant", "content": "hello"}
    choices = [
        {"index": n, "message": message, "finish_reason": "stop"}
        for n in range(int(str(asked.get("n") or 1)))
    ]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": choices,
        "usage": USAGE,
    }


def _events(asked: dict[str, object]) -> Iterator[str]:
    deltas: list[tuple[dict[str, str], str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        ({"content": "hel"}, None),
        ({"content": "lo"}, None),
        ({}, "stop"),
    ]
    for delta, reason in deltas:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        yield _event(choices=[choice])
    if asked.get("stream_options"):
        yield _event(choices=[], usage=USAGE)
    yield "data: [DONE]\n\n"


def _event(**more: object) -> str:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return f"data: {json.dumps({**head, **more})}\n\n"


@contextmanager
def openai_server() -> Iterator[str]:
    """The server; gives its base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
