"""Tests for `trackway._integrations.content`: what is recorded of payloads, and that nothing happens to them."""

import base64
import copy
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionMessage

from trackway._integrations.content import plain, reference

PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
ENCODED = base64.b64encode(PIXEL).decode()


def expected(media_type: str, data: bytes = PIXEL) -> str:
    return f"<media type={media_type} size={len(data)} sha256={hashlib.sha256(data).hexdigest()}>"


@given(st.binary(max_size=9_000), st.booleans())
def test_a_reference_is_of_the_bytes(data: bytes, url_safe: bool) -> None:
    """Size and hash of a reference are those of the file, whatever its length and alphabet."""
    encode = base64.urlsafe_b64encode if url_safe else base64.b64encode
    encoded = encode(data).decode()
    assert reference(encoded, "image/png") == expected("image/png", data)
    assert reference(encoded.rstrip("="), "image/png") == expected("image/png", data)


def test_files_become_references() -> None:
    """Base64 where providers put it becomes a reference with its type; the caller's objects stay as they were."""
    url = f"data:image/png;base64,{ENCODED}"
    given: list[Any] = [
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": ENCODED, "format": "wav"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": ENCODED}},
        {"type": "input_image", "image_url": url},
        {"type": "image_generation_call", "result": ENCODED, "output_format": "webp"},
        {"b64_json": ENCODED},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{ENCODED}"}},
        {"type": "text", "text": "data: is what we want"},
    ]  # fmt: skip
    before = copy.deepcopy(given)
    recorded = plain(given)
    assert given == before
    assert recorded == [
        {"type": "image_url", "image_url": {"url": expected("image/png"), "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": expected("audio/wav"), "format": "wav"}},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/gif", "data": expected("image/gif")},
        },
        {"type": "input_image", "image_url": expected("image/png")},
        {"type": "image_generation_call", "result": expected("image/webp"), "output_format": "webp"},
        {"b64_json": expected("image/png")},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": expected("application/pdf")}},
        {"type": "text", "text": "data: is what we want"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("begin", "media_type"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"RIFF\0\0\0\0AVI ", "audio/unknown"),
        (b"\0\0\0\0", "audio/unknown"),
    ],
)
def test_files_tell_what_they_are(begin: bytes, media_type: str) -> None:
    """Where nothing beside a file says of which type it is, its first bytes do."""
    data = begin + bytes(100)
    sound = {"data": base64.b64encode(data).decode(), "transcript": "hm"}
    assert plain(sound)["data"] == expected(media_type, data)


def test_what_holds_no_file_is_not_copied() -> None:
    """A payload without files is handed back itself, and above a file only the way to it is new."""
    messages = [{"role": "user", "content": "hello"}, {"role": "user", "content": ["a", "b"]}]
    assert plain(messages) is messages
    mixed: list[Any] = [messages, {"data": ENCODED}]
    assert plain(mixed)[0] is messages


def test_objects_of_the_sdk_become_mappings() -> None:
    """An SDK's object is recorded by its fields, those included that it does not declare; empty ones are left out."""
    message = ChatCompletionMessage.construct(
        role="assistant", content="hi", reasoning_content="because"
    )
    assert plain([message]) == [
        {"role": "assistant", "content": "hi", "reasoning_content": "because"}
    ]


def test_hostile_payloads_end() -> None:
    """What contains itself, twice, is walked for a bounded time."""
    loop: dict[str, Any] = {}
    loop["a"] = loop["b"] = loop
    assert plain(loop) is not None
    deep: list[Any] = []
    for _ in range(5_000):
        deep = [deep]
    assert plain(deep) is deep
