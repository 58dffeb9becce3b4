"""Tests for `trackway._integrations.openai.others`: images, audio, moderations: calls with model, usage, error."""

import base64
from pathlib import Path
from typing import Any

import openai as sdk
import pytest

from tests._integrations.conftest import Connect
from tests.providers.server import Provider, answer, blob, openai_error
from tests.spans import only
from trackway.testing import Spans

IMAGE = base64.b64encode(bytes(300)).decode()
IMAGES = {
    "created": 1, "data": [{"b64_json": IMAGE}], "output_format": "png",
    "usage": {
        "input_tokens": 5, "output_tokens": 40, "total_tokens": 45,
        "input_tokens_details": {"text_tokens": 5, "image_tokens": 0},
    },
}  # fmt: skip
MODERATION = {
    "id": "m-1", "model": "omni-moderation-latest",
    "results": [{
        "flagged": True, "categories": {"hate": True, "violence": False},
        "category_scores": {"hate": 0.9, "violence": 0.1},
    }],
}  # fmt: skip


def test_images(connect: Connect, spans: Spans) -> None:
    """An image that was made is a reference, with its tokens."""
    with Provider(answer(IMAGES)) as provider:
        connect(provider).images.generate(
            model="gpt-image-1", prompt="a fox", size="1024x1024", name="fox"
        )
    span = spans.one("fox")
    assert (span["input"], span["model"]) == ("a fox", "gpt-image-1")
    assert "<media type=image/png size=300 " in str(span["output"])
    assert (span["usage"]["input"], span["usage"]["total"]) == (5, 45)


def test_transcriptions(connect: Connect, spans: Spans) -> None:
    """A transcription is its text; the file is not recorded."""
    reply = {"text": "hello", "usage": {"type": "duration", "seconds": 3}}
    with Provider(answer(reply)) as provider:
        connect(provider).audio.transcriptions.create(
            model="whisper-1", file=("a.wav", b"RIFF" * 99)
        )
    (span,) = spans
    assert (span["name"], span["output"]) == ("transcription whisper-1", "hello")
    assert "RIFF" not in str(span)


def test_speech(connect: Connect, spans: Spans) -> None:
    """Speech is a call with its text; the sound goes to the caller."""
    with Provider(blob(b"ID3" * 50, "audio/mpeg")) as provider:
        sound = connect(provider).audio.speech.create(model="tts-1", voice="alloy", input="hello")
        assert sound.content == b"ID3" * 50
    (span,) = spans
    assert (span["input"], span["output"], span["model_parameters"]) == (
        "hello",
        None,
        {"voice": "alloy"},
    )


def test_moderations(connect: Connect, spans: Spans) -> None:
    """A moderation says what it flagged."""
    with Provider(answer(MODERATION)) as provider:
        connect(provider).moderations.create(input="…", model="omni-moderation-latest")
    assert spans[0]["output"] == {"flagged": True, "categories": ["hate"]}


@pytest.mark.parametrize("path", ["images.generate", "audio.speech.create", "moderations.create"])
def test_their_errors(connect: Connect, spans: Spans, path: str) -> None:
    """What the provider refuses is recorded as for any other call."""
    given: dict[str, Any] = {
        "images.generate": {"prompt": "x"},
        "audio.speech.create": {"model": "tts-1", "voice": "alloy", "input": "x"},
        "moderations.create": {"input": "x"},
    }[path]
    with Provider(openai_error(400, "not so")) as provider:
        method: Any = connect(provider)
        for step in path.split("."):
            method = getattr(method, step)
        with pytest.raises(sdk.BadRequestError):
            method(**given)
    assert spans[0]["attributes"]["http.response.status_code"] == 400


@pytest.mark.parametrize("kind", ["moderation", "speech", "image_generation", "text_completion"])
def test_each_operation_has_its_name(connect: Connect, home: Path, kind: str) -> None:
    """What is no chat is called what it is, as a generation in every other word."""
    calls: dict[str, Any] = {
        "moderation": lambda client: client.moderations.create(input="…"),
        "speech": lambda client: client.audio.speech.create(
            input="…", model="tts-1", voice="alloy"
        ),
        "image_generation": lambda client: client.images.generate(prompt="…", model="gpt-image-1"),
        "text_completion": lambda client: client.completions.create(
            prompt="…", model="gpt-3.5-turbo-instruct"
        ),
    }
    with Provider(openai_error(400)) as provider, pytest.raises(sdk.BadRequestError):
        calls[kind](connect(provider))
    attributes = only(home).attributes
    assert attributes["gen_ai.operation.name"] == kind
    assert attributes["langfuse.observation.type"] == "generation"
    assert attributes["openinference.span.kind"] == "LLM"
