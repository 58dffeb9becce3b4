"""How the observation of a call begins: what a provider, a model and an endpoint say of it.

Applications call few models, so what an opening comes to (names redacted, attributes encoded) is remembered for the
next call of the same.
"""

from collections.abc import Mapping
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
    provider: str | None
    model: str | None
    said: Mapping[str, bytes]


_openings: Final[dict[tuple[object, ...], _Opening]] = {}


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
    name = _name(endpoint, asked) if known is None else known.name
    if note is not None:
        place = cast("TraceContext | None", note.place)
        called = note.name or name
        o = provider.start(called, endpoint.kind, {}, trace_context=place, owned=note.propagated)
    else:
        # The short way, which functions under `@observe` take.
        here = get_current()
        o = provider.begin(name, endpoint.kind, here)
        o._name = provider.name(name) if known is None else known.recorded_name
        o._touched = o._start
        if parents.resolvers:
            place_here(o, here)
    if not o._recording:
        return o
    if known is None:
        known = _worked_out(o, endpoint, provider_name, asked)
        if len(_openings) < MAX_OPENINGS and len(name) <= LONGEST_MODEL:
            _openings[key] = known
    o._kind, o._extra = known.kind, dict(known.said)
    bill = o._bill = billing.Bill()
    bill.provider, bill.model = known.provider, known.model
    return o


def _name(endpoint: "Endpoint", model: str | None) -> str:
    return endpoint.operation if model is None else f"{endpoint.operation} {model}"


def _worked_out(
    o: "Observation", endpoint: "Endpoint", provider_name: str, model: str | None
) -> _Opening:
    fields.apply(o, {"provider": provider_name, "model": model})
    bill = billing.of(o)
    kind = of_call(endpoint.kind, endpoint.operation)
    name = _name(endpoint, model)
    recorded = o._provider.name(name)
    return _Opening(name, recorded, kind, bill.provider, bill.model, o._extra or {})
