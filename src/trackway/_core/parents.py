"""Parents that a framework knows of, and the context does not.

Theory of operation
-------------------
A framework that runs an application's functions itself (LangChain: tools, nodes, chains) tells an integration when each
of its runs starts and ends, by callbacks. The integration makes an observation of the run, and must not leave it
current between two callbacks: they come from other tasks and threads, and a token of one cannot be put back in another.
So inside such a run the context does not know its observation; the framework does, by means of its own. The integration
therefore registers a **resolver**, which looks there.

It is asked first, whenever an observation starts without an explicit parent, and for what is "current" otherwise. Two
answers may compete: the framework's run, and the observation that is current in the context. The inner of the two is
right, and which one that is follows from one note: an observation that becomes current remembers what the resolver said
at that moment. Where the resolver still says the same, no run has begun since: the current observation is the inner.

The same framework may call a model through the client library of a provider that another integration traces. So an
integration also registers a **recorder**: it says which of its observations records the provider call that is about to
be made here. The other integration then leaves that call alone, and there is one generation, not two.

While nobody is registered, this costs an observation a look at an empty list, and one more where it becomes current.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, cast

from trackway._core.ambient import get_current
from trackway._core.context import OBSERVATION
from trackway._core.guard import guard

if TYPE_CHECKING:
    from opentelemetry.context import Context

    from trackway._core.observation import Observation

__all__ = [
    "Ask",
    "asked",
    "current",
    "finish",
    "finishers",
    "innermost",
    "recorded",
    "recorders",
    "register",
    "resolvers",
]

Ask = Callable[[], "Observation | None"]
"""Looks at where it is called from; None where the framework is not at work."""

resolvers: Final[list[Ask]] = []
"""Asked for the observation of the innermost run around. Empty: nobody is to be asked."""
recorders: Final[list[Ask]] = []
"""Asked for the observation that records the provider call which is about to be made."""

finishers: Final[list[Callable[[], object]]] = []
"""Called before what has ended is delivered, for who holds something back."""

_guard: Final = guard("parents")


def register(resolver: Ask, recorder: Ask | None = None) -> None:
    """Has *resolver* and *recorder* asked from here on; to do so again changes nothing."""
    if resolver not in resolvers:
        resolvers.append(resolver)
    if recorder is not None and recorder not in recorders:
        recorders.append(recorder)


def finish() -> None:
    """Has those who hold something back write it."""
    for finisher in finishers:
        finisher()


def asked() -> "Observation | None":
    """What the first resolver that knows a parent says; None where none does."""
    return _first(resolvers)


def recorded() -> "Observation | None":
    """The observation that records the provider call about to be made here.

    None: nobody does, and whoever asks is to record it.
    """
    return _first(recorders) if recorders else None


def innermost(context: "Context") -> "Observation | None":
    """The run that is inside of everything that is current in *context*; None where the context knows better."""
    found = asked() if resolvers else None
    if found is None:
        return None
    around = cast("Observation | None", context.get(OBSERVATION))
    if around is None:
        return found
    return None if around is found or around._found is found else found


def current(context: "Context | None" = None) -> "Observation | None":
    """The innermost observation here (or in *context*): a framework's run, or what the context holds."""
    here = get_current() if context is None else context
    if resolvers and (found := innermost(here)) is not None:
        return found
    return cast("Observation | None", here.get(OBSERVATION))


def _first(asks: list[Ask]) -> "Observation | None":
    for ask in asks:
        with _guard:
            found = ask()
            if found is not None:
                return found
    return None
