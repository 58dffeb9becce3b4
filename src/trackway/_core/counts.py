"""Token counts as attributes: disjoint buckets for Langfuse, inclusive counts for OpenTelemetry and OpenInference.

Which count sums which buckets follows from the names of the buckets, and providers have few sets of them: it is worked
out once for each (`_plan`). Then numbers are added up and written.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, final

import orjson

from trackway._core.propagated import LANGFUSE, OPENINFERENCE
from trackway._core.usage import REASONING, WRITTEN, Usage
from trackway._wire import attributes as names
from trackway._wire.encode import NumberKey, TextKey, attribute

__all__ = ["usage_bytes"]

# Counts recur; of each place so many are remembered.
MAX_COUNTS: Final = 1_024
# Sets of buckets; those of people who write usage by hand may be any.
MAX_PLANS: Final = 256


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

_DETAILS: Final = TextKey(names.LANGFUSE_USAGE_DETAILS).writer()
_OWN_DETAILS: Final = TextKey(names.TRACKWAY_USAGE_DETAILS).writer()
_UNITS: Final = TextKey(names.TRACKWAY_USAGE_UNITS).writer()


@final
class _Count(dict[int, bytes]):
    """The attributes that say one count, by that count: those that were asked for before are there."""

    __slots__ = ("_keys",)

    def __init__(self, *keys: str) -> None:
        super().__init__()
        self._keys = tuple(NumberKey(key) for key in keys)

    def __missing__(self, count: int) -> bytes:
        if len(self) >= MAX_COUNTS:
            self.clear()
        made = self[count] = b"".join([key.integer(count) for key in self._keys])
        return made


_ALL: Final = tuple(_Count(*[key for key in (otel, other) if key]) for _, otel, other in _INCLUSIVE)
_WITHOUT_OPENINFERENCE: Final = tuple(_Count(otel) if otel else None for _, otel, _ in _INCLUSIVE)

# A count, and the one bucket that it says, or the several that it sums.
_Summed = tuple[_Count, str | None, tuple[str, ...]]


@lru_cache(MAX_PLANS)
def _plan(
    buckets: tuple[str, ...], bits: int
) -> tuple[tuple[_Summed, ...], Callable[[bytes], bytes] | None]:
    """(Each count that is told, and the buckets that it sums; what writes all buckets as JSON, if they are to be)."""
    counts = _ALL if bits & OPENINFERENCE else _WITHOUT_OPENINFERENCE
    summed = (tuple(filter(holds, buckets)) for holds, _, _ in _INCLUSIVE)
    told = tuple(
        (count, several[0] if len(several) == 1 else None, several)
        for count, several in zip(counts, summed, strict=True)
        if several and count is not None
    )
    if bits & LANGFUSE:
        return told, _DETAILS
    # Else who prices the record, or stores it, could not tell audio from text.
    return told, None if _TOLD.issuperset(buckets) else _OWN_DETAILS


def usage_bytes(usage: Usage, bits: int) -> bytes:
    """Token counts: disjoint for Langfuse, inclusive for the others; beside them what is told of no backend."""
    buckets = usage.buckets
    if not buckets:
        return _beside(usage)
    told, details = _plan(tuple(buckets), bits)
    amount = buckets.__getitem__
    parts = [
        count[buckets[one] if one is not None else sum(map(amount, several))]
        for count, one, several in told
    ]
    if details is not None:
        parts.append(details(orjson.dumps(usage.details())))
    if usage.units or usage.doubts:
        parts.append(_beside(usage))
    return b"".join(parts)


def _beside(usage: Usage) -> bytes:
    """What is no token, and what cannot be."""
    encoded = _UNITS(orjson.dumps(dict(usage.units))) if usage.units else b""
    doubts = usage.doubts
    return encoded + attribute(names.TRACKWAY_USAGE_DOUBTS, doubts) if doubts else encoded
