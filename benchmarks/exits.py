"""What arrives of 200 spans however a process ends: `python benchmarks/exits.py`, one row for each way to end.

Each library runs in its own environment (those of `run.py`). A process ends 200 observations, ends itself in the way of
the row, and its backend is up, down until the process has ended, or answers 503 until then. Afterwards the backend is
well, and the next process of the same program (one observation, flushed) has its chance to send what was left.
"""

import argparse
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness import environment

SPANS = 200
LIBRARIES = ("trackway", "otel", "langfuse")
BACKENDS = ("up", "down", "503")


class Answer(BaseHTTPRequestHandler):
    """Takes spans, or does not."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status == 200:
            self.server.bodies.append((self.headers.get("Content-Encoding", ""), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Says nothing."""


def backend(mood):
    """A server that is up, answers 503, or holds its address and does not listen."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer, bind_and_activate=False)
    server.daemon_threads = True
    server.bodies, server.status = [], 503 if mood == "503" else 200
    server.server_bind()
    if mood != "down":
        rise(server)
    return server


def rise(server):
    """Listens."""
    server.server_activate()
    threading.Thread(target=server.serve_forever, daemon=True).start()


# -- the program, in an environment of its own ------------------------------------------------------------------------


def trace(tracer, numbers=range(SPANS)):
    """Ends this many observations."""
    for number in numbers:
        tracer.one({"number": number}, {"answer": number})


def in_children(tracer, kind):
    """Half here, half in forked children."""
    trace(tracer, range(SPANS // 2))
    context = multiprocessing.get_context("fork")
    parts = [(tracer, range(SPANS // 2 + 25 * k, SPANS // 2 + 25 * k + 25)) for k in range(4)]
    if kind == "pool":
        with context.Pool(2) as pool:
            for result in [pool.apply_async(traced, (part[1],)) for part in parts]:
                result.get()
    else:
        children = [context.Process(target=trace, args=part) for part in parts]
        for child in children:
            child.start()
        for child in children:
            child.join()


def traced(numbers):
    """What a worker of a pool does: the tracer came with the fork."""
    trace(TRACER, numbers)


def killed(sent):
    """Ends by a signal that it sends to itself."""
    os.kill(os.getpid(), sent)


WAYS = {
    "return": trace,
    "sys.exit": lambda tracer: (trace(tracer), sys.exit(0)),
    "exception": lambda tracer: (trace(tracer), 1 / 0),
    "os._exit": lambda tracer: (trace(tracer), os._exit(0)),
    "SIGTERM": lambda tracer: (trace(tracer), killed(signal.SIGTERM)),
    "SIGKILL": lambda tracer: (trace(tracer), killed(signal.SIGKILL)),
    "processes": lambda tracer: in_children(tracer, "processes"),
    "pool": lambda tracer: in_children(tracer, "pool"),
}


def program(name, way, url):
    """One process."""
    global TRACER  # noqa: PLW0603 - workers of a pool find it here
    import tracers

    TRACER = tracer = tracers.make(name, url)
    if way == "next":
        trace(tracer, range(SPANS, SPANS + 1))
        tracer.flush()
    else:
        WAYS[way](tracer)


# -- the table --------------------------------------------------------------------------------------------------------


def arrived(server, interpreter):
    """How many of the 200 are among the bodies; decoded where protobuf is."""
    count = (
        "import sys, json, gzip, base64\n"
        "from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest as R\n"
        "ids = set()\n"
        "for coding, body in json.load(sys.stdin):\n"
        "    body = base64.b64decode(body)\n"
        "    message = R.FromString(gzip.decompress(body) if coding == 'gzip' else body)\n"
        "    ids |= {s.span_id for r in message.resource_spans for c in r.scope_spans for s in c.spans}\n"
        "print(len(ids))\n"
    )
    import base64

    told = json.dumps([(coding, base64.b64encode(body).decode()) for coding, body in server.bodies])
    command = [interpreter, "-c", count]
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=True)
    return int(done.stdout) - 1


def cell(interpreters, name, way, mood):
    """The share of the 200 that arrived."""
    server = backend(mood)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    with tempfile.TemporaryDirectory() as directory:
        ours = ("TRACKWAY_", "LANGFUSE_", "OTEL_")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        variables = clean | {"TRACKWAY_DIR": directory}

        def run(how):
            command = [interpreters[name], __file__, "--program", name, how, url]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            subprocess.run(command, env=variables, check=False, timeout=180, **quiet)

        run(way)
        if mood == "down":
            rise(server)
        server.status = 200
        run("next")
        found = arrived(server, interpreters["otel"])
    server.shutdown()
    server.server_close()
    return round(100 * found / SPANS)


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in LIBRARIES:
        parser.add_argument(f"--{name}", help=f"an interpreter that has {name}")
    options = vars(parser.parse_args())
    interpreters = {name: options[name] or environment(name) for name in LIBRARIES}
    columns = [(mood, name) for mood in BACKENDS for name in LIBRARIES]
    print("| way to end | " + " | ".join(f"{mood}: {name}" for mood, name in columns) + " |")
    print("|---|" + "---|" * len(columns))
    for way in WAYS:
        shares = [cell(interpreters, name, way, mood) for mood, name in columns]
        print(f"| {way} | " + " | ".join(f"{share} %" for share in shares) + " |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--program"]:
        sys.path.insert(0, str(Path(__file__).parent))
        program(*sys.argv[2:5])
    else:
        main()
