"""Which client a bare `@observe` uses: the default one, looked up at the time of the call.

The clients themselves are made above this room (`registry.py` installs the maker), so that the hot path imports
nothing of them.
"""

from typing import TYPE_CHECKING, Final, final

from trackway._core import log
from trackway._core.guard import guard
from trackway._core.loading import loading
from trackway.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackway._core.call import Call
    from trackway._core.provider import TracerProvider

_guard: Final = guard("client")


@final
class Runtime:
    """The providers of this process. `default` is what a bare `@observe` uses; None until one is made."""

    __slots__ = ("by_key", "call", "default", "failed", "make", "several")

    call: "type[Call]"
    """Set before there is a provider: what observes a call is loaded with the first client."""

    def __init__(self) -> None:
        self.default: TracerProvider | None = None
        self.by_key: dict[str, TracerProvider] = {}
        self.make: Callable[[], TracerProvider] | None = None
        # A wrong setting is said once; the application runs on, untraced, until a client is made.
        self.failed = False
        self.several = False

    def provider(self, public_key: str | None = None) -> "TracerProvider | None":
        """The provider of the client with *public_key*, else the default one, made from the environment if need be."""
        if public_key is not None and (chosen := self.by_key.get(public_key)) is not None:
            return chosen
        if self.default is None and self.make is not None and not self.failed:
            # First calls come at once, from several threads: they all wait for the one client.
            with loading() as free:
                # What is observed while the client is being made finds none.
                if free:
                    self._make(self.make)
        return self.default

    def _make(self, make: "Callable[[], TracerProvider]") -> None:
        if self.default is not None or self.failed:
            return
        try:
            with _guard:
                self.default = _made(make)
        finally:
            self.failed = self.default is None


def _made(make: "Callable[[], TracerProvider]") -> "TracerProvider | None":
    """What *make* gives; None, with the sentence that a constructor would raise, where a setting cannot be used."""
    try:
        return make()
    except ConfigurationError as error:
        log.logger.error("nothing is traced: %s", error)
        return None


runtime: Final = Runtime()
