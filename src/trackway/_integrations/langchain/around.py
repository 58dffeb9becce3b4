"""Where in the application we are: the run around, and the run that records the provider call about to be made.

LangChain puts the configuration for what a run calls into a context variable before it calls the application's code:
its callback manager names the run. That holds in tools, nodes and lambdas, in tasks and threads, because LangChain
copies the context there.

No such variable says that a model is at work: its run calls no code of the application. But the method of the model
that is about to call the provider was given the manager of its run, and is on the stack.
"""

import sys
from typing import TYPE_CHECKING, Final
from uuid import UUID

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.callbacks.manager import BaseRunManager
from langchain_core.runnables.config import var_child_runnable_config

from trackway._core import parents
from trackway._integrations.langchain.runs import runs

if TYPE_CHECKING:
    from trackway._core.observation import Observation

__all__ = ["recording", "register", "run_around"]

# The argument by which every model of LangChain is given its run.
ARGUMENT: Final = "run_manager"
# From a provider's client up to the model that called it: `ChatOpenAI` is 3 frames away, asynchronously 4; a model
# around a model, with retries and limits of its own, some more.
FRAMES: Final = 60


def run_around() -> "Observation | None":
    """The observation of the innermost run whose code is being executed; None outside of those that are traced."""
    config = var_child_runnable_config.get()
    if config is None:
        return None
    run_id = getattr(config.get("callbacks"), "parent_run_id", None)
    return runs.observation(run_id) if isinstance(run_id, UUID) else None


def recording() -> "Observation | None":
    """The observation of the model's run that is about to call its provider; None where no traced model is."""
    frame = sys._getframe(1)
    for _ in range(FRAMES):
        code = frame.f_code
        if ARGUMENT in code.co_varnames:
            manager = frame.f_locals.get(ARGUMENT)
            if isinstance(manager, BaseRunManager):
                # The run of a tool or a chain, which is nearer than any model: the application calls by itself.
                is_model = isinstance(manager, CallbackManagerForLLMRun | AsyncCallbackManagerForLLMRun)  # fmt: skip
                return runs.open_observation(manager.run_id) if is_model else None
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return None


def register() -> None:
    """Has the core ask here for parents, and integrations of providers for who records their call."""
    parents.register(run_around, recording)
