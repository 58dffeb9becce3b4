"""Which kind of observation a run is, and what it is called."""

from collections.abc import Mapping
from typing import Final

__all__ = ["HIDDEN", "chain_kind", "run_name"]

# LangChain's tag for runs that its own page does not show.
HIDDEN: Final = "langsmith:hidden"


def run_name(given: object, serialized: Mapping[str, object] | None, default: str) -> str:
    """The name that the application gave the run, else that of its class."""
    if isinstance(given, str) and given:
        return given
    if serialized:
        name, path = serialized.get("name"), serialized.get("id")
        if isinstance(name, str) and name:
            return name
        if isinstance(path, list) and path and isinstance(path[-1], str):
            return path[-1]
    return default


def chain_kind(name: str, serialized: Mapping[str, object] | None) -> str:
    """`agent` for what its class or its name says to be one, else `chain`."""
    path = serialized.get("id") if serialized else None
    classes = path if isinstance(path, list) else []
    return "agent" if any("agent" in str(word).lower() for word in (name, *classes)) else "chain"
