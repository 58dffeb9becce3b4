"""What a test gets: one observation, and one score, as plain dictionaries."""

from typing import TypedDict

__all__ = ["Failure", "Prompt", "Score", "Span", "SpanEvent", "SpanLink"]


class Failure(TypedDict):
    """The exception that an observation failed with."""

    type: str
    message: str
    stacktrace: str


class Prompt(TypedDict):
    """The version of a prompt that was used."""

    name: str
    version: int | None


class SpanEvent(TypedDict):
    """What was added by `add_event` of OpenTelemetry's API."""

    name: str
    time: int
    attributes: dict[str, object]


class SpanLink(TypedDict):
    """A link to another span."""

    trace_id: str
    span_id: str
    attributes: dict[str, object]


class Span(TypedDict):
    """One observation. Every key is always there; what was not said is None, or empty."""

    name: str
    kind: str
    """`span`, `generation`, `agent` …"""
    id: str
    """16 hex digits."""
    trace_id: str
    """32 hex digits."""
    parent_id: str | None
    user_id: str | None
    session_id: str | None
    trace_name: str | None
    tags: list[str]
    metadata: dict[str, object]
    """What was propagated, and over it what the observation said itself."""
    input: object
    """What JSON makes of it, after mask and redaction; a text as it is."""
    output: object
    model: str | None
    model_parameters: dict[str, object]
    usage: dict[str, int]
    """Tokens by bucket, with `total`."""
    cost: dict[str, float]
    """US dollars by bucket, with `total`; empty where the call has no price."""
    price_source: str | None
    """Where the cost is from: `genai-prices`, `overrides`, `provider`, `cache`; None where the application said it."""
    level: str
    """DEBUG, DEFAULT, WARNING or ERROR."""
    status: str
    """UNSET, OK or ERROR: the status of the span."""
    status_message: str | None
    exception: Failure | None
    prompt: Prompt | None
    environment: str | None
    release: str | None
    version: str | None
    attributes: dict[str, object]
    """Attributes that no other key stands for: what was set through OpenTelemetry's API."""
    events: list[SpanEvent]
    links: list[SpanLink]
    scope: str
    """Who made it: `trackway`, or the name that an instrumentation gave its tracer."""
    start_time: int
    """In ns since the epoch, as is `end_time`."""
    end_time: int


class Score(TypedDict):
    """One score. Every key is always there."""

    name: str
    value: float | bool | str
    data_type: str
    comment: str | None
    metadata: dict[str, object]
    id: str
    trace_id: str | None
    observation_id: str | None
    session_id: str | None
    user_id: str | None
    environment: str | None
