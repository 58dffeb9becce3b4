"""What other tracers say in other words: kinds, counts, messages, parameters, metadata.

Pure functions of a span's attributes; which names they read is in `columns.py`.
"""

import json
from collections.abc import Mapping
from typing import Final

import orjson

from trackway._core.kinds import SAID
from trackway._store.columns import MESSAGES, PARAMETERS, SIDES, TOKENS
from trackway._wire import attributes as names
from trackway._wire.encode import AttributeValue

__all__ = ["LARGEST", "count", "counts", "kind", "messages", "parameters", "unquoted"]

Attributes = Mapping[str, AttributeValue]

LARGEST: Final = (1 << 63) - 1
"""What fits into a column of integers."""

_PARAMETER: Final = "gen_ai.request."
# OpenInference puts one more word between the number of a message and its fields.
_MESSAGE: Final = "message."


def kind(given: Attributes, *, has_model: bool) -> str:
    """The kind of an observation; what says nothing but the model that it called is a generation."""
    said = given.get(names.LANGFUSE_OBSERVATION_TYPE)
    if isinstance(said, str) and said:
        return said.upper()
    for name in (names.OPENINFERENCE_SPAN_KIND, names.GEN_AI_OPERATION_NAME):
        word = given.get(name)
        if isinstance(word, str) and word in SAID[name]:
            return SAID[name][word].upper()
    return "GENERATION" if has_model else "SPAN"


def counts(given: Attributes) -> dict[str, int]:
    """Disjoint buckets from the inclusive counts of OpenTelemetry or OpenInference."""
    sides = {side: _first(given, several) for side, several in SIDES}
    parts: dict[str, int] = {}
    for bucket, several in TOKENS:
        side = bucket.partition("_")[0]
        whole, part = sides[side], _first(given, several)
        if whole is not None and part:
            parts[bucket] = min(part, whole)
            sides[side] = whole - parts[bucket]
    return {**{side: number for side, number in sides.items() if number is not None}, **parts}


def _first(given: Attributes, several: tuple[str, ...]) -> int | None:
    for name in several:
        if (number := count(given.get(name))) is not None:
            return number
    return None


def count(value: object) -> int | None:
    """A number of tokens; None for what is none."""
    return value if type(value) is int and 0 <= value <= LARGEST else None


def parameters(given: Attributes) -> str | None:
    """JSON of the parameters of a call that came as one attribute each; None without any."""
    found = {
        name.removeprefix(_PARAMETER): given[name]
        for name in PARAMETERS
        if isinstance(given.get(name), str | int | float | list | tuple)
    }
    return json.dumps(found, ensure_ascii=False) if found else None


def messages(other: dict[str, AttributeValue]) -> dict[str, str]:
    """JSON of the messages that came as one attribute for each field, by column; taken out of *other*."""
    found: dict[str, str] = {}
    for column, prefixes in MESSAGES:
        several: dict[int, dict[str, AttributeValue]] = {}
        for prefix in prefixes:
            for name in [name for name in other if name.startswith(prefix)]:
                number, _, key = name[len(prefix) :].partition(".")
                if number.isdecimal() and key:
                    message = several.setdefault(int(number), {})
                    message[key.removeprefix(_MESSAGE)] = other.pop(name)
        if several:
            ordered = [several[number] for number in sorted(several)]
            found[column] = json.dumps(ordered, ensure_ascii=False, default=str)
    return found


def unquoted(metadata: Attributes) -> dict[str, AttributeValue]:
    """Metadata of the Langfuse SDK 5, which encodes texts as JSON too; everything else as it is."""
    return {name: _unquoted(value) for name, value in metadata.items()}


def _unquoted(value: AttributeValue) -> AttributeValue:
    if not isinstance(value, str) or not value.startswith('"'):
        return value
    try:
        return str(orjson.loads(value))
    except ValueError:
        return value
