"""What a traced call of the OpenAI SDK, and a chunk of a stream, cost over the bare SDK, beside the Langfuse wrapper.

`python integrations.py` makes the environments and prints a table; with `--instructions` it counts instructions, under
valgrind, where there is one (minutes). `python integrations.py measure LIBRARY URL DIRECTORY` is one run: its sections
are told apart by calls of `getppid`, at which callgrind writes down what was counted since the last.

What the SDK talks to is a stub in this process: no socket, no server. What is traced goes to a sink in a process of its
own, and is counted until it is there: all threads, encoding and delivery included. Under valgrind an application takes
fifty times as long, and requests would carry a fiftieth of what they do: so the sink answers none before the calls are
over; and what threads do because time passes is taken off again, as much as they do in a pause of the same length.
"""

import gc
import json
import operator
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from harness import Bench, environment

LIBRARIES = ("trackway-openai", "trackway-prices", "langfuse-openai")
KINDS = ("call", "chunk")
CALLS, CHUNKS, ROUNDS = 300, 2_000, 5
# Before what is counted: what is made once, and adapts to what it sees.
WARM = 100
# Under valgrind everything takes fifty times as long.
COUNTED_CALLS, COUNTED_CHUNKS = 200, 1_200
PATIENCE_S = 300
# What lies between two marks.
SECTIONS = ("set-up", "call", "pause", "release", "delivery", "chunk")

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


def traced(library, url, chunks):
    """(A traced client, what waits until all is delivered), by *library*."""
    if library.startswith("trackway"):
        import trackway
        from trackway.openai import OpenAI

        flush = trackway.get_client().flush
        return client_of(OpenAI, chunks), lambda: flush(timeout=PATIENCE_S)
    from langfuse import Langfuse

    flush = Langfuse(public_key="pk", secret_key="sk", base_url=url).flush
    from langfuse.openai import openai

    return client_of(openai.OpenAI, chunks), flush


def calls(client, count):
    """So many calls."""
    for _ in range(count):
        client.chat.completions.create(**ASK)


def stream(client):
    """One stream, read to its end."""
    options = {"include_usage": False}
    for _ in client.chat.completions.create(**ASK, stream=True, stream_options=options):
        pass


def clients(library, url, chunks):
    """The clients, made when their turn comes: importing a wrapper may change the bare SDK."""
    import openai

    yield "bare", client_of(openai.OpenAI, chunks), lambda: None
    yield "traced", *traced(library, url, chunks)


def measured(library, url, directory):
    """One run: CPU seconds of a call and of a chunk, bare and traced, delivery included."""
    os.environ |= {"LANGFUSE_FLUSH_INTERVAL": "600", "LANGFUSE_TIMEOUT": str(PATIENCE_S)}
    os.environ |= {"TRACKWAY_LOCAL": "false", "TRACKWAY_TIMEOUT": str(PATIENCE_S)}
    os.environ |= {"TRACKWAY_ENDPOINT": url, "TRACKWAY_DIR": directory}
    counted = "CALLGRIND" in os.environ
    count, chunks, rounds = (
        (COUNTED_CALLS, COUNTED_CHUNKS, 1) if counted else (CALLS, CHUNKS, ROUNDS)
    )
    found = {}
    for name, client, flush in clients(library, url, chunks):
        # What delivery learns of the first calls (rates), the next ones make use of.
        for _ in range(2):
            calls(client, WARM)
            stream(client)
            flush()
        # A full collection, which looks at all that lives, falls into one section or another by chance.
        gc.collect()
        gc.freeze()
        best = {"call": float("inf"), "chunk": float("inf")}
        for _ in range(rounds):
            if counted:
                ask(url, "hold")
            began = time.monotonic()
            times = [mark()]
            calls(client, count)
            times.append(mark())
            if counted:
                time.sleep(time.monotonic() - began)
            times.append(mark())
            ask(url, "release")
            times.append(mark())
            flush()
            times.append(mark())
            stream(client)
            times.append(mark())
            flush()
            call, _, _, delivery, chunk = map(operator.sub, times[1:], times)
            best["call"] = min(best["call"], (call + delivery) / count)
            best["chunk"] = min(best["chunk"], chunk / chunks)
        found |= {f"{name}_{kind}": value for kind, value in best.items()}
    return found


def mark():
    """Ends a section: CPU seconds so far, and for valgrind a call that nobody else makes."""
    os.getppid()
    return time.process_time()


def ask(url, what):
    """Says something to the sink; its answer."""
    with urllib.request.urlopen(f"{url}/{what}") as answer:
        return json.load(answer)


def instructions(python, library, url, directory):
    """The same, in instructions; where there is valgrind."""
    out = Path(directory) / "callgrind"
    command = [
        "valgrind",
        "--tool=callgrind",
        "--dump-before=getppid",
        f"--callgrind-out-file={out}",
    ]
    subprocess.run(
        [*command, python, __file__, "measure", library, url, directory],
        env={**os.environ, "CALLGRIND": "1", "PYTHONHASHSEED": "0"},
        check=True,
        capture_output=True,
    )
    found = {}
    for at, name in enumerate(("bare", "traced")):
        counts = {}
        for number, section in enumerate(SECTIONS, at * len(SECTIONS) + 1):
            text = Path(f"{out}.{number}").read_text()
            found_there = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
            counts[section] = int(found_there[1])
        of_calls = counts["call"] - counts["pause"] + counts["delivery"]
        found[f"{name}_call"] = of_calls / COUNTED_CALLS
        found[f"{name}_chunk"] = counts["chunk"] / COUNTED_CHUNKS
    return found


def one(library, url, *, count):
    """One library's figures."""
    python = environment(library)
    with tempfile.TemporaryDirectory() as directory:
        if count:
            return instructions(python, library, url, directory)
        done = subprocess.run(
            [python, __file__, "measure", library, url, directory],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return json.loads(done.stdout.splitlines()[-1])


def main(arguments):
    """Every library, in its environment; the ratios."""
    count = "--instructions" in arguments
    unit, scale = ("instructions", 1) if count else ("µs of CPU", 1e6)
    expected = 2 * (WARM + 1) + (COUNTED_CALLS + 1 if count else (CALLS + 1) * ROUNDS)
    bench = Bench(["trackway", "otel"], {})
    over = {}
    with bench.sink() as url:
        for library in LIBRARIES:
            row = one(library, url, count=count)
            row = {key: value * scale for key, value in row.items()}
            over[library] = [row[f"traced_{kind}"] - row[f"bare_{kind}"] for kind in KINDS]
            missing = expected - ask(url, "stats")["spans"]
            ask(url, "reset")
            print(
                f"{library:16} {over[library][0]:12,.1f} a call, {over[library][1]:10,.2f} a chunk "
                f"(bare: {row['bare_call']:,.0f} and {row['bare_chunk']:,.1f}; {missing} spans missing)"
            )
    theirs = over["langfuse-openai"]
    for library in LIBRARIES[:-1]:
        ratios = [theirs[i] / over[library][i] for i in range(len(KINDS))]
        print(
            f"{library} over the bare SDK, in {unit}: a call 1/{ratios[0]:.1f}, a chunk 1/{ratios[1]:.1f}"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        print(json.dumps(measured(*sys.argv[2:5])))
    else:
        main(sys.argv[1:])
