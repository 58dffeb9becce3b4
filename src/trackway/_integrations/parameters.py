"""What a model is told beside its input: temperature, limits, formats.

Parameters come from code, so one call has the same as the next: what they came to is remembered.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from trackway._core import fields
from trackway._integrations.content import plain
from trackway._wire.native import kernels

if TYPE_CHECKING:
    from trackway._core.observation import Observation

__all__ = ["put_parameters", "scalars"]

# What cannot change, and has nothing inside.
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
# Some are data (the id of a user): the table is bounded, and begun anew.
MAX_SETS: Final = 500
LONGEST: Final = 1_000

_known: Final[dict[tuple[object, ...], bytes]] = {}


def scalars(given: Mapping[str, Any], without: frozenset[str]) -> tuple[object, ...] | None:
    """(Key, class, value, key, …) of *given*, *without* some keys; None where a value is no scalar.

    With the classes, because 1, 1.0 and True are equal.
    """
    if type(given) is not dict:
        return None
    said: list[object] = []
    for key, value in given.items():
        kind = type(value)
        if type(key) is not str or (key not in without and kind not in _SCALARS):
            return None
        if key not in without:
            said += key, kind, value
    return tuple(said)


_scalars: Final = scalars if kernels is None else kernels.scalars


def put_parameters(o: "Observation", body: Mapping[str, Any], without: frozenset[str]) -> None:
    """Records what is in *body*, *without* what is recorded elsewhere."""
    provider = o._provider
    said = None if provider.values.masks else _scalars(body, without)
    if said is None:
        given = {key: value for key, value in body.items() if key not in without}
        if given:
            fields.set_model_parameters(o, plain(given))
        return
    if not said:
        return
    key = (provider.number, said)
    known = _known.get(key)
    if known is not None:
        o._room -= len(known)
        fields._put(o, "model_parameters", known)
        return
    fields.set_model_parameters(o, dict(zip(said[::3], said[2::3], strict=True)))
    known = (o._extra or {}).get("model_parameters", b"")
    if len(known) <= LONGEST and o._room > 0:
        if len(_known) >= MAX_SETS:
            _known.clear()
        _known[key] = known
