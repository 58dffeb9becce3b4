"""What a span's attributes say of its call, in our words and in those of other tracers. Pure."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson

from trackway._core.billing import NOT_BILLED
from trackway._core.usage import CACHED, INPUT, OUTPUT, REASONING, UNITS, WRITTEN, Parts, Usage
from trackway._wire import attributes as names
from trackway._wire.encode import AttributeValue

__all__ = ["Call", "call_of", "has_cost", "usage_in"]

Attributes = Mapping[str, AttributeValue]

_MODELS: Final = (
    names.GEN_AI_RESPONSE_MODEL, names.LANGFUSE_MODEL_NAME, names.GEN_AI_REQUEST_MODEL, names.LLM_MODEL_NAME
)  # fmt: skip
_PROVIDERS: Final = (
    names.GEN_AI_PROVIDER_NAME, names.GEN_AI_SYSTEM, names.LLM_PROVIDER, names.LLM_SYSTEM
)  # fmt: skip
_COSTS: Final = (
    names.LANGFUSE_COST_DETAILS, names.MLFLOW_LLM_COST, names.LLM_COST_TOTAL, names.LLM_COST_PROMPT,
    names.LLM_COST_COMPLETION, names.GEN_AI_USAGE_COST,
)  # fmt: skip
_KINDS: Final = (names.LANGFUSE_OBSERVATION_TYPE, names.OPENINFERENCE_SPAN_KIND)
_INPUTS: Final = (
    names.GEN_AI_USAGE_INPUT_TOKENS, names.LLM_TOKEN_COUNT_PROMPT, names.GEN_AI_USAGE_PROMPT_TOKENS
)  # fmt: skip
_OUTPUTS: Final = (
    names.GEN_AI_USAGE_OUTPUT_TOKENS, names.LLM_TOKEN_COUNT_COMPLETION, names.GEN_AI_USAGE_COMPLETION_TOKENS
)  # fmt: skip
# What is part of them, by bucket.
_PARTS: Final = (
    (
        CACHED,
        INPUT,
        (names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS, names.LLM_TOKEN_COUNT_PROMPT_CACHE_READ),
    ),
    (
        WRITTEN,
        INPUT,
        (
            names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
            names.GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS,
            names.LLM_TOKEN_COUNT_PROMPT_CACHE_WRITE,
        ),
    ),
    ("input_audio_tokens", INPUT, (names.LLM_TOKEN_COUNT_PROMPT_AUDIO,)),
    (
        REASONING,
        OUTPUT,
        (names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS, names.LLM_TOKEN_COUNT_COMPLETION_REASONING),
    ),
    ("output_audio_tokens", OUTPUT, (names.LLM_TOKEN_COUNT_COMPLETION_AUDIO,)),
)
_LARGEST: Final = (1 << 63) - 1


class Call(NamedTuple):
    """What there is to price: all that `PriceBook.price` asks for, but the time."""

    provider: str | None
    models: tuple[str, ...]
    tier: str | None
    usage: Usage


def call_of(given: Attributes) -> Call | None:
    """The call that a span is of; None where it names no model or counts nothing, or only sums up calls inside."""
    models = tuple(dict.fromkeys(text for name in _MODELS if (text := _text(given, name))))
    if not models or any((_text(given, name) or "").lower() in NOT_BILLED for name in _KINDS):
        return None
    if given.get(names.GEN_AI_OPERATION_NAME) == names.GEN_AI_OPERATIONS["agent"]:
        return None
    usage = usage_in(given)
    if usage is None:
        return None
    provider = next((text for name in _PROVIDERS if (text := _text(given, name))), None)
    tier = next((text for name in names.SERVICE_TIERS if (text := _text(given, name))), None)
    return Call(provider, models, tier, usage)


def has_cost(given: Attributes) -> bool:
    """Whether somebody has said a cost already."""
    return any(name in given for name in _COSTS)


def usage_in(given: Attributes) -> Usage | None:
    """The tokens that a span tells: in our buckets, else from inclusive counts."""
    parts = Parts(None)
    buckets = _counts(given.get(names.LANGFUSE_USAGE_DETAILS)) or _counts(
        given.get(names.TRACKWAY_USAGE_DETAILS)
    )
    total = buckets.pop("total", None)
    if buckets:
        for name, count in buckets.items():
            if name in UNITS:
                parts.unit(name, count)
            else:
                parts.add(name, count)
        total = None
    else:
        parts.add(INPUT, _count(given, _INPUTS))
        parts.add(OUTPUT, _count(given, _OUTPUTS))
        for bucket, whole, several in _PARTS:
            parts.take(bucket, _count(given, several), whole)
    for name, count in _counts(given.get(names.TRACKWAY_USAGE_UNITS)).items():
        parts.unit(name, count)
    return parts.usage(total)


def _counts(text: AttributeValue | None) -> dict[str, int]:
    """What are counts in a JSON object."""
    if not isinstance(text, str):
        return {}
    try:
        found = orjson.loads(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        name: count
        for name, count in found.items()
        if type(count) is int and 0 <= count <= _LARGEST
    }


def _count(given: Attributes, several: tuple[str, ...]) -> int | None:
    for name in several:
        value = given.get(name)
        if type(value) is int and 0 <= value <= _LARGEST:
            return value
    return None


def _text(given: Attributes, name: str) -> str | None:
    value = given.get(name)
    return value if isinstance(value, str) and value else None
