"""What callbacks add to a run while it goes on, told by themselves."""

import uuid
from pathlib import Path

import pytest
from langchain_core.agents import AgentAction, AgentFinish
from langchain_core.outputs import Generation, LLMResult
from langchain_core.tools import StructuredTool
from tenacity import RetryCallState, Retrying

from tests._integrations.langchain.applications import kind_of, metadata_of, tree
from tests.spans import level_of, only, value_of
from trackway._integrations.langchain.runs import runs
from trackway.langchain import CallbackHandler


def test_only_the_first_token_counts(home: Path, handler: CallbackHandler) -> None:
    """Empty tokens are none; the first that says something is the first."""
    run_id = uuid.uuid4()
    handler.on_llm_start({"name": "model"}, ["?"], run_id=run_id)
    handler.on_llm_new_token("", run_id=run_id)
    handler.on_stream_event({"event": "message-start"}, run_id=run_id)
    handler.on_stream_event({"event": "content-block-delta"}, run_id=run_id)
    handler.on_llm_new_token("x", run_id=run_id)
    handler.on_llm_end(LLMResult(generations=[[Generation(text="x")]]), run_id=run_id)
    assert "gen_ai.response.time_to_first_chunk" in only(home).attributes


def test_what_acts_is_an_agent(home: Path, handler: CallbackHandler) -> None:
    """A chain that decides on an action, or finishes as an agent does, is one."""
    run_id = uuid.uuid4()
    handler.on_chain_start({"name": "Executor"}, {}, run_id=run_id)
    handler.on_agent_action(AgentAction("t", "x", "log"), run_id=run_id)
    handler.on_agent_finish(AgentFinish({"output": "done"}, "log"), run_id=run_id)
    handler.on_chain_end(None, run_id=run_id)
    assert (kind_of(only(home)), value_of(only(home))) == ("agent", {"output": "done"})


def test_a_retry_of_the_provider_is_an_event(home: Path, handler: CallbackHandler) -> None:
    """A model that tries again says so below its run."""
    run_id = uuid.uuid4()
    handler.on_llm_start({"name": "model"}, ["?"], run_id=run_id)
    handler.on_retry(RetryCallState(Retrying(), None, (), {}), run_id=run_id)
    handler.on_llm_error(OSError("gone"), run_id=run_id)
    assert tree(home) == {"model": "", "retry": "model"}
    assert metadata_of(only(home, "retry")) == {"attempt": "1"}
    assert level_of(only(home, "model"))[:2] == (2, "OSError: gone")


def test_a_failure_keeps_what_had_arrived(home: Path, handler: CallbackHandler) -> None:
    """The part of an answer that came before the failure is there."""
    run_id = uuid.uuid4()
    handler.on_llm_start({"name": "model"}, ["?"], run_id=run_id)
    part = LLMResult(generations=[[Generation(text="half")]])
    handler.on_llm_error(OSError("gone"), run_id=run_id, response=part)
    assert value_of(only(home)) == "half"


class Proxy:
    """An object of a request that is not there."""

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("outside of a request")


def test_a_result_that_cannot_be_looked_at_is_recorded(
    home: Path, handler: CallbackHandler
) -> None:
    """A tool that gives an object whose attributes fail has not failed, and ends as any other."""
    given = Proxy()
    use = StructuredTool.from_function(lambda: given, name="use", description="Uses.")
    assert use.invoke({}, {"callbacks": [handler]}) is given
    assert level_of(only(home, "use"))[0] == 0
    assert len(runs) == 0


@pytest.mark.usefixtures("swallowing")
def test_what_cannot_be_recorded_ends(home: Path, handler: CallbackHandler) -> None:
    """A run whose result cannot be read ends: it does not stay in the table."""
    run_id = uuid.uuid4()
    handler.on_llm_start({"name": "model"}, ["?"], run_id=run_id)
    handler.on_llm_end(LLMResult.model_construct(generations=Proxy()), run_id=run_id)
    assert only(home, "model").end
    assert len(runs) == 0
