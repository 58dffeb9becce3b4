"""Which clients there are: the default one, and those that a public key selects.

Loaded with `import trackway`, so the client itself is not: it is imported where the first one is made
(`_core/loading.py` says why, and what may happen meanwhile).
"""

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Final

from trackway._core import fork
from trackway._core.loading import loading
from trackway._core.runtime import runtime
from trackway.errors import ConfigurationError

if TYPE_CHECKING:
    from trackway._core.provider import TracerProvider
    from trackway.client import Trackway

__all__ = ["get_client"]

# What is exported and not loaded with the package, and where it is.
LATE: Final = {
    "Observation": "trackway._core.observation",
    "attach": "trackway._core.joined",
    "attach_logging": "trackway._core.logs",
    "extract": "trackway._core.remote",
    "inject": "trackway._core.remote",
}

lock = threading.RLock()
"""Held while a client is made or ended."""

by_key: Final[dict[str, "Trackway"]] = {}
_default: "Trackway | None" = None
# Whether the default client was made because a decorated function was called before any client was.
_implicit = False


def get_client(*, public_key: str | None = None) -> "Trackway":
    """The default client: the first that was made, else one made from the environment. No work per call.

    Args:
        public_key: Selects the client with this Langfuse key, where there are several.

    Raises:
        ConfigurationError: The client had to be made, and a setting cannot be used; or none has *public_key*.

    Example:
        >>> from trackway import get_client
        >>> get_client().flush()
        True
    """
    if public_key is not None:
        client = by_key.get(public_key)
        if client is None:
            raise ConfigurationError(
                f"there is no client with public_key {public_key!r}", setting="public_key"
            )
        return client
    return _default or _made_from_environment()


def late(name: str) -> object:
    """What `trackway` exports as *name*, where it is loaded here when it is asked for first.

    Raises:
        AttributeError: It exports no such name.
    """
    if name in {"Trackway", "Langfuse"}:
        return _client_class()
    if name in LATE:
        with loading():
            found: object = getattr(import_module(LATE[name]), name)
        return found
    raise AttributeError(f"module 'trackway' has no attribute {name!r}")


def _client_class() -> "type[Trackway]":
    with loading():
        from trackway.client import Trackway  # noqa: PLC0415 - the first use
    return Trackway


def _made_from_environment() -> "Trackway":
    global _implicit  # noqa: PLW0603 - the default client is the one thing that is global
    make = _client_class()
    with lock:
        if _default is not None:
            return _default
        client = make()
        _implicit = True
        return client


def register(client: "Trackway") -> None:
    """Makes *client* known; the first one, or the first that was made on purpose, is the default."""
    global _default, _implicit
    core = client._core
    remote = core.settings.remote
    if remote is not None and remote.kind == "langfuse":
        by_key[remote.key] = client
        runtime.by_key[remote.key] = core.provider
    if _default is None or _implicit:
        _default, _implicit = client, False
        runtime.default, runtime.failed = core.provider, False


def unregister(client: "Trackway") -> None:
    """Forgets *client* and those that share everything with it."""
    global _default
    core = client._core
    remote = core.settings.remote
    if remote is not None and runtime.by_key.get(remote.key) is core.provider:
        del runtime.by_key[remote.key], by_key[remote.key]
    if _default is not None and _default._core is core:
        _default, runtime.default = None, None


def clear() -> None:
    """Forgets every client: for tests."""
    global _default, _implicit
    _default, _implicit = None, False
    by_key.clear()
    runtime.by_key.clear()
    runtime.default, runtime.failed, runtime.several = None, False, False


def _default_provider() -> "TracerProvider":
    return get_client()._core.provider


def _in_child() -> None:
    """The lock may be held by a thread that the child of a fork does not have."""
    global lock  # noqa: PLW0603 - see above
    lock = threading.RLock()


fork.on_child(_in_child)
runtime.make = _default_provider
