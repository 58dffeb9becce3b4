"""The life of an observation: start, current, children, end; its times; how it fails."""

import asyncio
import gc
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.spans import exception_of, level_of, only, spans
from trackway import Trackway
from trackway._core import provider

MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123_456, tzinfo=UTC)
MOMENT_NS = 1_772_368_215_123_456_000


def test_ids_are_what_is_written(home: Path, client: Trackway) -> None:
    """`.id` and `.trace_id` are hex, and what the record says."""
    observation = client.start_observation(name="o")
    observation.end()
    found = only(home)
    assert (found.trace_id, found.span_id) == (observation.trace_id, observation.id)
    assert (len(found.trace_id), len(found.span_id)) == (32, 16)


def test_an_observation_is_not_current_unless_it_is_made_so(home: Path, client: Trackway) -> None:
    """`start_observation` leaves what is current; the block makes its own current and gives it back."""
    with client.start_as_current_observation(name="root") as root:
        free = client.start_observation(name="free")
        client.create_event(name="event")
        assert client.get_current_observation_id() == root.id
        assert client.get_current_trace_id() == root.trace_id
        free.end()
    assert client.get_current_observation_id() is None
    assert client.get_current_trace_id() is None
    assert {s.name: s.parent_span_id for s in spans(home)} == {
        "event": root.id, "free": root.id, "root": None,
    }  # fmt: skip


def test_children_of_a_given_parent(home: Path, client: Trackway) -> None:
    """Children that are started on an observation belong to it, whatever is current."""
    parent = client.start_observation(name="parent")
    with client.start_as_current_observation(name="elsewhere"):
        parent.start_observation(name="child").end()
        parent.create_event(name="event")
        with parent.start_as_current_observation(name="block"):
            client.create_event(name="below the block")
    parent.end()
    found = {span.name: span for span in spans(home)}
    for name in ("child", "event", "block"):
        assert found[name].parent_span_id == parent.id
        assert found[name].trace_id == parent.trace_id
    assert found["below the block"].parent_span_id == found["block"].span_id


def test_a_block_can_be_asynchronous_and_leave_its_end_to_others(
    home: Path, client: Trackway
) -> None:
    """`async with` works alike; with `end_on_exit=False` the observation goes on."""

    async def main() -> None:
        async with client.start_as_current_observation(name="o", end_on_exit=False) as observation:
            await asyncio.sleep(0)
        assert spans(home) == []
        observation.update(output="later").end()

    asyncio.run(main())
    assert only(home).attributes["output.value"] == "later"


def test_a_trace_of_another_process_is_continued(home: Path, client: Trackway) -> None:
    """`trace_context` places an observation by ids; one that is no id is dropped with a warning."""
    context = {"trace_id": "ab" * 16, "parent_span_id": "cd" * 8}
    with client.start_as_current_observation(name="current"):
        client.start_observation(name="placed", trace_context=context).end()  # type: ignore[arg-type]  # a plain dict
        client.start_observation(name="root", trace_context={"trace_id": "ab" * 16}).end()
    placed, root = only(home, "placed"), only(home, "root")
    assert (placed.trace_id, placed.parent_span_id) == ("ab" * 16, "cd" * 8)
    assert placed.flags == 0x301
    assert (root.trace_id, root.parent_span_id) == ("ab" * 16, None)


@pytest.mark.parametrize("context", [{"trace_id": "xyz"}, {}, "text", 7, {"trace_id": None}])
def test_a_trace_context_that_is_none_is_dropped(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture, context: object
) -> None:
    """What names no trace leaves the observation where it would be without."""
    with client.start_as_current_observation(name="current") as current:
        client.start_observation(name="o", trace_context=context).end()  # type: ignore[arg-type]  # odd ones
    assert only(home, "o").parent_span_id == current.id
    assert "Dropping value." in caplog.text


def test_an_event_has_no_duration(home: Path, client: Trackway) -> None:
    """`create_event` gives an observation of kind event that has ended."""
    event = client.create_event(name="e", input="i", level="DEBUG")
    event.update(output="too late")
    found = only(home)
    assert found.start == found.end
    assert found.attributes["langfuse.observation.type"] == "event"
    assert found.attributes["langfuse.observation.level"] == "DEBUG"
    assert "output.value" not in found.attributes


# -- times -------------------------------------------------------------------------------------------------------------


def test_times_can_be_given(home: Path, client: Trackway) -> None:
    """Start and end are taken as datetimes, naive ones local, or as nanoseconds since the epoch."""
    naive = MOMENT.astimezone().replace(tzinfo=None)
    for start, end in (
        (MOMENT, MOMENT + timedelta(seconds=2)),
        (naive, naive + timedelta(seconds=2)),
        (MOMENT_NS, MOMENT_NS + 2 * 10**9),
    ):
        client.start_observation(name="o", start_time=start).end(end)
    assert {(s.start, s.end) for s in spans(home)} == {(MOMENT_NS, MOMENT_NS + 2 * 10**9)}


@pytest.mark.parametrize("moment", ["now", -1, 1 << 64, True, 1.5])
def test_what_is_no_time_is_dropped(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture, moment: object
) -> None:
    """Other times are dropped with a warning: the present is taken."""
    client.start_observation(name="o", start_time=moment).end(moment)  # type: ignore[arg-type]  # odd ones
    found = only(home)
    assert 0 <= found.end - found.start < 60 * 10**9
    assert "neither a datetime nor nanoseconds" in caplog.text


def test_an_end_is_never_before_the_start(home: Path, client: Trackway) -> None:
    """An end before the start is the start."""
    client.start_observation(name="o", start_time=MOMENT_NS).end(MOMENT_NS - 5)
    assert (only(home).start, only(home).end) == (MOMENT_NS, MOMENT_NS)


def test_a_clock_that_jumps_bends_no_duration(
    home: Path, client: Trackway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is the start plus monotonic time: a clock that is set back or ahead meanwhile changes nothing."""
    observation = client.start_observation(name="o")
    for hours in (-1, 1):
        monkeypatch.setattr(provider, "time_ns", lambda h=hours: MOMENT_NS + h * 3_600 * 10**9)
        client.create_event(name="the clock was set")
    observation.end()
    found = only(home, "o")
    assert 0 <= found.end - found.start < 60 * 10**9


# -- ends --------------------------------------------------------------------------------------------------------------


def test_an_observation_ends_once(home: Path, client: Trackway) -> None:
    """A second end, and updates after the first, change nothing."""
    observation = client.start_observation(name="o", output="first")
    observation.end()
    observation.update(output="second").end()
    observation.set_attribute("k", "v")
    observation.add_event("e")
    assert observation.is_recording() is False
    assert only(home).attributes["output.value"] == "first"


def test_a_block_that_fails_says_so(home: Path, client: Trackway) -> None:
    """The exception of a block is recorded and goes on its way; what was current before is again."""
    error = ValueError("wrong")
    with pytest.raises(ValueError, match="wrong") as raised:
        with client.start_as_current_observation(name="o"):
            raise error
    assert raised.value is error
    assert client.get_current_observation_id() is None
    assert level_of(only(home)) == (2, "ValueError: wrong", "ERROR")
    assert exception_of(only(home))[:2] == ("ValueError", "wrong")


def test_an_observation_is_a_block_itself(home: Path, client: Trackway) -> None:
    """As OpenTelemetry's spans do, `with observation:` ends it, and records how it failed."""
    with client.start_observation(name="o"):
        pass
    with pytest.raises(KeyError), client.start_observation(name="failed"):
        raise KeyError
    assert level_of(only(home, "o")) == (0, "", None)
    assert level_of(only(home, "failed")) == (2, "KeyError", "ERROR")


def test_a_stack_of_any_depth_is_bounded(home: Path, client: Trackway) -> None:
    """A recursion error is recorded with the end of its stack, in at most 64 KiB."""

    def deeper(number: int) -> int:
        return deeper(number + 1)

    with pytest.raises(RecursionError), client.start_as_current_observation(name="o"):
        deeper(0)
    assert len(exception_of(only(home))[2]) < (64 << 10) + 100


def test_a_dropped_observation_is_not_lost(home: Path, client: Trackway) -> None:
    """An observation that nobody ended is written when its last reference goes; its last update is its end."""
    observation = client.start_observation(name="o", start_time=MOMENT_NS, input="i")
    del observation
    gc.collect()
    found = only(home)
    assert found.attributes["input.value"] == "i"
    assert found.end >= found.start == MOMENT_NS


GLOBAL = """
from trackway import get_client
client = get_client()
client.start_observation(name="ended").end()
left = client.start_observation(name="left open", input="i")
with client.start_as_current_observation(name="current"):
    inner = client.start_observation(name="inner")
    %s
"""


@pytest.mark.parametrize("end", ["pass", "raise SystemExit(0)", "raise KeyboardInterrupt"])
def test_an_observation_that_is_open_at_exit_is_not_lost(home: Path, end: str) -> None:
    """What is still open when the interpreter ends, in whatever way Python ends it, is written."""
    subprocess.run([sys.executable, "-c", GLOBAL % end], check=False, stderr=subprocess.DEVNULL)
    assert sorted(s.name for s in spans(home)) == ["current", "ended", "inner", "left open"]


def test_what_starts_after_the_shutdown_is_dropped(home: Path, client: Trackway) -> None:
    """After `shutdown` everything can be called, and nothing that starts is written."""
    client.shutdown()
    with client.start_as_current_observation(name="after") as after:
        after.update(input=1).create_event(name="e")
        after.score(name="s", value=1)
    client.trace(name="t").generation(name="g")
    assert spans(home) == []


def test_what_was_open_at_the_shutdown_is_kept(home: Path, client: Trackway) -> None:
    """An observation that began before `shutdown` and ends after it is written for the next process to deliver."""
    observation = client.start_observation(name="o")
    client.shutdown()
    observation.end()
    assert only(home).name == "o"
    delivery = client._core.delivery
    assert delivery is not None
    delivery.sinks[
        0
    ].close()  # else the chain that it opened stays open as long as the process lives


def test_an_end_takes_fields(home: Path, client: Trackway) -> None:
    """What is handed to `end` is set before it, as in the Langfuse SDK 2; a second end changes nothing."""
    observation = client.start_observation(name="answer", as_type="generation")
    observation.end(output="42", usage_details={"input": 12})
    observation.end(output="43")
    span = only(home)
    assert span.attributes["output.value"] == "42"
    assert span.attributes["gen_ai.usage.input_tokens"] == 12


def test_spans_start_under_the_name_that_the_langfuse_sdk_had(home: Path, client: Trackway) -> None:
    """`start_as_current_span` is a current span, `start_span` one under it that its caller ends."""
    with client.start_as_current_span(name="outer", input=1) as outer:
        client.start_span(name="inner", output=2).end()
    assert only(home, "inner").parent_span_id == outer.id
    assert only(home, "outer").attributes["langfuse.observation.type"] == "span"
