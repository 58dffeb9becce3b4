"""How the observation of a call begins: what a provider, a model and an endpoint say of it.

Applications call few models, so what an opening comes to (names redacted, attributes encoded) is remembered for the
next call of the same.
"""

from typing import TYPE_CHECKING, Final, NamedTuple, cast

from trackway._core import billing, fields, parents
from trackway._core.ambient import get_current
from trackway._core.kinds import of_call
from trackway._core.placing import place_here

if TYPE_CHECKING:
    from trackway._core.observation import Observation
    from trackway._core.provider import TracerProvider
    from trackway._integrations.endpoint import Endpoint
    from trackway._integrations.special import Note
    from trackway.types import TraceContext

__all__ = ["opened"]

# Names of models may be made up by whoever deploys them: those beyond, and the longer ones, are worked out each time.
MAX_OPENINGS: Final = 1_000
LONGEST_MODEL: Final = 200


class _Opening(NamedTuple):
    """What all calls of one model by one endpoint have in common."""

    name: str
    recorded_name: str
    kind: str
    of_bill: tuple[str | None, str | None]
    """Provider and model."""
    said: dict[str, bytes]


Key = tuple[int, "Endpoint", str, str | None]
_openings: Final[dict[Key, _Opening]] = {}


def opened(
    provider: "TracerProvider",
    endpoint: "Endpoint",
    provider_name: str,
    model: object,
    note: "Note | None",
) -> "Observation":
    """The observation of a call that is about to be sent, started where it belongs."""
    asked = model if isinstance(model, str) else None
    key = (provider.number, endpoint, provider_name, asked)
    known = _openings.get(key)
    if known is None:
        return _opened_first(provider, endpoint, key, note)
    name, recorded_name, kind, of_bill, said = known
    if note is not None:
        o = _placed(provider, name, kind, note)
    else:
        # The short way, which functions under `@observe` take.
        here = get_current()
        o = provider.begin(name, kind, here)
        o._name, o._touched = recorded_name, o._start
        if parents.resolvers:
            place_here(o, here)
    if o._recording:
        o._kind, o._extra, o._bill = kind, said.copy(), billing.Bill(*of_bill)
    return o


def _placed(provider: "TracerProvider", name: str, kind: str, note: "Note | None") -> "Observation":
    """An observation where the call says that it belongs, if it says so."""
    if note is None:
        return provider.start(name, kind, {})
    place = cast("TraceContext | None", note.place)
    return provider.start(note.name or name, kind, {}, trace_context=place, owned=note.propagated)


def _opened_first(
    provider: "TracerProvider", endpoint: "Endpoint", key: Key, note: "Note | None"
) -> "Observation":
    """As `opened`, and remembers what it came to."""
    _, _, provider_name, model = key
    name = endpoint.operation if model is None else f"{endpoint.operation} {model}"
    o = _placed(provider, name, endpoint.kind, note)
    if not o._recording:
        return o
    fields.apply(o, {"provider": provider_name, "model": model})
    bill = billing.of(o)
    o._kind = of_call(endpoint.kind, endpoint.operation)
    if len(_openings) < MAX_OPENINGS and len(name) <= LONGEST_MODEL:
        said = dict(o._extra or {})
        of_bill = bill.provider, bill.model
        _openings[key] = _Opening(name, provider.name(name), o._kind, of_bill, said)
    return o
