"""Tests for `trackway._integrations.frames`: any cut of the same frames gives the same events, and no bytes raise."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.providers.aws import EVENT, event, exception, frame
from trackway._integrations.frames import LONGEST, Frames, is_framed

OBJECTS = [{"n": 1, "text": "größer"}, {"n": 2}, {"n": 3, "lines": "a\nb"}]
WHOLE = b"".join(event(value) for value in OBJECTS)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_any_cut_gives_the_same_events(cuts: list[int]) -> None:
    """Wherever the bytes are cut, in a length too, the same objects come out in order."""
    frames = Frames()
    edges = sorted({0, len(WHOLE), *cuts})
    found = [value for a, b in pairwise(edges) for value in frames.feed(WHOLE[a:b])]
    assert found == OBJECTS


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(event({})), st.just(WHOLE[:30])), max_size=8))  # fmt: skip
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    """Whatever comes, it gives events or nothing."""
    frames = Frames()
    for piece in pieces:
        assert all(isinstance(value, dict) for value in frames.feed(piece))


def test_what_is_no_event_is_passed_over() -> None:
    """A frame that holds no event gives nothing, and does not disturb what follows."""
    pieces = [
        frame(EVENT, b"{broken"), frame(EVENT, b"5"), frame(EVENT, b'{"bytes": 5}'), frame(EVENT, b'{"bytes": "MTI="}'),
        event({"n": 1}),
    ]  # fmt: skip
    assert Frames().feed(b"".join(pieces)) == [{"n": 1}]


def test_what_is_no_frame_ends_the_reading() -> None:
    """After a length that no frame has, nothing is kept and nothing comes."""
    frames = Frames()
    assert frames.feed(event({"n": 1}) + (LONGEST + 1).to_bytes(4) + bytes(60)) == [{"n": 1}]
    assert frames.feed(event({"n": 2})) == []
    assert frames._tail == b""


def test_an_exception_is_an_error_event() -> None:
    """What Bedrock says of a failure comes as Anthropic's own API says it."""
    assert Frames().feed(exception("throttlingException", "Too many tokens")) == [
        {"type": "error", "error": {"type": "throttlingException", "message": "Too many tokens"}}
    ]


def test_a_stream_of_frames_is_told_by_its_first_byte() -> None:
    """Server-sent events begin with text, frames with the zero of their length."""
    assert is_framed(WHOLE)
    assert not is_framed(b"data: {}")
    assert not is_framed(b"")
