"""Tests for `trackway._integrations.openai.dropin`: a module like the SDK's, beside which the SDK stays as it is."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai as sdk
import pytest

import trackway.openai
from tests.providers.openai import EMBEDDINGS, chat
from tests.providers.server import Provider, answer
from trackway.testing import Spans

ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
openai: Any = trackway.openai.openai


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that the SDK's module is set to; afterwards it is as it was."""
    # The SDK's module keeps the HTTP client that it made.
    before = (sdk.api_key, sdk.base_url, sdk.http_client)
    with Provider(answer(chat())) as found:
        openai.api_key, openai.base_url = "sk-test", f"{found.base_url}/"
        sdk._reset_client()
        yield found
        made = openai.__dict__["_made"]
        for client in (sdk._client, made and made[1]):
            if client is not None:
                client.close()
        sdk.api_key, sdk.base_url, sdk.http_client = before
        sdk._reset_client()


def test_functions_of_the_module(provider: Provider, spans: Spans) -> None:
    """Functions of the drop-in are traced and take its settings; those of the SDK are not traced."""
    openai.chat.completions.create(**ASK, name="module")
    assert spans.one("module")["output"] is not None
    sdk.chat.completions.create(**ASK)
    assert len(spans) == 1
    provider.play([answer(EMBEDDINGS)])
    openai.embeddings.create(model="m", input="x")
    assert len(spans) == 2


def test_what_the_module_holds() -> None:
    """Clients are traced subclasses; everything else is the SDK's, and so are settings that are made."""
    for name in ("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI"):
        ours, theirs = getattr(openai, name), getattr(sdk, name)
        assert issubclass(ours, theirs)
        assert ours is not theirs
        assert getattr(trackway.openai, name) is ours
    assert openai.Client is openai.OpenAI
    assert openai.NotFoundError is sdk.NotFoundError
    assert openai.types is sdk.types
    assert openai.__version__ == sdk.__version__
    assert set(dir(sdk)) <= set(dir(openai))
    with pytest.raises(AttributeError, match="no attribute"):
        _ = openai.there_is_no_such_thing


def test_what_a_test_replaces(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class or a resource that is replaced for a test is replaced in the drop-in alone, and comes back."""
    theirs, ours, fake = sdk.OpenAI, openai.OpenAI, object()
    with monkeypatch.context() as patched:
        patched.setattr(openai, "OpenAI", fake)
        assert openai.OpenAI is fake
        assert sdk.OpenAI is theirs
    assert (sdk.OpenAI, openai.OpenAI) == (theirs, ours)
    openai.chat = fake
    assert openai.chat is fake
    assert type(sdk.chat.completions) is not object
    del openai.chat
    assert openai.chat is not fake


@pytest.mark.parametrize("set_before", [False, True])
def test_settings_that_a_test_makes(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, set_before: bool
) -> None:
    """A setting that is made for a test is made in the SDK, and is what it was afterwards."""
    if set_before:
        openai.organization = "org-1"
    before = sdk.organization
    with monkeypatch.context() as patched:
        patched.setattr(openai, "organization", "org-2")
        patched.setattr(openai, "mine", 1, raising=False)
        assert (sdk.organization, vars(sdk)["mine"]) == ("org-2", 1)
        sdk.organization = "org-3"
        assert openai.organization == "org-3"
    assert (sdk.organization, openai.organization) == (before, before)
    assert not hasattr(openai, "mine")
    if set_before:
        del openai.organization
    assert vars(sdk)["organization"] is None
    assert openai.__spec__ is sdk.__spec__
    with pytest.raises(AttributeError):
        del openai.there_is_no_such_thing


def test_the_sdk_is_not_touched() -> None:
    """Importing the drop-in changes nothing in the SDK."""
    program = """
import openai
classes = [openai.OpenAI, openai.AsyncOpenAI, openai.AzureOpenAI, openai.AsyncAzureOpenAI]
before = [dict(vars(cls)) for cls in classes], dict(vars(openai))
import trackway.openai
assert before[0] == [dict(vars(cls)) for cls in classes]
assert {k: v for k, v in before[1].items()} == {k: v for k, v in vars(openai).items() if k in before[1]}
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_without_the_sdk(tmp_path: Path) -> None:
    """Where the SDK is not installed, the import says what to install."""
    (tmp_path / "openai.py").write_text("raise ImportError('not here')")
    done = subprocess.run(
        [sys.executable, "-c", "import trackway.openai"],
        env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "which is not installed: pip install openai" in done.stderr
