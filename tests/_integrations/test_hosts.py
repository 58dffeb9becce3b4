"""Tests for `trackway._integrations.hosts`: who answers at an address."""

import httpx
import pytest

from trackway._integrations.hosts import provider_of


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://api.openai.com/v1/", "openai"),
        ("https://eu.api.openai.com/v1/", "openai"),
        ("https://mine.openai.azure.com/openai/", "azure.ai.openai"),
        ("https://mine.cognitiveservices.azure.com/openai/", "azure.ai.openai"),
        ("https://openrouter.ai/api/v1/", "openrouter"),
        ("http://localhost:11434/v1/", "ollama"),
        ("http://ollama:8080/v1/", "ollama"),
        ("https://API.GROQ.com/openai/v1/", "groq"),
        ("https://api.mistral.ai/v1/", "mistral_ai"),
        ("https://api.deepseek.com", "deepseek"),
        ("https://api.anthropic.com", "anthropic"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com", "aws.bedrock"),
        ("https://europe-west1-aiplatform.googleapis.com", "gcp.vertex_ai"),
        ("http://vllm.internal:8000/v1/", "vllm.internal"),
        ("https://evil-api.openai.com.example/v1", "evil-api.openai.com.example"),
        ("https://us-east5-aiplatform.googleapis.com/v1", "gcp.vertex_ai"),
        ("https://aiplatform.eu.rep.googleapis.com/v1", "gcp.vertex_ai"),
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "aws.bedrock"),
        ("https://bedrock-mantle.us-east-1.api.aws/v1", "aws.bedrock"),
        ("https://other.us-east-1.api.aws/v1", "other.us-east-1.api.aws"),
    ],
)
def test_the_provider_of_an_address(url: str, provider: str) -> None:
    """Known hosts have their provider's name, whatever the case; a host that nobody knows stands for itself."""
    assert provider_of(httpx.URL(url)) == provider
    assert provider_of(httpx.URL(url)) == provider
