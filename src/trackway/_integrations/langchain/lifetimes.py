"""Runs that are left: of a chat model, a tool or a retriever that is cancelled or interrupted LangChain tells no end.

Each of them is one call, to which its callback manager belongs: a local variable, made for this call. When the start is
told the manager is on the stack, and it goes away with the call. So a run that is open when its manager does has been
left. Streams tell their end themselves, and may outlive the call that began them.
"""

import sys
import weakref
from typing import TYPE_CHECKING, Final

from langchain_core.callbacks.base import BaseCallbackManager

from trackway._integrations.langchain.runs import Run, runs

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["KINDS", "watch"]

KINDS: Final = frozenset({"generation", "retriever", "tool"})
# The methods that hold their manager until they have told the end, and do not tell every end: of a chat model, a tool
# (two), a retriever (two).
CALLS: Final = frozenset({"agenerate", "arun", "run", "ainvoke", "invoke"})
# From the handler up to the manager: 3, and those that a handler of another name adds.
FRAMES: Final = 12


def watch(run: Run) -> None:
    """Has *run* end where the call that has just told its start goes away without telling its end."""
    manager = _manager(sys._getframe(1))
    if manager is not None:
        run.teller = weakref.ref(manager, lambda _: runs.leave(run))


def _manager(frame: "FrameType | None") -> BaseCallbackManager | None:
    """The manager that tells the start here; None where no such call does."""
    for _ in range(FRAMES):
        if frame is None:
            return None
        above = frame.f_back
        if above is not None and above.f_code.co_name in CALLS:
            manager = frame.f_locals.get("self")
            return manager if isinstance(manager, BaseCallbackManager) else None
        frame = above
    return None
