"""What a model is told beside its input: temperature, limits, formats.

Parameters come from code, so one call has the same as the next: what they came to is remembered.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from trackway._core import fields
from trackway._integrations.content import plain

if TYPE_CHECKING:
    from trackway._core.observation import Observation

__all__ = ["put_parameters"]

# Fields of a body that say nothing about the model's work, or are recorded elsewhere.
_ELSEWHERE: Final = frozenset({"model", "metadata"})
# What cannot change, and has nothing inside.
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
# Some are data (the id of a user): the table is bounded, and begun anew.
MAX_SETS: Final = 500
LONGEST: Final = 1_000

_known: Final[dict[tuple[object, ...], bytes]] = {}


def put_parameters(o: "Observation", body: Mapping[str, Any], inputs: tuple[str, ...]) -> None:
    """Records what is in *body* beside the *inputs*."""
    given = {
        key: value for key, value in body.items() if key not in _ELSEWHERE and key not in inputs
    }
    if not given:
        return
    kinds = tuple(map(type, given.values()))
    if o._provider.values.masks or not _SCALARS.issuperset(kinds):
        fields.set_model_parameters(o, plain(given))
        return
    # With their types: 1, 1.0 and True are equal.
    key = (o._provider.number, kinds, tuple(given.items()))
    known = _known.get(key)
    if known is not None:
        o._room -= len(known)
        fields._put(o, "model_parameters", known)
        return
    fields.set_model_parameters(o, plain(given))
    known = (o._extra or {}).get("model_parameters", b"")
    if len(known) <= LONGEST and o._room > 0:
        if len(_known) >= MAX_SETS:
            _known.clear()
        _known[key] = known
