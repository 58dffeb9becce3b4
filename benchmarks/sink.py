"""A backend that takes everything and counts: `python sink.py`, prints its port.

OTLP over HTTP on loopback, in a process of its own, so that it costs the measured process nothing but the socket.
Bodies are kept as they came; `GET /stats` decodes them with OpenTelemetry's own protobuf classes and answers how many
distinct spans arrived; `GET /reset` forgets them.
"""

import asyncio
import gzip
import json
import zlib

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

DECODERS = {"gzip": gzip.decompress, "deflate": zlib.decompress}
USER_KEYS = {"user.id", "langfuse.user.id"}


class Received:
    """What was posted since the last reset."""

    def __init__(self):
        self.forget()

    def forget(self):
        """Starts counting anew."""
        self.traces, self.requests, self.size = [], 0, 0

    def add(self, path, encoding, body):
        """Keeps one request."""
        self.requests += 1
        self.size += len(body)
        if path.endswith("/traces"):
            self.traces.append((encoding, body))

    def stats(self):
        """Distinct spans, how many of them name a user, requests and bytes on the wire."""
        spans = {}
        for encoding, body in self.traces:
            message = ExportTraceServiceRequest.FromString(DECODERS.get(encoding, bytes)(body))
            for resource in message.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        spans[span.span_id] = any(a.key in USER_KEYS for a in span.attributes)
        return {
            "spans": len(spans),
            "with_user": sum(spans.values()),
            "requests": self.requests,
            "bytes": self.size,
        }


async def serve(reader, writer, received):
    """One connection: HTTP/1.1 with keep-alive, bodies by length or in chunks."""
    try:
        while line := await reader.readline():
            path = line.split()[1].decode()
            headers = {}
            while line := (await reader.readline()).strip():
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            if headers.get("expect"):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            answer = b""
            body = await read_body(reader, headers)
            if path == "/stats":
                answer = json.dumps(received.stats()).encode()
            elif path == "/reset":
                received.forget()
            else:
                received.add(path, headers.get("content-encoding", ""), body)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n"
            writer.write(f"{head}Content-Type: application/x-protobuf\r\n\r\n".encode() + answer)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # the measured process ended
    finally:
        writer.close()


async def read_body(reader, headers):
    """The whole body of one request."""
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    pieces = []
    while size := int(await reader.readline(), 16):
        pieces.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(pieces)


async def main():
    """Listens on a free port and says which."""
    received = Received()
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, received), "127.0.0.1", 0, limit=1 << 20
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
