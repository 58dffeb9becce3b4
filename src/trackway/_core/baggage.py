"""Users, sessions, tags and metadata as W3C baggage: what goes along with requests to other services.

Nothing is sent unasked: a block says `as_baggage=True`. What is in the baggage is never anything else than what is in
force: an inner block that says another user, and does not send it, takes the outer one out. Nothing that comes in is
believed unasked either (`accept_baggage`), and then it is checked as arguments are.

The keys are the Langfuse SDKs', so that users cross between their services and ours. Its Python SDK writes tags as
the `repr` of a list and metadata as JSON, the one for JavaScript tags with commas between; we write a JSON array, and
read all three. OpenTelemetry's propagators do the percent-encoding; where we write the header ourselves (`remote.py`)
a blank is `%20`, which both languages read, and not the `+` of Python's propagator.
"""

import re
from collections.abc import Mapping
from typing import Final, cast
from urllib.parse import quote

import orjson
from opentelemetry import baggage
from opentelemetry.context import Context, create_key, set_value

from trackway._core import log
from trackway._core.propagated import Propagated, validated
from trackway._core.runtime import runtime
from trackway._core.values import Values

__all__ = ["entries", "header", "is_ours", "parsed_tags", "read", "updated"]

MAX_BYTES: Final = 4 << 10
# What was in the baggage under our names before a block of ours wrote there.
BROUGHT: Final = create_key("trackway-brought")
PREFIX: Final = "langfuse_"
METADATA: Final = "langfuse_metadata_"
_SCALARS: Final = ("user_id", "session_id", "version", "trace_name", "environment")
_OURS: Final = frozenset(
    PREFIX + name for name in (*_SCALARS, "tags", "prompt_name", "prompt_version")
)
# One item of the `repr` of a list of strings.
_ITEM: Final = r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\""""
_item: Final = re.compile(_ITEM)
_repr: Final = re.compile(rf"\[(?:(?:{_ITEM})(?:, (?!\]))?)*\]")

# What may leave before there is a client: without secrets.
_REDACTED: Final = Values(mask=None, redact=True, max_bytes=MAX_BYTES)


def updated(context: Context, carried: Propagated | None) -> Context:
    """*context* with *carried* as its baggage of ours; entries of other names stay.

    What was brought under our names is kept aside for `read`, and no longer goes along: it may name another user.
    """
    brought = _found(context)
    if BROUGHT not in context:
        context = set_value(BROUGHT, brought, context)
    for key in brought:
        context = baggage.remove_baggage(key, context)
    for key, text in entries(carried).items():
        context = baggage.set_baggage(key, text, context)
    return context


def entries(carried: Propagated | None) -> dict[str, str]:
    """The baggage of *carried*, redacted; nothing, with a WARNING, where it takes more than 4 KiB."""
    if carried is None:
        return {}
    provider = runtime.default
    clean = _REDACTED.propagated(carried) if provider is None else provider.cleaned(carried)
    found = {PREFIX + name: text for name in _SCALARS if (text := getattr(clean, name)) is not None}
    if clean.tags:
        found[PREFIX + "tags"] = orjson.dumps(clean.tags).decode()
    if clean.prompt is not None:
        name, version = clean.prompt
        found |= {PREFIX + "prompt_name": name, PREFIX + "prompt_version": str(version)}
    found |= {METADATA + key: text for key, text in clean.metadata.items()}
    if (size := len(header(found))) > MAX_BYTES:
        log.warn(
            "baggage:size",
            "what is propagated takes %d bytes as baggage, which may have %d. Dropping baggage.",
            size,
            MAX_BYTES,
        )
        return {}
    return found


def header(found: Mapping[str, str]) -> str:
    """*found* as the value of a `baggage` header."""
    return ",".join(f"{quote(key, safe='')}={quote(text, safe='')}" for key, text in found.items())


def read(context: Context) -> Propagated | None:
    """What the baggage of *context* says of users and the like, checked; None where it says nothing."""
    aside = context.get(BROUGHT)
    # Only `updated` writes this key.
    found = _found(context) if aside is None else cast("dict[str, str]", aside)
    if not found:
        return None
    scalars = {name: found.get(PREFIX + name) for name in _SCALARS}
    prompt = {name: found.get(PREFIX + "prompt_" + name) for name in ("name", "version")}
    metadata = {
        key.removeprefix(METADATA): _string(text)
        for key, text in found.items()
        if key.startswith(METADATA)
    }
    brought = validated(
        **scalars,
        tags=parsed_tags(found.get(PREFIX + "tags", "")),
        metadata=metadata,
        prompt=prompt if any(prompt.values()) else None,
        no=_complain,
    )
    return brought.travelling()


def _found(context: Context) -> dict[str, str]:
    return {
        key: text
        for key, text in baggage.get_all(context).items()
        if is_ours(key) and isinstance(text, str) and text
    }


def is_ours(key: str) -> bool:
    """Whether an entry of this name says what blocks say."""
    return key in _OURS or key.startswith(METADATA)


def _complain(_name: str, reason: str) -> None:
    """One line a minute for all of it, without the name: it came from outside."""
    log.warn("baggage:read", "An entry of incoming baggage %s. Dropping value.", reason)


def parsed_tags(text: str) -> list[str]:
    """Tags as any of the SDKs writes them: a JSON array, the `repr` of a list, or texts with commas between."""
    if text.startswith("["):
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = _from_repr(text)
        if isinstance(found, list):
            return found
    return [tag for part in text.split(",") if (tag := part.strip())]


def _from_repr(text: str) -> list[str] | None:
    if _repr.fullmatch(text) is None:
        return None
    return [_unescaped(single or double) for single, double in _item.findall(text)]


def _unescaped(body: str) -> str:
    """The string that a literal with *body* stands for."""
    if "\\" not in body:
        return body
    try:
        return body.encode("latin-1", "backslashreplace").decode("unicode_escape")
    except UnicodeDecodeError:
        return body


def _string(text: str) -> str:
    """A metadata value: the string that a JSON string stands for, everything else as it is."""
    if not text.startswith('"'):
        return text
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return found if isinstance(found, str) else text
