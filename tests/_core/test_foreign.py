"""Which spans of another tracer are about LLMs, and what they are in our records."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags

from tests.spans import only
from trackway import Trackway, attach
from trackway._core.foreign import is_about_llms

if TYPE_CHECKING:
    from opentelemetry.util.types import AttributeValue


@pytest.mark.parametrize(
    ("scope", "attributes", "expected"),
    [
        ("opentelemetry.instrumentation.openai.v1", {}, True),
        ("opentelemetry.instrumentation.openai_v2", {}, True),
        ("opentelemetry.util.genai.handler", {}, True),
        ("openinference.instrumentation.langchain", {}, True),
        ("pydantic-ai", {}, True),
        ("ai", {}, True),
        ("aiohttp", {}, False),
        ("opentelemetry.instrumentation.httpx", {}, False),
        ("my.app", {"gen_ai.request.model": "m"}, True),
        ("my.app", {"llm.model_name": "m"}, True),
        ("my.app", {"http.route": "/"}, False),
        ("", {}, False),
    ],
)
def test_llm_libraries_are_known(scope: str, attributes: dict[str, str], *, expected: bool) -> None:
    """By their scope, or by attributes that only such instrumentations write; nothing else is."""
    span = ReadableSpan(
        "span", attributes=attributes, instrumentation_scope=InstrumentationScope(scope)
    )
    assert is_about_llms(span) is expected


def test_everything_of_a_span_is_recorded(home: Path) -> None:
    """Ids, kind, times, attributes of every type, events, links, status and what the SDK dropped."""
    Trackway(environment="test", release="7")
    provider = TracerProvider(shutdown_on_exit=False)
    attach(provider)
    tracer = provider.get_tracer("pydantic-ai")
    other = SpanContext(1 << 64, 7, is_remote=True, trace_flags=TraceFlags(1))
    attributes: dict[str, AttributeValue] = {
        "text": "é",
        "flag": True,
        "count": 3,
        "share": 0.5,
        "list": ["a", "b"],
    }
    span = tracer.start_span(
        "chat", kind=SpanKind.CLIENT, attributes=attributes, links=[Link(other, {"why": "x"})],
        start_time=1_000,
    )  # fmt: skip
    span.add_event("first token", {"n": 1}, 1_500)
    span.end(2_000)
    found, own = only(home), span.get_span_context()
    assert found.span_id == f"{own.span_id:016x}"
    assert (found.kind, found.start, found.end) == (3, 1_000, 2_000)
    assert {k: found.attributes[k] for k in attributes} == {**attributes, "list": ("a", "b")}
    assert found.attributes["langfuse.environment"] == "test"
    assert found.attributes["langfuse.release"] == "7"
    assert [(e.name, e.attributes) for e in found.events] == [("first token", {"n": 1})]
    assert [(x.span_id, x.attributes) for x in found.links] == [(f"{7:016x}", {"why": "x"})]


def test_huge_values_are_cut(home: Path) -> None:
    """A text beyond the budget of a value is cut and marked; a span beyond its own loses attributes, counted."""
    Trackway(max_value_bytes=1 << 20)
    provider = TracerProvider(shutdown_on_exit=False)
    attach(provider)
    with provider.get_tracer("pydantic-ai").start_as_current_span("chat") as span:
        for number in range(3):
            span.set_attribute(f"text{number}", "x" * (3 << 20))
    found = only(home)
    text = found.attributes["text0"]
    assert isinstance(text, str)
    assert len(text) <= 1 << 20
    assert text.endswith("cut>")
    assert found.dropped_attributes >= 1
