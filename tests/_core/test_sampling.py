"""Which traces are kept: decided by trace id, as OpenTelemetry decides, or by the application for a user."""

import random
from pathlib import Path
from typing import cast

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from tests.spans import spans
from trackway import Trackway, observe, propagate_attributes
from trackway._core.sampling import Sampler

drawn = random.Random(7)


@pytest.mark.parametrize("rate", [0.0, 0.01, 0.25, 1 / 3, 0.5, 0.999, 1.0])
def test_decisions_are_opentelemetrys(rate: float) -> None:
    """For any trace id and rate the decision is that of the SDK's TraceIdRatioBased: services of a trace agree."""
    ours, theirs = Sampler(rate), TraceIdRatioBased(rate)
    edges = [1, (1 << 64) - 1, (1 << 64), round(rate * (1 << 64)) or 1, (1 << 128) - 1]
    for trace_id in [*edges, *(drawn.getrandbits(128) for _ in range(2_000))]:
        expected = theirs.should_sample(None, trace_id, "n").decision is not Decision.DROP
        assert ours.keeps(trace_id.to_bytes(16), None, "n") is expected


def test_a_trace_is_kept_or_dropped_as_a_whole(home: Path) -> None:
    """Everything below a root shares its fate, and what is not kept is counted."""
    client = Trackway(sample_rate=0.5)

    @observe
    def child() -> None:
        client.create_event(name="event")

    for _ in range(200):
        with client.start_as_current_observation(name="root"):
            child()
    kept = spans(home)
    assert 0 < len(kept) < 600
    assert len(kept) == 3 * len({span.trace_id for span in kept})
    (stats,) = client.stats().destinations
    assert stats.dropped == {"sampled": 600 - len(kept)}
    assert stats.ended == stats.accounted == 600


def test_a_trace_of_elsewhere_is_decided_by_its_id(home: Path) -> None:
    """An observation that continues a trace is kept exactly if the id of that trace is."""
    client = Trackway(sample_rate=0.5)
    low, high = "1" * 32, "f" * 32
    for trace_id in (low, high):
        with client.start_as_current_observation(
            name=trace_id, trace_context={"trace_id": trace_id}
        ):
            client.create_event(name="child")
    assert {span.trace_id for span in spans(home)} == {low}


def test_an_explicit_rate_beats_the_environment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`OTEL_TRACES_SAMPLER` is the host's: it decides nothing here."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    Trackway(sample_rate=1).create_event(name="e")
    assert len(spans(home)) == 1


def test_an_application_decides_for_a_user(home: Path) -> None:
    """`sample(user_id, name)` gives the rate for the traces of a user; it is asked once a trace."""
    asked: list[tuple[str | None, str]] = []

    def sample(user_id: str | None, name: str) -> float:
        asked.append((user_id, name))
        return 1.0 if user_id == "alice" else 0.0

    client = Trackway(sample=sample)
    for user in ("alice", "bob", None):
        with (
            propagate_attributes(user_id=user),
            client.start_as_current_observation(name="root"),
        ):
            client.create_event(name="child")
    client.trace(name="chat", user_id="alice").end()
    client.trace(name="chat", user_id="bob").end()
    assert [span.attributes["user.id"] for span in spans(home)] == ["alice"] * 3
    assert asked[:3] == [("alice", "root"), ("bob", "root"), (None, "root")]


@pytest.mark.parametrize("answer", [2, -1, "half", None, float("nan")])
def test_an_answer_that_is_no_rate_keeps_the_trace(
    home: Path, caplog: pytest.LogCaptureFixture, answer: object
) -> None:
    """What is no rate from 0 to 1 is warned about, and the trace is kept."""
    Trackway(sample=lambda _user, _name: cast("float", answer)).create_event(name="e")
    assert len(spans(home)) == 1
    assert "which is no rate from 0 to 1" in caplog.text


def test_a_sampler_that_fails_keeps_the_trace(home: Path, swallowing: None) -> None:
    """An application's error in `sample` costs no trace, and raises nothing."""

    def sample(user_id: str | None, name: str) -> float:
        raise KeyError(user_id)

    Trackway(sample=sample).create_event(name="e")
    assert len(spans(home)) == 1


def test_what_is_not_kept_says_so(home: Path) -> None:
    """An observation that is not kept does not record, and costs no work on its values."""
    looked = False

    class Value:
        def __reduce__(self) -> str:
            nonlocal looked
            looked = True
            return ""

    client = Trackway(sample_rate=0)
    with client.start_as_current_observation(name="o", input=Value()) as observation:
        assert observation.is_recording() is False
        assert observation.get_span_context().trace_flags.sampled is False
        observation.update(output=Value()).score(name="n", value=1)
        observation.set_attribute("k", "v")
    assert not looked
    assert [span.name for span in spans(home) if span.name == "o"] == []
