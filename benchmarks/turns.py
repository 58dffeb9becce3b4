"""How much longer a call, and a chunk of a stream, takes because it is traced: bare and traced in turns, in a process.

`.venv/bin/python benchmarks/turns.py` prints µs for the three wire shapes, synchronous and asynchronous, on a transport
that answers from memory. What is timed is the caller: the SDK's own milliseconds are in both, and what the machine does
meanwhile falls on both alike. `integrations.py` counts instructions, of all threads, beside another httpx2.
"""

import asyncio
import json
import logging
import os
import statistics
import tempfile
import time

import httpx2
import integrations
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

CALLS, STREAMS, CHUNKS = 1_000, 60, 500
WARM = 3
MESSAGES = [{"role": "user", "content": integrations.WORDS}]
HEAD = {**integrations.HEAD, "service_tier": "default", "obfuscation": "aB3dE6gH"}
DELTA = {"index": 0, "delta": {"content": " word"}, "logprobs": None, "finish_reason": None}
PIECE = {
    "type": "content_block_delta",
    "index": 0,
    "delta": {"type": "text_delta", "text": " word"},
}
MESSAGE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-5", "content": [],
    "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 1},
}  # fmt: skip
TEXT = {
    "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": " word",
    "logprobs": [], "obfuscation": "aB3dE6gH",
}  # fmt: skip


def events(lines):
    """Server-sent events, those that say their type by name."""
    parts = []
    for line in lines:
        named = f"event: {line['type']}\n" if "type" in line else ""
        parts.append(f"{named}data: {json.dumps(line)}\n\n")
    return "".join(parts).encode()


ANSWERS = {
    "chat/completions": events([{**HEAD, "object": "chat.completion.chunk", "choices": [DELTA]}] * CHUNKS)
    + b"data: [DONE]\n\n",
    "responses": events({**TEXT, "sequence_number": n} for n in range(CHUNKS)),
    "messages": events([
        {"type": "message_start", "message": MESSAGE},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *[PIECE] * CHUNKS,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
    ]),
}  # fmt: skip
WHOLE = json.dumps(integrations.ANSWER).encode()


def client_of(cls, http_client):
    """A client of *cls* that is answered from memory."""

    def answer(request):
        path, streamed = request.url.path, b'"stream":true' in request.content
        content = (
            next(body for end, body in ANSWERS.items() if path.endswith(end)) if streamed else WHOLE
        )
        kind = "text/event-stream" if streamed else "application/json"
        return httpx2.Response(200, headers={"content-type": kind}, content=content)

    transport = httpx2.MockTransport(answer)
    return cls(api_key="key", http_client=http_client(transport=transport))


def shapes():
    """(Name, makes a client, traces it, asks for a stream), for each wire shape and kind of client."""
    import anthropic

    import trackway.anthropic
    import trackway.openai

    def chat(client):
        options = {"include_usage": False}
        return client.chat.completions.create(
            model="gpt-4o", messages=MESSAGES, stream=True, stream_options=options
        )

    def responses(client):
        return client.responses.create(model="gpt-4o", input=integrations.WORDS, stream=True)

    def messages(client):
        return client.messages.create(
            model="claude-sonnet-5", max_tokens=9, messages=MESSAGES, stream=True
        )

    openai = (
        trackway.openai.wrap,
        (OpenAI, DefaultHttpxClient),
        (AsyncOpenAI, DefaultAsyncHttpxClient),
    )
    others = (
        trackway.anthropic.wrap,
        (anthropic.Anthropic, anthropic.DefaultHttpxClient),
        (anthropic.AsyncAnthropic, anthropic.DefaultAsyncHttpxClient),
    )
    for ask, (wrap, *made) in ((chat, openai), (responses, openai), (messages, others)):
        for kind, given in zip(("", ", async"), made, strict=True):
            yield f"{ask.__name__}{kind}", given, wrap, ask


async def read(client, ask):
    """µs a chunk of one stream."""
    asked = ask(client)
    if hasattr(asked, "__await__"):
        stream = await asked
        began = time.perf_counter_ns()
        async for _ in stream:
            pass
    else:
        began = time.perf_counter_ns()
        for _ in asked:
            pass
    return (time.perf_counter_ns() - began) / CHUNKS / 1e3


def call(client):
    """µs of one call."""
    began = time.perf_counter_ns()
    client.chat.completions.create(**integrations.ASK)
    return (time.perf_counter_ns() - began) / 1e3


def over(bare, traced):
    """What tracing adds: the median of the differences, and the difference of the fastest tenths."""
    differences = statistics.median(b - a for a, b in zip(bare, traced, strict=True))
    fastest = [statistics.quantiles(times, n=10)[0] for times in (bare, traced)]
    return f"{statistics.median(bare):8.1f} bare   {differences:+6.2f} (p50)   {fastest[1] - fastest[0]:+6.2f} (p10)"


async def main():
    """Each shape in turns."""
    from trackway.openai import wrap

    logging.disable(logging.CRITICAL)
    os.environ |= {
        "TRACKWAY_LOCAL": "false",
        "TRACKWAY_ENDPOINT": "http://127.0.0.1:9",
        "TRACKWAY_PRICES": "none",
    }
    with tempfile.TemporaryDirectory() as directory:
        os.environ["TRACKWAY_DIR"] = directory
        pair = [client_of(OpenAI, DefaultHttpxClient) for _ in range(2)]
        wrap(pair[1])
        times = [[call(client) for client in pair] for _ in range(CALLS + WARM)][WARM:]
        print(f"{'µs a call: chat':28}{over(*zip(*times, strict=True))}")
        for name, given, trace, ask in shapes():
            pair = [client_of(*given) for _ in range(2)]
            trace(pair[1])
            times = [[await read(client, ask) for client in pair] for _ in range(STREAMS + WARM)][
                WARM:
            ]
            print(f"{f'µs a chunk: {name}':28}{over(*zip(*times, strict=True))}")


if __name__ == "__main__":
    asyncio.run(main())
