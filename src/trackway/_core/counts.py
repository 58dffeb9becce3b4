"""Token counts as attributes: disjoint buckets for Langfuse, inclusive counts for OpenTelemetry and OpenInference.

Which count sums which buckets follows from the names of the buckets, and providers have few sets of them: it is worked
out once for each (`_plan`). Then numbers are added up and written.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import compress
from typing import Final

import orjson

from trackway._core.propagated import LANGFUSE, OPENINFERENCE
from trackway._core.usage import REASONING, WRITTEN, Usage
from trackway._wire import attributes as names
from trackway._wire.anyvalue import key_field
from trackway._wire.encode import NumberKey, TextKey, attribute
from trackway._wire.native import kernels

__all__ = ["usage_bytes"]

# Sets of buckets; those of people who write usage by hand may be any.
MAX_PLANS: Final = 256
# More than these are not left to the kernel, whose masks have so many bits.
MOST_BUCKETS: Final = 32


def _within(prefix: str) -> Callable[[str], bool]:
    """Whether a bucket is *prefix*, or named after it."""
    return lambda name: name == prefix or name.startswith(prefix + "_")


def _any(_: str) -> bool:
    return True


# Which buckets an inclusive count sums; OpenTelemetry's key for it, and OpenInference's.
_INCLUSIVE: Final[tuple[tuple[Callable[[str], bool], str | None, str | None], ...]] = (
    (_within("input"), names.GEN_AI_USAGE_INPUT_TOKENS, names.LLM_TOKEN_COUNT_PROMPT),
    (_within("output"), names.GEN_AI_USAGE_OUTPUT_TOKENS, names.LLM_TOKEN_COUNT_COMPLETION),
    (_any, None, names.LLM_TOKEN_COUNT_TOTAL),
    (
        _within("input_cached"),
        names.GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
        names.LLM_TOKEN_COUNT_PROMPT_CACHE_READ,
    ),
    (
        _within(WRITTEN),
        names.GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
        names.LLM_TOKEN_COUNT_PROMPT_CACHE_WRITE,
    ),
    (
        REASONING.__eq__,
        names.GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
        names.LLM_TOKEN_COUNT_COMPLETION_REASONING,
    ),
    ("input_audio_tokens".__eq__, None, names.LLM_TOKEN_COUNT_PROMPT_AUDIO),
    ("output_audio_tokens".__eq__, None, names.LLM_TOKEN_COUNT_COMPLETION_AUDIO),
)
# Buckets that the inclusive counts can tell.
_TOLD: Final = frozenset({"input", "input_cached_tokens", WRITTEN, "output", REASONING})

_UNITS: Final = TextKey(names.TRACKWAY_USAGE_UNITS).writer()


Written = Callable[[Mapping[str, int]], bytes]
"""What writes the counts of buckets whose names are known."""


@lru_cache(MAX_PLANS)
def _plan(buckets: tuple[str, ...], bits: int) -> Written:
    """What writes the counts of *buckets*, in this order, in the dialects of *bits*."""
    told = [
        (key, summed)
        for holds, otel, other in _INCLUSIVE
        for summed in ([holds(name) for name in buckets],)
        for key in (otel, other if bits & OPENINFERENCE else None)
        if key is not None and any(summed)
    ]
    if bits & LANGFUSE:
        details = names.LANGFUSE_USAGE_DETAILS
    else:
        # Else who prices the record, or stores it, could not tell audio from text.
        details = "" if _TOLD.issuperset(buckets) else names.TRACKWAY_USAGE_DETAILS
    if kernels is None or len(buckets) > MOST_BUCKETS:
        return _in_python(buckets, told, details)
    heads = tuple(key_field(key) for key, _ in told)
    masks = tuple(sum(held << bit for bit, held in enumerate(summed)) for _, summed in told)
    labels = tuple(orjson.dumps(name) + b":" for name in buckets)
    return partial(
        kernels.count_fields, heads, masks, key_field(details) if details else b"", labels
    )


def _in_python(
    buckets: tuple[str, ...], told: Sequence[tuple[str, Sequence[bool]]], details: str
) -> Written:
    """The twin of `count_fields`."""
    keys = [(NumberKey(key), tuple(compress(buckets, summed))) for key, summed in told]
    field = TextKey(details).field if details else None

    def write(counts: Mapping[str, int]) -> bytes:
        amount = counts.__getitem__
        parts = [key.integer(sum(map(amount, several))) for key, several in keys]
        if field is not None:
            parts.append(field(orjson.dumps({**counts, "total": sum(counts.values())})))
        return b"".join(parts)

    return write


def usage_bytes(usage: Usage, bits: int) -> bytes:
    """Token counts: disjoint for Langfuse, inclusive for the others; beside them what is told of no backend."""
    buckets = usage.buckets
    encoded = _plan(tuple(buckets), bits)(buckets) if buckets else b""
    return encoded + _beside(usage) if usage.units or usage.doubts else encoded


def _beside(usage: Usage) -> bytes:
    """What is no token, and what cannot be."""
    encoded = _UNITS(orjson.dumps(dict(usage.units))) if usage.units else b""
    doubts = usage.doubts
    return encoded + attribute(names.TRACKWAY_USAGE_DOUBTS, doubts) if doubts else encoded
