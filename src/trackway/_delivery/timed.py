"""A connected socket as `http.client` uses it, with a limit on every wait, in few system calls."""

import io
import socket
import ssl
import sys
from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["PIECE", "TimedSocket"]

# Of sending and compressing: shares the cost of a call, and lets its limit on time mean something.
PIECE: Final = 256 << 10
HEAD_END: Final = b"\r\n\r\n"
# A `struct timeval` is two longs there.
KERNEL_TIMES: Final = sys.platform == "linux" and sys.maxsize > 1 << 32
_TIMEVAL: Final = Struct("@ll")


@final
class TimedSocket:
    """As much of a socket as `http.client` uses, with a limit on every wait.

    Each call to the system gives up the GIL, and beside a busy thread winning it back takes 5 ms, in which 500 KB are
    written. So where the kernel can keep the time (`SO_SNDTIMEO`), head and body go out in one call, without TLS, and
    the reply comes in by one.
    """

    __slots__ = ("_ahead", "_head", "_patience", "_plain", "_socket", "head")

    def __init__(self, connected: socket.socket, patience: Callable[[], float]) -> None:
        self._socket = connected
        self._patience = patience
        self._head = self._ahead = b""
        self.head = b""
        """That of the last request, where it could be told."""
        self._plain = KERNEL_TIMES and not isinstance(connected, ssl.SSLSocket)
        if self._plain:
            connected.settimeout(None)

    def sendall(self, data: bytes) -> None:
        if not self._plain:
            view = memoryview(data)
            for start in range(0, len(view), PIECE):
                self._socket.settimeout(self._patience())
                self._socket.sendall(view[start : start + PIECE])
        elif not self._head and data.endswith(HEAD_END) and len(data) < PIECE:
            self._head = self.head = data
        else:
            head, self._head = self._head, b""
            self._send([memoryview(part) for part in (head, data) if part])

    def _send(self, views: list[memoryview]) -> None:
        while views:
            _limit(self._socket, socket.SO_SNDTIMEO, self._patience())
            try:
                sent = self._socket.sendmsg(views)
            except BlockingIOError as error:
                raise TimeoutError("timed out") from error
            while views and sent >= len(views[0]):
                sent -= len(views.pop(0))
            if sent:
                views[0] = views[0][sent:]

    def put_back(self, reply: bytes) -> None:
        """What was read of a reply by somebody else comes first in the next file."""
        self._ahead = reply

    def makefile(self, _mode: str) -> io.BufferedReader:
        if self._head:
            self.sendall(b"")
        ahead, self._ahead = self._ahead, b""
        return io.BufferedReader(
            _TimedReader(self._socket, self._patience, plain=self._plain, ahead=ahead)
        )

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()


@final
class _TimedReader(io.RawIOBase):
    """The reading side; keeps the socket open until it is closed itself, as `http.client` expects."""

    def __init__(
        self,
        connected: socket.socket,
        patience: Callable[[], float],
        *,
        plain: bool,
        ahead: bytes,
    ) -> None:
        self._plain = plain
        self._ahead = memoryview(ahead)
        self._socket = connected
        self._file = connected.makefile("rb", buffering=0)
        self._patience = patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        if self._ahead:
            into = memoryview(buffer).cast("B")
            piece, self._ahead = self._ahead[: len(into)], self._ahead[len(into) :]
            into[: len(piece)] = piece
            return len(piece)
        if not self._plain:
            self._socket.settimeout(self._patience())
            return self._file.readinto(buffer)
        _limit(self._socket, socket.SO_RCVTIMEO, self._patience())
        found = self._file.readinto(buffer)
        if found is None:
            raise TimeoutError("timed out")
        return found

    def close(self) -> None:
        self._file.close()
        super().close()


def _limit(connected: socket.socket, option: int, seconds: float) -> None:
    """How long a call may wait in the kernel. Setting it does not give up the GIL."""
    micros = max(int(seconds * 1e6), 1)
    connected.setsockopt(socket.SOL_SOCKET, option, _TIMEVAL.pack(*divmod(micros, 1_000_000)))
