"""Embeddings, moderations, images, audio: what their answers say, as far as it is worth keeping.

Vectors and sounds are not kept: how many, of which size. The invariant of the accumulators: however the deltas of a
stream are cut, the result is the same.
"""

from collections.abc import Mapping
from typing import Any, Final, final

from trackway._integrations.content import fields_of, plain, plain_mapping
from trackway._integrations.endpoint import Outcome, not_taken

__all__ = [
    "ImagesAccumulator",
    "SoundAccumulator",
    "read_embeddings",
    "read_images",
    "read_moderation",
    "read_transcription",
]

_FORMAT: Final = "output_format"


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
    images = [_image(fields_of(image), answer) for image in answer.get("data") or ()]
    return _outcome(answer, images[0] if len(images) == 1 else images or None)


def _image(image: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """An image as a reference; its format stands beside it, or beside all of them."""
    given = {key: value for key, value in image.items() if value is not None}
    made: dict[str, Any] = plain({**given, _FORMAT: said.get(_FORMAT)})
    return {key: value for key, value in made.items() if key != _FORMAT}


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


@final
class ImagesAccumulator:
    """Images from their events; of one that was left half done, its last state."""

    __slots__ = ("_images", "_partial", "_usage", "started")

    take = staticmethod(not_taken)

    def __init__(self) -> None:
        self.started = False
        self._images: list[Any] = []
        self._partial: Any = None
        self._usage: Any = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Takes the next event."""
        image = {"b64_json": chunk.get("b64_json")}
        kind = str(chunk.get("type"))
        if kind.endswith(".partial_image"):
            self.started, self._partial = True, (image, chunk)
        elif kind.endswith(".completed"):
            self.started, self._partial = True, None
            self._images.append(_image(image, chunk))
            self._usage = chunk.get("usage") or self._usage

    def result(self) -> Outcome:
        """What has arrived."""
        images = self._images if self._partial is None else [*self._images, _image(*self._partial)]
        return _outcome({"usage": self._usage}, images[0] if len(images) == 1 else images or None)


@final
class SoundAccumulator:
    """What was heard from its events; of what is spoken, which is sound, the usage alone."""

    __slots__ = ("_texts", "_usage", "_whole", "started")

    take = staticmethod(not_taken)

    def __init__(self) -> None:
        self.started = False
        self._texts: list[str] = []
        self._whole: Any = None
        self._usage: Any = None

    def add(self, chunk: Mapping[str, Any]) -> None:
        """Takes the next event."""
        kind, delta = str(chunk.get("type")), chunk.get("delta")
        self.started = self.started or kind.endswith(".delta")
        if isinstance(delta, str):
            self._texts.append(delta)
        if kind.endswith(".done"):
            self._whole = chunk.get("text")
            self._usage = chunk.get("usage")

    def result(self) -> Outcome:
        """What has arrived."""
        text = "".join(self._texts) if self._whole is None else self._whole
        return _outcome({"usage": self._usage}, text or None)
