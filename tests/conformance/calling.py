"""Calls that an integration traced: of the OpenAI SDK, whole, streamed and refused, and a chain of LangChain's."""

from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
from openai import BadRequestError
from pydantic import SecretStr

from tests.backend import Behaviour
from tests.conformance.sending import MESSAGES
from tests.providers import openai as shapes
from tests.providers.server import (
    Provider,
    answer,
    data_events,
    openai_error,
    routed,
    stream,
)
from trackway import Trackway, propagate_attributes
from trackway.langchain import CallbackHandler
from trackway.openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Create(Protocol):
        """`chat.completions.create`, with arguments of ours."""

        def __call__(self, **arguments: object) -> Iterable[object]: ...


__all__ = ["CALLS", "TOKENS", "send_calls"]

# Name → how Phoenix and MLflow call its kind.
CALLS: Final = {
    "whole": "LLM",
    "streamed": "LLM",
    "refused": "LLM",
    "chain": "CHAIN",
    "ChatPromptTemplate": "CHAIN",
    "ChatOpenAI": "LLM",
}
TOKENS: Final = (19, 10)
"""Of input and output, of each call that was answered."""


def _reply(_: str, body: dict[str, object]) -> Behaviour:
    if body["model"] == "refused":
        return openai_error(400, "no such model")
    if body.get("stream"):
        return stream(data_events(shapes.chat_chunks(usage=True)))
    return answer(shapes.chat())


def send_calls(url: str, project: str, headers: dict[str, str] | None = None) -> None:
    """Makes the calls, and returns once the backend has acknowledged their spans."""
    client = Trackway(endpoint=url, headers=headers, project=project)
    with (
        Provider(routed(_reply)) as provider,
        propagate_attributes(user_id="zoë", session_id=f"chat-{project}"),
    ):
        with OpenAI(api_key="sk-test", base_url=provider.base_url, max_retries=0) as sdk:
            # Its signature knows no argument of ours.
            create = cast("Create", sdk.chat.completions.create)
            create(name="whole", model="gpt-4o", messages=MESSAGES, temperature=0.5)
            asked = {"include_usage": True}
            for _ in create(
                name="streamed",
                model="gpt-4o",
                messages=MESSAGES,
                stream=True,
                stream_options=asked,
            ):
                pass
            with suppress(BadRequestError):
                create(name="refused", model="refused", messages=MESSAGES)
        model = ChatOpenAI(
            model="gpt-4o", base_url=provider.base_url, api_key=SecretStr("sk-test"), max_retries=0
        )
        chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | model
        chain.invoke(
            {"question": "ein Gruß"}, {"callbacks": [CallbackHandler()], "run_name": "chain"}
        )
        model.root_client.close()
    assert client.shutdown(60.0)
    (destination,) = client.stats().destinations
    assert (destination.acked, destination.rejected) == (destination.ended, {})
    assert destination.acked == len(CALLS)
