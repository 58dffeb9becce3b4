"""Token counts and costs that a caller hands over, brought to one shape.

The shape is that of Langfuse's `usage_details`: **disjoint** buckets (`input` without the cached part, `output`
without the reasoning part …) whose sum is `total`. OpenTelemetry's `gen_ai.usage.*` and OpenInference's counts are
inclusive, so they are computed from the buckets.
"""

from collections.abc import Mapping
from typing import Final

from trackway._core import log

# Spellings that people write by hand or copy from a provider's response → ours.
_NAMES: Final = {
    "prompt_tokens": "input",
    "input_tokens": "input",
    "completion_tokens": "output",
    "output_tokens": "output",
    "total_tokens": "total",
    "cache_read_input_tokens": "input_cached_tokens",
    "cached_tokens": "input_cached_tokens",
    "cache_creation_input_tokens": "input_cache_creation",
    "reasoning_tokens": "output_reasoning_tokens",
}
# OpenAI's nested details are *part* of the count beside them, so they are taken out of it.
_DETAILS: Final = {
    "prompt_tokens_details": (
        "input",
        {"cached_tokens": "input_cached_tokens", "audio_tokens": "input_audio_tokens"},
    ),
    "input_tokens_details": (
        "input",
        {"cached_tokens": "input_cached_tokens", "audio_tokens": "input_audio_tokens"},
    ),
    "completion_tokens_details": (
        "output",
        {"reasoning_tokens": "output_reasoning_tokens", "audio_tokens": "output_audio_tokens"},
    ),
    "output_tokens_details": (
        "output",
        {"reasoning_tokens": "output_reasoning_tokens", "audio_tokens": "output_audio_tokens"},
    ),
}
_MAX_COUNT: Final = (1 << 53) - 1


def usage_buckets(usage: object) -> dict[str, int]:
    """Disjoint token buckets with their `total`; what is no count is dropped with a WARNING."""
    if not isinstance(usage, Mapping):
        log.warn("usage", "usage_details is not a mapping of token counts. Dropping value.")
        return {}
    buckets: dict[str, int] = {}
    nested: list[tuple[str, Mapping[object, object]]] = []
    for key, value in dict(usage).items():
        if not isinstance(key, str) or value is None or key.endswith("_cost"):
            continue
        if key in _DETAILS and isinstance(value, Mapping):
            nested.append((key, value))
        elif (count := _count(key, value)) is not None:
            buckets[_NAMES.get(key, key)] = count
    for key, details in nested:
        _take_out(buckets, key, details)
    if buckets and "total" not in buckets:
        buckets["total"] = sum(buckets.values())
    return buckets


def cost_buckets(cost: object) -> dict[str, float]:
    """US dollars by bucket with their `total`.

    `input_cost` means `input`. What is no amount is dropped with a WARNING.
    """
    if not isinstance(cost, Mapping):
        log.warn("cost", "cost_details is not a mapping of amounts. Dropping value.")
        return {}
    buckets: dict[str, float] = {}
    for key, value in dict(cost).items():
        if not isinstance(key, str) or value is None:
            continue
        amount = _amount(value)
        if amount is None:
            log.warn(
                "cost",
                "cost_details[%.40r] is not a finite amount of at least 0. Dropping value.",
                key,
            )
        else:
            buckets[key.removesuffix("_cost")] = amount
    if buckets and "total" not in buckets:
        buckets["total"] = sum(buckets.values())
    return buckets


def costs_in(usage: object) -> dict[str, object]:
    """The `…_cost` entries that people put beside token counts."""
    if not isinstance(usage, Mapping):
        return {}
    return {
        key: value
        for key, value in dict(usage).items()
        if isinstance(key, str) and key.endswith("_cost")
    }


def inclusive(buckets: Mapping[str, int]) -> tuple[int | None, int | None]:
    """Input and output tokens with everything that is part of them, as OpenTelemetry and OpenInference count."""
    sides = []
    for side in ("input", "output"):
        counts = [
            count for key, count in buckets.items() if key == side or key.startswith(side + "_")
        ]
        sides.append(sum(counts) if counts else None)
    return sides[0], sides[1]


def _take_out(buckets: dict[str, int], key: str, details: Mapping[object, object]) -> None:
    whole, known = _DETAILS[key]
    for detail, value in dict(details).items():
        bucket = known.get(detail) if isinstance(detail, str) else None
        if bucket is None or not value:
            continue
        count = _count(f"{key}.{detail}", value)
        if count is not None:
            taken = min(count, buckets.get(whole, 0))
            buckets[bucket] = taken
            buckets[whole] = buckets.get(whole, 0) - taken


def _count(key: str, value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COUNT:
        return int(value)
    log.warn("usage", "usage_details[%.40r] is not a count of tokens. Dropping value.", key)
    return None


def _amount(value: object) -> float | None:
    from decimal import Decimal  # noqa: PLC0415 - 2 ms of import for a type that few callers use

    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        amount = float(value)
    except (OverflowError, ValueError):
        return None
    return amount if 0.0 <= amount < float("inf") else None
