"""Tests for `trackway._integrations.sse`: any cut of the same bytes gives the same events."""

import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from trackway._integrations.sse import Events

OBJECTS = [{"n": 1, "text": "größer"}, {"n": 2}, {"n": 3, "lines": "a\nb"}]
ENDS = [b"\n", b"\r\n", b"\r"]


@given(st.sampled_from(ENDS), st.lists(st.integers(0, 400), max_size=12))
def test_any_cut_gives_the_same_events(end: bytes, cuts: list[int]) -> None:
    """Wherever the bytes are cut, at a line's end and in a character too, the same objects come out in order."""
    lines = [b": a comment", b""]
    for value in OBJECTS:
        lines += [b"event: x", b"data: " + json.dumps(value, ensure_ascii=False).encode(), b""]
    whole = end.join([*lines, b"data: [DONE]", b"", b""])
    edges = sorted({0, len(whole), *(cut % len(whole) for cut in cuts)})
    events = Events()
    found = [event for a, b in pairwise(edges) for event in events.feed(whole[a:b])]
    assert found == OBJECTS


def test_data_of_several_lines_is_one_event() -> None:
    """An object that was written over several `data:` lines is put together."""
    assert Events().feed(b'data: {"a":\ndata:1}\n\n') == [{"a": 1}]


def test_what_is_no_event_is_passed_over() -> None:
    """Bytes that are no JSON object give nothing, and do not disturb what follows."""
    events = Events()
    assert events.feed(b"data: {broken\n\ndata: 5\n\nid: 3\n\n") == []
    assert events.feed(b"data: {}\n\n") == [{}]
