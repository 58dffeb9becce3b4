"""What it means that a run ended with an exception: a failure, or one of the ways in which a framework gives way.

LangGraph leaves a node by exceptions that are no failures. They are known by the names of their classes, because
LangGraph need not be installed.
"""

from typing import TYPE_CHECKING, Final

from trackway._core import exceptions

if TYPE_CHECKING:
    from trackway._core.observation import Observation

CLOSED: Final = "closed before its end"
INTERRUPTED: Final = "interrupted"
UNREPORTED: Final = "no end was reported"
CUT_OFF: Final = "the process ended before the run did"

# Class in `langgraph.errors` → what it says; the first of an exception's classes that is here.
_GIVING_WAY: Final = {
    "GraphInterrupt": INTERRUPTED,
    "ParentCommand": "handed over to the graph around",
    "GraphDrained": "drained",
    "GraphBubbleUp": "left for the graph around",
}


def giving_way(error: BaseException) -> str | None:
    """What *error* says where it is no failure; None where it is one."""
    if isinstance(error, GeneratorExit):
        return CLOSED
    for kind in type(error).__mro__:
        if kind.__module__ == "langgraph.errors" and kind.__name__ in _GIVING_WAY:
            return _GIVING_WAY[kind.__name__]
    return None


def fail(observation: "Observation", error: BaseException) -> None:
    """Says on *observation* how its run ended."""
    said = giving_way(error)
    if said is None:
        observation._fail(error)
        return
    text = exceptions.message(error) if said == INTERRUPTED else ""
    observation.update(status_message=f"{said}: {text}" if text else said)


def interrupted(output: object) -> bool:
    """Whether the *output* of a graph says that it waits to be resumed."""
    return isinstance(output, dict) and "__interrupt__" in output
