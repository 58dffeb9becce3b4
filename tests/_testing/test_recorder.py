"""The sink in memory: the order of starts, the last of several records, and a clock of ticks."""

import time

from trackway._core.protocols import PARTIAL, UPDATE
from trackway._testing.recorder import EPOCH, TICK, Outlet, Recorder
from trackway._wire import encode


def payload(span_id: int, name: str, *, start: int | None = None) -> bytes:
    moment = time.time_ns() if start is None else start
    return encode.span(
        trace_id=bytes(15) + b"1", span_id=span_id.to_bytes(8), parent_span_id=b"", name=name, kind=1,
        start=moment, end=moment + 1, attributes=b"", flags=0,
    )  # fmt: skip


def test_spans_stand_in_the_order_of_their_starts() -> None:
    """Whatever ends first: what drew its id first is first; an id that nobody drew is last."""
    recorder = Recorder(deterministic=False)
    draw = recorder.span_ids(iter([bytes(7) + b"\x07", bytes(7) + b"\x05"]).__next__)
    first, second = int.from_bytes(draw()), int.from_bytes(draw())
    scope = recorder.register_scope(b"", encode.scope("s", "", {}), None)
    for span_id, name in ((9, "unknown"), (second, "second"), (first, "first")):
        recorder.append(payload(span_id, name), scope)
    assert [(each.span.name, each.scope) for each in recorder.recorded()] == [
        ("first", "s"),
        ("second", "s"),
        ("unknown", "s"),
    ]


def test_the_last_record_of_a_span_counts() -> None:
    """A span that was written again is there once, as it was last; that it was begun says nothing."""
    recorder = Recorder(deterministic=False)
    scope = recorder.register_scope(b"", b"", None)
    recorder.append(payload(1, "begun"), scope, PARTIAL)
    assert list(recorder.recorded()) == []
    recorder.append(payload(1, "first"), scope, UPDATE)
    recorder.append(payload(1, "last"), scope, UPDATE)
    assert [each.span.name for each in recorder.recorded()] == ["last"]


def test_ticks_are_starts_and_ends() -> None:
    """The deterministic clock goes on with each start and end, and not with a look; given times are kept."""
    recorder = Recorder(deterministic=True)
    draw = recorder.span_ids(lambda: b"c" * 8)
    scope = recorder.register_scope(b"", b"", None)
    trace_ids = [recorder.trace_ids(lambda: b"c" * 16)() for _ in range(2)]
    assert trace_ids == [n.to_bytes(16) for n in (1, 2)]
    assert [draw(), draw()] == [n.to_bytes(8) for n in (1, 2)]
    recorder.append(payload(2, "inner"), scope)
    list(recorder.recorded())
    recorder.append(payload(1, "outer"), scope)
    recorder.append(payload(int.from_bytes(draw()), "given", start=5), scope)
    times = [(each.span.start, each.span.end) for each in recorder.recorded()]
    ticks = [EPOCH + TICK * n for n in range(5)]
    assert times == [(ticks[1], ticks[4]), (ticks[2], ticks[3]), (5, 6)]


def test_nothing_comes_after_the_end() -> None:
    """A recorder that is closed takes nothing more, through no outlet."""
    recorder = Recorder(deterministic=False)
    outlet = Outlet(recorder, None)
    scope = outlet.register_scope(b"", b"")
    outlet.append(payload(1, "kept"), scope)
    recorder.close()
    outlet.append(payload(2, "late"), scope)
    outlet.count_dropped("sampled")
    assert [each.span.name for each in recorder.recorded()] == ["kept"]
