"""What a run records between its start and its end.

Whatever fails here is told, and the run goes on to its end: one that stayed open would be a leak.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from langchain_core.messages import ToolMessage

from trackway._core.guard import guard
from trackway._integrations.langchain import messages, models, outcomes, tokens
from trackway._integrations.langchain.runs import Run, runs

if TYPE_CHECKING:
    from langchain_core.outputs import LLMResult

__all__ = ["captures", "fail", "first_token", "put", "put_result", "put_tool_result"]

_guard: Final = guard("langchain.recording")


def captures(run: Run) -> bool:
    """Whether inputs and outputs are recorded."""
    return run.observation._provider.capture_io


@_guard
def put(run: Run, *, input: object = None, output: object = None) -> None:
    """Records what went in and what came out, as far as they are given."""
    if captures(run):
        run.observation.update(input=messages.readable(input), output=messages.readable(output))


@_guard
def put_result(run: Run, result: "LLMResult") -> None:
    """Records what a model gave, and what that used: nothing where it came from LangChain's own cache."""
    if captures(run):
        run.observation.update(output=messages.completion(result))
    models.describe_response(run.observation, result)
    if tokens.is_cache_hit(result):
        run.observation.update(cache_hit=True)
        return
    usage = tokens.usage_in(result)
    if usage is not None:
        run.observation.update(usage=usage)


@_guard
def put_tool_result(run: Run, output: object) -> None:
    """Records what a tool gave: of a message to the model its content, and whether that is an error."""
    if not isinstance(output, ToolMessage):
        put(run, output=output)
        return
    put(run, output=output.content)
    if output.status == "error":
        run.observation.update(level="ERROR", status_message=str(output.content))


def first_token(run: Run) -> None:
    """Notes that the answer has begun."""
    run.streamed = True
    run.observation.update(completion_start_time=datetime.now(UTC))


def fail(run: Run, error: BaseException) -> None:
    """Ends a run that an exception ended, as what that was."""
    said = outcomes.giving_way(error)
    if said is None:
        run.observation._fail(error)
    else:
        run.observation.update(status_message=said)
    if said is outcomes.INTERRUPTED:
        put(run, output={"__interrupt__": outcomes.interrupts(error)})
        if run.parent is not None:
            # The graph itself ends as if it had nothing more to do.
            run.parent.observation.update(status_message=said)
    runs.end(run, error=error)
