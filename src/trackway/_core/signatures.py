"""What the decorator must know of a function, found out once: its name, its parameters' names, what was asked for."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, final

# The one place that says "whatever can be called": a decorator takes any function.
Function: TypeAlias = Callable[..., object]  # type: ignore[explicit-any]
Decoratable: TypeAlias = "Function | staticmethod[..., object] | classmethod[object, ..., object]"  # type: ignore[explicit-any]
Transform = Callable[[Iterable[object]], str]

# Keyword arguments that are taken out of a call, in both spellings.
SPECIAL: Final = {
    f"{prefix}_{name}": name
    for prefix in ("trackway", "langfuse")
    for name in ("trace_id", "parent_observation_id", "public_key")
}


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


@final
class Spec:
    """What all calls of one decorated function share."""

    __slots__ = ("capture_input", "capture_output", "kind", "name", "parameters", "transform")

    def __init__(  # noqa: PLR0913 - the arguments of the decorator
        self,
        function: Function,
        *,
        name: str | None,
        kind: str,
        capture_input: bool | None,
        capture_output: bool | None,
        transform: Transform | None,
    ) -> None:
        self.name = display_name(function) if name is None else name
        self.kind = kind
        self.parameters = Parameters(function)
        self.capture_input = capture_input
        self.capture_output = capture_output
        self.transform = transform


def taken(kwargs: dict[str, object]) -> dict[str, object]:
    """Takes the special arguments out of a call; gives them by their names without the prefix."""
    return {SPECIAL[key]: kwargs.pop(key) for key in tuple(kwargs) if key in SPECIAL}


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
