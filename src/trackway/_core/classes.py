"""Reads classes and instances where Python keeps them, so that no attribute access runs code of the application."""

from collections.abc import Iterable
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Final

LONGEST_CLASS_NAME: Final = 200

# The attributes of a class as `type` itself knows them, whatever a metaclass says.
_bases: Final = type.__dict__["__mro__"].__get__
_namespace: Final = type.__dict__["__dict__"].__get__
_module: Final = type.__dict__["__module__"].__get__
_qualname: Final = type.__dict__["__qualname__"].__get__

_SCALARS: Final = (str, int, float, bool, type(None))


def bases(kind: type) -> tuple[type, ...]:
    """*kind* and everything it inherits from, in the order of look-up."""
    found: tuple[type, ...] = _bases(kind)
    return found


def module_name(kind: type) -> str:
    """The module that *kind* says it is from; empty where that is no text."""
    module = _module(kind)
    return module if type(module) is str else ""


def short_name(kind: type) -> str:
    """The name of *kind* inside its module."""
    return str(_qualname(kind))[:LONGEST_CLASS_NAME]


def class_name(kind: type) -> str:
    """`module.Class`."""
    return f"{module_name(kind)}.{short_name(kind)}"[:LONGEST_CLASS_NAME]


def class_attribute(kind: type, name: str) -> object:
    """What *kind* or the first of its bases has under *name*, unbound; None where there is none."""
    for base in bases(kind):
        namespace = _namespace(base)
        if name in namespace:
            found: object = namespace[name]
            return found
    return None


def own_attributes(value: object) -> dict[str, object]:
    """The attributes that *value* itself holds; empty for those with slots."""
    kind = type(value)
    holder = class_attribute(kind, "__dict__")
    if type(holder) is not GetSetDescriptorType:
        return {}
    found = holder.__get__(value, kind)
    return found if type(found) is dict else {}


def read(value: object, names: Iterable[object]) -> dict[str, object]:
    """The fields *names* of *value*, from its attributes, its slots, or the plain defaults of its class."""
    kind = type(value)
    own = own_attributes(value)
    fields: dict[str, object] = {}
    for name in names:
        if not isinstance(name, str) or type(name) is not str:
            continue
        if name in own:
            fields[name] = own[name]
            continue
        attribute = class_attribute(kind, name)
        if type(attribute) is MemberDescriptorType:
            try:
                fields[name] = attribute.__get__(value, kind)
            except AttributeError:  # a slot that was never filled
                continue
        elif attribute is not None and type(attribute) in _SCALARS:
            fields[name] = attribute
    return fields
