"""What other code sets through OpenTelemetry's API: attributes, events, links, status, and where their limits hold."""

from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from tests.spans import exception_of, level_of, only, spans
from trackway import Trackway, propagate_attributes
from trackway._core.otel_api import MAX_ATTRIBUTES, MAX_EVENTS, MAX_LINKS

ELSEWHERE = SpanContext(
    trace_id=0xAB,
    span_id=0xCD,
    is_remote=True,
    trace_flags=TraceFlags(TraceFlags.SAMPLED),
    trace_state=TraceState([("vendor", "1")]),
)


def test_attributes_of_every_type(home: Path, client: Trackway) -> None:
    """Every type of OpenTelemetry's attributes is written, sequences included; a key that is set again is replaced."""
    given = {
        "text": "t", "flag": True, "count": 3, "share": 0.5, "texts": ["a", "b"], "counts": (1, 2), "none": None,
    }  # fmt: skip
    observation = client.start_observation(name="o")
    observation.set_attributes(given)  # type: ignore[arg-type]  # None is dropped
    observation.set_attribute("text", "again")
    observation.set_attribute("", "no key")
    observation.end()
    found = only(home).attributes
    assert {key: found.get(key) for key in given} == {
        **given, "text": "again", "texts": ("a", "b"), "counts": (1, 2)
    }  # fmt: skip
    assert "" not in found


def test_keys_that_we_write_are_ours(home: Path, client: Trackway) -> None:
    """An attribute under a key that the observation writes itself keeps the observation's value: keys are unique."""
    with propagate_attributes(user_id="alice"):
        observation = client.start_observation(name="o", input="ours")
    observation.set_attributes({"user.id": "mallory", "input.value": "theirs", "output.value": "o"})
    observation.end()
    found = only(home).attributes
    assert (found["user.id"], found["input.value"], found["output.value"]) == ("alice", "ours", "o")


def test_the_kind_that_an_application_says_stays(home: Path, client: Trackway) -> None:
    """An observation of another kind than `span` keeps it, whatever is set."""
    with client.start_as_current_observation(name="o", as_type="agent") as observation:
        observation.set_attribute("openinference.span.kind", "TOOL")
    assert only(home).attributes["langfuse.observation.type"] == "agent"
    assert only(home).attributes["openinference.span.kind"] == "AGENT"


def test_values_of_secret_keys_are_redacted(home: Path, client: Trackway) -> None:
    """The last word of a key tells a secret without a shape, on spans, events and in mappings."""
    tracer = client.tracer_provider.get_tracer("library")
    with tracer.start_as_current_span("GET") as span:
        span.set_attribute("http.request.header.authorization", ["opaque-value"])
        span.add_event("sent", {"db.password": "opaque-value", "db.user": "ann"})
    found = only(home)
    assert "opaque-value" not in repr(found)
    assert found.events[0].attributes["db.user"] == "ann"


def test_the_limits_hold_for_what_is_set_through_the_api_alone(
    home: Path, client: Trackway
) -> None:
    """At most 128 attributes, events and links are kept, the rest is counted; ours are never pushed out."""
    with propagate_attributes(user_id="alice", metadata={"k": "v"}):
        observation = client.start_observation(name="o", input="i")
    for number in range(MAX_ATTRIBUTES + 3):
        observation.set_attribute(f"key {number}", number)
    for number in range(MAX_EVENTS + 2):
        observation.add_event(f"event {number}", {"number": number}, timestamp=number)
    for _ in range(MAX_LINKS + 1):
        observation.add_link(ELSEWHERE)
    observation.end()
    found = only(home)
    assert sum(key.startswith("key ") for key in found.attributes) == MAX_ATTRIBUTES
    assert (found.dropped_attributes, found.dropped_events, found.dropped_links) == (3, 2, 1)
    assert (len(found.events), len(found.links)) == (MAX_EVENTS, MAX_LINKS)
    assert found.events[-1].name == f"event {MAX_EVENTS - 1}"
    assert found.events[-1].time == MAX_EVENTS - 1
    assert found.attributes["user.id"] == "alice"


def test_a_link_says_where_it_leads(home: Path, client: Trackway) -> None:
    """Ids, flags, trace state and attributes of a link are written."""
    tracer = client._provider.get_tracer("instrumentation")
    tracer.start_span("o", links=[Link(ELSEWHERE, {"why": "batch"})], kind=SpanKind.CONSUMER).end()
    (link,) = only(home).links
    assert (link.trace_id, link.span_id) == (f"{0xAB:032x}", f"{0xCD:016x}")
    assert (link.trace_state, link.attributes, link.flags) == ("vendor=1", {"why": "batch"}, 0x301)
    assert only(home).kind == 5


def test_status_by_opentelemetrys_rules(home: Path, client: Trackway) -> None:
    """OK is final, UNSET changes nothing, a description belongs to ERROR alone."""
    statuses: dict[str, list[tuple[Status | StatusCode, str | None]]] = {
        "error": [(StatusCode.ERROR, "why")],
        "as status": [(Status(StatusCode.ERROR, "why"), None)],
        "unset after error": [(StatusCode.ERROR, "why"), (StatusCode.UNSET, None)],
        "ok": [(StatusCode.OK, "ignored")],
        "ok is final": [(StatusCode.OK, None), (StatusCode.ERROR, "why")],
        "ok after error": [(StatusCode.ERROR, "why"), (StatusCode.OK, None)],
    }
    for name, said in statuses.items():
        observation = client.start_observation(name=name)
        for status, description in said:
            observation.set_status(status, description)
        observation.end()
    told = {name: level_of(only(home, name))[:2] for name in statuses}
    assert told == {
        "error": (2, "why"),
        "as status": (2, "why"),
        "unset after error": (2, "why"),
        "ok": (1, ""),
        "ok is final": (1, ""),
        "ok after error": (1, ""),
    }


def test_an_exception_can_be_recorded_without_failing(home: Path, client: Trackway) -> None:
    """`record_exception` adds the event and leaves the status."""
    observation = client.start_observation(name="o")
    observation.record_exception(ValueError("wrong"), {"attempt": 2}, escaped=True)
    observation.end()
    found = only(home)
    assert exception_of(found)[:2] == ("ValueError", "wrong")
    (event,) = found.events
    assert event.attributes["attempt"] == 2
    assert event.attributes["exception.escaped"] == "True"
    assert found.status_code == 0


def test_a_tracer_records_what_fails(home: Path, client: Trackway) -> None:
    """A tracer's block records the exception and the status, unless it is told not to; exits are no errors to it."""
    tracer = client._provider.get_tracer("instrumentation")
    with pytest.raises(ValueError, match="wrong"), tracer.start_as_current_span("told"):
        raise ValueError("wrong")
    with (
        pytest.raises(ValueError, match="wrong"),
        tracer.start_as_current_span(
            "not told", record_exception=False, set_status_on_exception=False
        ),
    ):
        raise ValueError("wrong")
    with pytest.raises(KeyboardInterrupt), tracer.start_as_current_span("interrupted"):
        raise KeyboardInterrupt
    assert level_of(only(home, "told"))[:2] == (2, "ValueError: wrong")
    assert len(only(home, "told").events) == 1
    for name in ("not told", "interrupted"):
        assert (only(home, name).status_code, only(home, name).events) == (0, ())


def test_a_tracer_can_leave_the_end_to_others(home: Path, client: Trackway) -> None:
    """With `end_on_exit=False` the span goes on after its block; as a decorator each call has a span of its own."""
    tracer = client._provider.get_tracer("instrumentation")
    with tracer.start_as_current_span("o", end_on_exit=False) as span:
        assert trace.get_current_span() is span
    assert span.is_recording()
    span.update_name("renamed")
    span.end()

    @tracer.start_as_current_span("call")
    def call(depth: int) -> None:
        if depth:
            call(depth - 1)

    call(1)
    inner, outer = (found for found in spans(home) if found.name == "call")
    assert (inner.parent_span_id, outer.parent_span_id) == (outer.span_id, None)
    assert only(home, "renamed").parent_span_id is None


def test_secrets_are_redacted_wherever_they_are_set(home: Path, client: Trackway) -> None:
    """Attributes, events, links, statuses and exceptions pass redaction, in sequences too."""
    secret = "sk-proj-abcDEF0123456789abcDEF0123456789"
    observation = client.start_observation(name=f"uses {secret}")
    observation.set_attributes({"text": f"key {secret}", "texts": ["a", secret]})
    observation.add_event("e", {"text": secret})
    observation.add_link(ELSEWHERE, {"text": secret})
    observation.set_status(StatusCode.ERROR, secret)
    observation.record_exception(ValueError(secret))
    observation.end()
    assert secret not in repr(only(home))
    assert repr(only(home)).count("[redacted: openai key]") >= 7


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"openinference.span.kind": "LLM"}, "GENERATION"),
        ({"openinference.span.kind": "RETRIEVER"}, "RETRIEVER"),
        ({"gen_ai.operation.name": "text_completion", "gen_ai.request.model": "m"}, "GENERATION"),
        ({"gen_ai.operation.name": "execute_tool"}, "TOOL"),
        ({"http.request.method": "GET"}, "SPAN"),
    ],
)
def test_an_instrumentation_says_what_its_span_is(
    client: Trackway, said: dict[str, str], kind: str, *, late: bool
) -> None:
    """A span that an instrumentation traces through us has its kind in its own words, and in no other."""
    tracer = client.tracer_provider.get_tracer("openinference.instrumentation.x", "1.0")
    with propagate_attributes(user_id="alice"):
        span = tracer.start_span("call", attributes=None if late else said)
        if late:
            span.set_attributes(said)
        span.end()
    (observation,) = client.get_traces()[0].observations
    assert (observation.type, observation.user_id) == (kind, "alice")


def test_its_words_reach_every_backend(home: Path, client: Trackway) -> None:
    """Nothing of ours stands where the instrumentation said its kind; what is ours keeps it, whatever is set on it."""
    tracer = client.tracer_provider.get_tracer("openinference.instrumentation.x", "1.0")
    tracer.start_span("theirs", attributes={"openinference.span.kind": "RERANKER"}).end()
    with client.start_as_current_observation(name="ours", as_type="tool") as ours:
        ours.set_attribute("openinference.span.kind", "RERANKER")
    found = {span.name: span.attributes for span in spans(home)}
    assert found["theirs"]["openinference.span.kind"] == "RERANKER"
    assert "langfuse.observation.type" not in found["theirs"]
    assert found["ours"]["openinference.span.kind"] == "TOOL"
