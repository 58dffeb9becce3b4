"""`attach`: a host with the real OpenTelemetry SDK and us, joined on purpose."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import Status, StatusCode

from tests._core.test_isolation import Drawn
from tests.spans import only, scope_of, spans
from trackway import Trackway, attach, extract, inject, observe, propagate_attributes

OPENAI = "opentelemetry.instrumentation.openai.v1"
SECRET = "sk-proj-" + "a1B2c3D4" * 6


class Host:
    """An application with an SDK, an HTTP framework that traces, and an instrumented LLM library."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        sampler: Sampler | None = None,
        limits: SpanLimits | None = None,
    ) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(
            sampler=sampler, id_generator=Drawn(), shutdown_on_exit=False, span_limits=limits
        )
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self._monkeypatch = monkeypatch
        self.http = self.provider.get_tracer("opentelemetry.instrumentation.asgi")
        self.llm = self.provider.get_tracer(OPENAI, "1.2")

    def install(self) -> "Host":
        self._monkeypatch.setattr(trace, "_TRACER_PROVIDER", self.provider)
        return self

    def exported(self, name: str) -> ReadableSpan:
        (found,) = (s for s in self.exporter.get_finished_spans() if s.name == name)
        return found


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch).install()


def span_id(span: trace.Span) -> str:
    return f"{span.get_span_context().span_id:016x}"


# -- parents -----------------------------------------------------------------------------------------------------------


def test_parents_cross_in_both_directions(home: Path, client: Trackway, host: Host) -> None:
    """Ours below theirs below ours below theirs: one tree of what is recorded, and the host sees our parents."""
    assert attach()
    with host.http.start_as_current_span("GET /") as request:
        with client.start_as_current_observation(name="agent") as agent:
            assert trace.get_current_span() is agent
            with host.http.start_as_current_span("query"):
                with host.llm.start_as_current_span("chat") as chat:
                    client.create_event(name="tool")
                client.create_event(name="after")
    found = {span.name: span for span in spans(home)}
    assert found.keys() == {"agent", "chat", "tool", "after"}
    assert found["agent"].parent_span_id is None
    assert [link.span_id for link in found["agent"].links] == [span_id(request)]
    assert found["chat"].parent_span_id == agent.id
    assert found["tool"].parent_span_id == span_id(chat)
    assert found["after"].parent_span_id == agent.id
    assert {span.trace_id for span in found.values()} == {agent.trace_id}
    assert [n for n, s in found.items() if s.attributes.get("langfuse.internal.is_app_root")] == [
        "agent"
    ]
    query = host.exported("query")
    assert query.parent is not None
    assert f"{query.parent.span_id:016x}" == agent.id


def test_a_foreign_span_can_be_the_root(home: Path, client: Trackway, host: Host) -> None:
    """A span about LLMs below nothing of ours begins the trace, and ours are its children."""
    attach()
    with host.http.start_as_current_span("GET /"), host.llm.start_as_current_span("chat") as chat:
        client.create_event(name="tool")
    assert only(home, "chat").parent_span_id is None
    assert only(home, "chat").attributes["langfuse.internal.is_app_root"] is True
    assert only(home, "tool").parent_span_id == span_id(chat)
    assert (OPENAI, "1.2") in scope_of(home)


def test_the_host_may_come_after_us(
    monkeypatch: pytest.MonkeyPatch, home: Path, client: Trackway
) -> None:
    """A provider that is set when we trace already is joined when the next trace begins."""
    host = Host(monkeypatch)
    assert not attach()
    client.create_event(name="before")
    host.install()
    with client.start_as_current_observation(name="root") as root:
        with host.llm.start_as_current_span("chat"):
            pass
    assert only(home, "chat").parent_span_id == root.id


def test_a_variable_attaches(monkeypatch: pytest.MonkeyPatch, home: Path, host: Host) -> None:
    """`TRACKWAY_ATTACH=1` joins with the first client."""
    monkeypatch.setenv("TRACKWAY_ATTACH", "1")
    client = Trackway()
    with client.start_as_current_observation(name="root") as root:
        with host.llm.start_as_current_span("chat"):
            pass
    assert only(home, "chat").parent_span_id == root.id


def test_attaching_twice_records_once(home: Path, client: Trackway, host: Host) -> None:
    """A second `attach`, also with the provider named, changes nothing."""
    assert attach()
    assert attach()
    assert attach(host.provider)
    with host.llm.start_as_current_span("chat"):
        pass
    assert len(spans(home)) == 1


def test_the_global_provider_stays_the_hosts(client: Trackway, host: Host) -> None:
    """Nothing replaces the global tracer provider."""
    attach()
    with client.start_as_current_observation(name="root"):
        assert trace.get_tracer_provider() is host.provider


def test_what_takes_no_processor_is_not_joined(
    monkeypatch: pytest.MonkeyPatch, client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """A provider of another kind is left alone, with one WARNING."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", trace.ProxyTracerProvider())
    assert not attach()
    assert not attach()
    assert [r.levelno for r in caplog.records] == [logging.WARNING]


def test_a_caller_in_another_service_is_the_parent(
    home: Path, client: Trackway, host: Host
) -> None:
    """Joined at both ends, `inject` and `extract` carry the observation past the host's server spans."""
    attach()
    headers: dict[str, str] = {}
    with client.start_as_current_observation(name="call") as call:
        inject(headers)
    with extract(headers), client.start_as_current_observation(name="served") as served:
        with host.llm.start_as_current_span("chat"):
            pass
    assert only(home, "served").parent_span_id == call.id
    assert only(home, "chat").parent_span_id == served.id


# -- users -------------------------------------------------------------------------------------------------------------


def test_foreign_spans_are_stamped(home: Path, client: Trackway, host: Host) -> None:
    """What is propagated is on the host's spans too, and in the records of those about LLMs."""
    attach()
    with propagate_attributes(user_id="alice", tags=["a"], metadata={"plan": "pro"}):
        with host.http.start_as_current_span("GET /"):
            with host.llm.start_as_current_span("chat", attributes={"user.id": "its own"}):
                pass
            with host.llm.start_as_current_span("embed"):
                pass
    with host.llm.start_as_current_span("after"):
        pass
    assert (host.exported("GET /").attributes or {})["user.id"] == "alice"
    assert only(home, "chat").attributes["user.id"] == "its own"
    embed = only(home, "embed").attributes
    assert (embed["user.id"], embed["langfuse.trace.tags"]) == ("alice", ("a",))
    assert embed["langfuse.trace.metadata.plan"] == "pro"
    assert "user.id" not in only(home, "after").attributes


def test_limits_of_the_sdk_never_push_ours_out(
    monkeypatch: pytest.MonkeyPatch, home: Path, client: Trackway
) -> None:
    """However many attributes a span gets, the record has the user, and the host's span what it would have."""
    host = Host(monkeypatch, limits=SpanLimits(max_span_attributes=8)).install()
    attach()
    metadata = {f"key{number}": "x" for number in range(128)}
    with propagate_attributes(user_id="alice", metadata=metadata):
        with host.llm.start_as_current_span("full", attributes={f"a{n}": n for n in range(8)}):
            pass
        with host.llm.start_as_current_span("filled") as span:
            for number in range(8):
                span.set_attribute(f"b{number}", number)
    for name in ("full", "filled"):
        assert only(home, name).attributes["user.id"] == "alice"
        assert only(home, name).attributes["langfuse.trace.metadata.key127"] == "x"
    for name, letter in (("full", "a"), ("filled", "b")):
        assert dict(host.exported(name).attributes or {}) == {f"{letter}{n}": n for n in range(8)}


def test_baggage_is_stamped_on_foreign_roots(home: Path, host: Host) -> None:
    """Where baggage is believed, a foreign span that begins a trace carries the user, and ours inside it too."""
    client = Trackway(accept_baggage=True)
    attach()
    with extract({"baggage": "langfuse_user_id=alice"}):
        with host.llm.start_as_current_span("chat"):
            client.create_event(name="tool")
    assert {span.attributes["user.id"] for span in spans(home)} == {"alice"}


# -- what is recorded --------------------------------------------------------------------------------------------------


def test_secrets_and_masked_values_do_not_pass(home: Path, host: Host) -> None:
    """A foreign span goes through the same mask and redaction: values, names, events, status."""

    def mask(*, data: object) -> object:
        return data.replace("bob@example.org", "<mail>") if isinstance(data, str) else data

    Trackway(mask=mask)
    attach()
    with host.llm.start_as_current_span("chat bob@example.org") as span:
        span.set_attribute("gen_ai.prompt", f'{{"key": "{SECRET}"}} bob@example.org')
        span.set_attribute("http.request.header.authorization", "opaque-value")
        span.set_attribute("gen_ai.response.finish_reasons", ["stop", SECRET])
        span.add_event("sent to bob@example.org", {"text": SECRET})
        span.set_status(Status(StatusCode.ERROR, f"refused {SECRET}"))
    found = only(home)
    shown = repr(found)
    assert SECRET not in shown
    assert "opaque-value" not in shown
    assert "bob@example.org" not in shown
    assert found.status_code == 2
    assert "<mail>" in found.name
    assert SECRET in repr(host.exporter.get_finished_spans()[0].attributes)


def test_a_filter_decides(home: Path, host: Host, caplog: pytest.LogCaptureFixture) -> None:
    """`should_export_span` replaces the default; where it fails the span is not recorded, with a WARNING."""

    def chosen(span: ReadableSpan) -> bool:
        if span.name == "broken":
            raise ValueError(span.name)
        return span.name == "GET /"

    Trackway(should_export_span=chosen)
    attach()
    for name in ("GET /", "query", "broken"):
        with host.http.start_as_current_span(name):
            pass
    assert [span.name for span in spans(home)] == ["GET /"]
    assert "should_export_span failed" in caplog.text


def test_a_second_processor_changes_nothing(home: Path, client: Trackway, host: Host) -> None:
    """Processors added after us get the host's spans as they are, and none of ours."""
    attach()
    second = InMemorySpanExporter()
    host.provider.add_span_processor(SimpleSpanProcessor(second))
    with client.start_as_current_observation(name="ours"), host.llm.start_as_current_span("chat"):
        pass
    assert [span.name for span in second.get_finished_spans()] == ["chat"]
    assert host.provider.force_flush()
    assert {span.name for span in spans(home)} == {"ours", "chat"}


def test_after_shutdown_the_host_goes_on(home: Path, client: Trackway, host: Host) -> None:
    """A client that is shut down records nothing more, and the host's spans are exported as before."""
    attach()
    client.shutdown()
    with host.llm.start_as_current_span("chat"):
        pass
    assert host.exported("chat").end_time
    assert spans(home) == []


# -- sampling ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ours", [1.0, 0.0])
def test_the_host_exports_what_it_would_without_us(
    monkeypatch: pytest.MonkeyPatch, home: Path, count: Callable[[int, int], int], ours: float
) -> None:
    """Below our root and above it, the host keeps its share of the traces, and we keep ours."""
    rounds = count(400, 2_000)
    client = Trackway(sample_rate=ours)

    @observe
    def step() -> None: ...

    host = Host(monkeypatch, ParentBased(TraceIdRatioBased(0.1))).install()
    attach()
    for _ in range(rounds):
        with client.start_as_current_observation(name="root"):
            with host.http.start_as_current_span("inside"):
                step()
        with host.http.start_as_current_span("around"):
            step()
    names = [span.name for span in host.exporter.get_finished_spans()]
    for name in ("inside", "around"):
        assert rounds / 20 < names.count(name) < rounds / 5
    assert len(spans(home)) == (3 * rounds if ours else 0)


def test_foreign_spans_follow_our_sampling(home: Path, host: Host) -> None:
    """A foreign span in a trace that we do not keep is counted and not recorded."""
    client = Trackway(sample_rate=0.0)
    attach()
    with client.start_as_current_observation(name="root"), host.llm.start_as_current_span("chat"):
        pass
    with host.llm.start_as_current_span("alone"):
        pass
    assert spans(home) == []
    assert client.stats().destinations[0].dropped["sampled"] == 3
