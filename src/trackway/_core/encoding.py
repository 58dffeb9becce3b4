"""A finished observation becomes its OTLP bytes, in one pass, from blocks that are mostly ready."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from trackway._core.kinds import BLOCKS
from trackway._core.propagated import (
    GENAI,
    LANGFUSE,
    OPENINFERENCE,
    OWN_METADATA,
    OWN_PROMPT,
    OWN_VERSION,
    Propagated,
)
from trackway._core.serialize import json_text
from trackway._wire import attributes as names
from trackway._wire.encode import TextKey, attribute, dropped_counts, join_span, status, trace_state

if TYPE_CHECKING:
    from trackway._core.observation import Observation

_INPUT: Final = TextKey(names.INPUT_VALUE).writer()
_OUTPUT: Final = TextKey(names.OUTPUT_VALUE).writer()
_INPUT_MIME: Final = (
    attribute(names.INPUT_MIME_TYPE, "text/plain"),
    attribute(names.INPUT_MIME_TYPE, "application/json"),
)
_OUTPUT_MIME: Final = (
    attribute(names.OUTPUT_MIME_TYPE, "text/plain"),
    attribute(names.OUTPUT_MIME_TYPE, "application/json"),
)
APP_ROOT: Final = attribute(names.LANGFUSE_IS_APP_ROOT, True)  # noqa: FBT003 - the value of an attribute
# Sampled; and, with a remote parent, that this is known and so (OTLP's SpanFlags).
_FLAGS: Final = 0x101
_FLAGS_REMOTE: Final = 0x301

OWN: Final = {"version": OWN_VERSION, "prompt": OWN_PROMPT}


def encode(o: "Observation", end: int) -> bytes:
    """The record of *o* as it is now, ending at *end* (ns since the epoch).

    Longer than our other functions: it runs for every observation, and a call costs as much as two of its lines.
    """
    provider = o._provider
    extra, metadata = o._extra, o._metadata
    propagated = o._propagated if o._late is None else o._carried()
    if propagated is None:
        head = provider.heads[o._kind]
    elif extra is None and metadata is None:
        key = provider.head_keys[o._kind]
        head = propagated.heads.get(key) or _head(o, propagated, key)
    else:
        head = _head(o, propagated, None)
    parts = [head, APP_ROOT] if o._is_root else [head]
    if o._input is not None:
        parts += _INPUT(o._input), _INPUT_MIME[o._input_is_json]
    if o._output is not None:
        parts += _OUTPUT(o._output), _OUTPUT_MIME[o._output_is_json]
    if extra is not None:
        parts.extend(extra.values())
    if metadata is not None:
        around = None if propagated is None else provider.cleaned(propagated)
        parts.append(_metadata(metadata, around, provider.bits))
    if o._status:
        parts.append(status(o._status, o._status_text))
    if o._api is not None or o._trace_state:
        parts = _with_rarities(o, parts)
    flags = _FLAGS_REMOTE if o._parent_is_remote else _FLAGS
    start = o._start
    end = max(end, start)
    return join_span(parts, o._trace, o._span, o._parent, o._name, o._span_kind, start, end, flags)


def _head(o: "Observation", propagated: Propagated, key: tuple[int, str] | None) -> bytes:
    """Kind, constants and propagated attributes, without what the observation says itself; remembered under *key*."""
    provider = o._provider
    bits = provider.bits
    own = bits | sum(bit for name, bit in OWN.items() if o._extra is not None and name in o._extra)
    if o._metadata is not None:
        own |= OWN_METADATA
    has_environment = propagated.environment is not None
    constant = provider.constant_without_environment if has_environment else provider.constant
    head = BLOCKS[o._kind, bits] + constant + provider.cleaned(propagated).block(own)
    if key is not None:
        propagated.heads[key] = head
    return head


def _metadata(own: Mapping[str, bytes], propagated: Propagated | None, bits: int) -> bytes:
    """Metadata of the observation: a text for each key, and one JSON object with the propagated keys for Phoenix."""
    encoded = b""
    texts = {key: text.decode() for key, text in own.items()}
    if bits & LANGFUSE:
        prefix = names.LANGFUSE_OBSERVATION_METADATA_PREFIX
        encoded = b"".join(attribute(prefix + key, text) for key, text in texts.items())
    if bits & (OPENINFERENCE | GENAI):
        merged = texts if propagated is None else {**propagated.metadata, **texts}
        encoded += attribute(names.OPENINFERENCE_METADATA, json_text(merged).decode())
    return encoded


def _with_rarities(o: "Observation", parts: list[bytes]) -> list[bytes]:
    """What few observations have: a trace state, and what was set through the OpenTelemetry API.

    Attributes whose key we write ourselves are left out: keys are unique on a span.
    """
    additions = o._api
    rest = trace_state(o._trace_state)
    if additions is None:
        return [*parts, rest]
    taken: Mapping[str, object] = {}
    if additions.attributes:
        from trackway._wire.decode import decode_attributes  # noqa: PLC0415 - 3 ms, for who uses that API

        taken = decode_attributes(b"".join(parts))
    kept = (field for key, field in additions.attributes.items() if key not in taken)
    counts = dropped_counts(
        additions.dropped_attributes, additions.dropped_events, additions.dropped_links
    )
    return [*parts, *kept, *additions.events, *additions.links, rest, counts]
