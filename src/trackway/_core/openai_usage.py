"""What OpenAI says that a call used, and who speaks like it: input that contains the cached, output the reasoning."""

import math
from functools import partial
from typing import Final, final

from trackway._core.answers import Given, count_in, nested, take_in
from trackway._core.usage import (
    CACHED,
    INPUT,
    MAX_COUNT,
    NOTHING,
    OUTPUT,
    REASONING,
    WRITTEN,
    Parts,
    Usage,
    amount,
    count,
)
from trackway._wire.native import kernels

__all__ = [
    "openai_chat",
    "openai_images",
    "openai_responses",
    "openai_transcription",
    "openrouter_chat",
]

_AUDIO_IN: Final = "input_audio_tokens"
_IMAGE_IN: Final = "input_image_tokens"
_AUDIO_OUT: Final = "output_audio_tokens"
_IMAGE_OUT: Final = "output_image_tokens"


@final
class Ordinary:
    """Reads what most calls say: input and output with their total, and of these cached and reasoning tokens.

    In 0.7 µs, where it takes 4.8 to look for everything that anybody sends.
    """

    __slots__ = ("_names", "_read", "known")

    def __init__(self, inputs: str, outputs: str) -> None:
        # A count, what tells of it, and the part that this names.
        self._names = (
            (inputs, f"{inputs}_details", "cached_tokens"),
            (outputs, f"{outputs}_details", "reasoning_tokens"),
        )
        self.known = frozenset(name for names in self._names for name in names[:2]) | {_TOTAL}
        """The fields that OpenAI itself sends."""
        self._read = self.read
        if kernels is not None:
            self._read = partial(
                kernels.ordinary, *self._names, _BUCKETS, _TOTAL, self.known, _PREDICTED, MAX_COUNT
            )

    def usage(self, given: Given) -> Usage | None:
        """The usage where *given* says nothing else, and no part is more than there is; else None."""
        buckets = self._read(given)
        if buckets is None:
            return None
        # A named tuple's own `__new__` takes half as long again.
        return tuple.__new__(Usage, (buckets, NOTHING, given, (), None, None, True))

    def read(self, given: Given) -> dict[str, int] | None:
        """Counts by bucket; None where there is more."""
        if type(given) is not dict or not all(type(key) is str for key in given):
            return None
        if not self.known.issuperset(given):
            return None
        sides: list[int] = []
        for names in self._names:
            whole, part = _counted(given.get(names[0])), _part(given.get(names[1]), names[2])
            if whole is None or part is None or part > whole:
                return None
            sides += whole - part, part
        total = given.get(_TOTAL)
        if type(total) is not int or total != sum(sides):
            return None
        inputs, cached, outputs, reasoning = sides
        buckets = {INPUT: inputs, OUTPUT: outputs}
        if cached:
            buckets[CACHED] = cached
        if reasoning:
            buckets[REASONING] = reasoning
        return buckets


def _part(details: object, name: str) -> int | None:
    """What is under *name*; None where another detail counts anything, or there is more than counts."""
    if details is None:
        return 0
    if type(details) is not dict:
        return None
    found = 0
    for key, value in details.items():
        if type(key) is not str:
            return None
        if value is None:
            continue
        counted = _counted(value)
        if counted is None or (counted and key != name and key not in _PREDICTED):
            return None
        if key == name:
            found = counted
    return found


def _counted(value: object) -> int | None:
    return value if type(value) is int and 0 <= value <= MAX_COUNT else None


_TOTAL: Final = "total_tokens"
_BUCKETS: Final = (INPUT, CACHED, OUTPUT, REASONING)
# Parts of the output that are paid as it is.
_PREDICTED: Final = frozenset({"accepted_prediction_tokens", "rejected_prediction_tokens"})
_CHAT: Final = Ordinary("prompt_tokens", "completion_tokens")
_RESPONSES: Final = Ordinary("input_tokens", "output_tokens")


def openai_chat(given: Given) -> Usage | None:
    """Of chat completions, completions and embeddings, of OpenAI and of who speaks like it."""
    return _CHAT.usage(given) or _chat(given)


def _chat(given: Given) -> Usage | None:
    parts = Parts(given)
    parts.add(INPUT, count_in(given, "prompt_tokens"))
    parts.add(OUTPUT, count_in(given, "completion_tokens"))
    details = nested(given, "prompt_tokens_details")
    cached = count_in(details, "cached_tokens")
    # What others than OpenAI do is looked for only where there is more than it sends.
    more = not _CHAT.known.issuperset(given)
    if cached is None and more:
        # DeepSeek, Moonshot, Mistral; Databricks.
        cached = count_in(
            given, "prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens"
        )  # fmt: skip
    parts.take(CACHED, cached, INPUT)
    _openai_inputs(parts, details)
    total = count_in(given, "total_tokens")
    _openai_outputs(parts, given, total)
    if not more:
        return parts.usage(total)
    # Perplexity, and who says it with a mapping.
    parts.unit("web_searches", count_in(given, "num_search_queries"))
    cost = amount(nested(given, "cost").get("total_cost"))
    return parts.usage(total, cost=cost)


def openrouter_chat(given: Given) -> Usage | None:
    """Of OpenRouter: chat completions that say what they cost.

    Where the application pays the provider itself (`is_byok`), its bill is added to OpenRouter's.
    """
    usage = openai_chat({key: value for key, value in given.items() if key != "cost"})
    cost = amount(given.get("cost"))
    if cost is not None and given.get("is_byok") is True:
        cost += amount(nested(given, "cost_details").get("upstream_inference_cost")) or 0.0
    if usage is None:
        return None if cost is None else Usage(buckets=NOTHING, raw=given, cost=cost)
    return Usage(
        buckets=usage.buckets,
        units=usage.units,
        raw=given,
        doubts=usage.doubts,
        cost=usage.cost if cost is None else cost,
    )


def openai_responses(given: Given) -> Usage | None:
    """Of the Responses and the Realtime API."""
    return _RESPONSES.usage(given) or _responses(given)


def _responses(given: Given) -> Usage | None:
    parts = Parts(given)
    parts.add(INPUT, count_in(given, "input_tokens"))
    parts.add(OUTPUT, count_in(given, "output_tokens"))
    details = nested(given, "input_tokens_details", "input_token_details")
    of_cached = nested(details, "cached_tokens_details")
    parts.take(CACHED, count_in(details, "cached_tokens", "cache_read_input_tokens"), INPUT)
    _openai_inputs(parts, details, of_cached)
    outputs = nested(given, "output_tokens_details", "output_token_details")
    parts.take(REASONING, count_in(outputs, "reasoning_tokens"), OUTPUT)
    parts.take(_AUDIO_OUT, count_in(outputs, "audio_tokens"), OUTPUT)
    parts.take(_IMAGE_OUT, count_in(outputs, "image_tokens"), OUTPUT)
    return parts.usage(count_in(given, "total_tokens"))


def openai_images(given: Given) -> Usage | None:
    """Of images; output that is not told apart is image."""
    parts = Parts(given)
    parts.add(INPUT, count_in(given, "input_tokens"))
    details = nested(given, "input_tokens_details")
    parts.take(CACHED, count_in(details, "cached_tokens"), INPUT)
    _openai_inputs(parts, details, nested(details, "cached_tokens_details"))
    outputs = nested(given, "output_tokens_details")
    parts.add(_IMAGE_OUT, count_in(given, "output_tokens"))
    parts.take(OUTPUT, count_in(outputs, "text_tokens"), _IMAGE_OUT)
    return parts.usage(count_in(given, "total_tokens"), hidden=_IMAGE_OUT)


def openai_transcription(given: Given) -> Usage | None:
    """Of audio transcriptions: tokens, or seconds, of which a begun one counts."""
    seconds = given.get("seconds")
    if given.get("type") != "duration" or (length := amount(seconds)) is None:
        return openai_responses(given)
    parts = Parts(given)
    parts.unit("audio_seconds", count(math.ceil(length), "seconds"))
    return parts.usage()


def openai_speech(given: Given) -> Usage | None:
    """Of speech; output is sound."""
    parts = Parts(given)
    parts.add(INPUT, count_in(given, "input_tokens"))
    parts.add(_AUDIO_OUT, count_in(given, "output_tokens"))
    return parts.usage(count_in(given, "total_tokens"), hidden=_AUDIO_OUT)


# What a detail of the input is called, and its buckets: of cached tokens, and of the others.
_INPUT_KINDS: Final = (
    ("audio_tokens", "input_cached_audio_tokens", _AUDIO_IN),
    ("image_tokens", "input_cached_image_tokens", _IMAGE_IN),
)


def _openai_inputs(parts: Parts, details: Given, of_cached: Given = NOTHING) -> None:
    """What there is in the input beside text; of the cached tokens, what *of_cached* says is no text."""
    for name, of_cache, bucket in _INPUT_KINDS:
        cached = count_in(of_cached, name) if of_cached else None
        if cached:
            parts.take(of_cache, cached, CACHED)
        told = count_in(details, name)
        if told:
            parts.take(bucket, max(told - (cached or 0), 0), INPUT)
    take_in(parts, WRITTEN, details, "cache_write_tokens", INPUT)


def _openai_outputs(parts: Parts, given: Given, total: int | None) -> None:
    details = nested(given, "completion_tokens_details")
    reasoning = count_in(details, "reasoning_tokens")
    citations = count_in(given, "citation_tokens")
    beside = False
    if reasoning is None:
        reasoning = count_in(given, "reasoning_tokens")
        # Perplexity counts them, and what it cites, beside the answer and not in the total.
        beside = reasoning is not None and citations is not None
    if reasoning:
        shown = parts.sum(OUTPUT)
        said = total is not None and total == parts.sum() + reasoning
        if beside or said or reasoning > shown:
            parts.add(REASONING, reasoning)
        else:
            parts.take(REASONING, reasoning, OUTPUT)
    take_in(parts, _AUDIO_OUT, details, "audio_tokens", OUTPUT)
    take_in(parts, _IMAGE_OUT, details, "image_tokens", OUTPUT)
    if citations:
        parts.add("output_citation_tokens", citations)
