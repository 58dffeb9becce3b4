"""Tokens of a model's result: from the message, from what the provider sent along, or from the result as a whole.

Models put them in different places and shapes; `_core/provider_usage.py` knows the shapes. The first place that says
anything counts, and only one message is asked: with several choices, each carries the usage of the whole call.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from trackway._core.provider_usage import langchain
from trackway._core.usage import Usage, usage_of, with_units
from trackway._integrations.server_tools import paid_calls

if TYPE_CHECKING:
    from langchain_core.outputs import LLMResult

__all__ = ["is_cache_hit", "usage_in"]

# Where providers' own counts stand in `response_metadata`, `generation_info` and `llm_output`.
_PLACES: Final = ("token_usage", "usage", "usage_metadata", "amazon-bedrock-invocationMetrics")
_BEDROCK_METRICS: Final = {"inputTokenCount": "inputTokens", "outputTokenCount": "outputTokens"}


def usage_in(result: "LLMResult") -> Usage | None:
    """What the call used; None where nobody says so."""
    for given in _places(result):
        usage = _read(given)
        if usage is not None:
            return with_units(usage, _units(result)) if not usage.units else usage
    return None


def is_cache_hit(result: "LLMResult") -> bool:
    """Whether LangChain answered from its own cache: it then puts a cost of 0 into the message's usage."""
    for message in _messages(result):
        usage = getattr(message, "usage_metadata", None)
        return isinstance(usage, Mapping) and usage.get("total_cost") == 0
    return False


def _places(result: "LLMResult") -> "Iterator[tuple[str, Mapping[str, object]]]":
    for message in _messages(result):
        usage = getattr(message, "usage_metadata", None)
        if isinstance(usage, Mapping) and usage:
            yield "message", usage
        yield from _nested(getattr(message, "response_metadata", None))
    for generations in result.generations:
        for generation in generations:
            yield from _nested(getattr(generation, "generation_info", None))
    yield from _nested(result.llm_output)


def _nested(holder: object) -> "Iterator[tuple[str, Mapping[str, object]]]":
    if not isinstance(holder, Mapping):
        return
    for place in _PLACES:
        given = holder.get(place)
        if isinstance(given, Mapping) and given:
            yield place, given
    if holder.get("prompt_eval_count") is not None or holder.get("eval_count") is not None:
        counts = ("prompt_eval_count", "eval_count")
        yield "ollama", {key: holder.get(key) for key in counts}


def _read(place: tuple[str, Mapping[str, object]]) -> Usage | None:
    where, given = place
    if where == "message":
        return langchain(given)
    if "inputTokenCount" in given:
        given = {_BEDROCK_METRICS.get(key, key): value for key, value in given.items()}
    return usage_of({key: value for key, value in given.items() if value is not None})


def _units(result: "LLMResult") -> dict[str, int]:
    """Tools of the provider's that are paid for, which LangChain's own counts leave out."""
    for message in _messages(result):
        for place, given in _nested(getattr(message, "response_metadata", None)):
            told = _read((place, given))
            if told is not None and told.units:
                return dict(told.units)
        content = getattr(message, "content", None)
        outputs = (getattr(message, "additional_kwargs", None) or {}).get("tool_outputs")
        return paid_calls([*_listed(content), *_listed(outputs)])
    return {}


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _messages(result: "LLMResult") -> "Iterator[object]":
    """The messages of the result, the chosen one first."""
    for generations in result.generations:
        for generation in generations:
            message = getattr(generation, "message", None)
            if message is not None:
                yield message
