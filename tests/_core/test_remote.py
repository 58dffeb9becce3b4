"""`inject` and `extract`: traces and users across services, beside a host's provider and without one."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, trace
from opentelemetry import propagate as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

from tests.spans import only, spans
from trackway import Trackway, extract, inject, propagate_attributes

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "00f067aa0ba902b7"
OURS = {"Trackway-Parent": f"00-{TRACE}-{PARENT}-01"}
THEIRS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> TracerProvider:
    """An application with a provider of its own, which samples nothing."""
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return provider


def headers() -> dict[str, str]:
    found: dict[str, str] = {}
    inject(found)
    return found


# -- alone -------------------------------------------------------------------------------------------------------------


def test_alone_everybody_is_told(client: Trackway) -> None:
    """Without another provider our observation is in `traceparent` as well, as OpenTelemetry would write it."""
    with client.start_as_current_observation(name="call") as call:
        expected: dict[str, str] = {}
        otel.inject(expected)
        assert headers() == {**expected, "trackway-parent": expected["traceparent"]}
    assert call.id in expected["traceparent"]
    assert headers() == {}


def test_an_instrumentations_span_is_the_caller(client: Trackway) -> None:
    """Inside a span that other code made through our provider, that span makes the request."""
    tracer = client._provider.get_tracer("an instrumentation")
    with client.start_as_current_observation(name="outer"):
        with trace.use_span(tracer.start_span("GET"), end_on_exit=True) as span:
            assert f"{span.get_span_context().span_id:016x}" in headers()["trackway-parent"]


@pytest.mark.parametrize("found", [OURS, THEIRS], ids=["ours", "everybody's"])
def test_alone_the_callers_trace_goes_on(
    home: Path, client: Trackway, found: dict[str, str]
) -> None:
    """What begins inside the block is a child of the caller, whichever header names it, and is passed on."""
    with extract(found):
        passed_on = headers()
        with client.start_as_current_observation(name="served") as served:
            client.create_event(name="below")
    root, below = only(home, "served"), only(home, "below")
    assert (root.trace_id, root.parent_span_id, root.flags) == (TRACE, PARENT, 0x301)
    assert (below.trace_id, below.parent_span_id) == (TRACE, served.id)
    assert passed_on["traceparent"] == f"00-{TRACE}-{PARENT}-01"
    client.create_event(name="after")
    assert only(home, "after").trace_id != TRACE


# -- beside a host -----------------------------------------------------------------------------------------------------


def test_beside_a_host_its_headers_are_left_alone(host: TracerProvider, client: Trackway) -> None:
    """The host's `traceparent` is neither written nor replaced; ours crosses in a header of its own."""
    with host.get_tracer("app").start_as_current_span("request"):
        with client.start_as_current_observation(name="call") as call:
            found: dict[str, str] = {}
            otel.inject(found)
            theirs = dict(found)
            inject(found)
    assert {key: found[key] for key in theirs} == theirs
    assert found.keys() - theirs.keys() == {"trackway-parent"}
    assert found["trackway-parent"] == f"00-{call.trace_id}-{call.id}-01"
    assert not int(theirs["traceparent"][-2:], 16) & 1


def test_beside_a_host_observations_find_their_parent(
    home: Path, host: TracerProvider, client: Trackway
) -> None:
    """Between two services with hosts that sample nothing, our trace is whole and the host's context untouched."""
    tracer = host.get_tracer("app")
    with tracer.start_as_current_span("there"):
        with client.start_as_current_observation(name="call") as call:
            found = {**THEIRS}
            inject(found)
    with tracer.start_as_current_span("here") as here, extract(found):
        assert trace.get_current_span() is here
        with client.start_as_current_observation(name="served") as served:
            client.create_event(name="below")
    root = only(home, "served")
    assert (root.trace_id, root.parent_span_id) == (call.trace_id, call.id)
    assert [link.span_id for link in root.links] == [f"{here.get_span_context().span_id:016x}"]
    assert only(home, "below").parent_span_id == served.id


def test_beside_a_host_a_foreign_caller_is_linked(
    home: Path, host: TracerProvider, client: Trackway
) -> None:
    """A caller that is no observation gives its trace id and a link: its span is the host's to continue."""
    with extract(THEIRS):
        client.create_event(name="served")
        assert headers() == {}
    root = only(home)
    assert (root.trace_id, root.parent_span_id) == (TRACE, None)
    assert [(link.trace_id, link.span_id) for link in root.links] == [(TRACE, PARENT)]


def test_a_relay_passes_the_caller_on(host: TracerProvider, client: Trackway) -> None:
    """A service that observes nothing itself hands the caller's observation to the next one."""
    with extract(OURS):
        assert headers() == {"trackway-parent": f"00-{TRACE}-{PARENT}-01"}


# -- both --------------------------------------------------------------------------------------------------------------


def test_sampling_decisions_do_not_cross(home: Path, client: Trackway) -> None:
    """A caller that dropped its trace does not drop ours, and the id decides alike in every service."""
    dropped = {"trackway-parent": f"00-{TRACE}-{PARENT}-00"}
    with extract(dropped):
        client.create_event(name="kept")
    assert only(home).trace_id == TRACE
    nothing = Trackway(sample_rate=0.0)
    with extract(OURS):
        nothing.create_event(name="dropped")
    assert len(spans(home)) == 1


def test_a_message_in_the_middle_of_an_observation_is_its_senders(
    home: Path, client: Trackway
) -> None:
    """In a consumer that is observed itself, what a message causes belongs to the trace of its sender."""
    with client.start_as_current_observation(name="consumer") as consumer:
        with extract(OURS):
            client.create_event(name="handled")
        client.create_event(name="next")
    assert only(home, "handled").parent_span_id == PARENT
    assert only(home, "next").parent_span_id == consumer.id


@pytest.mark.parametrize("beside", [False, True])
def test_users_cross_where_both_ask_for_it(
    request: pytest.FixtureRequest, home: Path, client: Trackway, *, beside: bool
) -> None:
    """A block with `as_baggage`, and `accept_baggage` there: the user is on what is observed; else it is not."""
    if beside:
        request.getfixturevalue("host")
    with propagate_attributes(user_id="Älice & co", tags=["a"], as_baggage=True):
        found = {"baggage": "tenant=7,langfuse_user_id=old"}
        inject(found)
    assert found["baggage"].split(",")[0] == "tenant=7"
    assert found["baggage"].count("langfuse_user_id") == 1
    with extract(found, accept_baggage=True):
        client.create_event(name="believed")
        assert baggage.get_baggage("langfuse_user_id") == "Älice & co"
    with extract(found):
        client.create_event(name="not believed")
    assert only(home, "believed").attributes["user.id"] == "Älice & co"
    assert only(home, "believed").attributes["tag.tags"] == ("a",)
    assert "user.id" not in only(home, "not believed").attributes


def test_the_setting_decides_where_the_argument_does_not(home: Path) -> None:
    """`accept_baggage` of the client holds for `extract`, and its argument wins."""
    client = Trackway(accept_baggage=True)
    found = {"baggage": "langfuse_user_id=alice"}
    with extract(found):
        client.create_event(name="believed")
    with extract(found, accept_baggage=False):
        client.create_event(name="not believed")
    assert only(home, "believed").attributes["user.id"] == "alice"
    assert "user.id" not in only(home, "not believed").attributes


def test_headers_come_in_many_forms(home: Path, client: Trackway) -> None:
    """Pairs of bytes as in ASGI, lists of values, any case of the names."""
    value = OURS["Trackway-Parent"]
    forms: list[object] = [
        [(b"host", b"a"), (b"Trackway-Parent", value.encode())],
        {"TRACKWAY-PARENT": [value]},
        (("trackway-parent", value), ("trackway-parent", "junk")),
    ]
    for number, form in enumerate(forms):
        with extract(form):  # type: ignore[arg-type]  # some are what frameworks hand out
            client.create_event(name=str(number))
    assert {span.parent_span_id for span in spans(home)} == {PARENT}


def test_a_block_can_be_entered_by_tasks_at_once(home: Path, client: Trackway) -> None:
    """One `extract` around two tasks leaves each with what it had before."""
    block = extract(OURS)

    async def serve(name: str, gate: asyncio.Barrier) -> None:
        async with block:
            await gate.wait()
            client.create_event(name=name)
        assert headers() == {}

    async def both() -> None:
        gate = asyncio.Barrier(2)
        await asyncio.gather(serve("a", gate), serve("b", gate))

    asyncio.run(both())
    assert {span.parent_span_id for span in spans(home)} == {PARENT}


@given(
    st.dictionaries(
        st.sampled_from(["trackway-parent", "traceparent", "tracestate", "baggage"]), st.text()
    )
)
def test_no_header_makes_it_raise(found: dict[str, str]) -> None:
    """Whatever headers a request has, the block is entered and left, and nothing is raised."""
    with extract(found, accept_baggage=True):
        pass


@pytest.mark.parametrize(
    "value",
    [
        "",
        "junk",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_what_names_nothing_changes_nothing(home: Path, client: Trackway, value: str) -> None:
    """Headers of a wrong form leave the current observation the parent."""
    with client.start_as_current_observation(name="outer") as outer:
        with extract({"trackway-parent": value}):
            client.create_event(name="inner")
    assert only(home, "inner").parent_span_id == outer.id
