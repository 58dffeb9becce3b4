"""What a run's configuration says of its users, and what of it is worth recording.

`config={"metadata": {...}, "tags": [...]}` reaches every run below, because LangChain hands it on. Keys that speak of
users are taken out of the metadata and propagated; `ls_…` keys are LangChain's own and tell of the model
(`models.py`); the rest is the observation's metadata.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from trackway._core.propagated import MAX_LENGTH, Propagated, validated

__all__ = ["Said", "attempt_of", "labels", "observation_metadata", "said_in"]

Said = dict[str, object]
"""What a configuration says to be propagated, by the arguments of `propagate_attributes`."""

_FIELDS: Final = (
    "user_id",
    "session_id",
    "tags",
    "trace_name",
    "version",
    "environment",
    "prompt",
    "metadata",
)
# Ours come last, so that they win.
_KEYS: Final = {f"{ours}_{field}": field for ours in ("langfuse", "trackway") for field in _FIELDS}
# What LangChain and LangGraph tag runs with themselves.
_INTERNAL_TAGS: Final = (
    "branch:",
    "condition:",
    "graph:step:",
    "langsmith:",
    "map:key:",
    "retry:attempt:",
    "seq:step:",
)
# Versions of packages, and how LangGraph came to a node: in every run, and of no use beside `langgraph_node`.
_INTERNAL_KEYS: Final = frozenset(
    {"checkpoint_ns", "langgraph_path", "langgraph_triggers", "lc_versions"}
)
# What LangGraph says of a node, and LangChain of an agent, is no word on what these call.
_OF_A_RUN: Final = ("langgraph_", "lc_")


def said_in(metadata: Mapping[str, object] | None) -> Said:
    """What *metadata* says to be propagated, unchecked: what its keys of ours say, and all else that is short."""
    if not metadata:
        return {}
    said = {field: metadata[key] for key, field in _KEYS.items() if metadata.get(key) is not None}
    own = said.get("metadata", {})
    if isinstance(own, Mapping) and (plain := {**_short(metadata), **own}):
        said["metadata"] = plain
    return said


def _short(metadata: Mapping[str, object]) -> dict[str, object]:
    """What can be propagated without a warning; the rest is metadata of the runs alone."""
    return {
        key: value
        for key, value in observation_metadata(metadata).items()
        if not str(key).startswith(_OF_A_RUN)
        and len(str(key)) <= MAX_LENGTH
        and (
            isinstance(value, int | float) or (isinstance(value, str) and len(value) <= MAX_LENGTH)
        )
    }


def labels(tags: Sequence[str] | None) -> list[str]:
    """The tags that the application gave."""
    return [tag for tag in tags or () if not tag.startswith(_INTERNAL_TAGS)]


def attempt_of(tags: Sequence[str] | None) -> int | None:
    """Which attempt of `with_retry` this is; None for the first."""
    for tag in tags or ():
        if tag.startswith("retry:attempt:") and tag[14:].isdecimal():
            return int(tag[14:])
    return None


def propagated(said: Said, tags: Sequence[str]) -> Propagated | None:
    """*said*, checked, with *tags* before its own; None where that is nothing.

    Not the prompt, which belongs to generations alone.
    """
    given = {key: value for key, value in said.items() if key != "prompt"}
    own = given.get("tags")
    if tags:
        given["tags"] = [*tags, *own] if isinstance(own, list | tuple | set) else [*tags]
    return validated(**given) if given else None  # type: ignore[arg-type]  # by the names in _FIELDS


def observation_metadata(metadata: Mapping[str, object] | None) -> dict[str, object]:
    """What of *metadata* belongs to the observation."""
    return {
        key: value
        for key, value in (metadata or {}).items()
        if key not in _KEYS and key not in _INTERNAL_KEYS and not str(key).startswith("ls_")
    }
