"""What type checkers must see of traced clients of the SDKs: the SDKs' own types; nothing here runs.

Their signatures are overloads, to which nobody can add arguments. So `name=` and `trackway_…=` are refused, and the
ways to say the same are the ones below.
"""

from typing import assert_type

import anthropic as anthropic_sdk
import openai as openai_sdk
from anthropic.types import Message
from openai import Stream
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from trackway import propagate_attributes
from trackway.anthropic import Anthropic
from trackway.anthropic import wrap as wrap_anthropic
from trackway.openai import AsyncOpenAI, OpenAI, openai, wrap


def clients_keep_their_types() -> None:
    assert_type(wrap(openai_sdk.AzureOpenAI()), openai_sdk.AzureOpenAI)
    assert_type(OpenAI(), openai_sdk.OpenAI)
    assert_type(openai.OpenAI(), openai_sdk.OpenAI)
    assert_type(wrap_anthropic(anthropic_sdk.Anthropic()), anthropic_sdk.Anthropic)
    assert_type(Anthropic(), anthropic_sdk.Anthropic)


def arguments_stand_in_extra_body() -> None:
    client = OpenAI()
    about = {"trackway_name": "ask", "trackway_user_id": "alice", "trackway_metadata": {"plan": 1}}
    assert_type(
        client.chat.completions.create(model="gpt-4o", messages=[], extra_body=about),
        ChatCompletion,
    )
    assert_type(
        client.chat.completions.create(model="gpt-4o", messages=[], stream=True, extra_body=about),
        Stream[ChatCompletionChunk],
    )
    assert_type(
        client.responses.create(model="gpt-4o", input="hi", extra_body={"trackway_tags": ["a"]}),
        Response,
    )
    assert_type(
        Anthropic().messages.create(
            model="claude-sonnet-5", max_tokens=9, messages=[], extra_body=about
        ),
        Message,
    )


async def texts_stand_in_metadata_too() -> None:
    assert_type(
        await AsyncOpenAI().chat.completions.create(
            model="gpt-4o", messages=[], metadata={"trackway_user_id": "alice", "purpose": "test"}
        ),
        ChatCompletion,
    )


def a_block_says_it_for_all_calls_inside() -> None:
    with propagate_attributes(user_id="alice", session_id="s", tags=["a"], metadata={"plan": 1}):
        assert_type(
            openai.chat.completions.create(model="gpt-4o", messages=[]),
            ChatCompletion,
        )


def arguments_of_ones_own_are_refused() -> None:
    client = OpenAI()
    client.chat.completions.create(model="gpt-4o", messages=[], name="ask")  # type: ignore[call-overload]
    client.embeddings.create(model="e", input="a", trackway_user_id="alice")  # type: ignore[call-arg]
