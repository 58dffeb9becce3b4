"""The requests of a kept connection behind its first: the same head with another length, and a short reply.

`http.client` makes the first request of a connection and reads its reply, and every reply that is anything but "yes"
in one piece. In between, where there is no TLS, a request is one call of a kernel, which gives up the GIL once instead
of three times: beside a busy thread each time costs the deliverer 5 ms and the application a stall. The head is not
made again, and a reply of 76 bytes is not worth an e-mail parser (24 µs under the GIL instead of 2).
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Self, final

from trackway._wire.native import kernels

__all__ = ["MOST_PIECES", "STALE", "Template", "YesReply", "exchange", "milliseconds"]

Exchange = Callable[[int, tuple[bytes, ...], int, int], tuple[int, bytes]]
exchange: Final[Exchange | None] = getattr(kernels, "exchange", None)
"""Sends the pieces, waiting so many ms at a time and in all; gives 0, an errno or STALE, and what came in reply."""
MOST_PIECES: Final = 63
"""Beside the head."""
STALE: Final = -1
"""The other side has closed, or has sent what nobody asked for."""
LONGEST_S: Final = 3_600.0
LENGTH: Final = b"\r\nContent-Length: "
YES: Final = b"HTTP/1.1 200 "
HEAD_END: Final = b"\r\n\r\n"
# What makes a reply more than a head and so many bytes behind it.
_INVOLVED: Final = frozenset({"transfer-encoding", "connection", "retry-after"})


def milliseconds(seconds: float) -> int:
    """As `exchange` takes them: an hour at most."""
    return int(min(max(seconds, 0.0), LONGEST_S) * 1_000)


@final
class Template(NamedTuple):
    """The head of a request, for a body of any length."""

    before: bytes
    after: bytes

    @classmethod
    def of(cls, head: bytes) -> Self | None:
        """From the head of another request; None where it names no length."""
        before, found, rest = head.partition(LENGTH)
        digits, end, after = rest.partition(b"\r\n")
        return cls(before + found, end + after) if digits.isdigit() else None

    def head(self, length: int) -> bytes:
        return b"%b%d%b" % (self.before, length, self.after)


@final
class YesReply(NamedTuple):
    """A reply with status 200 that has come whole."""

    headers: Mapping[str, str]
    body: bytes
    status: int = 200

    @classmethod
    def of(cls, reply: bytes) -> Self | None:
        """None for whatever else it may be."""
        head, end, body = reply.partition(HEAD_END)
        if not end or not head.startswith(YES):
            return None
        lines = [line.partition(":") for line in head.decode("iso-8859-1").split("\r\n")[1:]]
        headers = {name.lower(): value.strip() for name, _, value in lines}
        whole = headers.get("content-length") == str(len(body)) and len(headers) == len(lines)
        return None if not whole or _INVOLVED & headers.keys() else cls(headers, body)

    def getheader(self, name: str, default: str = "") -> str:
        """As that of `http.client.HTTPResponse`."""
        return self.headers.get(name.lower(), default)
