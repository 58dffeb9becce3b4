"""Which kind of observation a run is, and what it is called."""

from collections.abc import Mapping
from typing import Final

__all__ = ["HIDDEN", "chain_kind", "made_by", "run_name"]

# LangChain's tag for runs that its own page does not show.
HIDDEN: Final = "langsmith:hidden"
# Who made the graph that a run is of, or is in, and how the application calls that agent: LangChain's own words, which
# runs hand on to those below.
_MADE_BY: Final = ("ls_integration", "lc_agent_name")
# Where there is one, a run is of a node, or inside of one.
_NODE: Final = "langgraph_node"


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


def made_by(metadata: Mapping[str, object] | None) -> str:
    """What made the graph that a run is of, or is in; empty where nothing says so."""
    return " ".join([str(metadata[key]) for key in _MADE_BY if key in metadata]) if metadata else ""


def chain_kind(
    name: str,
    serialized: Mapping[str, object] | None,
    metadata: Mapping[str, object] | None = None,
    maker_around: str | None = None,
) -> str:
    """`agent` for what its class or its name says to be one, or what made it, else `chain`.

    *maker_around* is what made the graph of the run around: what is inside of an agent is none itself.
    """
    path = serialized.get("id") if serialized else None
    words: list[object] = [name, *(path if isinstance(path, list) else ())]
    maker = made_by(metadata)
    is_inside = maker == maker_around or (maker_around is None and _NODE in (metadata or ()))
    if not is_inside:
        words.append(maker)
    return "agent" if any("agent" in str(word).lower() for word in words) else "chain"
