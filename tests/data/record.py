"""Records what other tracers send: `python tests/data/record.py` writes `langfuse.otlp` and `otel.otlp` beside itself.

Each sender (`send_langfuse.py`, `send_otel.py`) runs in an environment of its own, see `tests/conformance`, and exports
to a receiver on loopback in this process. The bodies, unpacked and joined, are the recording: protobuf messages
concatenate, so they read as one request.
"""

import gzip
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.conformance import environments  # noqa: E402 - found through the line above

SENDERS: Final = ("langfuse", "otel")


class Receiver(BaseHTTPRequestHandler):
    """Takes every request, and keeps the bodies of those that carry traces."""

    protocol_version = "HTTP/1.1"
    bodies: list[bytes] = []

    def do_POST(self) -> None:
        """Answers as a backend that accepted everything."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path.endswith("/traces"):
            self.bodies.append(body)
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


def record(sender: str, url: str) -> bytes:
    """What *sender* sends in one run of its program."""
    Receiver.bodies = []
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LANGFUSE_", "OTEL_"))}
    program = HERE / f"send_{sender}.py"
    subprocess.run(
        [environments.interpreter(sender), program, url], check=True, env=clean, timeout=120
    )
    return b"".join(Receiver.bodies)


def main() -> None:
    """Records every sender whose environment can be had."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for sender in SENDERS:
        if why := environments.make(sender):
            print(f"{sender}: {why}")
            continue
        recorded = record(sender, f"http://127.0.0.1:{server.server_port}")
        (HERE / f"{sender}.otlp").write_bytes(recorded)
        print(f"{sender}: {len(recorded)} bytes")
    server.shutdown()


if __name__ == "__main__":
    main()
