"""How runs end that do not just return: failures, interruptions, cancellation, streams that are left."""

import asyncio
import gc
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig, RunnableGenerator, RunnableLambda
from langchain_core.tools import ToolException, tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from tests._integrations.langchain.applications import Library, State, answering, tree
from tests.spans import exception_of, level_of, only, spans, value_of
from trackway import Trackway, observe
from trackway._integrations.langchain.outcomes import giving_way
from trackway.langchain import CallbackHandler

ASKED = HumanMessage("?")


@tool
def broken(what: str) -> str:
    """Fails."""
    raise ValueError(f"no {what}")


def test_a_failure_is_one_with_its_stack(home: Path, handler: CallbackHandler) -> None:
    """What raises fails, with type, text and stack; so does what it is part of; the exception arrives unchanged."""
    chain = RunnableLambda[object, str](lambda _: "owls", name="ask") | broken
    with pytest.raises(ValueError, match="no owls"):
        chain.invoke(1, {"callbacks": [handler]})
    for name in ("broken", "RunnableSequence"):
        failed = only(home, name)
        assert level_of(failed) == (2, "ValueError: no owls", "ERROR")
        assert exception_of(failed)[:2] == ("ValueError", "no owls")
        assert "in broken" in exception_of(failed)[2]
    assert level_of(only(home, "ask"))[0] == 0


def test_models_and_retrievers_fail(home: Path, handler: CallbackHandler) -> None:
    """A model or a retriever that raises has failed."""

    class Burnt(Library):
        def _get_relevant_documents(self, query: str, **_: object) -> list[object]:  # type: ignore[override]
            raise OSError("burnt")

    with pytest.raises(OSError, match="burnt"):
        Burnt().invoke("?", {"callbacks": [handler]})
    model = answering().model_copy(update={"messages": iter([])})
    with pytest.raises(StopIteration):
        model.invoke("?", {"callbacks": [handler]})
    assert level_of(only(home, "Burnt"))[:2] == (2, "OSError: burnt")
    assert level_of(only(home, "GenericFakeChatModel"))[0] == 2


def test_a_tool_that_handles_its_failure_failed(home: Path, handler: CallbackHandler) -> None:
    """A tool that answers the model with an error has failed, though nothing was raised."""

    @tool
    def use(what: str) -> str:
        """Fails politely."""
        raise ToolException("try again")

    use.handle_tool_error = True
    call = {"type": "tool_call", "id": "1", "name": "use", "args": {"what": "x"}}
    use.invoke(call, {"callbacks": [handler]})
    assert level_of(only(home)) == (2, "try again", "ERROR")
    assert value_of(only(home)) == "try again"


def test_an_interrupted_graph_did_not_fail(home: Path, handler: CallbackHandler) -> None:
    """A graph that waits for an answer says so, with the question; resumed, it is as any other."""

    def ask(state: State) -> State:
        return {"messages": [HumanMessage(str(interrupt({"question": "go on?"})))]}

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    app = graph.compile(checkpointer=InMemorySaver())
    config: RunnableConfig = {"callbacks": [handler], "configurable": {"thread_id": "1"}}
    app.invoke({"messages": []}, {**config, "run_name": "first"})
    app.invoke(Command(resume="yes"), {**config, "run_name": "second"})
    waiting, resumed = sorted(
        (span for span in spans(home) if span.name == "ask"), key=lambda span: span.start
    )
    assert level_of(waiting) == (0, "", None)
    assert waiting.attributes["langfuse.observation.status_message"] == "interrupted"
    assert value_of(waiting) == {"__interrupt__": [{"question": "go on?"}]}
    assert only(home, "first").attributes["langfuse.observation.status_message"] == "interrupted"
    assert "langfuse.observation.status_message" not in resumed.attributes
    assert "langfuse.observation.status_message" not in only(home, "second").attributes
    assert value_of(only(home, "second"), "input") == {"resume": "yes"}


def test_handing_over_to_the_graph_around_is_no_failure(
    home: Path, handler: CallbackHandler
) -> None:
    """A node that hands over to a node of the graph around (`Command.PARENT`) has not failed."""
    inner = StateGraph(State)
    inner.add_node("hand over", lambda _: Command(goto="after", graph=Command.PARENT))
    inner.add_edge(START, "hand over")
    outer = StateGraph(State)
    outer.add_node("inner", inner.compile(), destinations=("after",))
    outer.add_node("after", lambda _: {"messages": [HumanMessage("done")]})
    outer.add_edge(START, "inner")
    outer.compile().invoke({"messages": []}, {"callbacks": [handler]})
    assert {level_of(span)[0] for span in spans(home)} == {0}
    told = only(home, "hand over").attributes["langfuse.observation.status_message"]
    assert told == "handed over to the graph around"
    assert "after" in tree(home)


def test_a_stream_that_is_left_was_closed(home: Path, handler: CallbackHandler) -> None:
    """Whoever leaves a stream closes it: chain and model say so, neither failed, and what had come is there."""
    chain = RunnableLambda[str, str](lambda given: given) | answering("one two three")
    stream = chain.stream("?", {"callbacks": [handler]})
    assert next(stream).content == "one"
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    model, whole = only(home, "GenericFakeChatModel"), only(home, "RunnableSequence")
    for span in (model, whole):
        assert level_of(span) == (0, "", None)
        assert span.attributes["langfuse.observation.status_message"] == "closed before its end"
    assert value_of(model) == {"role": "assistant", "content": "one"}
    assert model.end <= whole.end or whole.end >= model.start


def test_an_asynchronous_stream_that_is_left_was_closed(
    home: Path, client: Trackway, handler: CallbackHandler
) -> None:
    """Closed by `aclose`, or by the collector: the same, and no error."""
    chain = RunnableLambda[str, str](lambda given: given) | answering("one two three")

    async def closing() -> None:
        stream = chain.astream("?", {"callbacks": [handler], "run_name": "closed"})
        async for _ in stream:
            break
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator

    async def leaving() -> None:
        async for _ in chain.astream("?", {"callbacks": [handler], "run_name": "left"}):
            break
        gc.collect()
        for _ in range(10):
            await asyncio.sleep(0)

    asyncio.run(closing())
    asyncio.run(leaving())
    client.flush()
    for name in ("closed", "left"):
        assert level_of(only(home, name)) == (0, "", None)
        told = only(home, name).attributes["langfuse.observation.status_message"]
        assert told == "closed before its end"
    assert all(level_of(span)[0] == 0 for span in spans(home))


def test_cancelled_runs_are_cancelled(
    home: Path, client: Trackway, handler: CallbackHandler
) -> None:
    """A cancelled chain says so; of a cancelled tool LangChain tells no end, so it ends with the chain, as unknown."""
    started = asyncio.Event()

    @tool
    async def wait(what: str) -> str:
        """Waits for ever."""
        started.set()
        await asyncio.Event().wait()
        return "never"

    async def program() -> None:
        chain = RunnableLambda[str, str](lambda given: given) | wait
        task = asyncio.ensure_future(chain.ainvoke("x", {"callbacks": [handler]}))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(program())
    client.flush()
    whole, lost = only(home, "RunnableSequence"), only(home, "wait")
    assert level_of(whole) == (2, "CancelledError", "ERROR")
    message = "no end was reported: the run around it ended by CancelledError"
    assert lost.attributes["langfuse.observation.status_message"] == message
    assert lost.attributes["langfuse.observation.level"] == "WARNING"
    assert lost.end == whole.end


def test_a_failure_in_the_middle_of_a_stream_keeps_what_came(
    home: Path, handler: CallbackHandler
) -> None:
    """A chain whose stream breaks off has failed."""

    def items(_: object) -> object:
        yield "one"
        raise ConnectionResetError("gone")

    chain = RunnableGenerator(items) | answering()  # type: ignore[arg-type,var-annotated]
    with pytest.raises(ConnectionResetError):
        list(chain.stream("?", {"callbacks": [handler]}))
    assert level_of(only(home, "RunnableSequence"))[0] == 2


def test_an_observed_function_in_a_broken_tool_says_the_same(
    home: Path, handler: CallbackHandler
) -> None:
    """Function, tool and request all carry the failure, each with its own place in the tree."""

    @observe
    def inner() -> None:
        raise KeyError("k")

    @tool
    def use(what: str) -> None:
        """Uses."""
        inner()

    with pytest.raises(KeyError):
        use.invoke("x", {"callbacks": [handler]})
    assert tree(home) == {"use": "", "inner": "use"}
    assert [level_of(span)[:2] for span in spans(home)] == [(2, "KeyError: 'k'")] * 2


def test_a_graph_whose_stream_is_left_takes_its_nodes_back(
    home: Path, client: Trackway, handler: CallbackHandler
) -> None:
    """Where a graph's stream is closed, nothing failed: not the graph, nor the node that it cancelled."""

    async def node(state: State) -> State:
        got = [part async for part in answering("one two").astream([*state["messages"], ASKED])]
        await asyncio.Event().wait()
        return {"messages": [*got]}

    graph = StateGraph(State)
    graph.add_node("node", node)
    graph.add_edge(START, "node")

    async def program() -> None:
        stream = graph.compile().astream(
            {"messages": []}, {"callbacks": [handler]}, stream_mode="messages"
        )
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]  # it is a generator

    asyncio.run(program())
    client.flush()
    said = {
        span.name: span.attributes.get("langfuse.observation.status_message")
        for span in spans(home)
    }
    assert said["LangGraph"] == "closed before its end"
    assert said["node"] == "cancelled by the graph around"
    assert {level_of(span)[0] for span in spans(home)} == {0}


def test_what_gives_way_is_known_without_langgraph() -> None:
    """Classes are known by their module and name; anything else is a failure."""
    assert giving_way(GeneratorExit()) == "closed before its end"
    assert giving_way(ValueError()) is None
    assert giving_way(asyncio.CancelledError("stop")) is None
    kind = type("GraphBubbleUp", (Exception,), {"__module__": "langgraph.errors"})
    assert giving_way(type("Own", (kind,), {})()) == "left for the graph around"
    assert giving_way(type("GraphBubbleUp", (Exception,), {"__module__": "elsewhere"})()) is None
