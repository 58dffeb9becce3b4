"""What `propagate_attributes` puts on every observation: validated once, merged by simple rules, encoded once.

A `Propagated` is immutable. Its wire form is cached, so that an observation inside a block appends ready-made bytes.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, final

from trackway._core import log
from trackway._wire import attributes as names
from trackway._wire.encode import attribute

MAX_LENGTH: Final = 200
_ENVIRONMENT: Final = re.compile(r"(?!langfuse)[a-z0-9_-]{1,40}\Z")

# Bits of a dialect set (which names are written) and of what the observation says itself, so that no key is written
# twice.
LANGFUSE: Final = 1
OPENINFERENCE: Final = 2
OWN_VERSION: Final = 4
OWN_PROMPT: Final = 8
OWN_METADATA: Final = 16
GENAI: Final = 32


@final
class Propagated:
    """Attributes that a block gives to the observations inside it. Immutable; None and empty mean "not given"."""

    __slots__ = (
        "_blocks",
        "carried",
        "cleaned",
        "environment",
        "heads",
        "metadata",
        "prompt",
        "session_id",
        "tags",
        "trace_name",
        "user_id",
        "version"
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 - one argument for each attribute that can be propagated
        self,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        version: str | None = None,
        trace_name: str | None = None,
        environment: str | None = None,
        tags: tuple[str, ...] = (),
        metadata: Mapping[str, str] | None = None,
        prompt: tuple[str, int] | None = None,
    ) -> None:
        self.user_id = user_id
        self.session_id = session_id
        self.version = version
        self.trace_name = trace_name
        self.environment = environment
        self.tags = tags
        self.metadata: Mapping[str, str] = metadata or {}
        self.prompt = prompt
        self.carried: Propagated | None = None
        """What of this travels on as baggage: never a value that is not in force here."""
        self._blocks: dict[int, bytes] = {}
        self.cleaned: dict[int, Propagated] = {}
        """By client, what it may record of this."""
        self.heads: dict[tuple[int, str], bytes] = {}
        """What `encoding.py` makes of it for a client and a kind."""

    def inside(self, outer: "Propagated | None") -> "Propagated":
        """This, opened inside *outer*.

        Scalars of the inner win, metadata is merged (inner key wins), tags are an ordered union.
        """
        if outer is None:
            return self
        merged = Propagated(
            user_id=self.user_id if self.user_id is not None else outer.user_id,
            session_id=self.session_id if self.session_id is not None else outer.session_id,
            version=self.version if self.version is not None else outer.version,
            trace_name=self.trace_name if self.trace_name is not None else outer.trace_name,
            environment=self.environment if self.environment is not None else outer.environment,
            tags=_union(outer.tags, self.tags),
            metadata={**outer.metadata, **self.metadata},
            prompt=self.prompt or outer.prompt,
        )
        if self.carried is not None or outer.carried is not None:
            merged.carried = self._carried_inside(outer)
        return merged

    def _carried_inside(self, outer: "Propagated") -> "Propagated | None":
        """What travels on: of *outer* what this does not say anew, and what this sends itself."""
        kept = outer.carried
        if kept is not None:
            kept = Propagated(
                user_id=kept.user_id if self.user_id is None else None,
                session_id=kept.session_id if self.session_id is None else None,
                version=kept.version if self.version is None else None,
                trace_name=kept.trace_name if self.trace_name is None else None,
                environment=kept.environment if self.environment is None else None,
                tags=kept.tags,
                metadata={k: v for k, v in kept.metadata.items() if k not in self.metadata},
                prompt=kept.prompt if self.prompt is None else None,
            )
        return kept if self.carried is None else self.carried.inside(kept)

    def since(self, before: "Propagated | None") -> "Propagated | None":
        """What this says that *before* did not; None where that is nothing."""
        if before is None or self is before:
            return None if self is before else self
        said = Propagated(
            user_id=_changed(self.user_id, before.user_id),
            session_id=_changed(self.session_id, before.session_id),
            version=_changed(self.version, before.version),
            trace_name=_changed(self.trace_name, before.trace_name),
            environment=_changed(self.environment, before.environment),
            tags=tuple(tag for tag in self.tags if tag not in before.tags),
            metadata={k: v for k, v in self.metadata.items() if before.metadata.get(k) != v},
            prompt=self.prompt if self.prompt != before.prompt else None,
        )
        if self.carried is not before.carried:
            said.carried = self.carried
        return said

    def travelling(self) -> "Propagated":
        """The same, with all of it travelling on as baggage."""
        copy = self.inside(NOTHING)
        copy.carried = self.inside(NOTHING)
        return copy

    def filled_by(self, later: "Propagated") -> "Propagated":
        """This, with what it has no value for taken from *later*.

        What an observation gets that was there before the block.
        """
        filled = self.inside(later)
        filled.tags = self.tags or later.tags
        return filled

    def block(self, bits: int) -> bytes:
        """Ready attribute fields, for a dialect set and what the observation has of its own (`OWN_…`)."""
        ready = self._blocks.get(bits)
        if ready is None:
            ready = self._blocks[bits] = b"".join(
                attribute(key, value) for key, value in self.attributes(bits)
            )
        return ready

    def attributes(self, bits: int) -> "list[tuple[str, str | int | tuple[str, ...]]]":
        """Keys and values, for a dialect set and what the observation has of its own."""
        pairs: list[tuple[str, str | int | tuple[str, ...] | None]] = [
            (names.USER_ID, self.user_id),
            (names.SESSION_ID, self.session_id),
        ]
        if bits & LANGFUSE:
            pairs.append((names.LANGFUSE_TRACE_NAME, self.trace_name))
            pairs.append((names.LANGFUSE_TRACE_TAGS, self.tags or None))
            pairs.extend(
                (names.LANGFUSE_TRACE_METADATA_PREFIX + key, text)
                for key, text in self.metadata.items()
            )
            pairs.append((names.LANGFUSE_ENVIRONMENT, self.environment))
            if not bits & OWN_VERSION:
                pairs.append((names.LANGFUSE_VERSION, self.version))
        if bits & GENAI:
            pairs.append((names.GEN_AI_CONVERSATION_ID, self.session_id))
        if bits & (OPENINFERENCE | GENAI):
            # OpenTelemetry has no words for these two; OpenInference's are the plainest.
            pairs.append((names.OPENINFERENCE_TAGS, self.tags or None))
            if self.metadata and not bits & OWN_METADATA:
                pairs.append((names.OPENINFERENCE_METADATA, _json(dict(self.metadata))))
        pairs.append((names.DEPLOYMENT_ENVIRONMENT, self.environment))
        if self.prompt is not None and not bits & OWN_PROMPT:
            pairs.extend(prompt_attributes(self.prompt, bits))
        return [(key, value) for key, value in pairs if value is not None]


NOTHING: Final = Propagated()


def _changed(now: str | None, before: str | None) -> str | None:
    return now if now != before else None


def prompt_attributes(prompt: tuple[str, int], bits: int) -> list[tuple[str, str | int]]:
    """The link to a version of a prompt."""
    name, version = prompt
    pairs: list[tuple[str, str | int]] = [(names.GEN_AI_PROMPT_NAME, name)]
    if bits & LANGFUSE:
        pairs.append((names.LANGFUSE_PROMPT_NAME, name))
        pairs.append((names.LANGFUSE_PROMPT_VERSION, version))
    return pairs


Complain = Callable[[str, str], None]
"""Says that the attribute of this name cannot be used, and why."""


def complain(name: str, reason: str) -> None:
    """One WARNING a minute for each attribute that the application gave and that cannot be used."""
    log.warn(f"propagate:{name}", "Propagated attribute '%s' %s. Dropping value.", name, reason)


def validated(  # noqa: PLR0913 - the arguments of propagate_attributes
    *,
    user_id: object = None,
    session_id: object = None,
    metadata: object = None,
    version: object = None,
    tags: object = None,
    trace_name: object = None,
    environment: object = None,
    prompt: object = None,
    no: Complain = complain,
) -> Propagated:
    """Arguments of a user, checked.

    What cannot be used is dropped, never cut, never raised; *no* is told its name and the reason.
    """
    return Propagated(
        user_id=_text("user_id", user_id, no),
        session_id=_text("session_id", session_id, no),
        version=_text("version", version, no),
        trace_name=_text("trace_name", trace_name, no),
        environment=_environment(environment, no),
        tags=_tags(tags, no),
        metadata=_metadata(metadata, no),
        prompt=parse_prompt(prompt, no),
    )


def _text(name: str, value: object, no: Complain) -> str | None:
    """A `str` of at most 200 characters that is valid Unicode; None, with a WARNING, otherwise."""
    if value is None:
        return None
    if not isinstance(value, str):
        no(name, "is not a string")
    elif len(value) > MAX_LENGTH:
        no(name, f"is over {MAX_LENGTH} characters ({len(value)} chars)")
    elif not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
        no(name, "has a lone surrogate, which is no Unicode text")
    else:
        # A copy where it is of a subclass, whose methods are the user's code.
        return str.__str__(value)
    return None


def _environment(value: object, no: Complain) -> str | None:
    name = _text("environment", value, no)
    if name is not None and not _ENVIRONMENT.match(name):
        no("environment", "is not 1 to 40 of a-z, 0-9, '-', '_', or starts with 'langfuse'")
        return None
    return name


def _tags(value: object, no: Complain) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple | set | frozenset):
        no("tags", "is not a list of strings")
        return ()
    texts = (_text(f"tags[{index}]", tag, no) for index, tag in enumerate(value))
    return _union((), tuple(tag for tag in texts if tag is not None))


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second))) if second else first


def _metadata(value: object, no: Complain) -> dict[str, str] | None:
    """Keys that are texts, values as text: strings as they are, others as JSON."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        no("metadata", "is not a mapping")
        return None
    kept: dict[str, str] = {}
    for key, item in dict(value).items():
        if _text("metadata key", key, no) is None or not key:
            continue
        name = f"metadata.{key}"
        if item is None:
            continue
        content = item if isinstance(item, str) else _json(item)
        checked = _text(name, content, no)
        if checked is not None:
            kept[str.__str__(key)] = checked
    return kept


def _json(value: object) -> str:
    from trackway._core.serialize import json_text  # noqa: PLC0415 - recording's (loading.py)

    return json_text(value).decode()


def parse_prompt(value: object, no: Complain = complain) -> tuple[str, int] | None:
    """Name and version of a prompt, from a mapping or an object that has both; a fallback prompt links to nothing."""
    if value is None:
        return None
    keys = ("name", "version", "is_fallback")
    given = (
        dict(value)
        if isinstance(value, Mapping)
        else {key: getattr(value, key, None) for key in keys}
    )
    if given.get("is_fallback") is True:
        return None
    name, version = _text("prompt.name", given.get("name"), no), given.get("version")
    if isinstance(version, str) and version.isdecimal():
        version = int(version)
    if not name or not isinstance(version, int) or isinstance(version, bool):
        no("prompt", "has no name and version")
        return None
    return name, version
