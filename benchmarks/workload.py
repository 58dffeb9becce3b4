"""What tracing costs an application: `python workload.py TRACER REQUESTS URL`, one JSON line.

A request is three observations (agent → retriever, generation) with on average 2 KB of random words as input and output
each, under one user id. p50 and p99 are a request's time on the caller divided by three; CPU is the whole process's,
export included; both in µs per observation. A run counts only if every observation reached the sink (`sink.py`).
"""

import json
import random
import resource
import sys
import time
import urllib.request

import tracers

WARM_UP = 200
KILOBYTES = 2.0
words = random.Random(7)
VOCABULARY = [
    "".join(words.choices("abcdefghijklmnopqrstuvwxyz", k=words.randint(2, 11)))
    for _ in range(5000)
]


def text(size):
    """About *size* characters of words, which compress as prose does."""
    return " ".join(words.choices(VOCABULARY, k=max(1, int(size / 7.5))))


DOCUMENTS = [text(KILOBYTES * 400) for _ in range(64)]
ANSWERS = [text(KILOBYTES * 300) for _ in range(64)]


def application(tracer):
    """A retrieval-augmented answer, as a function of the number of the request."""

    @tracer.observe("retriever")
    def retrieve(query):
        del query
        return [{"id": i, "text": words.choice(DOCUMENTS), "score": 0.5} for i in range(3)]

    @tracer.observe("generation")
    def generate(messages):
        del messages
        return {"role": "assistant", "content": words.choice(ANSWERS)}

    @tracer.observe("agent")
    def agent(query):
        found = "".join(document["text"] for document in retrieve(query))
        system = {"role": "system", "content": "You answer."}
        return generate([system, {"role": "user", "content": query + found}])

    def handle(number):
        with tracer.user(f"user_{number % 100}"):
            return agent("What is the capital of France?")

    return handle


def get(url):
    """The sink's answer."""
    with urllib.request.urlopen(url) as answer:
        return json.loads(answer.read() or b"{}")


def measure(name, requests, url):
    """Runs the workload once."""
    tracer = tracers.make(name, url)
    handle = application(tracer)
    for number in range(WARM_UP):
        handle(number)
    tracer.flush()
    get(f"{url}/reset")

    clock, latencies = time.perf_counter, []
    cpu, began = time.process_time(), clock()
    for number in range(requests):
        before = clock()
        handle(number)
        latencies.append(clock() - before)
    tracer.flush()
    cpu, wall = time.process_time() - cpu, clock() - began
    reached = get(f"{url}/stats")
    latencies.sort()
    observations = 3 * requests
    return {
        "tracer": name,
        "observations": observations,
        "p50_us": latencies[requests // 2] / 3 * 1e6,
        "p99_us": latencies[int(requests * 0.99)] / 3 * 1e6,
        "cpu_us": cpu / observations * 1e6,
        "wall_us": wall / observations * 1e6,
        "reached": reached["spans"],
        "with_user": reached["with_user"],
        "requests": reached["requests"],
        "bytes": reached["bytes"] / observations,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
