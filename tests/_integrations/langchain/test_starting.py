"""The start of a run, where LangChain and the context say different things."""

import uuid
from pathlib import Path

from langchain_core.callbacks import CallbackManagerForChainRun
from langchain_core.runnables import RunnableLambda

from tests._integrations.langchain.applications import Library, tree
from tests.spans import only
from trackway import Trackway, observe
from trackway._integrations.langchain.runs import runs
from trackway.langchain import CallbackHandler


def test_a_parent_that_nobody_traces_is_none(
    home: Path, client: Trackway, handler: CallbackHandler
) -> None:
    """A run whose parent the handler has not seen stands below what is current."""
    with client.start_as_current_observation(name="request"):
        handler.on_tool_start(
            {"name": "x"}, "in", run_id=(run_id := uuid.uuid4()), parent_run_id=uuid.uuid4()
        )
    handler.on_tool_end("out", run_id=run_id)
    assert tree(home) == {"request": "", "x": "request"}


def test_the_ids_decide_between_runs(home: Path, handler: CallbackHandler) -> None:
    """A run that is given the manager of a run further out stands below that one, whatever is current."""

    def work(given: str, run_manager: CallbackManagerForChainRun) -> str:
        @observe
        def inside() -> None:
            child = run_manager.get_child()
            Library().invoke(given, {"callbacks": child})

        inside()
        return given

    step = RunnableLambda[str, str](work, name="work")
    step.invoke("x", {"callbacks": [handler]})
    # Inside of that run something observed is current: that is where the time went.
    assert tree(home) == {"work": "", "inside": "work", "Library": "inside"}


def test_what_is_current_elsewhere_is_no_parent(
    home: Path, client: Trackway, handler: CallbackHandler
) -> None:
    """An observation that is current outside of the run stays outside."""
    root, part = uuid.uuid4(), uuid.uuid4()
    handler.on_chain_start({"name": "root"}, {}, run_id=root)
    with client.start_as_current_observation(name="elsewhere"):
        handler.on_chain_start({"name": "part"}, {}, run_id=part, parent_run_id=root)
    handler.on_chain_end({}, run_id=part)
    handler.on_chain_end({}, run_id=root)
    assert tree(home) == {"root": "", "elsewhere": "", "part": "root"}


def test_a_run_that_begins_twice_began_once(
    home: Path, client: Trackway, handler: CallbackHandler
) -> None:
    """The second word about the same run is not another run."""
    run_id = uuid.uuid4()
    for _ in range(2):
        handler.on_chain_start({"name": "root"}, {}, run_id=run_id)
    assert len(runs) == 1
    for _ in range(2):
        handler.on_chain_end({}, run_id=run_id)
    assert only(home).name == "root"


def test_ends_without_a_start_are_nothing(home: Path, handler: CallbackHandler) -> None:
    """A handler that joins in the middle of a run, or outlives its client, is told of ends that mean nothing to it."""
    unknown = uuid.uuid4()
    handler.on_chain_end({}, run_id=unknown)
    handler.on_chain_error(ValueError("x"), run_id=unknown)
    handler.on_tool_end("x", run_id=unknown)
    handler.on_tool_error(ValueError("x"), run_id=unknown)
    handler.on_retriever_end([], run_id=unknown)
    handler.on_retriever_error(ValueError("x"), run_id=unknown)
    handler.on_llm_new_token("x", run_id=unknown)
    handler.on_stream_event({}, run_id=unknown)
    handler.on_custom_event("x", {}, run_id=unknown)
    assert len(runs) == 0
