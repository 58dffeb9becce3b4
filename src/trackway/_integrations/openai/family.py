"""The clients of the OpenAI SDK: which calls are recorded as what, and which methods take our arguments."""

import re
from collections.abc import Mapping
from typing import Any, Final

from trackway._integrations import hosts
from trackway._integrations.endpoint import Endpoint
from trackway._integrations.openai.chat import (
    ChatAccumulator,
    TextAccumulator,
    read_chat,
    read_text,
    usage_only,
)
from trackway._integrations.openai.others import (
    ImagesAccumulator,
    SoundAccumulator,
    read_embeddings,
    read_images,
    read_moderation,
    read_transcription,
)
from trackway._integrations.openai.responses import ResponsesAccumulator, read_response
from trackway._integrations.seam import Family

__all__ = ["OPENAI"]

# The first version of Azure's API whose streams can be asked for their usage.
_AZURE_SINCE: Final = "2024-09-01"
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_IMAGE: Final = Endpoint(
    operation="image_generation", kind="generation", inputs=("prompt", "image", "mask"),
    read=read_images, accumulator=ImagesAccumulator, usage="openai.images",
)  # fmt: skip
_SPEECH_TO_TEXT: Final = Endpoint(
    operation="transcription", kind="generation", inputs=("file", "prompt"),
    read=read_transcription, accumulator=SoundAccumulator, usage="openai.transcription",
)  # fmt: skip

ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "/chat/completions": Endpoint(
        operation="chat", kind="generation", inputs=("messages", "tools", "functions"),
        read=read_chat, accumulator=ChatAccumulator, usage="openai.chat", hides=usage_only,
    ),
    "/responses": Endpoint(
        operation="chat", kind="generation", inputs=("input", "instructions", "tools"),
        read=read_response, accumulator=ResponsesAccumulator, usage="openai.responses",
    ),
    "/completions": Endpoint(
        operation="text_completion", kind="generation", inputs=("prompt", "suffix"),
        read=read_text, accumulator=TextAccumulator, usage="openai.completions", hides=usage_only,
    ),
    "/embeddings": Endpoint(
        operation="embeddings", kind="embedding", inputs=("input",),
        read=read_embeddings, usage="openai.embeddings",
    ),
    "/moderations": Endpoint(
        operation="moderation", kind="generation", inputs=("input",),
        read=read_moderation, usage="openai.chat",
    ),
    "/images/generations": _IMAGE,
    "/images/edits": _IMAGE,
    "/images/variations": _IMAGE,
    "/audio/transcriptions": _SPEECH_TO_TEXT,
    "/audio/translations": _SPEECH_TO_TEXT,
    "/audio/speech": Endpoint(
        operation="speech", kind="generation", inputs=("input", "instructions"),
        read=read_transcription, accumulator=SoundAccumulator, usage="openai.speech",
    ),
}  # fmt: skip


# With data of the caller's own in it, Azure refuses the question in every version.
_OWN_DATA: Final = frozenset({"data_sources", "dataSources"})
# The path of Azure's API that has no versions.
_AZURE_V1: Final = "/openai/v1"


def _asks_usage(client: Any, provider: str, body: Mapping[str, Any]) -> bool:
    """OpenAI itself, and Azure's API since it takes the question: others may refuse what they do not know."""
    if provider == "openai":
        return True
    if provider != hosts.AZURE or not _OWN_DATA.isdisjoint(body):
        return False
    version = getattr(client, "_api_version", None) or client.default_query.get("api-version")
    if version is None:
        return _AZURE_V1 in client.base_url.path
    if isinstance(version, str) and _DATE.match(version):
        return version[: len(_AZURE_SINCE)] >= _AZURE_SINCE
    # `v1`, `preview` and `latest` are newer than any date.
    return True


_CREATE: Final = ("create", "parse", "stream")

OPENAI: Final = Family(
    endpoints=ENDPOINTS,
    methods={
        "chat": {"completions": _CREATE},
        "responses": {"": _CREATE},
        "completions": {"": ("create",)},
        "embeddings": {"": ("create",)},
        "moderations": {"": ("create",)},
        "images": {"": ("generate", "edit", "create_variation")},
        "audio": {
            "speech": ("create",),
            "transcriptions": ("create",),
            "translations": ("create",),
        },
        "beta": {"chat.completions": _CREATE, "responses": _CREATE},
    },
    asks_usage=_asks_usage,
)
