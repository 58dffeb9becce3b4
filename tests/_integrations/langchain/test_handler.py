"""The callbacks: what each kind of run leaves behind, in every way to run it."""

import asyncio
import copy
import pickle
from pathlib import Path

import pytest
from dirty_equals import IsPartialDict
from langchain_core.callbacks import (
    BaseCallbackHandler,
    adispatch_custom_event,
    dispatch_custom_event,
)
from langchain_core.language_models import FakeListLLM
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool

from tests._integrations.langchain.applications import (
    Library,
    answering,
    chain,
    kind_of,
    metadata_of,
    saying,
    shout,
    tree,
    usage_of,
    users,
)
from tests.spans import level_of, only, spans, value_of
from trackway import Trackway, observe, propagate_attributes
from trackway._integrations.langchain.runs import runs
from trackway.langchain import CallbackHandler


@tool
def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


def test_a_chain_is_a_tree_of_what_it_ran(home: Path, handler: CallbackHandler) -> None:
    """A chain, its prompt, its model and its parser, each with what went in and came out."""
    answer = chain().invoke({"question": "six times seven"}, {"callbacks": [handler]})
    assert answer == "forty two"
    assert tree(home) == {
        "RunnableSequence": "",
        "ChatPromptTemplate": "RunnableSequence",
        "GenericFakeChatModel": "RunnableSequence",
        "StrOutputParser": "RunnableSequence",
    }
    root, model = only(home, "RunnableSequence"), only(home, "GenericFakeChatModel")
    assert (kind_of(root), value_of(root, "input"), value_of(root)) == (
        "chain", {"question": "six times seven"}, "forty two",
    )  # fmt: skip
    assert kind_of(model) == "generation"
    assert value_of(model, "input") == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "six times seven"},
    ]
    assert value_of(model) == {"role": "assistant", "content": "forty two"}
    assert usage_of(model) == {"input": 12, "output": 3, "total": 15}
    assert model.attributes["gen_ai.response.model"] == "model-1-2026"
    assert handler.last_trace_id == root.trace_id


def test_tools_and_retrievers_say_what_they_did(home: Path, handler: CallbackHandler) -> None:
    """A tool has its arguments, its result and the id of the call; a retriever its query and its documents."""
    config: RunnableConfig = {"callbacks": [handler]}
    call = {"type": "tool_call", "id": "call 1", "name": "add", "args": {"a": 1, "b": 2}}
    add.invoke(call, config)
    Library().invoke("owls", config)
    used, found = only(home, "add"), only(home, "Library")
    assert (kind_of(used), value_of(used, "input"), value_of(used)) == (
        "tool",
        {"a": 1, "b": 2},
        "3",
    )
    assert metadata_of(used) == {"tool_call_id": "call 1"}
    assert (kind_of(found), value_of(found, "input")) == ("retriever", "owls")
    assert value_of(found) == [{"page_content": "about owls", "metadata": {"page": 7}}]


def test_agents_are_known_by_their_name(home: Path, handler: CallbackHandler) -> None:
    """A run that is called an agent is one."""
    RunnableLambda(str, name="research_agent").invoke(1, {"callbacks": [handler]})
    assert kind_of(only(home)) == "agent"


def test_the_given_name_is_the_name(home: Path, handler: CallbackHandler) -> None:
    """`run_name` names the observation."""
    chain().invoke({"question": "?"}, {"callbacks": [handler], "run_name": "answer briefly"})
    assert tree(home)["GenericFakeChatModel"] == "answer briefly"


def test_runs_stand_below_what_is_current(
    home: Path, client: Trackway, handler: CallbackHandler
) -> None:
    """The outermost run is a child of the observation that is current where it starts."""

    @observe
    def request() -> None:
        chain().invoke({"question": "?"}, {"callbacks": [handler]})

    request()
    assert tree(home)["RunnableSequence"] == "request"
    assert len({span.trace_id for span in spans(home)}) == 1


def test_a_trace_of_another_process_goes_on(home: Path, client: Trackway) -> None:
    """`trace_context` places the outermost runs."""
    place = {"trace_id": "ab" * 16, "parent_span_id": "cd" * 8}
    handler = CallbackHandler(trace_context=place)  # type: ignore[arg-type]  # as a TypedDict
    chain().invoke({"question": "?"}, {"callbacks": [handler]})
    assert {span.trace_id for span in spans(home)} == {"ab" * 16}
    assert only(home, "RunnableSequence").parent_span_id == "cd" * 8


def test_roots_of_one_call_are_siblings(
    home: Path, client: Trackway, handler: CallbackHandler
) -> None:
    """Several prompts of one `generate`, and several inputs of one `batch`, stand beside one another."""
    with client.start_as_current_observation(name="request"):
        answering().generate([[HumanMessage("1")], [HumanMessage("2")]], callbacks=[handler])
        both: list[BaseCallbackHandler] = [handler]
        FakeListLLM(responses=["x"]).generate(["1", "2"], callbacks=both)
        shout.batch(["1", "2"], {"callbacks": [handler]})
    assert set(tree(home).values()) == {"", "request"}
    assert len(spans(home)) == 7


# -- how the handler is given ----------------------------------------------------------------------


@pytest.mark.parametrize("second", ["the same", "another"])
def test_a_handler_that_is_given_twice_records_once(
    home: Path, handler: CallbackHandler, second: str
) -> None:
    """One set of observations, whether one handler comes by two ways, or two handlers of one client."""
    other = handler if second == "the same" else CallbackHandler()
    model = answering()
    model.callbacks = [other]
    (RunnableLambda[object, str](lambda _: "?") | model).invoke(1, {"callbacks": [handler]})
    assert tree(home) == {
        "RunnableSequence": "", "RunnableLambda": "RunnableSequence", "GenericFakeChatModel": "RunnableSequence",
    }  # fmt: skip
    assert len(spans(home)) == 3


def test_a_handler_in_a_constructor_sees_its_own_run(home: Path, handler: CallbackHandler) -> None:
    """Given to the constructor of a model alone, the model's runs are roots."""
    model = answering()
    model.callbacks = [handler]
    with propagate_attributes(user_id="alice"):
        (RunnableLambda[object, str](lambda _: "?") | model).invoke(1)
    assert users(home) == {"GenericFakeChatModel": "alice"}
    assert only(home).parent_span_id is None


def test_handlers_of_two_clients_record_both(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two clients, each handler's runs go to its own."""
    Trackway(public_key="pk-1", secret_key="sk-1", base_url="http://127.0.0.1:9", local=True)
    Trackway(
        public_key="pk-2",
        secret_key="sk-2",
        base_url="http://127.0.0.1:9",
        local=True,
        environment="two",
    )
    first, second = CallbackHandler(public_key="pk-1"), CallbackHandler(public_key="pk-2")
    chain().invoke({"question": "?"}, {"callbacks": [first]})
    chain().invoke({"question": "?"}, {"callbacks": [second]})
    environments = [span.attributes.get("langfuse.environment") for span in spans(home)]
    assert sorted(map(str, environments)) == ["None"] * 4 + ["two"] * 4


def test_an_unknown_key_means_the_default_client(
    home: Path, client: Trackway, caplog: pytest.LogCaptureFixture
) -> None:
    """A handler of a client that is not there uses the default one, and says so."""
    shout.invoke("x", {"callbacks": [CallbackHandler(public_key="pk-lf-none")]})
    assert only(home).name == "shout"
    assert "pk-lf-none" in caplog.text


def test_a_handler_can_be_copied_and_pickled(home: Path, handler: CallbackHandler) -> None:
    """Configurations that hold a handler are copied deep and pickled by applications; the copies work."""
    config: RunnableConfig = {"callbacks": [handler], "tags": ["x"]}
    shout.invoke("1", copy.deepcopy(config))
    shout.invoke("2", pickle.loads(pickle.dumps(config)))
    shout.invoke("3", copy.copy(config))
    assert [value_of(span) for span in spans(home)] == ["1", "2", "3"]


def test_no_client_is_needed_beforehand(home: Path) -> None:
    """Without a client, the first run makes one from the environment, as a decorated function does."""
    shout.invoke("x", {"callbacks": [CallbackHandler()]})
    assert only(home).name == "shout"


def test_switched_off_nothing_happens(home: Path) -> None:
    """With tracing off, runs go through and leave nothing, in the table neither."""
    Trackway(enabled=False)
    assert chain().invoke({"question": "?"}, {"callbacks": [CallbackHandler()]}) == "forty two"
    assert not home.exists()
    assert len(runs) == 0


def test_without_capture_no_content_is_recorded(home: Path) -> None:
    """With `capture_io` off there is neither input nor output; model, tokens and tree are there."""
    Trackway(capture_io=False)
    handler = CallbackHandler()

    def work(_: object) -> str:
        dispatch_custom_event("progress", {"secret": "content"})
        return "?"

    (RunnableLambda(work) | answering()).invoke(1, {"callbacks": [handler]})
    shout.invoke("x", {"callbacks": [handler]})
    assert not any("put.value" in key for span in spans(home) for key in span.attributes)
    assert usage_of(only(home, "GenericFakeChatModel")) == {"input": 12, "output": 3, "total": 15}


def test_callbacks_come_where_the_work_is() -> None:
    """LangChain calls the handler in the caller's thread and task, and hides no error of it by itself."""
    assert CallbackHandler.run_inline is True
    assert issubclass(CallbackHandler, BaseCallbackHandler)


# -- models ----------------------------------------------------------------------------------------


def test_the_first_token_is_timed(home: Path, handler: CallbackHandler) -> None:
    """A streamed answer has the time of its first token, before its end; one that is not streamed has none."""
    list(answering().stream("?", {"callbacks": [handler]}))
    answering().with_config(run_name="at once").invoke("?", {"callbacks": [handler]})
    streamed, whole = only(home, "GenericFakeChatModel"), only(home, "at once")
    first = streamed.attributes["gen_ai.response.time_to_first_chunk"]
    assert isinstance(first, float)
    assert 0 <= first <= (streamed.end - streamed.start) / 1e9
    assert "langfuse.observation.completion_start_time" in streamed.attributes
    assert "langfuse.observation.completion_start_time" not in whole.attributes


def test_tool_calls_are_told_in_and_out(home: Path, handler: CallbackHandler) -> None:
    """Calls that the model asks for, their results, and a refusal are in the messages."""
    asks = AIMessage("", tool_calls=[{"name": "add", "args": {"a": 1, "b": 2}, "id": "c"}])
    model = saying(asks)
    given = [HumanMessage("1+2"), asks, add.invoke({"type": "tool_call", **asks.tool_calls[0]})]
    model.invoke(given, {"callbacks": [handler]})
    found = only(home, "GenericFakeChatModel")
    call = {"id": "c", "name": "add", "args": {"a": 1, "b": 2}}
    assert value_of(found) == {"role": "assistant", "content": "", "tool_calls": [call]}
    assert value_of(found, "input") == [
        {"role": "user", "content": "1+2"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "3", "name": "add", "tool_call_id": "c"},
    ]


def test_the_input_of_a_stream_is_what_was_streamed(home: Path, handler: CallbackHandler) -> None:
    """LangChain tells the input of a streamed chain at its end, and that is what is recorded."""
    list(chain().stream({"question": "when?"}, {"callbacks": [handler]}))
    assert value_of(only(home, "RunnableSequence"), "input") == {"question": "when?"}
    assert value_of(only(home, "RunnableSequence")) == "forty two"


# -- the rest --------------------------------------------------------------------------------------


def test_custom_events_are_events(home: Path, handler: CallbackHandler) -> None:
    """What an application dispatches, sync or async, is an event below the run that it is in."""

    def work(given: str) -> str:
        dispatch_custom_event("progress", {"share": 0.5})
        return given

    async def work_async(given: str) -> str:
        await adispatch_custom_event("progress async", {"share": 1})
        return given

    step = RunnableLambda(work, afunc=work_async, name="work")
    step.invoke("x", {"callbacks": [handler]})
    asyncio.run(step.ainvoke("x", {"callbacks": [handler]}))
    assert tree(home) == {"work": "", "progress": "work", "progress async": "work"}
    assert (kind_of(only(home, "progress")), value_of(only(home, "progress"), "input")) == (
        "event", {"share": 0.5},
    )  # fmt: skip


def test_attempts_are_told_apart(home: Path, handler: CallbackHandler) -> None:
    """Each attempt of `with_retry` is a run of its own, failed or not, and says which it is."""
    outcomes: list[ValueError | str] = [ValueError("first"), "second"]
    calls = iter(outcomes)

    def work(_: object) -> str:
        outcome = next(calls)
        if not isinstance(outcome, str):
            raise outcome
        return outcome

    flaky = RunnableLambda(work, name="work").with_retry(
        stop_after_attempt=2, wait_exponential_jitter=False
    )
    assert flaky.invoke(1, {"callbacks": [handler]}) == "second"
    whole, first, second = sorted(spans(home), key=lambda span: span.start)
    assert [level_of(span)[0] for span in (whole, first, second)] == [0, 2, 0]
    assert metadata_of(second) == {"attempt": "2"}
    assert first.parent_span_id == second.parent_span_id == whole.span_id


def test_hidden_runs_are_of_the_lowest_level(home: Path, handler: CallbackHandler) -> None:
    """Runs that LangChain hides are there, at level DEBUG."""
    RunnableLambda(str).with_config(tags=["langsmith:hidden"]).invoke(1, {"callbacks": [handler]})
    assert only(home).attributes["langfuse.observation.level"] == "DEBUG"
    assert "langfuse.trace.tags" not in only(home).attributes


def test_what_is_hostile_does_no_harm(home: Path, handler: CallbackHandler) -> None:
    """Inputs whose comparison or representation fails are somebody's, too: the chain runs and is recorded."""

    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ValueError("no")

        def __hash__(self) -> int:
            return 1

        def __repr__(self) -> str:
            raise ValueError("no")

    step = RunnableLambda(lambda given: given, name="work")
    odd = Odd()
    config: RunnableConfig = {
        "callbacks": [handler],
        "metadata": {"odd": odd, "trackway_tags": odd},
    }
    assert step.invoke({"odd": odd}, config)["odd"] is odd
    assert value_of(only(home, "work")) == IsPartialDict({})
