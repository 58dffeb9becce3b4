"""Arguments of a call that are ours: taken out before the SDK sees them, and carried to where the request is sent.

Between the method that is called (`create`, `parse`, `stream`) and the one place where requests are sent lie layers of
the SDK that differ from version to version, some of which run later, in a stream's block. What they all hand on is
`extra_body`, whose entries the SDK looks at only when it builds the request. So one entry of it carries a `Note`; the
seam takes it out again.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, final

from trackway._core.baggage import parsed_tags
from trackway._core.propagated import Propagated, validated
from trackway._core.runtime import runtime

if TYPE_CHECKING:
    from trackway._core.provider import TracerProvider
    from trackway._integrations.call import Call

__all__ = ["Note", "is_silent", "noted", "taken"]

_PREFIXES: Final = ("trackway_", "langfuse_")
_PROPAGATED: Final = frozenset(
    {"user_id", "session_id", "tags", "trace_name", "version", "environment"}
)
_NAMES: Final = _PROPAGATED | {
    "name", "metadata", "prompt", "trace_id", "parent_observation_id", "public_key",
}  # fmt: skip
SPECIAL: Final[Mapping[str, str]] = {
    **{prefix + name: name for prefix in _PREFIXES for name in _NAMES},
    # As the incumbent has them.
    "name": "name",
    "trace_id": "trace_id",
    "parent_observation_id": "parent_observation_id",
}
"""Keyword argument → what it says."""
_SPECIAL: Final = frozenset(SPECIAL)
_INSIDE: Final = {key: name for key, name in SPECIAL.items() if key.startswith(_PREFIXES)}
# Arguments of the SDKs that may hold such keys; type checkers let anything into the second.
_HOLDERS: Final = ("metadata", "extra_body")


@final
class Note:
    """What one call said to us, and, once it is sent, the observation that came of it."""

    __slots__ = ("call", "fields", "name", "place", "propagated", "public_key")

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.call: Call | None = None
        name = said.get("name")
        self.name: str | None = name if isinstance(name, str) else None
        self.public_key = said.get("public_key")
        self.fields: dict[str, Any] = {
            key: said[key] for key in ("metadata", "prompt") if said.get(key) is not None
        }
        self.place = _place(said)
        about = {key: said[key] for key in _PROPAGATED if said.get(key) is not None}
        if isinstance(about.get("tags"), str):
            about["tags"] = parsed_tags(about["tags"])
        self.propagated: Propagated | None = validated(**about) if about else None

    def chosen(self, provider: "TracerProvider") -> "TracerProvider":
        """The client that the call named, else *provider*."""
        if isinstance(self.public_key, str):
            return runtime.by_key.get(self.public_key) or provider
        return provider


def _place(said: Mapping[str, Any]) -> dict[str, Any] | None:
    if said.get("trace_id") is None:
        return None
    return {"trace_id": said["trace_id"], "parent_span_id": said.get("parent_observation_id")}


# The entry of `extra_body` that holds a note on its way.
ENTRY: Final = "__trackway__"


def is_silent(kwargs: dict[str, Any]) -> bool:
    """Whether a call surely says nothing to us, as most do."""
    return (
        kwargs.get("metadata") is None
        and kwargs.get("extra_body") is None
        and _SPECIAL.isdisjoint(kwargs)
    )


def noted(kwargs: dict[str, Any], *, always: bool = False) -> tuple[dict[str, Any], Note | None]:
    """(What the SDK is to get, what the call said to us); the dict is another one where something was taken out."""
    holders = [key for key in _HOLDERS if _holds_ours(kwargs.get(key))]
    if not always and not holders and _SPECIAL.isdisjoint(kwargs):
        return kwargs, None
    rest = dict(kwargs)
    said: dict[str, Any] = {}
    for holder in holders:
        left = dict(rest.pop(holder))
        said |= {_INSIDE[key]: left.pop(key) for key in tuple(left) if key in _INSIDE}
        if left:
            rest[holder] = left
    said |= {SPECIAL[key]: rest.pop(key) for key in kwargs if key in SPECIAL}
    note = Note(said)
    rest["extra_body"] = {**(rest.get("extra_body") or {}), ENTRY: note}
    return rest, note


def _holds_ours(given: Any) -> bool:
    return isinstance(given, Mapping) and not _INSIDE.keys().isdisjoint(given)


def taken(options: Any) -> Note | None:
    """The note that came with a request; the request is left as the caller meant it."""
    body = getattr(options, "extra_json", None)
    if type(body) is not dict or ENTRY not in body:
        return None
    rest = dict(body)
    note: Note = rest.pop(ENTRY)
    options.extra_json = rest or None
    return note
