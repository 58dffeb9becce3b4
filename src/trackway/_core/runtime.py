"""Which client a bare `@observe` uses: the default one, looked up at the time of the call.

The clients themselves are made above this room (`client.py` installs the maker), so that the hot
path imports nothing of them.
"""

from typing import TYPE_CHECKING, Final, final

from trackway._core.guard import guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from trackway._core.provider import TracerProvider

_guard: Final = guard("client")


@final
class Runtime:
    """The providers of this process. `default` is what a bare `@observe` uses; None until one is made."""

    __slots__ = ("by_key", "default", "failed", "make", "several")

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
            self.failed = True
            with _guard:
                self.default = self.make()
                self.failed = False
        return self.default


runtime: Final = Runtime()
