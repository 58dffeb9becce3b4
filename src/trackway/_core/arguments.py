"""The keyword arguments of everything that starts or updates an observation, said once for all of them."""

from collections.abc import Mapping
from datetime import datetime
from os import PathLike
from typing import Protocol, TypedDict

from trackway._core.usage import Usage
from trackway.types import Level, ScoreDataType


class Prompt(Protocol):
    """A version of a prompt; the prompt clients of the Langfuse SDK fit."""

    @property
    def name(self) -> str:
        """The prompt's name."""
        ...

    @property
    def version(self) -> int:
        """Which version of it."""
        ...


class Fields(TypedDict, total=False):
    """What an observation can say. None means "not given".

    What cannot be used is dropped with one WARNING that names it.

    Values are serialised at once; budgets and what becomes of odd ones: docs/values.md.
    """

    input: object
    """What went in: anything; recorded as JSON, a `str` as text."""
    output: object
    """What came out, likewise."""
    metadata: object
    """A mapping; each key is kept for itself and an update replaces the keys that it names."""
    version: str | None
    """The version of the code or prompt that is observed."""
    level: Level | None
    """DEBUG, DEFAULT, WARNING or ERROR; ERROR marks the span as failed."""
    status_message: str | None
    """Why it failed, or what is worth knowing."""
    completion_start_time: datetime | None
    """When the first token arrived; naive means the local time zone."""
    model: str | None
    """The model that was asked for, such as `gpt-4o`."""
    response_model: str | None
    """The model that answered, where it is told, such as `gpt-4o-2024-08-06`."""
    provider: str | None
    """Who serves it: `openai`, `anthropic`, `azure.ai.openai` … (OpenTelemetry's names, or the price list's)."""
    service_tier: str | None
    """How it was served, where that has a price of its own: `batch`, `flex`, `priority` …"""
    cache_hit: bool | None
    """Whether a cache of the application answered: the call then cost nothing. Kept in the metadata."""
    model_parameters: Mapping[str, object] | None
    """The parameters that were sent."""
    usage_details: Mapping[str, object] | Usage | None
    """Tokens by disjoint bucket: `input`, `output`, `input_cached_tokens` …, `total` (else their sum)."""
    cost_details: Mapping[str, object] | None
    """US dollars by bucket: `input`, `output`, `total` (else their sum)."""
    usage: Mapping[str, object] | Usage | None
    """Tokens and costs in one mapping, in the spellings people use.

    `input`, `prompt_tokens`, `input_cost`, `total_cost` …
    """
    prompt: Prompt | Mapping[str, object] | None
    """The version of a prompt that was used: `name` and `version`."""


class Update(Fields, total=False):
    """What an update can change."""

    name: str | None
    """A new name."""


class Options(TypedDict, total=False):
    """What a client can be configured with.

    None, and what is left out, is read from the environment (docs/configuration.md).
    """

    enabled: bool | None
    tracing_enabled: bool | None
    """`enabled`, as the Langfuse SDK calls it."""
    endpoint: str | None
    headers: Mapping[str, str] | None
    public_key: str | None
    secret_key: str | None
    base_url: str | None
    host: str | None
    """`base_url`, as the Langfuse SDK calls it."""
    additional_headers: Mapping[str, str] | None
    """`headers`, as the Langfuse SDK calls them."""
    otel_compression: str | None
    """`compression`, as the Langfuse SDK calls it."""
    debug: bool | None
    """Has the logger `trackway` say everything, as in the Langfuse SDK."""
    flush_at: int | None
    """Of the Langfuse SDK, as the next three: accepted with a WARNING, because it has no meaning here."""
    flush_interval: float | None
    httpx_client: object
    media_upload_thread_count: int | None
    local: bool | None
    directory: str | PathLike[str] | None
    project: str | None
    environment: str | None
    release: str | None
    sample_rate: float | None
    capture_io: bool | None
    redact: bool | None
    accept_baggage: bool | None
    attach: bool | None
    threads: bool | None
    serverless: bool | None
    compression: str | None
    protocol: str | None
    timeout: float | str | None
    retry_for: float | str | None
    spool_quota: int | str | None
    retention: float | str | None
    retention_size: int | str | None
    ingest_at: int | str | None
    sync: float | str | None
    wire: str | None
    prices: str | PathLike[str] | None
    max_value_bytes: int | str | None


class ScoreFields(TypedDict, total=False):
    """What a score can say beside its name and value."""

    data_type: ScoreDataType | None
    """NUMERIC, CATEGORICAL, BOOLEAN or TEXT; by default what the value's type says."""
    comment: str | None
    """Why."""
    score_id: str | None
    """An id of the caller's; a score with the same id replaces the earlier one."""
    metadata: Mapping[str, object] | None
    """Anything else."""
