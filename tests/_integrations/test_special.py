"""Tests for `trackway._integrations.special`: arguments that are ours reach us, and nothing else changes."""

import logging
from typing import Any

import pytest

from tests._integrations.conftest import Connect
from tests.providers.openai import MESSAGE, chat, chat_chunks, response
from tests.providers.server import Provider, answer, data_events, openai_error, stream
from trackway import observe
from trackway._integrations.special import ENTRY, noted
from trackway.testing import Spans

ASK: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


def test_ordinary_arguments_are_handed_on_as_they_are() -> None:
    """A call that says nothing to us is not touched: the very same dict goes on."""
    kwargs = {**ASK, "metadata": {"purpose": "test"}}
    assert noted(kwargs) == (kwargs, None)
    assert noted(kwargs)[0] is kwargs


@pytest.mark.parametrize("prefix", ["trackway_", "langfuse_"])
def test_who_a_call_is_for(prefix: str, connect: Connect, spans: Spans) -> None:
    """User, session, tags, metadata, prompt and name are recorded, and the provider sees none of them."""
    said = {
        "user_id": "alice", "session_id": "s-1", "tags": ["a", "b"], "metadata": {"plan": "free"},
        "prompt": {"name": "greet", "version": 3},
    }  # fmt: skip
    with Provider(answer(chat())) as provider:
        client = connect(provider)
        client.chat.completions.create(
            **ASK, name="greeting", **{prefix + key: value for key, value in said.items()}
        )
        assert provider.sent == [ASK]
    span = spans.one("greeting")
    assert (span["user_id"], span["session_id"], span["tags"]) == ("alice", "s-1", ["a", "b"])
    assert span["metadata"]["plan"] == "free"
    assert span["prompt"] == {"name": "greet", "version": 3}


def test_keys_in_metadata(connect: Connect, spans: Spans) -> None:
    """Keys of ours inside of `metadata` are used; the rest is sent as given, and nothing where nothing is left."""
    given = {"langfuse_user_id": "alice", "trackway_tags": "a,b", "purpose": "test"}
    before = dict(given)
    with Provider(answer(chat())) as provider:
        client = connect(provider)
        client.chat.completions.create(**ASK, metadata=given)
        client.chat.completions.create(**ASK, metadata={"langfuse_session_id": "s"})
        client.chat.completions.create(**ASK, metadata={"purpose": "test"})
        metadata = [sent.get("metadata", "none") for sent in provider.sent]
    assert metadata == [{"purpose": "test"}, "none", {"purpose": "test"}]
    assert given == before
    assert (spans[0]["user_id"], spans[0]["tags"]) == ("alice", ["a", "b"])
    assert spans[0]["metadata"]["purpose"] == "test"
    assert spans[1]["session_id"] == "s"


def test_extra_body_stays_the_callers(connect: Connect, spans: Spans) -> None:
    """`extra_body` is sent as without us, also beside arguments of ours."""
    extra = {"top_k": 5}
    with Provider(answer(chat())) as provider:
        connect(provider).chat.completions.create(**ASK, extra_body=extra, name="mine")
        assert provider.sent == [{**ASK, "top_k": 5}]
    assert extra == {"top_k": 5}
    assert spans.one("mine")["model_parameters"] == {"top_k": 5}


@pytest.mark.parametrize("prefix", ["trackway_", "langfuse_"])
def test_keys_in_extra_body(prefix: str, connect: Connect, spans: Spans) -> None:
    """Each argument may stand in `extra_body`, which type checkers know; an argument of the call comes before it."""
    about = {
        "name": "greeting",
        "user_id": "alice",
        "metadata": {"n": 1},
        "prompt": {"name": "p", "version": 1},
    }
    extra = {"top_k": 5, **{prefix + key: value for key, value in about.items()}}
    before = dict(extra)
    with Provider(answer(chat())) as provider:
        client = connect(provider)
        client.chat.completions.create(**ASK, extra_body=extra)
        client.chat.completions.create(**ASK, extra_body=extra, name="other")
        client.chat.completions.create(**ASK, extra_body={f"{prefix}session_id": "s"})
        assert provider.sent == [{**ASK, "top_k": 5}, {**ASK, "top_k": 5}, ASK]
    assert extra == before
    span = spans.one("greeting")
    assert (span["user_id"], span["metadata"]) == ("alice", {"n": 1})
    assert span["prompt"] == {"name": "p", "version": 1}
    assert spans.one("other")["user_id"] == "alice"
    assert spans[2]["session_id"] == "s"


def test_a_stream_in_a_block_takes_them_too(connect: Connect, spans: Spans) -> None:
    """Arguments of a `stream` that is sent only when its block is entered are not lost on the way."""
    with Provider(stream(data_events(chat_chunks()))) as provider:
        manager = connect(provider).chat.completions.stream(
            **ASK, name="told", trackway_user_id="bob"
        )
        with manager as events:
            assert list(events)
        assert ENTRY not in provider.sent[0]
    assert spans.one("told")["user_id"] == "bob"


def test_a_trace_of_ones_own(connect: Connect, spans: Spans) -> None:
    """`trace_id` and `parent_observation_id` place a call as they do for the incumbent."""
    with Provider(answer(chat())) as provider:
        client = connect(provider)
        client.chat.completions.create(**ASK, trace_id=TRACE, parent_observation_id=PARENT)
        client.chat.completions.create(**ASK, langfuse_trace_id=TRACE)
    assert [(span["trace_id"], span["parent_id"]) for span in spans] == [
        (TRACE, PARENT),
        (TRACE, None),
    ]


def test_a_call_below_what_is_current(connect: Connect, spans: Spans) -> None:
    """A call inside of an observed function is its child, with its user."""
    with Provider(answer(chat())) as provider:
        client = connect(provider)
        observe(name="outer")(lambda: client.chat.completions.create(**ASK))()
    assert spans.tree("kind") == [
        {
            "name": "outer",
            "kind": "span",
            "children": [{"name": "chat gpt-4o", "kind": "generation"}],
        }
    ]


def test_metadata_that_the_provider_refuses(
    connect: Connect, spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the API refuses `metadata`, one WARNING names the argument that is for tracing alone."""
    refusal = "The 'metadata' parameter is only allowed when 'store' is enabled."
    with (
        Provider(openai_error(400, refusal)) as provider,
        caplog.at_level(logging.WARNING, "trackway"),
    ):
        client = connect(provider)
        for _ in range(2):
            with pytest.raises(Exception, match="metadata"):
                client.chat.completions.create(**ASK, metadata={"purpose": "test"})
    assert [
        record.message for record in caplog.records if "trackway_metadata=" in record.message
    ] == [
        "the provider refused the argument metadata=; what is for tracing alone goes into trackway_metadata="
    ]
    assert len(spans) == 2


def test_arguments_below_beta(connect: Connect, spans: Spans) -> None:
    """Responses that a release of the SDK has below `beta` take our arguments as the others do."""
    with Provider(answer(response(MESSAGE))) as provider:
        client = connect(provider)
        if not hasattr(client.beta, "responses"):
            pytest.skip("none in this release")
        client.beta.responses.create(model="gpt-4o", input="x", name="below")
        assert provider.sent[0].keys() == {"model", "input"}
    assert spans.one("below")["usage"]["total"] == 29
