"""What a model is told beside its input: temperature, limits, formats.

Parameters come from code, so one call has the same as the next: what they came to is remembered.
"""

from collections.abc import Mapping
from functools import lru_cache
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


@lru_cache(MAX_SETS)
def _beside(given: tuple[str, ...], inputs: tuple[str, ...]) -> tuple[str, ...]:
    """Which of the fields that were *given* are parameters: an application sends few sets of fields."""
    return tuple(name for name in given if name not in _ELSEWHERE and name not in inputs)


def put_parameters(o: "Observation", body: Mapping[str, Any], inputs: tuple[str, ...]) -> None:
    """Records what is in *body* beside the *inputs*."""
    names = _beside(tuple(body), inputs)
    if not names:
        return
    values = tuple([body[name] for name in names])
    kinds = tuple(map(type, values))
    provider = o._provider
    if provider.values.masks or not _SCALARS.issuperset(kinds):
        fields.set_model_parameters(o, plain(dict(zip(names, values, strict=True))))
        return
    # With their types: 1, 1.0 and True are equal.
    key = (provider.number, names, kinds, values)
    known = _known.get(key)
    if known is not None:
        o._room -= len(known)
        fields._put(o, "model_parameters", known)
        return
    fields.set_model_parameters(o, dict(zip(names, values, strict=True)))
    known = (o._extra or {}).get("model_parameters", b"")
    if len(known) <= LONGEST and o._room > 0:
        if len(_known) >= MAX_SETS:
            _known.clear()
        _known[key] = known
