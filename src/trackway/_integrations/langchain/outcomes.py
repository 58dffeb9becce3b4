"""What it means that a run ended with an exception: a failure, or one of the ways in which a framework gives way.

LangGraph leaves a node by exceptions that are no failures. They are known by the names of their classes, because
LangGraph need not be installed.
"""

from asyncio import CancelledError
from typing import Final

__all__ = [
    "CLOSED",
    "CUT_OFF",
    "INTERRUPTED",
    "LEFT",
    "TAKEN_BACK",
    "UNREPORTED",
    "giving_way",
    "interrupts",
]

CLOSED: Final = "closed before its end"
INTERRUPTED: Final = "interrupted"
UNREPORTED: Final = "no end was reported"
LEFT: Final = "it was cancelled, or left"
# LangGraph cancels the nodes that are at work when the graph ends otherwise (its stream is closed, another node fails),
# with a mark of its own: a bare object. Why it ended is told by the graph.
TAKEN_BACK: Final = "cancelled by the graph around"
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
    if isinstance(error, CancelledError) and error.args and type(error.args[0]) is object:
        return TAKEN_BACK
    for kind in type(error).__mro__:
        if kind.__module__ == "langgraph.errors" and kind.__name__ in _GIVING_WAY:
            return _GIVING_WAY[kind.__name__]
    return None


def interrupts(error: BaseException) -> list[object]:
    """What a graph asks for before it goes on: the values of its `interrupt(…)` calls."""
    given = error.args[0] if error.args else ()
    return [getattr(one, "value", None) for one in given] if isinstance(given, tuple) else []
