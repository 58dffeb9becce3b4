"""One function for each shape in which a provider says what a call used. Pure: a mapping in, a `Usage` out.

Each takes the response's `usage` (or what it is called there) as a mapping and gives None where nothing is counted;
what is no count is dropped with a WARNING, whatever it is. `SHAPES` names them; `read` is their one guard against
mappings with odd keys. Which counts contain which, by provider:

=================== ==================== ==================== ==========================================================
shape               cached in input      reasoning in output  so that
=================== ==================== ==================== ==========================================================
openai.*            yes                  yes                  details are taken out; beside the output where the total
                                                              says so (xAI), or where it is more than all output
anthropic.messages  **no**               yes                  `input_tokens` is what was neither read from nor written
                                                              to the cache
bedrock.converse    **no**               (not told)           the same
gemini              yes                  **no**               thoughts are added, unless the total says that the
                                                              candidates contain them
langchain           yes                  yes                  also where the model's own API counts otherwise
ollama              (not told)           (not told)
=================== ==================== ==================== ==========================================================
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from trackway._core.answers import Given, count_in, listed, nested, tier_in
from trackway._core.openai_usage import (
    openai_chat,
    openai_images,
    openai_responses,
    openai_speech,
    openai_transcription,
    openrouter_chat,
)
from trackway._core.usage import (
    CACHED,
    INPUT,
    OUTPUT,
    REASONING,
    WRITTEN,
    WRITTEN_1H,
    WRITTEN_5M,
    Parts,
    Usage,
)

__all__ = [
    "SHAPES",
    "anthropic_messages",
    "bedrock_converse",
    "gemini",
    "langchain",
    "ollama",
    "openai_chat",
    "openai_images",
    "openai_responses",
    "openai_speech",
    "openai_transcription",
    "openrouter_chat",
    "read",
]


_AUDIO_IN: Final = "input_audio_tokens"
_IMAGE_IN: Final = "input_image_tokens"
_AUDIO_OUT: Final = "output_audio_tokens"
_IMAGE_OUT: Final = "output_image_tokens"
_MODALITIES: Final = {"AUDIO": "audio", "IMAGE": "image", "DOCUMENT": "image", "VIDEO": "video"}


def read(shape: str, given: Mapping[object, object]) -> Usage | None:
    """The usage of *given* by the function that `SHAPES` has for *shape*; keys that are no text are passed over."""
    return SHAPES[shape]({key: value for key, value in given.items() if isinstance(key, str)})


# -- Anthropic, Bedrock --------------------------------------------------------------------------------------------


def anthropic_messages(given: Given) -> Usage | None:
    """Of Anthropic's messages, also through Bedrock's `InvokeModel`, Vertex and Azure."""
    parts = Parts(given)
    parts.add(INPUT, count_in(given, "input_tokens"))
    parts.add(CACHED, count_in(given, "cache_read_input_tokens") or None)
    creation = nested(given, "cache_creation")
    _written(
        parts,
        count_in(given, "cache_creation_input_tokens"),
        count_in(creation, "ephemeral_5m_input_tokens"),
        count_in(creation, "ephemeral_1h_input_tokens"),
    )
    parts.add(OUTPUT, count_in(given, "output_tokens"))
    thinking = count_in(nested(given, "output_tokens_details"), "thinking_tokens")
    parts.take(REASONING, thinking, OUTPUT)
    parts.unit("web_searches", count_in(nested(given, "server_tool_use"), "web_search_requests"))
    parts.tier = tier_in(given, "service_tier")
    if tier_in(given, "speed") == "fast":
        parts.tier = "fast"
    return parts.usage()


def bedrock_converse(given: Given) -> Usage | None:
    """Of Bedrock's `Converse` and `ConverseStream`."""
    parts = Parts(given)
    inputs, outputs = count_in(given, "inputTokens"), count_in(given, "outputTokens")
    parts.add(INPUT, inputs)
    parts.add(CACHED, count_in(given, "cacheReadInputTokens", "cacheReadInputTokenCount") or None)
    lifetimes = listed(given, "ttl", "inputTokens", "cacheDetails")
    _written(
        parts,
        count_in(given, "cacheWriteInputTokens", "cacheWriteInputTokenCount"),
        lifetimes.get("5m"),
        lifetimes.get("1h"),
    )
    parts.add(OUTPUT, outputs)
    total = count_in(given, "totalTokens")
    # Some models leave the cache out of the total.
    return parts.usage(None if total == (inputs or 0) + (outputs or 0) else total)


def _written(parts: Parts, whole: int | None, five: int | None, hour: int | None) -> None:
    """What was written to the cache, by how long it stays, as far as that is told."""
    told = (five or 0) + (hour or 0)
    parts.add(WRITTEN_5M, five or None)
    parts.add(WRITTEN_1H, hour or None)
    parts.add(WRITTEN, max((whole or 0) - told, 0) or None)


# -- Google --------------------------------------------------------------------------------------------------------


def gemini(given: Given) -> Usage | None:
    """Of Gemini and Vertex (`usage_metadata`), in either spelling."""
    parts = Parts(given)
    prompt = count_in(given, "prompt_token_count", "promptTokenCount")
    parts.add(INPUT, prompt)
    cached = count_in(given, "cached_content_token_count", "cachedContentTokenCount")
    parts.take(CACHED, cached, INPUT)
    of_cached = _modalities(given, "cache_tokens_details", "cacheTokensDetails")
    for kind, there in _modalities(given, "prompt_tokens_details", "promptTokensDetails").items():
        parts.take(f"input_{kind}_tokens", max(there - of_cached.get(kind, 0), 0), INPUT)
    for kind, there in of_cached.items():
        parts.take(f"input_cached_{kind}_tokens", there, CACHED)
    tools = count_in(given, "tool_use_prompt_token_count", "toolUsePromptTokenCount")
    parts.add("input_tool_tokens", tools or None)
    candidates = count_in(given, "candidates_token_count", "candidatesTokenCount", "response_token_count")  # fmt: skip
    parts.add(OUTPUT, candidates)
    thoughts = count_in(given, "thoughts_token_count", "thoughtsTokenCount")
    total = count_in(given, "total_token_count", "totalTokenCount")
    if thoughts and total == parts.sum() and thoughts <= (candidates or 0):
        parts.take(REASONING, thoughts, OUTPUT)
    else:
        parts.add(REASONING, thoughts or None)
    outputs = _modalities(given, "candidates_tokens_details", "candidatesTokensDetails")
    for kind, there in outputs.items():
        parts.take(f"output_{kind}_tokens", there, OUTPUT)
    traffic = tier_in(given, "traffic_type", "trafficType") or ""
    parts.tier = _TRAFFIC.get(traffic.rpartition(".")[2].upper())
    return parts.usage(total)


_TRAFFIC: Final = {
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_PRIORITY": "priority",
    "PROVISIONED_THROUGHPUT": "provisioned",
}


def _modalities(given: Given, *names: str) -> dict[str, int]:
    """Tokens by modality, but for text, of a list of `{modality, token_count}`."""
    found: dict[str, int] = {}
    for key in ("token_count", "tokenCount"):
        for modality, tokens in listed(given, "modality", key, *names).items():
            if (kind := _MODALITIES.get(modality.rpartition(".")[2].upper())) and tokens:
                found[kind] = found.get(kind, 0) + tokens
    return found


# -- Ollama, LangChain ---------------------------------------------------------------------------------------------


def ollama(given: Given) -> Usage | None:
    """Of Ollama's own API."""
    parts = Parts(given)
    parts.add(INPUT, count_in(given, "prompt_eval_count"))
    parts.add(OUTPUT, count_in(given, "eval_count"))
    return parts.usage()


# langchain-openai puts the service tier before the name of a detail: `flex_cache_read`, and `flex` for the rest.
_TIERS: Final = ("flex", "priority", "batch", "scale", "auto", "default")


def langchain(given: Given) -> Usage | None:
    """Of LangChain's `usage_metadata`."""
    parts = Parts(given)
    parts.add(INPUT, count_in(given, "input_tokens"))
    parts.add(OUTPUT, count_in(given, "output_tokens"))
    inputs = _without_tier(parts, nested(given, "input_token_details"))
    parts.take(CACHED, count_in(inputs, "cache_read"), INPUT)
    five = count_in(inputs, "ephemeral_5m_input_tokens")
    hour = count_in(inputs, "ephemeral_1h_input_tokens")
    parts.take(WRITTEN_5M, five, INPUT)
    parts.take(WRITTEN_1H, hour, INPUT)
    written = (count_in(inputs, "cache_creation") or 0) - (five or 0) - (hour or 0)
    parts.take(WRITTEN, max(written, 0), INPUT)
    parts.take(_AUDIO_IN, count_in(inputs, "audio"), INPUT)
    parts.take(_IMAGE_IN, count_in(inputs, "image"), INPUT)
    outputs = _without_tier(parts, nested(given, "output_token_details"))
    parts.take(REASONING, count_in(outputs, "reasoning"), OUTPUT)
    parts.take(_AUDIO_OUT, count_in(outputs, "audio"), OUTPUT)
    parts.take(_IMAGE_OUT, count_in(outputs, "image"), OUTPUT)
    return parts.usage(count_in(given, "total_tokens"))


def _without_tier(parts: Parts, details: Given) -> Given:
    """*details* under their plain names; the tier that was before them is noted."""
    plain: dict[str, object] = {}
    for name, value in details.items():
        tier, _, detail = str(name).partition("_")
        if tier in _TIERS:
            parts.tier = tier
            if detail:
                plain[detail] = value
        else:
            plain[str(name)] = value
    return plain


SHAPES: Final[Mapping[str, Callable[[Given], Usage | None]]] = MappingProxyType(
    {
        "openai.chat": openai_chat,
        "openai.completions": openai_chat,
        "openai.embeddings": openai_chat,
        "openai.responses": openai_responses,
        "openai.images": openai_images,
        "openai.speech": openai_speech,
        "openai.transcription": openai_transcription,
        "openrouter.chat": openrouter_chat,
        "anthropic.messages": anthropic_messages,
        "bedrock.converse": bedrock_converse,
        "gemini": gemini,
        "ollama": ollama,
        "langchain": langchain,
    }
)
"""Name of a shape → the function that reads it."""
