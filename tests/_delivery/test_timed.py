"""Waiting on a socket ends, and what is sent arrives whole."""

import socket
import threading
from itertools import repeat

import pytest

from trackway._delivery.timed import PIECE, TimedSocket


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        return client, server.accept()[0]


def received(connected: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    pieces = []
    while piece := connected.recv(1 << 16):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("bodies", [[], [b""], [b"x"], [bytes(PIECE)], [bytes(20 * PIECE), b"end"]])
def test_head_and_bodies_arrive(bodies: list[bytes]) -> None:
    """Whatever is sent comes out whole and in order, a head at the latest when the reply is looked for."""
    client, server = pair()
    found: list[bytes] = []
    thread = threading.Thread(target=lambda: found.append(received(server)))
    thread.start()
    timed = TimedSocket(client, lambda: 10.0)
    timed.sendall(b"head\r\n\r\n")
    for body in bodies:
        timed.sendall(body)
    timed.makefile("rb").close()
    timed.close()
    thread.join(30)
    server.close()
    assert found == [b"head\r\n\r\n" + b"".join(bodies)]


def test_a_reply_is_waited_for_no_longer_than_allowed() -> None:
    """Reading from a silent server ends in a timeout, and so does sending to one that does not read."""
    client, server = pair()
    timed = TimedSocket(client, repeat(0.05).__next__)
    with timed.makefile("rb") as reply, pytest.raises(TimeoutError):
        reply.readline()
    with pytest.raises(TimeoutError):
        timed.sendall(bytes(100 << 20))
    timed.close()
    server.close()
