"""Real instrumentations of OpenAI around the real SDK of OpenAI, which speaks to a server of ours.

Of OpenTelemetry (`opentelemetry-instrumentation-openai-v2`) and of OpenInference: alone, beside a host, and joined.
"""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
from openai import AsyncOpenAI, BadRequestError, DefaultHttpxClient, OpenAI
from openai.types.chat import ChatCompletionUserMessageParam
from openinference.instrumentation.openai import OpenAIInstrumentor as OfOpenInference
from opentelemetry import trace
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor as OfOpenTelemetry
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.peers.openai_server import ANSWER, served
from tests.spans import only, spans
from trackway import Trackway, attach, get_client, propagate_attributes
from trackway._store.local import LocalStore
from trackway._store.models import Observation

SECRET = "sk-proj-" + "a1B2c3D4" * 6
MODEL = "gpt-4o-mini"


class Instrumentor(Protocol):
    def instrument(self, *, tracer_provider: trace.TracerProvider) -> None: ...

    def uninstrument(self) -> None: ...


@pytest.fixture(params=[OfOpenTelemetry, OfOpenInference], ids=["otel", "openinference"])
def library(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Instrumentor]:
    """One of the two, which records what is said."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "span_only")
    found: Instrumentor = request.param()
    yield found
    found.uninstrument()


class Host:
    """An application with the SDK."""

    def __init__(self, limits: SpanLimits | None = None) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False, span_limits=limits)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", self.provider)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    @property
    def shown(self) -> list[tuple[str, object, Mapping[str, object]]]:
        """What its spans say, but for ids and times."""
        return [
            (s.name, s.parent and s.parent.span_id, dict(s.attributes or {})) for s in self.spans
        ]


def sent(_: object) -> None:
    """Ours inside theirs: what the HTTP client does before each request."""
    get_client().create_event(name="sent")


def ask(prompt: str = "six times seven") -> None:
    """A call of each kind: whole, streamed, failing, embeddings, and one on an event loop."""
    messages: list[ChatCompletionUserMessageParam] = [{"role": "user", "content": prompt}]
    with (
        served() as url,
        OpenAI(
            base_url=url, api_key="sk-none", max_retries=0,
            http_client=DefaultHttpxClient(event_hooks={"request": [sent]}),
        ) as openai,
    ):  # fmt: skip
        whole = openai.chat.completions.create(model=MODEL, messages=messages)
        assert whole.choices[0].message.content == ANSWER
        stream = openai.chat.completions.create(
            model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
        )
        parts = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
        assert "".join(parts) == ANSWER
        openai.embeddings.create(model="text-embedding-3-small", input=prompt)
        with pytest.raises(BadRequestError, match="the model is broken"):
            openai.chat.completions.create(model="broken", messages=messages)
        asyncio.run(ask_async(url, messages))


async def ask_async(url: str, messages: list[ChatCompletionUserMessageParam]) -> None:
    async with AsyncOpenAI(base_url=url, api_key="sk-none", max_retries=0) as openai:
        whole = await openai.chat.completions.create(model=MODEL, messages=messages)
    assert whole.choices[0].message.content == ANSWER


def ask_for(client: Trackway, prompt: str = "six times seven") -> str:
    """The same inside an observation, for a user; gives the observation's id."""
    with propagate_attributes(
        user_id="alice", session_id="s1", tags=["t"], metadata={"plan": "pro"}
    ):
        with client.start_as_current_observation(name="agent", as_type="agent") as agent:
            ask(prompt)
    return agent.id


def read(home: Path) -> tuple[Observation, ...]:
    """What the local store has: the observations of the only trace."""
    with LocalStore(home) as store:
        (found,) = store.get_traces(filters={"user_id": "alice", "session_id": "s1", "tags": ["t"]})
        return found.observations


def check(home: Path, agent: str) -> None:
    """Five spans of theirs below ours, ours below theirs, all for alice, and readable with model and tokens."""
    written = [span for span in spans(home) if span.name not in {"agent", "sent"}]
    assert len(written) == 5
    for span in written:
        assert span.parent_span_id == agent
        assert span.attributes["user.id"] == "alice"
        assert span.attributes["session.id"] == "s1"
        assert span.attributes["langfuse.trace.tags"] == ("t",)
        assert span.attributes["langfuse.trace.metadata.plan"] == "pro"
    events = [span for span in spans(home) if span.name == "sent"]
    assert {event.parent_span_id for event in events} <= {span.span_id for span in written}
    assert len(events) == 4
    found = [each for each in read(home) if each.name not in {"agent", "sent"}]
    assert [each.type for each in found] == ["GENERATION"] * 2 + ["EMBEDDING"] + ["GENERATION"] * 2
    for each in (found[0], found[1], found[4]):
        assert each.model is not None
        assert each.model.startswith(MODEL)
        assert (each.usage["input"], each.usage["output"]) == (12, 5)
        assert each.user_id == "alice"
        assert "six times seven" in str(each.input)
        assert ANSWER in str(each.output)
    assert (found[2].model, found[2].usage["input"]) == ("text-embedding-3-small", 3)
    assert found[3].level == "ERROR"


def test_alone_their_spans_are_ours(home: Path, library: Instrumentor) -> None:
    """Given our provider, calls of the SDK are observations, for the user, with model, tokens, input and output."""
    client = Trackway()
    library.instrument(tracer_provider=client.tracer_provider)
    check(home, ask_for(client))


@pytest.mark.parametrize("order", ["before", "after"])
def test_joined_their_spans_are_recorded_too(
    monkeypatch: pytest.MonkeyPatch, home: Path, library: Instrumentor, order: str
) -> None:
    """Attached to a host that was there before us or comes after us, the same, and the host has them all as well."""
    host = Host()
    if order == "before":
        host.install(monkeypatch)
    client = Trackway()
    assert attach() is (order == "before")
    host.install(monkeypatch)
    library.instrument(tracer_provider=host.provider)
    agent = ask_for(client)
    check(home, agent)
    assert len(host.spans) == 5
    for span in host.spans:
        assert span.parent is not None
        assert f"{span.parent.span_id:016x}" == agent
        assert (span.attributes or {})["user.id"] == "alice"


@pytest.mark.parametrize("order", ["before", "after"])
def test_isolated_the_host_has_what_it_would_have(
    monkeypatch: pytest.MonkeyPatch, home: Path, library: Instrumentor, order: str
) -> None:
    """Not attached, the host's spans are the same as without us, and ours keep their parents and users."""
    without, host = Host(), Host()
    without.install(monkeypatch)
    library.instrument(tracer_provider=without.provider)
    monkeypatch.setenv("TRACKWAY_ENABLED", "false")
    ask()
    library.uninstrument()
    monkeypatch.delenv("TRACKWAY_ENABLED")
    get_client().shutdown()
    if order == "after":
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    else:
        host.install(monkeypatch)
    client = Trackway(project="another")
    host.install(monkeypatch)
    library.instrument(tracer_provider=host.provider)
    ask_for(client)
    assert host.shown == without.shown
    assert {span.name for span in spans(home)} == {"agent", "sent"}


def test_what_they_record_is_redacted(
    monkeypatch: pytest.MonkeyPatch, home: Path, library: Instrumentor
) -> None:
    """A secret in a prompt is in the host's spans, as it would be, and in none of our records."""
    host = Host()
    host.install(monkeypatch)
    client = Trackway()
    assert attach()
    library.instrument(tracer_provider=host.provider)
    ask_for(client, f"use {SECRET}")
    assert SECRET in repr(host.shown)
    assert SECRET not in repr(spans(home))
    assert "[redacted: openai key]" in repr(spans(home))


def test_limits_do_not_push_ours_out(
    monkeypatch: pytest.MonkeyPatch, home: Path, library: Instrumentor
) -> None:
    """With room for six attributes on a span, the host keeps six of its own, and we have all that is propagated."""
    monkeypatch.setenv("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "6")
    host = Host(SpanLimits())
    host.install(monkeypatch)
    client = Trackway()
    assert attach()
    library.instrument(tracer_provider=host.provider)
    ask_for(client)
    assert max(len(span.attributes or {}) for span in host.spans) == 6
    written = [span for span in spans(home) if span.name not in {"agent", "sent"}]
    assert len(written) == 5
    for span in written:
        assert span.attributes["user.id"] == "alice"
        assert span.attributes["session.id"] == "s1"
        assert span.attributes["langfuse.trace.metadata.plan"] == "pro"
    assert only(home, "agent").attributes["user.id"] == "alice"
