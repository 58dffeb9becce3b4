"""Reads each setting once, by the table in `specs.py`, and remembers where it came from."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, TypeVar, cast, final

from trackway._core.specs import SPECS, Spec, own_names
from trackway.errors import ConfigurationError

__all__ = ["ARGUMENT", "Reader", "parsed_as"]

T = TypeVar("T")

ARGUMENT: Final = 3
# Read by the test suite and the examples, not settings of a client.
INTERNAL: Final = frozenset({"TRACKWAY_TORTURE"})


@final
class Reader:
    """What arguments and an environment say of every setting."""

    def __init__(self, environ: Mapping[str, str], overrides: Mapping[str, object]) -> None:
        self.environ = {name: value for name, value in environ.items() if value.strip()}
        self.sources: dict[str, str] = {}
        self.used: set[str] = set()
        self.values: dict[str, object] = {}
        overrides = own_names(overrides)
        unknown = overrides.keys() - {spec.name for spec in SPECS}
        if unknown:
            message = f"there is no setting {', '.join(sorted(unknown))}"
            raise ConfigurationError(message, setting=min(unknown))
        for spec in SPECS:
            self._read(spec, overrides.get(spec.name))

    def _read(self, spec: Spec, override: object) -> None:
        if override is not None:
            self.sources[spec.name] = "argument"
            self.values[spec.name] = _parsed(spec, override, spec.name)
            return
        for variable in spec.variables:
            if (given := self.environ.get(variable)) is not None:
                self.sources[spec.name] = variable
                self.used.add(variable)
                self.values[spec.name] = _parsed(spec, given, variable)
                return
        self.sources[spec.name] = "default"

    def get(self, name: str, default: T) -> T:
        """What was given for the setting, else *default*."""
        # The parser of the table decides the type; the annotations of `Settings` are where it meets one.
        return cast("T", self.values.get(name, default))

    def name_of(self, setting: str) -> str:
        """How a message names the setting: the variable that it came from, else the argument."""
        source = self.sources[setting]
        return setting if source in {"argument", "default"} else source

    def rank(self, name: str) -> int:
        """How explicit the setting is: an argument 3, a variable of ours 2, of another library 1, a default 0."""
        source = self.sources[name]
        if source == "default":
            return 0
        return ARGUMENT if source == "argument" else 2 if source.startswith("TRACKWAY_") else 1

    def unuse(self, *settings: str) -> None:
        """What these were read from has no effect."""
        self.used -= {self.sources[name] for name in settings}

    def unused(self, others: Iterable[str]) -> tuple[str, ...]:
        """The variables of ours and *others* that are set and have no effect."""
        known = {*others, *(variable for spec in SPECS for variable in spec.variables)}
        ours = {name for name in self.environ if name.startswith("TRACKWAY_")} - INTERNAL
        return tuple(sorted((ours | (known & self.environ.keys())) - self.used))


def _parsed(spec: Spec, value: object, source: str) -> object:
    if isinstance(value, Path):
        value = str(value)
    return parsed_as(spec.parse, value, source, spec.name)


def parsed_as(parse: Callable[[object], T], value: object, source: str, setting: str) -> T:
    """*value* as *parse* understands it; a ConfigurationError that names *source* where it does not."""
    try:
        return parse(value)
    except ValueError as error:
        # A URL may have a password in it.
        secret = setting in {"secret_key", "headers"} or "@" in str(value)
        shown = "" if secret else f" {value!r}"
        message = f"{source}{shown} {error}"
        raise ConfigurationError(message, setting=setting) from None
