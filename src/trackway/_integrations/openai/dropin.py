"""A module like `openai`, whose clients and functions are traced, beside the SDK's own, which stays as it is."""

from types import ModuleType
from typing import Any, Final, final

from trackway._integrations import seam
from trackway._integrations.openai.family import OPENAI

__all__ = ["client_classes", "module"]

_CLASSES: Final = ("OpenAI", "AsyncOpenAI", "AzureOpenAI", "AsyncAzureOpenAI")
# What Python sets in each module itself.
_OF_MODULES: Final = ("__spec__", "__loader__", "__package__")
_ABSENT: Final = object()
_ALIASES: Final = {"Client": "OpenAI", "AsyncClient": "AsyncOpenAI"}


def client_classes() -> tuple[type, ...]:
    """The SDK's classes that all its clients are of."""
    sdk = _sdk()
    return (sdk.OpenAI, sdk.AsyncOpenAI)


def module() -> Any:
    """The drop-in module."""
    return DropIn(_sdk())


def _sdk() -> Any:
    try:
        import openai  # noqa: PLC0415 - for who has it
    except ImportError as error:
        message = (
            "trackway.openai traces the OpenAI SDK, which is not installed: pip install openai"
        )
        raise ImportError(message, name="openai") from error
    return openai


@final
class DropIn(ModuleType):
    """What `from trackway.openai import openai` gives.

    Everything that is not here is the SDK's; what is set here (`openai.api_key = …`) is set there, where the clients
    of both look for it. What is here stays here: who replaces a class for a test replaces it in this module alone.
    """

    def __init__(self, sdk: Any) -> None:
        super().__init__(sdk.__name__, sdk.__doc__)
        own = {
            name: seam.traced(getattr(sdk, name), OPENAI) for name in _CLASSES if hasattr(sdk, name)
        }
        own |= {alias: own[name] for alias, name in _ALIASES.items() if hasattr(sdk, alias)}
        self.__dict__.update(own, _sdk=sdk, _made=None, _own=frozenset({*own, *OPENAI.methods}))
        self.__dict__.update({name: getattr(sdk, name) for name in _OF_MODULES})
        # What the SDK had where something was set here. That is noted here as well, under its name, so that who puts
        # back what was in a module (`monkeypatch`) finds it, and deletes what was not.
        self.__dict__["_before"] = {}

    def __getattribute__(self, name: str) -> Any:
        held = super().__getattribute__("__dict__")
        if name in held.get("_before", ()):
            return getattr(held["_sdk"], name)
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        if name in OPENAI.methods:
            return getattr(self._client(), name)
        return getattr(self.__dict__["_sdk"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__
        if name not in held["_own"]:
            held["_before"].setdefault(name, getattr(held["_sdk"], name, _ABSENT))
            setattr(held["_sdk"], name, value)
        held[name] = value

    def __delattr__(self, name: str) -> None:
        """Brings back what was there before it was set here."""
        super().__delattr__(name)
        before = self.__dict__["_before"]
        if name not in before:
            return
        value = before.pop(name)
        if value is _ABSENT:
            delattr(self.__dict__["_sdk"], name)
        else:
            setattr(self.__dict__["_sdk"], name, value)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_sdk"])

    def _client(self) -> Any:
        """The client behind `openai.chat…`, made as the SDK makes its own; a new one where that was reset."""
        theirs = self.__dict__["_sdk"]._load_client()
        made = self.__dict__["_made"]
        if made is None or made[0] is not theirs:
            # A copy: the SDK's own functions use the original, and are not traced.
            made = self.__dict__["_made"] = (theirs, seam.wrap(theirs.copy(), OPENAI))
        return made[1]
