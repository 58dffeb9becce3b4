"""What is said and read on a kept connection: heads from heads, and a yes from its bytes."""

from trackway._delivery.kept import Template, YesReply, milliseconds

YES = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: a/b\r\n\r\n"


def test_a_head_is_repeated_with_another_length() -> None:
    """Only the length differs, whatever else a header may say."""
    head = b"POST / HTTP/1.1\r\nX-Content-Length: 5\r\nContent-Length: 7\r\nA: b\r\n\r\n"
    found = Template.of(head)
    assert found is not None
    assert found.head(7) == head
    assert found.head(1234) == head.replace(b"\r\nContent-Length: 7", b"\r\nContent-Length: 1234")
    assert Template.of(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") is None
    assert Template.of(b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n") is None


def test_only_a_whole_and_simple_yes_is_read_here() -> None:
    """Whatever else comes is left to `http.client`."""
    reply = YesReply.of(YES + b"ok")
    assert reply is not None
    assert (reply.status, reply.body, reply.getheader("Content-Type")) == (200, b"ok", "a/b")
    assert reply.getheader("Content-Encoding", "identity") == "identity"
    for other in (
        YES + b"o",
        YES + b"okay",
        YES[:-1],
        b"",
        YES.replace(b"200", b"204") + b"ok",
        YES.replace(b"1.1", b"1.0") + b"ok",
        YES.replace(b"Content-Length: 2\r\n", b"") + b"ok",
        YES.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"ok",
        YES.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n") + b"ok",
        YES.replace(b"\r\n\r\n", b"\r\nRetry-After: 3\r\n\r\n") + b"ok",
        YES.replace(b"\r\n\r\n", b"\r\ncontent-length: 2\r\n\r\n") + b"ok",
    ):
        assert YesReply.of(other) is None, other


def test_times_are_what_the_kernel_takes() -> None:
    """Never below zero, never more than an hour, whatever a setting says."""
    assert [milliseconds(s) for s in (-1.0, 0.0, 0.0015, 10.0, 1e9)] == [0, 0, 1, 10_000, 3_600_000]
