"""What tracing costs an application: `python workload.py TRACER REQUESTS URL [KILOBYTES [THREADS | tasks]]`.

A request is three observations (agent → retriever, generation) with on average 2 KB of random words as input and output
each, under one user id. p50 and p99 are a request's time on the caller divided by three; CPU is the whole process's,
export included; both in µs per observation. A run counts only if every observation reached the sink (`sink.py`).

The requests are shared out among THREADS, or among 1,000 tasks of one event loop, which give way to each other in each
step; a request of a task lasts as long as the others', so then there is no p50 and p99. Prints one JSON line.
"""

import asyncio
import contextvars
import json
import random
import resource
import sys
import threading
import time
import urllib.request

import tracers

WARM_UP = 200
TASKS = 1_000
KILOBYTES = float(sys.argv[4]) if sys.argv[0].endswith("workload.py") and sys.argv[4:] else 2.0
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


def async_application(tracer):
    """The same in coroutines, each of which waits once."""

    @tracer.observe("retriever")
    async def retrieve(query):
        del query
        await asyncio.sleep(0)
        return [{"id": i, "text": words.choice(DOCUMENTS), "score": 0.5} for i in range(3)]

    @tracer.observe("generation")
    async def generate(messages):
        del messages
        await asyncio.sleep(0)
        return {"role": "assistant", "content": words.choice(ANSWERS)}

    @tracer.observe("agent")
    async def agent(query):
        found = "".join(document["text"] for document in await retrieve(query))
        system = {"role": "system", "content": "You answer."}
        return await generate([system, {"role": "user", "content": query + found}])

    async def handle(number):
        with tracer.user(f"user_{number % 100}"):
            return await agent("What is the capital of France?")

    return handle


def get(url):
    """The sink's answer."""
    with urllib.request.urlopen(url) as answer:
        return json.loads(answer.read() or b"{}")


def serve(handle, numbers):
    """Handles requests one after the other; the seconds that each took."""
    clock, latencies = time.perf_counter, []
    for number in numbers:
        before = clock()
        handle(number)
        latencies.append(clock() - before)
    return latencies


def in_threads(handle, requests, threads):
    """The same in as many threads at once, each with a context of its own."""
    if threads == 1:
        return serve(handle, range(requests))
    latencies = []

    def run(first):
        served = contextvars.Context().run(serve, handle, range(first, requests, threads))
        latencies.extend(served)

    running = [threading.Thread(target=run, args=(first,)) for first in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return latencies


def in_tasks(handle, requests):
    """The same in tasks of one event loop; no seconds."""

    async def run(first):
        for number in range(first, requests, TASKS):
            await handle(number)

    async def all_of_them():
        await asyncio.gather(*(run(first) for first in range(min(TASKS, requests))))

    asyncio.run(all_of_them())
    return []


def measure(name, requests, url, shape="1"):
    """Runs the workload once."""
    tracer = tracers.make(name, url)
    if shape == "tasks":
        handle = async_application(tracer)
        run = in_tasks
        in_tasks(handle, WARM_UP)
    else:
        handle = application(tracer)
        run = lambda handle, requests: in_threads(handle, requests, int(shape))  # noqa: E731
        serve(handle, range(WARM_UP))
    tracer.flush()
    get(f"{url}/reset")

    cpu, began = time.process_time(), time.perf_counter()
    latencies = sorted(run(handle, requests))
    took = time.perf_counter() - began
    tracer.flush()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - began
    reached = get(f"{url}/stats")
    observations = 3 * requests
    row = {
        "tracer": name,
        "observations": observations,
        "caller_us": took / observations * 1e6,
        "cpu_us": cpu / observations * 1e6,
        "wall_us": wall / observations * 1e6,
        "reached": reached["spans"],
        "with_user": reached["with_user"],
        "requests": reached["requests"],
        "bytes": reached["bytes"] / observations,
        "rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if latencies:
        row["p50_us"] = latencies[len(latencies) // 2] / 3 * 1e6
        row["p99_us"] = latencies[int(len(latencies) * 0.99)] / 3 * 1e6
    return row


if __name__ == "__main__":
    _, tracer, count, url, *rest = sys.argv
    print(json.dumps(measure(tracer, int(count), url, *rest[1:])))
