"""Who answers at an address: the provider of a base URL, by OpenTelemetry's names where it has one."""

from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

__all__ = ["AZURE", "provider_at", "provider_of"]

AZURE: Final = "azure.ai.openai"

_EXACT: Final = {
    "api.openai.com": "openai",
    "us.api.openai.com": "openai",
    "eu.api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "openrouter.ai": "openrouter",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "codestral.mistral.ai": "mistral_ai",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "api.perplexity.ai": "perplexity",
    "api.together.xyz": "together_ai",
    "api.together.ai": "together_ai",
    "api.fireworks.ai": "fireworks_ai",
    "api.cerebras.ai": "cerebras",
    "api.cohere.ai": "cohere",
    "api.cohere.com": "cohere",
    "api.moonshot.ai": "moonshotai",
    "router.huggingface.co": "huggingface",
    "generativelanguage.googleapis.com": "gcp.gemini",
}
_ENDINGS: Final = (
    (".openai.azure.com", AZURE),
    (".cognitiveservices.azure.com", AZURE),
    (".azure-api.net", AZURE),
    (".services.ai.azure.com", "azure.ai.inference"),
    ("aiplatform.googleapis.com", "gcp.vertex_ai"),
    ("aiplatform.us.rep.googleapis.com", "gcp.vertex_ai"),
    ("aiplatform.eu.rep.googleapis.com", "gcp.vertex_ai"),
    (".amazonaws.com", "aws.bedrock"),
    (".dashscope.aliyuncs.com", "alibaba_cloud"),
    (".api.openai.com", "openai"),
    (".openrouter.ai", "openrouter"),
    (".api.mistral.ai", "mistral_ai"),
)
# What listens there unless it is told otherwise.
_OLLAMA_PORT: Final = 11_434
MAX_HOSTS: Final = 1_000

_known: Final[dict[tuple[str, int | None], str]] = {}


def provider_of(base_url: Any) -> str:
    """The provider at *base_url* (an SDK's URL object); a host that nobody knows stands for itself."""
    place = (str(base_url.host), base_url.port)
    known = _known.get(place)
    if known is None:
        known = _looked_up(*place)
        if len(_known) < MAX_HOSTS:
            _known[place] = known
    return known


@lru_cache(MAX_HOSTS)
def provider_at(base_url: str) -> str | None:
    """As above, of a text; None where it is no address."""
    try:
        parts = urlsplit(base_url)
        return _looked_up(parts.hostname, parts.port) if parts.hostname else None
    except ValueError:
        return None


def _looked_up(host: str, port: int | None) -> str:
    host = host.lower().rstrip(".")
    exact = _EXACT.get(host)
    if exact is not None:
        return exact
    for ending, name in _ENDINGS:
        if host.endswith(ending):
            return name
    if host.startswith("bedrock") and host.endswith(".api.aws"):
        return "aws.bedrock"
    if port == _OLLAMA_PORT or host == "ollama" or host.startswith("ollama."):
        return "ollama"
    return host
