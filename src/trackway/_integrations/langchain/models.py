"""Which model a run calls, whose it is, and with which parameters."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from trackway._core import fields
from trackway._integrations import hosts
from trackway._wire import attributes as names
from trackway._wire.encode import attributes

if TYPE_CHECKING:
    from langchain_core.outputs import LLMResult

    from trackway._core.observation import Observation

__all__ = ["describe", "describe_response", "is_delta", "says_something", "tools_in"]

# LangChain's name → OpenTelemetry's, where they differ.
_PROVIDERS: Final = {
    "amazon_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "google_anthropic_vertex": "gcp.vertex_ai",
    "google_genai": "gcp.gemini",
    "google_vertexai": "gcp.vertex_ai",
    "ibm": "ibm.watsonx.ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
}
# `ChatOpenAI` is for every server that speaks OpenAI's API, and calls all of them so.
_SPOKEN_BY_MANY: Final = "openai"
_ADDRESS: Final = "openai_api_base"
_MODEL_KEYS: Final = ("model", "model_name", "model_id", "modelId", "deployment_name", "engine", "repo_id")  # fmt: skip
_TOOL_KEYS: Final = ("tools", "functions")
# What an integration hands to its constructor and not to the model, what nobody may see, and `stream`, which LangChain
# sends otherwise than it says.
_PRIVATE: Final = re.compile(
    r"^_|key|secret|credential|password|authorization|cert|header|client|url|endpoint|base|proxy|callback|timeout|retries"
    r"|(^|_)token$|^stream(ing|_usage)?$|^cache$|^metadata$|^user$|^verbose$|^messages$|^responses$",
    re.IGNORECASE,
)
_PLAIN: Final = (str, int, float, bool, list, tuple, dict)
# `ls_…` metadata that is a parameter: what models say who put nothing into `invocation_params`.
_LS: Final = {"ls_temperature": "temperature", "ls_max_tokens": "max_tokens", "ls_stop": "stop"}


def request_model(metadata: Mapping[str, object], params: Mapping[str, object]) -> str | None:
    """The model that is asked for."""
    for value in (metadata.get("ls_model_name"), *(params.get(key) for key in _MODEL_KEYS)):
        if isinstance(value, str) and value:
            return value
    return None


def provider(
    metadata: Mapping[str, object], serialized: Mapping[str, object] | None = None
) -> str | None:
    """Whose model it is, as OpenTelemetry names providers: by the address, where many speak like this one."""
    value = metadata.get("ls_provider")
    constructed = serialized.get("kwargs") if serialized else None
    if value == _SPOKEN_BY_MANY and isinstance(constructed, Mapping):
        address = constructed.get(_ADDRESS)
        if isinstance(address, str):
            return hosts.provider_at(address) or value
    return _PROVIDERS.get(value, value) if isinstance(value, str) and value else None


def parameters(metadata: Mapping[str, object], params: Mapping[str, object]) -> dict[str, object]:
    """The parameters that are sent: not the model, its tools, nor what belongs to the client."""
    found = {name: metadata[key] for key, name in _LS.items() if _is_sent(name, metadata.get(key))}
    found |= {
        key: value
        for key, value in params.items()
        if key not in _MODEL_KEYS and key not in _TOOL_KEYS and _is_sent(key, value)
    }
    if found.get("max_tokens") in (
        found.get("max_completion_tokens"),
        found.get("max_output_tokens"),
    ):
        # LangChain's word for what is sent under another name.
        found.pop("max_tokens", None)
    return found


def _is_sent(key: str, value: object) -> bool:
    # Empty mappings are defaults of constructors; 0 and False are values.
    return isinstance(value, _PLAIN) and value not in ({}, []) and not _PRIVATE.search(key)


def tools_in(params: Mapping[str, object]) -> object:
    """The definitions of the tools that the model may call; None where there are none."""
    for key in _TOOL_KEYS:
        if params.get(key):
            return params[key]
    return None


def describe(
    observation: "Observation",
    metadata: Mapping[str, object],
    params: Mapping[str, object],
    serialized: Mapping[str, object] | None = None,
) -> None:
    """Says on *observation* which model is asked, and how."""
    sent = parameters(metadata, params)
    observation.update(
        model=request_model(metadata, params),
        model_parameters=sent or None,
        provider=provider(metadata, serialized),
    )


def says_something(chunk: object) -> bool:
    """Whether a chunk without text holds a part of an answer: reasoning, or a call of a tool."""
    message = getattr(chunk, "message", None)
    if message is None:
        return False
    return bool(message.content or getattr(message, "tool_call_chunks", None) or message.additional_kwargs)  # fmt: skip


def is_delta(event: object) -> bool:
    """Whether an event of LangChain's protocol for streams carries a part of the answer."""
    return isinstance(event, Mapping) and event.get("event") == "content-block-delta"


def describe_response(observation: "Observation", result: "LLMResult") -> None:
    """Says on *observation* which model answered, by which tier, under which id, and why it stopped."""
    given: dict[str, object] = dict(result.llm_output or {})
    reasons: list[str] = []
    for generation in (one for several in result.generations for one in several):
        for holder in (
            getattr(getattr(generation, "message", None), "response_metadata", None),
            getattr(generation, "generation_info", None),
        ):
            if isinstance(holder, Mapping):
                given = {**holder, **given}
                reason = _first(holder, "finish_reason", "stop_reason", "stopReason", "done_reason")
                if reason is not None:
                    reasons.append(reason)
                    break
    observation.update(
        response_model=_first(given, "model_name", "model", "model_id"),
        service_tier=_first(given, "service_tier"),
    )
    told: dict[str, str | list[str]] = {}
    if (response := _first(given, "id", "response_id")) is not None:
        told[names.GEN_AI_RESPONSE_ID] = response
    if reasons:
        told[names.GEN_AI_RESPONSE_FINISH_REASONS] = reasons
    if told and observation.is_recording():
        # As ready bytes: what is set through OpenTelemetry's API costs a look at every other attribute.
        fields._put(observation, "response", attributes(told))


def _first(holder: Mapping[str, object], *keys: str) -> str | None:
    for key in keys:
        value = holder.get(key)
        if isinstance(value, str) and value:
            return value
    return None
