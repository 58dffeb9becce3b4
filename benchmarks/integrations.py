"""What a traced call of the OpenAI SDK, and a chunk of a stream, cost over the bare SDK, beside the Langfuse wrapper.

`python integrations.py` makes the environments and prints a table; with `--instructions` it counts instructions, under
valgrind, where there is one (minutes). `python integrations.py measure LIBRARY DIRECTORY` is one run: its sections are
told apart by calls of `getppid`, at which callgrind writes down what was counted since the last.

The transport is a stub in this process: no socket, no server. Spans are encoded and go to the spool on disk (trackway)
or through the batch processor to an exporter that drops them (Langfuse).
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import environment

HERE = Path(__file__).parent
ROOT = HERE.parent
CALLS, CHUNKS, ROUNDS = 300, 2_000, 5
# Under valgrind everything takes fifty times as long.
COUNTED_CALLS, COUNTED_CHUNKS = 40, 400

WORDS = "the quick brown fox jumps over the lazy dog and runs away into the wood "
ASK = {
    "model": "gpt-4o",
    "temperature": 0.2,
    "messages": [
        {"role": "system", "content": WORDS * 4},
        {"role": "user", "content": WORDS * 10},
    ],
}
USAGE = {
    "prompt_tokens": 200, "completion_tokens": 100, "total_tokens": 300,
    "prompt_tokens_details": {"cached_tokens": 64}, "completion_tokens_details": {"reasoning_tokens": 10},
}  # fmt: skip
HEAD = {"id": "chatcmpl-1", "created": 1, "model": "gpt-4o-2024-08-06", "system_fingerprint": "fp"}
ANSWER = {
    **HEAD, "object": "chat.completion", "usage": USAGE,
    "choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": WORDS * 7, "refusal": None},
    }],
}  # fmt: skip


def events(count):
    """A stream of *count* chunks, as bytes."""
    lines = []
    for _ in range(count):
        choice = {"index": 0, "delta": {"content": " word"}, "finish_reason": None}
        lines.append({**HEAD, "object": "chat.completion.chunk", "choices": [choice]})
    return b"".join(b"data: " + json.dumps(line).encode() + b"\n\n" for line in lines)


def client_of(cls, chunks):
    """A client of *cls* whose transport answers from memory."""
    import httpx2
    from openai import DefaultHttpxClient

    whole, stream = json.dumps(ANSWER).encode(), events(chunks) + b"data: [DONE]\n\n"

    class Stub(httpx2.BaseTransport):
        def handle_request(self, request):
            streamed = b'"stream":true' in request.read()
            kind = "text/event-stream" if streamed else "application/json"
            return httpx2.Response(
                200, headers={"content-type": kind}, content=stream if streamed else whole
            )

    return cls(api_key="sk-test", http_client=DefaultHttpxClient(transport=Stub()))


def traced(library, chunks):
    """A traced client, by *library*."""
    if library == "trackway":
        from trackway.openai import OpenAI

        return client_of(OpenAI, chunks)
    from langfuse import Langfuse
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Dropping(SpanExporter):
        def export(self, spans):  # noqa: ARG002 - its signature
            return SpanExportResult.SUCCESS

    Langfuse(
        public_key="pk", secret_key="sk", base_url="http://127.0.0.1:9", span_exporter=Dropping()
    )
    from langfuse.openai import openai

    return client_of(openai.OpenAI, chunks)


def call(client, count):
    """So many calls; CPU seconds of this thread."""
    before = time.thread_time()
    for _ in range(count):
        client.chat.completions.create(**ASK)
    return time.thread_time() - before


def stream(client):
    """One stream, read to its end; CPU seconds of this thread."""
    before = time.thread_time()
    for _ in client.chat.completions.create(
        **ASK, stream=True, stream_options={"include_usage": False}
    ):
        pass
    return time.thread_time() - before


def sections(library, chunks):
    """The clients of each section, made when it begins: importing a wrapper may change the bare SDK."""
    import openai

    yield "bare", client_of(openai.OpenAI, chunks)
    yield "traced", traced(library, chunks)


def measured(library, directory):
    """One run: CPU seconds of a call and of a chunk, bare and traced; the best of some rounds."""
    os.environ["TRACKWAY_DIR"] = directory
    counted = "CALLGRIND" in os.environ
    calls, chunks, rounds = (
        (COUNTED_CALLS, COUNTED_CHUNKS, 1) if counted else (CALLS, CHUNKS, ROUNDS)
    )
    found = {}
    for name, client in sections(library, chunks):
        call(client, 5)
        stream(client)
        os.getppid()
        found[f"{name}_call"] = min(call(client, calls) for _ in range(rounds)) / calls
        os.getppid()
        found[f"{name}_chunk"] = min(stream(client) for _ in range(rounds)) / chunks
        os.getppid()
    return found


def instructions(python, library, directory):
    """The same, in instructions; None where there is no valgrind."""
    out = Path(directory) / "callgrind"
    command = [
        "valgrind",
        "--tool=callgrind",
        "--dump-before=getppid",
        f"--callgrind-out-file={out}",
    ]
    subprocess.run(
        [*command, python, __file__, "measure", library, directory],
        env={**os.environ, "CALLGRIND": "1", "PYTHONHASHSEED": "0"},
        check=True,
        capture_output=True,
    )
    totals = []
    for number in range(1, 7):
        text = Path(f"{out}.{number}").read_text()
        totals.append(int(re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)[1]))
    # What was counted before a mark: set-up, calls, a stream; and again for the traced client.
    return {
        "bare_call": totals[1] / COUNTED_CALLS,
        "bare_chunk": totals[2] / COUNTED_CHUNKS,
        "traced_call": totals[4] / COUNTED_CALLS,
        "traced_chunk": totals[5] / COUNTED_CHUNKS,
    }


def main(arguments):
    """Every library, in its environment; the ratios."""
    count = "--instructions" in arguments
    pythons = {
        "trackway": ROOT / ".venv" / "bin" / "python",
        "langfuse": environment("langfuse-openai"),
    }
    unit, scale = ("instructions", 1) if count else ("µs of CPU", 1e6)
    over = {}
    for library, python in pythons.items():
        with tempfile.TemporaryDirectory() as directory:
            if count:
                row = instructions(python, library, directory)
            else:
                done = subprocess.run(
                    [python, __file__, "measure", library, directory],
                    capture_output=True, text=True, check=True,
                )  # fmt: skip
                row = json.loads(done.stdout.splitlines()[-1])
        row = {key: value * scale for key, value in row.items()}
        over[library] = [row[f"traced_{kind}"] - row[f"bare_{kind}"] for kind in ("call", "chunk")]
        bare = f"(bare: {row['bare_call']:,.0f} and {row['bare_chunk']:,.1f})"
        print(
            f"{library:10} {over[library][0]:12,.1f} a call, {over[library][1]:10,.2f} a chunk {bare}"
        )
    ratios = [
        theirs / ours for ours, theirs in zip(over["trackway"], over["langfuse"], strict=True)
    ]
    print(f"over the bare SDK, in {unit}: a call 1/{ratios[0]:.1f}, a chunk 1/{ratios[1]:.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(measured(*sys.argv[2:4])))
    else:
        main(sys.argv[1:])
