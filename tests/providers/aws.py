"""Bedrock's streams as AWS frames them."""

import base64
import json
import struct
import zlib
from collections.abc import Iterable

from tests.backend import Behaviour, Connection, Request

EVENT = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame: lengths, headers, payload, and a checksum of each part."""
    named = b"".join(
        struct.pack(">B", len(name)) + name.encode() + b"\x07" + struct.pack(">H", len(text)) + text.encode()
        for name, text in headers.items()
    )  # fmt: skip
    prelude = struct.pack(">II", 16 + len(named) + len(payload), len(named))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + named + payload
    return message + struct.pack(">I", zlib.crc32(message))


def event(value: object) -> bytes:
    """An event of the model's; beside it, Bedrock fills up with letters that hide its length."""
    data = base64.b64encode(json.dumps(value).encode()).decode()
    return frame(EVENT, json.dumps({"bytes": data, "p": "abcdef"}).encode())


def exception(kind: str, message: str) -> bytes:
    """What Bedrock says in the middle of a stream that fails."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}  # fmt: skip
    return frame(headers, json.dumps({"message": message}).encode())


def framed(pieces: Iterable[bytes], *, size: int | None = None) -> Behaviour:
    """A stream of frames, each in an HTTP chunk of its own, or in chunks of *size* bytes."""
    frames = list(pieces)
    if size is not None:
        whole = b"".join(frames)
        frames = [whole[at : at + size] for at in range(0, len(whole), size)]

    def behave(connection: Connection, request: Request) -> bool:
        connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.amazon.eventstream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        for piece in frames:
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.send(b"0\r\n\r\n")
        return True

    return behave


def refusal(status: int, kind: str, message: str) -> Behaviour:
    """An error as AWS reports it."""

    def behave(connection: Connection, request: Request) -> bool:
        body = json.dumps({"message": message}).encode()
        headers = {"x_amzn_ErrorType": kind, "x_should_retry": "false"}
        connection.reply(status, body, Content_Type="application/json", **headers)
        return True

    return behave
