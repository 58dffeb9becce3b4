"""What a handler of LangChain costs, a chain of four runs, and the chunks of a stream: `python langchain_handler.py`.

Each handler runs in an environment of its own, sending to a sink on this machine that is given time between the parts.
The chain is a prompt, one of LangChain's own models, and a parser; what is told is beyond the chain without a handler.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from harness import environment

ROOT = Path(__file__).parent.parent
ROUNDS = 400
WARM = 50
RUNS = 4
CHUNKS = 2_000


def handler_of(name, url):
    """The handler of this library, and what flushes it; (None, nothing) for no handler."""
    if name == "none":
        return None, lambda: None
    from tracers import make

    tracer = make(name, url)
    if name == "trackway":
        from trackway.langchain import CallbackHandler
    else:
        from langfuse.langchain import CallbackHandler
    return CallbackHandler(), tracer.flush


def measured(name, url):
    """Microseconds a chain (median, 99th percentile, CPU) and a chunk (median) take."""
    from langchain_core.language_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    handler, flush = handler_of(name, url)
    text = " ".join(f"word{n}" for n in range(250))
    usage = {"input_tokens": 300, "output_tokens": 300, "total_tokens": 600}
    answers = itertools.repeat(AIMessage(text, usage_metadata=usage))
    prompt = ChatPromptTemplate.from_messages([("system", text), ("human", "{question}")])
    chain = prompt | GenericFakeChatModel(messages=answers) | StrOutputParser()
    config = {} if handler is None else {"callbacks": [handler]}
    times, before = [], 0.0
    for number in range(WARM + ROUNDS):
        if number == WARM:
            flush()
            before = time.process_time()
        start = time.perf_counter()
        chain.invoke({"question": text}, config)
        times.append(time.perf_counter() - start)
    flush()
    cpu = (time.process_time() - before) / ROUNDS
    long = AIMessage(" ".join(itertools.repeat("word", CHUNKS // 2)))
    stream = GenericFakeChatModel(messages=itertools.repeat(long))
    chunks = []
    for _ in range(6):
        start = time.perf_counter()
        count = sum(1 for _ in stream.stream("?", config))
        chunks.append((time.perf_counter() - start) / count)
    flush()
    kept = sorted(times[WARM:])
    return {
        "p50": statistics.median(kept) * 1e6,
        "p99": kept[int(len(kept) * 0.99)] * 1e6,
        "cpu": cpu * 1e6,
        "chunk": statistics.median(chunks) * 1e6,
    }


def one(name, url):
    """The figures of one handler, in an interpreter of its own."""
    python = environment("langfuse-langchain") if name == "langfuse" else sys.executable
    program = [python, str(Path(__file__)), name, url]
    done = subprocess.run(program, check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def main():
    """Measures all, there and back, and prints what a run costs beyond the chain itself."""
    program = [sys.executable, str(ROOT / "benchmarks" / "sink.py")]
    sink = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{int(sink.stdout.readline())}"
        names = ["none", "trackway", "langfuse"]
        found = {name: [] for name in names}
        for name in [*names, *reversed(names)]:
            found[name].append(one(name, url))
        base = {key: min(run[key] for run in found["none"]) for key in found["none"][0]}
        print("µs beyond the chain itself   p50/run   p99/run   CPU/run   chunk of a stream")
        for name in names[1:]:
            best = {key: min(run[key] for run in found[name]) - base[key] for key in base}
            runs = [best[key] / RUNS for key in ("p50", "p99", "cpu")]
            print(f"{name:28}", *(f"{value:9.1f}" for value in runs), f"{best['chunk']:9.2f}")
    finally:
        sink.kill()


if __name__ == "__main__":
    os.environ["LANGSMITH_TRACING"] = "false"
    if len(sys.argv) > 1:
        print(json.dumps(measured(*sys.argv[1:])))
    else:
        main()
