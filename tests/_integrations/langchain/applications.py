"""What the tests trace: models of `langchain-core` that need no network, tools, retrievers, a graph."""

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypedDict, cast

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from langchain_core.tools import tool
from langgraph.graph.message import add_messages

from tests.spans import spans
from trackway._wire.decode import DecodedSpan

USAGE = {"input_tokens": 12, "output_tokens": 3, "total_tokens": 15}


Step = Runnable[object, object]


class State(TypedDict):
    """The state of a graph that talks."""

    messages: Annotated[list[AnyMessage], add_messages]


class Library(BaseRetriever):
    """Finds one document for everything."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(f"about {query}", metadata={"page": 7})]


@tool
def shout(text: str) -> str:
    """Shouts."""
    return text.upper()


def chain() -> Step:
    """A prompt, a model, a parser."""
    prompt = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{question}")])
    return cast("Step", prompt | answering() | StrOutputParser())


def answering(text: str = "forty two", **more: object) -> GenericFakeChatModel:
    """A chat model that gives the same answer again and again."""
    given = {"usage_metadata": USAGE, "response_metadata": {"model_name": "model-1-2026"}, **more}
    return saying(AIMessage(text, **given))


def saying(*messages: AIMessage) -> GenericFakeChatModel:
    """A chat model that says these, and the last one again and again."""
    return GenericFakeChatModel(messages=_then_last(messages))


def _then_last(messages: tuple[AIMessage, ...]) -> Iterator[AIMessage]:
    return itertools.chain(messages[:-1], itertools.repeat(messages[-1]))


def tree(home: Path) -> dict[str, str]:
    """Name → the parent's name."""
    found = spans(home)
    names = {span.span_id: span.name for span in found}
    return {span.name: names.get(span.parent_span_id or "", "") for span in found}


def users(home: Path) -> dict[str, object]:
    """Name → user."""
    return {span.name: span.attributes.get("user.id") for span in spans(home)}


def kind_of(span: DecodedSpan) -> object:
    """The kind of the observation."""
    return span.attributes["langfuse.observation.type"]


def usage_of(span: DecodedSpan) -> Mapping[str, int] | None:
    """Tokens by bucket."""
    text = span.attributes.get("langfuse.observation.usage_details")
    found: Mapping[str, int] | None = None if text is None else json.loads(str(text))
    return found


def metadata_of(span: DecodedSpan) -> Mapping[str, object]:
    """The observation's own metadata, as one object."""
    found: Mapping[str, object] = json.loads(str(span.attributes.get("metadata", "{}")))
    return found
