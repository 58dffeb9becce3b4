"""A backend that takes everything and counts: `python sink.py`, prints its port.

HTTP on loopback, in a process of its own, so that it costs the measured process nothing but the socket. Bodies are kept
as they came; `GET /stats` decodes them (`protocols.py`) and answers how many distinct spans arrived; `GET /reset`
forgets them. `python sink.py forget [PORT]` counts the spans of bodies that are not compressed as they come, without
looking into them, and keeps nothing: for more than fits into memory. After `GET /hold` nothing that is posted is
answered before `GET /release`.
"""

import asyncio
import json
import sys

import protocols


class Received:
    """What was posted since the last reset."""

    def __init__(self, *, keep=True):
        self.keep = keep
        self.released = asyncio.Event()
        self.released.set()
        self.forget()

    def forget(self):
        """Starts counting anew."""
        self.traces, self.requests, self.size, self.counted = [], 0, 0, 0

    def add(self, path, headers, body):
        """Keeps one request."""
        self.requests += 1
        self.size += len(body)
        if not path.endswith(protocols.TRACES):
            return
        if self.keep:
            encoding, kind = headers.get("content-encoding", ""), headers.get("content-type", "")
            self.traces.append((path, encoding, kind, body))
        else:
            self.counted += protocols.count_otlp(body)

    def stats(self):
        """Distinct spans, how many of them name a user, requests and bytes on the wire."""
        spans, users = {}, set()
        # What is said of a whole trace came after its spans.
        for path, encoding, kind, body in sorted(
            self.traces, key=lambda trace: not trace[0].endswith(protocols.MLFLOW_TRACES)
        ):
            protocols.read(path, kind, protocols.decoded(encoding, body), spans, users)
        return {
            "spans": len(spans) + self.counted,
            "with_user": sum(spans.values()),
            "requests": self.requests,
            "bytes": self.size,
        }


async def serve(reader, writer, received):
    """One connection: HTTP/1.1 with keep-alive, bodies by length or in chunks."""
    try:
        while line := await reader.readline():
            path = line.split()[1].decode().partition("?")[0]
            headers = {}
            while line := (await reader.readline()).strip():
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            if headers.get("expect"):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await read_body(reader, headers)
            if path == "/stats":
                kind, answer = protocols.JSON, json.dumps(received.stats()).encode()
            elif path in {"/hold", "/release"}:
                kind, answer = protocols.JSON, b"{}"
                (received.released.clear if path == "/hold" else received.released.set)()
            elif path == "/reset":
                kind, answer = protocols.JSON, b"{}"
                received.forget()
            else:
                received.add(path, headers, body)
                await received.released.wait()
                kind, answer = protocols.answer(path, body)
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\nContent-Type: {kind}\r\n\r\n"
            )
            writer.write(head.encode() + answer)
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
    received = Received(keep="forget" not in sys.argv)
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, received), "127.0.0.1", port, limit=1 << 22
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
