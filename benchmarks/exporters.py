"""CPU of sending a span by gRPC: our bytes through a channel, and through OpenTelemetry's exporter.

    python benchmarks/exporters.py

Batches of 500 spans of 2.3 KB to a server in another process; the best of ten, after one to warm up.
"""

import subprocess
import sys
import time

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from trackway._delivery.exporter import Poster
from trackway._delivery.grpc_transport import GrpcTransport
from trackway._delivery.sdk_exporter import SdkExporter
from trackway._wire import encode

SPANS = 500
ROUNDS = 10
SERVER = """
import grpc
from concurrent import futures

class Everything(grpc.GenericRpcHandler):
    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(lambda body, call: b"")

server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Everything(),))
print(server.add_insecure_port("127.0.0.1:0"), flush=True)
server.start()
server.wait_for_termination()
"""


def span(number: int) -> bytes:
    """A span of ten short attributes and two texts of 1,000 bytes."""
    values = {f"key{index}": f"value {index} {number}" for index in range(10)}
    return encode.span(
        trace_id=bytes(15) + b"\1",
        span_id=(number + 1).to_bytes(8, "big"),
        parent_span_id=b"",
        name="answer",
        kind=1,
        start=1,
        end=2,
        attributes=encode.attributes(
            values | {"input.value": "x" * 1000, "output.value": "y" * 1000}
        ),
        flags=1,
    )


def cpu_us(poster: Poster, body: bytes) -> float:
    """Microseconds of this process's CPU for each span."""
    poster.post(body)
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        outcome = poster.post(body)
        times.append(time.process_time() - start)
        if outcome.status != 200:
            raise SystemExit(f"the server answered {outcome}")
    poster.close()
    return min(times) * 1e6 / SPANS


def main() -> None:
    """Measures both against one server."""
    resource, scope = encode.resource({"service.name": "bench"}), encode.scope("trackway", "1")
    body = encode.request([(resource, scope, [span(number) for number in range(SPANS)])])
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        address = f"http://127.0.0.1:{int(server.stdout.readline())}"
        official = OTLPSpanExporter(endpoint=address, insecure=True)
        print(
            f'protocol="grpc"          {cpu_us(GrpcTransport(address), body):6.2f} µs of CPU a span'
        )
        print(
            f"span_exporter=official   {cpu_us(SdkExporter(official), body):6.2f} µs of CPU a span"
        )
    finally:
        server.kill()


if __name__ == "__main__":
    main()
