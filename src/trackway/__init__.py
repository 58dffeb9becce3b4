"""Tells, for every LLM call of an application, who it was for, what happened and what it cost.

::

    from trackway import observe, propagate_attributes

    @observe(as_type="generation")
    def answer(question: str) -> str: ...

    with propagate_attributes(user_id="alice"):
        answer("What is six times seven?")

`observe` and `propagate_attributes` record; `get_client()` gives the client, which flushes, scores and reads back;
`Trackway(…)` configures one. With nothing configured everything goes to an embedded store that the command `trackway`
reads: `trackway users`.
"""

from typing import TYPE_CHECKING

from trackway import registry as _registry
from trackway._core.observe import observe as observe
from trackway._core.propagate import propagate_attributes as propagate_attributes
from trackway._core.propagate import set_user as set_user
from trackway._core.threads import attach_threads as attach_threads
from trackway._version import __version__ as __version__
from trackway.registry import get_client as get_client

if TYPE_CHECKING:
    from trackway._core.joined import attach as attach
    from trackway._core.logs import attach_logging as attach_logging
    from trackway._core.observation import Observation as Observation
    from trackway._core.remote import extract as extract
    from trackway._core.remote import inject as inject
    from trackway.client import Trackway as Langfuse
    from trackway.client import Trackway as Trackway

__all__ = [
    "Langfuse",
    "Observation",
    "Trackway",
    "__version__",
    "attach",
    "attach_logging",
    "attach_threads",
    "extract",
    "get_client",
    "inject",
    "observe",
    "propagate_attributes",
    "set_user",
]


def __getattr__(name: str) -> object:
    """What comes with all that recording takes: loaded when it is asked for (`_core/loading.py`).

    `Langfuse` is the incumbent's name of `Trackway`, so that `import trackway as langfuse` is most of a migration.
    """
    found = globals()[name] = _registry.late(name)
    return found


def __dir__() -> list[str]:
    """What is there, loaded or not."""
    return sorted({*globals(), *__all__})
