"""The clients of the Anthropic SDK: which calls are recorded, and which methods take our arguments."""

from typing import Any, Final

from trackway._integrations.anthropic.messages import MessagesAccumulator, read_message
from trackway._integrations.endpoint import Endpoint
from trackway._integrations.seam import Family

__all__ = ["ANTHROPIC", "client_classes", "sdk"]

_METHODS: Final = ("create", "parse", "stream")

ANTHROPIC: Final = Family(
    endpoints={
        "/v1/messages": Endpoint(
            operation="chat", kind="generation", inputs=("messages", "system", "tools"),
            read=read_message, accumulator=MessagesAccumulator, usage="anthropic.messages",
        )
    },
    methods={"messages": {"": _METHODS}, "beta": {"messages": _METHODS}},
    clouds={
        "AnthropicBedrock": "aws.bedrock", "AsyncAnthropicBedrock": "aws.bedrock",
        "AnthropicBedrockMantle": "aws.bedrock", "AsyncAnthropicBedrockMantle": "aws.bedrock",
        "AnthropicVertex": "gcp.vertex_ai", "AsyncAnthropicVertex": "gcp.vertex_ai",
        "AnthropicFoundry": "azure.ai.inference", "AsyncAnthropicFoundry": "azure.ai.inference",
        # Run by Anthropic, at its prices; only the bill comes from there.
        "AnthropicAWS": "anthropic", "AsyncAnthropicAWS": "anthropic",
        "AnthropicGoogleCloud": "anthropic", "AsyncAnthropicGoogleCloud": "anthropic",
    },
)  # fmt: skip


def sdk() -> Any:
    """The SDK, where it is installed."""
    try:
        import anthropic  # noqa: PLC0415 - for who has it
    except ImportError as error:
        message = "trackway.anthropic traces the Anthropic SDK, which is not installed: pip install anthropic"
        raise ImportError(message, name="anthropic") from error
    return anthropic


def client_classes() -> tuple[type, ...]:
    """The SDK's classes of clients, those of clouds included."""
    module = sdk()
    names = ("Anthropic", "AsyncAnthropic", *ANTHROPIC.clouds)
    return tuple(getattr(module, name) for name in names if hasattr(module, name))
