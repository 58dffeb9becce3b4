"""How the observation of a call begins, the first time and again."""

from typing import Any

import pytest

from tests._integrations.conftest import Connect
from tests.providers.openai import chat
from tests.providers.server import Provider, answer
from trackway._integrations import opening
from trackway.testing import Spans

HELLO: list[Any] = [{"role": "user", "content": "hi"}]


def test_each_model_has_its_own(connect: Connect, spans: Spans) -> None:
    """What is remembered of one model is not said of another, and an observation's own fields stay its own."""
    with Provider(*[answer(chat(model=None)) for _ in range(4)]) as provider:
        client = connect(provider)
        for model in ("gpt-4o", "gpt-4o-mini", "gpt-4o", "gpt-4o-mini"):
            client.chat.completions.create(model=model, messages=HELLO)
    assert [span["model"] for span in spans] == [
        "gpt-4o", "gpt-4o-mini", "gpt-4o", "gpt-4o-mini"
    ]  # fmt: skip
    assert [span["name"] for span in spans][2:] == ["chat gpt-4o", "chat gpt-4o-mini"]


def test_more_models_than_are_remembered(
    connect: Connect, spans: Spans, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models beyond the bound, and names too long to keep, are recorded as all others."""
    monkeypatch.setattr(opening, "MAX_OPENINGS", 0)
    models = ["made-up-1", "m" * 300, "made-up-1"]
    with Provider(*[answer(chat(model=None)) for _ in models]) as provider:
        client = connect(provider)
        for model in models:
            client.chat.completions.create(model=model, messages=HELLO)
    assert [span["model"] for span in spans] == models
