"""Embeddings, moderations, images, audio: what their answers say, as far as it is worth keeping.

Vectors and files are not kept: how many, of which size.
"""

from collections.abc import Mapping
from typing import Any

from trackway._integrations.content import fields_of, plain, plain_mapping
from trackway._integrations.endpoint import Outcome

__all__ = ["read_embeddings", "read_images", "read_moderation", "read_transcription"]


def read_embeddings(answer: Mapping[str, Any]) -> Outcome:
    """How many vectors of how many dimensions."""
    data = answer.get("data") or ()
    first = fields_of(data[0]).get("embedding") if data else None
    output: dict[str, Any] = {"embeddings": len(data)}
    if isinstance(first, list):
        output["dimensions"] = len(first)
    return _outcome(answer, output)


def read_moderation(answer: Mapping[str, Any]) -> Outcome:
    """Per input: whether it was flagged, and for what."""
    results = []
    for result in answer.get("results") or ():
        fields = fields_of(result)
        categories = fields_of(fields.get("categories") or {})
        flagged = [name for name, value in categories.items() if value is True]
        results.append({"flagged": fields.get("flagged"), "categories": flagged})
    return _outcome(answer, results[0] if len(results) == 1 else results or None)


def read_images(answer: Mapping[str, Any]) -> Outcome:
    """The images as references, by address or by hash."""
    images = [plain(image) for image in answer.get("data") or ()]
    return _outcome(answer, images[0] if len(images) == 1 else images or None)


def read_transcription(answer: Mapping[str, Any]) -> Outcome:
    """The text; of speech, which is sound, nothing."""
    return _outcome(answer, answer.get("text"))


def _outcome(answer: Mapping[str, Any], output: Any) -> Outcome:
    return Outcome(
        output=output,
        model=answer.get("model"),
        response_id=answer.get("id"),
        usage=plain_mapping(answer.get("usage")),
    )
