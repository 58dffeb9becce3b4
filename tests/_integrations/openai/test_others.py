"""Tests for `trackway._integrations.openai.others`: images, audio, moderations: calls with model, usage, error."""

import base64
from pathlib import Path
from typing import Any

import openai as sdk
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._integrations.conftest import Connect
from tests.providers.server import (
    Provider,
    answer,
    blob,
    named_events,
    openai_error,
    stream,
)
from tests.spans import only
from trackway._integrations.openai.others import SoundAccumulator
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


TOKENS = {
    "type": "tokens", "input_tokens": 14, "output_tokens": 4, "total_tokens": 18,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
}  # fmt: skip


@pytest.mark.parametrize(
    ("events", "status"), [(3, None), (2, "closed before its end")], ids=["whole", "left"]
)
def test_a_transcription_in_pieces(
    connect: Connect, spans: Spans, events: int, status: str | None
) -> None:
    """A transcription that is streamed is its text, as far as it came, with its tokens and its first word."""
    replied: list[dict[str, Any]] = [
        {"type": "transcript.text.delta", "delta": "hel"},
        {"type": "transcript.text.delta", "delta": "lo"},
        {"type": "transcript.text.done", "text": "hello", "usage": TOKENS},
    ]
    with Provider(stream(named_events(replied[:events]))) as provider:
        read = connect(provider).audio.transcriptions.create(
            model="gpt-4o-transcribe", file=("a.wav", b"RIFF" * 99), stream=True
        )
        for _ in range(events):
            next(read)
        read.close() if status else list(read)
    (span,) = spans
    assert (span["output"], span["status_message"]) == ("hello", status)
    assert span["usage"].get("total") == (None if status else 18)


def test_a_transcription_as_text(connect: Connect, spans: Spans) -> None:
    """A transcription that was asked for as bare text is that text."""
    with Provider(blob(b"hello\n", "text/plain")) as provider:
        connect(provider).audio.transcriptions.create(
            model="whisper-1", file=("a.wav", b"RIFF" * 99), response_format="text"
        )
    assert spans[0]["output"] == "hello\n"


@pytest.mark.parametrize("kind", ["image_generation", "image_edit"])
@pytest.mark.parametrize("events", [1, 2], ids=["left", "whole"])
def test_images_in_pieces(connect: Connect, spans: Spans, kind: str, events: int) -> None:
    """An image that is streamed is the reference of its last state, with its tokens once it is whole."""
    replied: list[dict[str, Any]] = [
        {"type": f"{kind}.partial_image", "b64_json": IMAGE, "output_format": "webp"},
        {"type": f"{kind}.completed", "b64_json": IMAGE, "output_format": "webp", "usage": IMAGES["usage"]},
    ]  # fmt: skip
    with Provider(stream(named_events(replied[:events]))) as provider:
        images = connect(provider).images
        asked: dict[str, Any] = {"model": "gpt-image-1", "prompt": "a fox", "stream": True}
        if kind == "image_edit":
            asked["image"] = ("a.png", b"PNG" * 99)
        ask = images.edit if kind == "image_edit" else images.generate
        assert len(list(ask(**asked))) == events
    (span,) = spans
    assert str(span["output"]).count("<media type=image/webp size=300 ") == 1
    assert span["usage"].get("total") == (45 if events == 2 else None)


@pytest.mark.parametrize("body", [False, True], ids=["whole", "body"])
def test_speech_as_events(connect: Connect, spans: Spans, body: bool) -> None:
    """Speech that comes as events has its tokens; its output is sound."""
    replied: list[dict[str, Any]] = [
        {"type": "speech.audio.delta", "audio": IMAGE},
        {"type": "speech.audio.done", "usage": {"input_tokens": 4, "output_tokens": 9, "total_tokens": 13}},
    ]  # fmt: skip
    asked: dict[str, Any] = {
        "model": "gpt-4o-mini-tts", "voice": "alloy", "input": "x", "stream_format": "sse",
    }  # fmt: skip
    with Provider(stream(named_events(replied))) as provider:
        speech = connect(provider).audio.speech
        if body:
            with speech.with_streaming_response.create(**asked) as response:
                assert b"speech.audio.done" in response.read()
        else:
            assert b"speech.audio.done" in speech.create(**asked).content
    (span,) = spans
    assert span["usage"] == {"input": 4, "output_audio_tokens": 9, "total": 13}
    assert span["output"] is None


def test_images_say_their_format_once(connect: Connect, spans: Spans) -> None:
    """The format that is said of all images is that of each reference."""
    with Provider(answer({**IMAGES, "output_format": "jpeg"})) as provider:
        connect(provider).images.generate(model="gpt-image-1", prompt="a fox")
    assert "<media type=image/jpeg " in str(spans[0]["output"])


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


@given(st.lists(st.text(max_size=8)))
def test_pieces_of_a_transcription_are_the_whole(texts: list[str]) -> None:
    """However a transcription is cut into deltas, it is the same text, with its end and without."""
    accumulator = SoundAccumulator()
    for text in texts:
        accumulator.add({"type": "transcript.text.delta", "delta": text})
    whole = "".join(texts)
    assert accumulator.result().output == (whole or None)
    accumulator.add({"type": "transcript.text.done", "text": whole, "usage": TOKENS})
    assert (accumulator.result().output, accumulator.result().usage) == (whole or None, TOKENS)
