"""Where in the application we are: the run around, and the run that records the provider call about to be made.

LangChain puts the configuration for what a run calls into a context variable before it calls the application's code:
its callback manager names the run. That holds in tools, nodes and lambdas, in tasks and threads, because LangChain
copies the context there.

It does not hold in models and retrievers, which call nothing that LangChain knows of. But the method of theirs that
does the work was given the manager of its run as an argument, and is on the stack.
"""

import sys
from typing import TYPE_CHECKING, Final
from uuid import UUID

from langchain_core.callbacks.manager import (
    AsyncCallbackManagerForLLMRun,
    AsyncCallbackManagerForRetrieverRun,
    BaseRunManager,
    CallbackManagerForLLMRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.runnables.config import var_child_runnable_config

from trackway._core import parents
from trackway._integrations.langchain.runs import runs

if TYPE_CHECKING:
    from types import FrameType

    from trackway._core.observation import Observation

__all__ = ["recording", "register", "run_around"]

# The argument by which models and retrievers are given their run; what runs others has a variable of this name, too.
ARGUMENT: Final = "run_manager"
# From a provider's client up to the model that called it: `ChatOpenAI` is 3 frames away, asynchronously 4; a model
# around a model, with retries and limits of its own, some more.
FRAMES: Final = 60
MODELS: Final = (CallbackManagerForLLMRun, AsyncCallbackManagerForLLMRun)
LEAVES: Final = (*MODELS, CallbackManagerForRetrieverRun, AsyncCallbackManagerForRetrieverRun)


def run_around() -> "Observation | None":
    """The observation of the innermost run whose code is being executed; None outside of those that are traced."""
    if runs.leaves:
        manager = _on_stack(sys._getframe(1))
        if isinstance(manager, LEAVES) and (found := runs.observation(manager.run_id)) is not None:
            return found
    config = var_child_runnable_config.get()
    if config is None:
        return None
    run_id = getattr(config.get("callbacks"), "parent_run_id", None)
    return runs.observation(run_id) if isinstance(run_id, UUID) else None


def recording() -> "Observation | None":
    """The observation of the model's run that is about to call its provider; None where no traced model is."""
    if not runs.leaves:
        return None
    manager = _on_stack(sys._getframe(1))
    return runs.open_observation(manager.run_id) if isinstance(manager, MODELS) else None


def _on_stack(frame: "FrameType | None") -> BaseRunManager | None:
    """The manager of the run that is nearest on the stack."""
    for _ in range(FRAMES):
        if frame is None:
            return None
        if ARGUMENT in frame.f_code.co_varnames:
            manager = frame.f_locals.get(ARGUMENT)
            if isinstance(manager, BaseRunManager):
                return manager
        frame = frame.f_back
    return None


def register() -> None:
    """Has the core ask here for parents, and integrations of providers for who records their call."""
    parents.register(run_around, recording)
