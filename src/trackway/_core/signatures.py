"""What the decorator must know of a function, found out once: its name, and its parameters' names."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TypeAlias, final

# The one place that says "whatever can be called": a decorator takes any function.
Function: TypeAlias = Callable[..., object]  # type: ignore[explicit-any]
Decoratable: TypeAlias = "Function | staticmethod[..., object] | classmethod[object, ..., object]"  # type: ignore[explicit-any]


@final
class Parameters:
    """Names the arguments of a call."""

    __slots__ = ("_names", "_skip", "_star")

    def __init__(self, function: Function) -> None:
        names: list[str] = []
        self._star: str | None = None
        for parameter in _parameters(function):
            if parameter.kind is parameter.VAR_POSITIONAL:
                self._star = parameter.name
            elif parameter.kind in {parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD}:
                names.append(parameter.name)
        self._skip = int(_is_method(function, names))
        self._names = tuple(names)

    def named(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
        """The arguments that were given, by parameter name; without `self` or `cls` of a method."""
        names, skip = self._names, self._skip
        if skip:
            names, args = names[1:], args[1:]
        given: dict[str, object] = dict(zip(names, args))  # noqa: B905 - defaults leave names over
        if len(args) > len(names):
            given[self._star or "args"] = list(args[len(names) :])
        if kwargs:
            given.update(kwargs)
        return given


def display_name(function: object) -> str:
    """The function's own name; of a partial, that of the function in it; of another callable, its class's."""
    while isinstance(function, functools.partial):
        function = function.func
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def _parameters(function: Function) -> tuple[inspect.Parameter, ...]:
    try:
        return tuple(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        # Some builtins have no signature.
        return ()


def _is_method(function: Function, names: list[str]) -> bool:
    """Whether the first parameter is the instance or the class.

    Only in a function of a class's body, under the usual name.
    """
    if not names or names[0] not in {"self", "cls", "mcs"}:
        return False
    scope, _, _ = getattr(function, "__qualname__", "").rpartition(".")
    return bool(scope) and not scope.endswith("<locals>")
