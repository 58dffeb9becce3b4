"""What starts inside a run finds it; and a model's run is known to whoever makes the provider's call."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForLLMRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.language_models import SimpleChatModel
from langchain_core.messages import BaseMessage, HumanMessage
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from langgraph.prebuilt import ToolNode
from pydantic import SecretStr

from tests._integrations.langchain.applications import State, answering, saying, tree
from tests._integrations.langchain.loopback import openai_server
from tests.spans import only, spans
from trackway import Trackway, get_client, observe, propagate_attributes
from trackway._core import parents
from trackway.langchain import CallbackHandler
from trackway.openai import instrument


@observe
def look_up(what: str) -> str:
    return f"found {what}"


@observe
async def look_up_async(what: str) -> str:
    await asyncio.sleep(0)
    return look_up(what)


@tool
def find(what: str) -> str:
    """Finds."""
    return look_up(what)


@tool
async def find_async(what: str) -> str:
    """Finds."""
    return await look_up_async(what)


def test_an_observed_function_is_a_child_of_the_tool(home: Path, handler: CallbackHandler) -> None:
    """Sync, async, and many at once: what a tool calls stands below the tool."""
    config: RunnableConfig = {"callbacks": [handler]}
    find.invoke("1", config)
    asyncio.run(find_async.ainvoke("2", config))
    find.batch(["3", "4"], config)
    asyncio.run(find.ainvoke("5", config))
    found = {span.span_id: span for span in spans(home)}
    calls = [span for span in found.values() if span.name == "look_up"]
    assert [span.name for span in found.values()].count("find_async") == 1
    assert {found[call.parent_span_id or ""].name for call in calls} == {"find", "look_up_async"}
    assert len(calls) == 5
    assert tree(home)["look_up_async"] == "find_async"
    assert len({span.trace_id for span in calls}) == 5


def test_an_observed_function_is_a_child_of_the_node(home: Path, handler: CallbackHandler) -> None:
    """In a graph, sync and async: below the node, or below the tool that a node runs."""
    call = {"name": "find", "args": {"what": "x"}, "id": "1"}
    asking = saying(answering().invoke("").model_copy(update={"tool_calls": [call]}))

    def ask(state: State) -> State:
        look_up("in a node")
        return {"messages": [asking.invoke(state["messages"])]}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_node("use", ToolNode([find]))
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "use")
    graph.add_edge("use", END)
    app = graph.compile()
    given: State = {"messages": [HumanMessage("?")]}
    config: RunnableConfig = {"callbacks": [handler], "metadata": {"trackway_user_id": "alice"}}
    app.invoke(given, config)
    asyncio.run(app.ainvoke(given, config))
    found = {span.span_id: span for span in spans(home)}
    above = [found[s.parent_span_id or ""].name for s in found.values() if s.name == "look_up"]
    assert sorted(above) == ["ask", "ask", "find", "find"]
    assert {span.attributes["user.id"] for span in found.values()} == {"alice"}
    assert len({span.trace_id for span in found.values()}) == 2


class Archive(BaseRetriever):
    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(look_up(query))]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [Document(await look_up_async(query))]


class Own(SimpleChatModel):
    def _call(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **_more: object,
    ) -> str:
        return look_up("an answer")

    @property
    def _llm_type(self) -> str:
        return "own"


def test_an_observed_function_is_a_child_of_retriever_and_model(
    home: Path, handler: CallbackHandler
) -> None:
    """Of which LangChain's context does not know."""
    config: RunnableConfig = {"callbacks": [handler]}
    Archive().invoke("?", config)
    assert tree(home) == {"Archive": "", "look_up": "Archive"}
    asyncio.run(Archive().ainvoke("?", {"callbacks": [handler], "run_name": "async"}))
    assert tree(home)["look_up_async"] == "async"
    Own().invoke("?", config)
    asyncio.run(Own().ainvoke("?", config))
    found = {span.span_id: span for span in spans(home)}
    above = [found[s.parent_span_id or ""].name for s in found.values() if s.name == "look_up"]
    assert sorted(above) == ["Archive", "Own", "Own", "look_up_async"]


def test_runs_below_an_observed_function_are_its_children(
    home: Path, handler: CallbackHandler
) -> None:
    """A model that an observed function calls inside a tool stands below the function, whose time it took."""

    @observe
    def think() -> str:
        return str(answering().invoke("?").content)

    @tool
    def use(what: str) -> str:
        """Uses."""
        with get_client().start_as_current_observation(name="block"):
            return think()

    use.invoke("x", {"callbacks": [handler]})
    assert tree(home) == {
        "use": "",
        "block": "use",
        "think": "block",
        "GenericFakeChatModel": "think",
    }


def test_current_means_the_run(home: Path, client: Trackway, handler: CallbackHandler) -> None:
    """Inside a tool, the client's current observation is the tool's: it can be updated, and asked for its id."""

    @tool
    def use(what: str) -> str:
        """Uses."""
        client.update_current_span(metadata={"said": "inside"})
        with propagate_attributes(session_id="late"):
            pass
        return f"{client.get_current_trace_id()} {client.get_current_observation_id()}"

    answer = use.invoke("x", {"callbacks": [handler]})
    found = only(home)
    assert answer == f"{found.trace_id} {found.span_id}"
    assert found.attributes["langfuse.observation.metadata.said"] == "inside"
    assert found.attributes["session.id"] == "late"


def test_what_a_run_left_behind_finds_it_still(home: Path, handler: CallbackHandler) -> None:
    """A task that a tool started goes on after the tool, as its child."""

    async def program() -> None:
        tasks: list[asyncio.Task[str]] = []

        @tool
        async def begin(what: str) -> str:
            """Begins."""
            tasks.append(asyncio.ensure_future(look_up_async(what)))
            return "begun"

        await begin.ainvoke("x", {"callbacks": [handler]})
        await asyncio.gather(*tasks)

    asyncio.run(program())
    assert tree(home) == {"begin": "", "look_up_async": "begin", "look_up": "look_up_async"}


# -- the provider's call ---------------------------------------------------------------------------


@contextmanager
def chat_model(asked: list[str | None]) -> Iterator[ChatOpenAI]:
    """A real `ChatOpenAI`; before each request, it is asked who records it."""

    def ask(_: httpx2.Request) -> None:
        found = parents.recorded()
        asked.append(None if found is None else found._name)

    async def ask_async(request: httpx2.Request) -> None:
        ask(request)

    with openai_server() as url, httpx2.Client(event_hooks={"request": [ask]}) as http:
        http_async = httpx2.AsyncClient(event_hooks={"request": [ask_async]})
        yield ChatOpenAI(
            model="gpt-4o",
            base_url=url,
            api_key=SecretStr("sk-proj-0123456789abcdef0123456789"),
            http_client=http,
            http_async_client=http_async,
            max_retries=0,
        )


def test_the_run_of_a_model_records_the_call_of_its_provider(
    home: Path, handler: CallbackHandler
) -> None:
    """Whoever wraps the provider's client learns that the call is recorded: sync, async, streamed, in a batch."""
    asked: list[str | None] = []
    config: RunnableConfig = {"callbacks": [handler], "run_name": "recorded"}
    with chat_model(asked) as model:
        model.invoke("hi", config)
        list(model.stream("hi", config))
        model.batch(["hi", "hi"], config)

        async def program() -> None:
            await model.ainvoke("hi", config)
            async for _ in model.astream("hi", config):
                pass
            await model.root_async_client.close()

        asyncio.run(program())
    assert asked == ["recorded"] * 6
    assert len(spans(home)) == 6


def test_calls_that_nobody_records_are_left_to_others(home: Path, handler: CallbackHandler) -> None:
    """Without a handler, after a run, and in a tool that calls the provider itself: nobody records the call."""
    asked: list[str | None] = []
    with chat_model(asked) as model:

        @tool
        def call(what: str) -> str:
            """Calls the provider itself."""
            return str(model.root_client.chat.completions.create(model="gpt-4o", messages=[]).model)

        model.invoke("hi")
        call.invoke("x", {"callbacks": [handler]})
        (RunnableLambda[str, str](lambda _: "hi") | model).invoke("x", {"callbacks": [handler]})
        model.root_client.chat.completions.create(model="gpt-4o", messages=[])
    assert asked == [None, None, "ChatOpenAI", None]


def test_nobody_is_asked_where_no_handler_was_made() -> None:
    """The core asks here only from the first handler on."""
    before = parents.resolvers[:], parents.recorders[:]
    try:
        parents.resolvers.clear()
        parents.recorders.clear()
        assert parents.current() is None
        CallbackHandler()
        CallbackHandler()
        assert (len(parents.resolvers), len(parents.recorders)) == (1, 1)
    finally:
        parents.resolvers[:], parents.recorders[:] = before


@pytest.mark.parametrize("depth", [1, 40])
def test_the_stack_is_looked_at_only_so_far(
    home: Path, handler: CallbackHandler, depth: int
) -> None:
    """An observed function some calls below a model's method is still its child."""

    class Deep(Own):
        def _call(self, *args: object, **more: object) -> str:
            return down(depth)

    def down(left: int) -> str:
        return look_up("x") if left == 0 else down(left - 1)

    Deep().invoke("?", {"callbacks": [handler]})
    assert tree(home) == {"Deep": "", "look_up": "Deep"}


def test_a_wrapped_client_and_a_handler_are_one_generation(
    home: Path, handler: CallbackHandler
) -> None:
    """With the OpenAI wrapper in the same process each call is one generation: LangChain's, or else the wrapper's."""
    undo = instrument()
    try:
        with chat_model([]) as model:
            config: RunnableConfig = {"callbacks": [handler], "run_name": "LangChain's"}
            model.invoke("hi", config)
            list(model.stream("hi", config))

            async def program() -> None:
                await model.ainvoke("hi", config)
                await model.root_async_client.close()

            asyncio.run(program())
            model.invoke("hi")
    finally:
        undo()
    names = [span.name for span in spans(home)]
    assert names == ["LangChain's"] * 3 + ["chat gpt-4o"]
