"""Spans of another tracer on the same application: which of them are about LLMs, and what they are in our records."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from trackway._core.encoding import APP_ROOT
from trackway._core.guard import guard
from trackway._core.log import warn
from trackway._core.otel_api import clean
from trackway._wire import attributes as names
from trackway._wire.encode import (
    AttributeValue,
    attribute,
    dropped_counts,
    event,
    join_span,
    link,
    status,
    trace_state,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

    from trackway._core.provider import TracerProvider

ShouldExport = Callable[["ReadableSpan"], bool]
"""`should_export_span(span) -> bool`: whether a span of another tracer is recorded by us, too."""

# Instrumentations of LLM libraries, by the beginnings of their scopes' names, and attributes that only they write.
SCOPES: Final = (
    "ai", "agent_framework", "autogen-core", "haystack", "langsmith", "litellm", "openinference.",
    "opentelemetry.util.genai", "pydantic-ai", "strands", "vllm",
    *(
        "opentelemetry.instrumentation." + library
        for library in (
            "agno", "alephalpha", "anthropic", "bedrock", "cohere", "crewai", "google_generativeai", "google_genai",
            "groq", "haystack", "langchain", "llamaindex", "mcp", "mistralai", "ollama", "openai", "replicate",
            "sagemaker", "together", "transformers", "vertexai", "voyageai", "watsonx", "writer",
        )
    ),
)  # fmt: skip
ATTRIBUTES: Final = ("gen_ai.", "llm.", "openinference.", "traceloop.")
# Bytes of one span's attributes, as of an observation's values.
ROOM: Final = 2 << 20
_ENVIRONMENTS: Final = (names.LANGFUSE_ENVIRONMENT, names.DEPLOYMENT_ENVIRONMENT)
_FLAGS: Final = 0x100
_REMOTE: Final = 0x200

_guard: Final = guard("should_export_span", quiet=True)


class Near(NamedTuple):
    """What a span is recorded below: the nearest one around it that is recorded, too."""

    trace_id: bytes
    span_id: bytes
    remote: bool = False
    recording: bool | None = None
    """Whether its trace is kept, where that is decided already."""


def is_about_llms(span: "ReadableSpan") -> bool:
    """Whether an instrumentation of an LLM library made *span*, or wrote what such ones write."""
    scope = span.instrumentation_scope
    if scope is not None and any(_begins(scope.name, name) for name in SCOPES):
        return True
    return any(key.startswith(ATTRIBUTES) for key in span.attributes or ())


def _begins(scope: str, name: str) -> bool:
    """Whether *scope* is *name* or a part of it: `ai` does not begin `aiohttp`."""
    return scope.startswith(name) and (
        name[-1] == "." or scope[len(name) :][:1] in {"", ".", "-", "_"}
    )


def is_wanted(span: "ReadableSpan", should_export: ShouldExport | None) -> bool:
    """Whether *span* is to be recorded. An application's filter that fails keeps it out, with a WARNING."""
    if should_export is None:
        return is_about_llms(span)
    # The filter is the application's code: what it raises is no error of ours.
    with _guard:
        return bool(should_export(span))
    warn("should_export_span", "should_export_span failed; the span is not recorded")
    return False


def encode(
    span: "ReadableSpan",
    provider: "TracerProvider",
    stamps: Mapping[str, AttributeValue],
    near: Near | None,
) -> bytes:
    """The record of a foreign *span* that has ended, with *stamps* where it says nothing itself, below *near*."""
    own = span.get_span_context()
    if own is None:
        return b""
    pairs = {**stamps, **(span.attributes or {})}
    has_environment = any(key in pairs for key in _ENVIRONMENTS)
    fields = [provider.constant_without_environment if has_environment else provider.constant]
    if near is None or near.remote:
        fields.append(APP_ROOT)
    room, dropped = ROOM, span.dropped_attributes
    for key, value in pairs.items():
        field = attribute(key, clean(provider, key, value))
        room -= len(field)
        if room < 0:
            room, dropped = room + len(field), dropped + 1
        else:
            fields.append(field)
    for each in span.events:
        told = {key: clean(provider, key, value) for key, value in (each.attributes or {}).items()}
        fields.append(event(provider.text(each.name), each.timestamp, told))
    for linked in span.links:
        told = {k: clean(provider, k, value) for k, value in (linked.attributes or {}).items()}
        fields.append(_link(linked.context, told))
    code = span.status.status_code.value
    if code:
        fields.append(status(code, provider.text(span.status.description or "")))
    fields += (
        trace_state(own.trace_state.to_header()),
        dropped_counts(dropped, span.dropped_events, span.dropped_links),
    )
    start = span.start_time or 0
    return join_span(
        fields, own.trace_id.to_bytes(16), own.span_id.to_bytes(8), b"" if near is None else near.span_id,
        provider.name(span.name), span.kind.value + 1, start, max(span.end_time or 0, start),
        _FLAGS | own.trace_flags & 1 | (_REMOTE if near is not None and near.remote else 0),
    )  # fmt: skip


def _link(context: "SpanContext", told: Mapping[str, AttributeValue]) -> bytes:
    return link(
        context.trace_id.to_bytes(16), context.span_id.to_bytes(8), context.trace_state.to_header(), told,
        flags=_FLAGS | context.trace_flags | (_REMOTE if context.is_remote else 0),
    )  # fmt: skip
