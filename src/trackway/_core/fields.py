"""From the fields of an observation to attributes: one function a field, each giving ready bytes for a set of dialects.

They run when the field is handed over, so a later change of the caller's objects changes nothing.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import orjson

from trackway._core import billing, log
from trackway._core.counts import usage_bytes
from trackway._core.genai import set_spoken
from trackway._core.propagated import LANGFUSE, parse_prompt, prompt_attributes
from trackway._core.serialize import json_text
from trackway._core.usage import Usage, cost_buckets, costs_in, usage_of
from trackway._core.values import LONGEST_WORD, MAX_WORDS
from trackway._wire import attributes as names
from trackway._wire.encode import TextKey, attribute, attributes

if TYPE_CHECKING:
    from trackway._core.observation import Observation

# Bytes of what a provider counts of a call: a dozen short names.
LONGEST_COUNTS: Final = 1_000
LEVELS: Final = ("DEBUG", "DEFAULT", "WARNING", "ERROR")

_FLOATS: Final = {
    "temperature": names.GEN_AI_REQUEST_TEMPERATURE,
    "top_p": names.GEN_AI_REQUEST_TOP_P,
    "top_k": names.GEN_AI_REQUEST_TOP_K,
    "frequency_penalty": names.GEN_AI_REQUEST_FREQUENCY_PENALTY,
    "presence_penalty": names.GEN_AI_REQUEST_PRESENCE_PENALTY,
}
_INTS: Final = {
    "max_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "max_completion_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "max_output_tokens": names.GEN_AI_REQUEST_MAX_TOKENS,
    "seed": names.GEN_AI_REQUEST_SEED,
    "n": names.GEN_AI_REQUEST_CHOICE_COUNT,
}


_NUMBERS: Final = {**_FLOATS, **_INTS}
_PARAMETERS: Final = TextKey(names.LLM_INVOCATION_PARAMETERS).writer()
_RAW: Final = TextKey(names.TRACKWAY_USAGE_RAW).writer()


def apply(o: "Observation", given: Mapping[str, object]) -> None:
    """Sets the fields of *given* on *o*; None means "not given", what does not exist is named in a WARNING."""
    if not o._recording or (o._ended and not o._handle):
        return
    for key, value in given.items():
        if value is None:
            continue
        setter = _SETTERS.get(key)
        if setter is None:
            log.warn(f"field:{key:.40}", "An observation has no field %.40r. Dropping value.", key)
        else:
            setter(o, value)
    o._provider.touched(o)


def set_input(o: "Observation", value: object) -> None:
    """What went in."""
    if o._provider.speaks_genai:
        set_spoken(o, value, output=False)
        return
    if o._input is not None:
        o._room += len(o._input)  # what is replaced takes no room
    o._input, o._input_is_json = o._provider.value(value, o)


def set_output(o: "Observation", value: object) -> None:
    """What came out."""
    if o._provider.speaks_genai:
        set_spoken(o, value, output=True)
        return
    if o._output is not None:
        o._room += len(o._output)
    o._output, o._output_is_json = o._provider.value(value, o)


def _set_name(o: "Observation", value: object) -> None:
    if isinstance(value, str):
        o._name = o._provider.text(value)
    else:
        log.warn("name", "name is not a string. Dropping value.")


def set_model_parameters(o: "Observation", value: object) -> None:
    """What the model was told beside its input."""
    _put(o, "model_parameters", model_parameters(value, o))


def _set_metadata(o: "Observation", value: object) -> None:
    pairs = dict(value) if isinstance(value, Mapping) else {"metadata": value}
    kept = {} if o._metadata is None else o._metadata
    for key, item in pairs.items():
        name = key if isinstance(key, str) else json_text(key).decode()
        o._room += len(kept.get(name, b""))
        kept[name] = o._provider.metadata(name, item, o)
    o._metadata = kept


def _set_level(o: "Observation", value: object) -> None:
    if value not in LEVELS:
        log.warn("level", "level %.40r is not one of %s. Dropping value.", value, ", ".join(LEVELS))
        return
    _put(o, "level", attribute(names.LANGFUSE_LEVEL, str(value)))
    if value == "ERROR":
        o._status = 2
    elif o._status == 2:  # noqa: PLR2004 - ERROR; it was set by a level that is taken back
        o._status = 0


def _set_status_message(o: "Observation", value: object) -> None:
    if not isinstance(value, str):
        log.warn("status_message", "status_message is not a string. Dropping value.")
        return
    o._status_text = o._provider.text(value)
    if o._provider.bits & LANGFUSE:
        _put(o, "status_message", attribute(names.LANGFUSE_STATUS_MESSAGE, o._status_text))


def _set_usage(o: "Observation", value: object) -> None:
    set_usage_details(o, value)
    if not isinstance(value, Usage) and (costs := costs_in(value)):
        _set_cost_details(o, costs)


def set_usage_details(o: "Observation", value: object) -> None:
    """What was used, in any shape that somebody hands over."""
    usage = usage_of(value)
    if usage is None:
        billing.of(o).usage = None
    else:
        set_usage(o, usage)


def set_usage(o: "Observation", usage: Usage) -> None:
    """What was used."""
    bill = o._bill
    if bill is None:
        bill = billing.of(o)
    bill.usage = usage
    encoded = usage_bytes(usage, o._provider.bits)
    if usage.raw is not None:
        raw = None
        if usage.counts_alone and not o._provider.values.masks:
            raw = _counts(usage.raw)
        if raw is None:
            raw, _ = o._provider.value(usage.raw, o)
        else:
            o._room -= len(raw)
        encoded += _RAW(raw)
    if encoded:
        if o._extra is None:
            o._extra = {}
        o._extra["usage_details"] = encoded
    if usage.tier is not None:
        _put_tier(o, bill)
    if usage.cost is not None and not bill.given:
        bill.given = True
        charge = billing.Charge({"total": usage.cost}, "provider", "")
        _put(o, "cost_details", billing.charge_bytes(charge, o._provider.bits))


def _counts(raw: Mapping[str, object]) -> bytes | None:
    """The JSON of what holds nothing but counts; None where it is longer than these are, or no name for them."""
    try:
        data = orjson.dumps(raw)
    except TypeError:  # half of a surrogate pair
        return None
    return data if len(data) <= LONGEST_COUNTS else None


def _set_cost_details(o: "Observation", value: object) -> None:
    if buckets := cost_buckets(value):
        billing.of(o).given = True
        _put(o, "cost_details", billing.cost_bytes(buckets, o._provider.bits))


def _set_cache_hit(o: "Observation", value: object) -> None:
    if isinstance(value, bool):
        _set_metadata(o, {"cache_hit": value})
    else:
        log.warn("cache_hit", "cache_hit is not a bool. Dropping value.")


def _set_provider(o: "Observation", value: object) -> None:
    if (name := _word(o, "provider", value)) is not None:
        billing.of(o).provider = name
        _put(o, "provider", _encoded("provider", name))


def _set_model(o: "Observation", value: object) -> None:
    if (name := _word(o, "model", value)) is not None:
        billing.of(o).model = name
        _put(o, "model", _encoded("model", name))


def set_response_model(o: "Observation", value: object) -> None:
    """The model that answered."""
    said = o._provider.values.answering.get(value) if isinstance(value, str) else None
    if said is None:
        if (name := _word(o, "response_model", value)) is None:
            return
        said = name, _encoded("response_model", name)
        o._provider.values.remember_answering(value, said)
    bill = o._bill
    if bill is None:
        bill = billing.of(o)
    bill.response_model = said[0]
    _put(o, "response_model", said[1])


def set_service_tier(o: "Observation", value: object) -> None:
    """What class of service the provider gave."""
    if (name := _word(o, "service_tier", value)) is not None:
        bill = billing.of(o)
        bill.given_tier = name
        _put_tier(o, bill)


def _put_tier(o: "Observation", bill: billing.Bill) -> None:
    if bill.tier is not None:
        _put(o, "service_tier", _encoded("service_tier", bill.tier))


def _word(o: "Observation", field: str, value: object) -> str | None:
    if isinstance(value, str):
        return o._provider.word(value)
    log.warn(field, "%s is not a string. Dropping value.", field)
    return None


_WORDS: Final = {
    "provider": (names.GEN_AI_PROVIDER_NAME,),
    "model": (names.GEN_AI_REQUEST_MODEL, names.LLM_MODEL_NAME),
    "response_model": (names.GEN_AI_RESPONSE_MODEL,),
    "service_tier": (names.TRACKWAY_SERVICE_TIER,),
}


def _encoded(field: str, word: str) -> bytes:
    """The attributes that say *word*, which recurs where it is short."""
    return _remembered(field, word) if len(word) <= LONGEST_WORD else _said(field, word)


def _said(field: str, word: str) -> bytes:
    return attributes(dict.fromkeys(_WORDS[field], word))


_remembered: Final = lru_cache(MAX_WORDS)(_said)


def _put(o: "Observation", key: str, encoded: bytes) -> None:
    if encoded:
        if o._extra is None:
            o._extra = {}
        o._extra[key] = encoded


_SETTERS: Final[dict[str, Callable[["Observation", object], None]]] = {
    "name": _set_name,
    "input": set_input,
    "output": set_output,
    "metadata": _set_metadata,
    "level": _set_level,
    "status_message": _set_status_message,
    "usage": _set_usage,
    "version": lambda o, value: _put(o, "version", version(value, o)),
    "model": _set_model,
    "response_model": set_response_model,
    "provider": _set_provider,
    "service_tier": set_service_tier,
    "cache_hit": _set_cache_hit,
    "model_parameters": set_model_parameters,
    "usage_details": set_usage_details,
    "cost_details": _set_cost_details,
    "prompt": lambda o, value: _put(o, "prompt", prompt(value, o._provider.bits)),
    "completion_start_time": lambda o, value: _put(
        o, "completion_start_time", completion_start_time(value, o._start)
    ),
}


def model_parameters(value: object, o: "Observation") -> bytes:
    """All parameters as one JSON object; those that OpenTelemetry knows typed as well."""
    if not isinstance(value, Mapping):
        log.warn("model_parameters", "model_parameters is not a mapping. Dropping value.")
        return b""
    given = {str(key): item for key, item in dict(value).items()}
    # By attribute, because two parameters may come to the same one.
    typed: dict[str, bytes] = {}
    for key, item in given.items():
        name = _NUMBERS.get(key)
        if name is None or isinstance(item, bool):
            continue
        if isinstance(item, int if key in _INTS else (int, float)):
            number = int(item) if key in _INTS else float(item)
            typed[name] = attribute(name, number)
    stop = given.get("stop", given.get("stop_sequences"))
    if isinstance(stop, str):
        stop = [stop]
    if isinstance(stop, list) and stop and all(isinstance(text, str) for text in stop):
        texts = [o._provider.text(text) for text in stop]
        typed["stop"] = attribute(names.GEN_AI_REQUEST_STOP_SEQUENCES, texts)
    text, _ = o._provider.value(given, o)
    return b"".join((*typed.values(), _PARAMETERS(text)))


def prompt(value: object, bits: int) -> bytes:
    """The link to a version of a prompt."""
    link = parse_prompt(value)
    return b"" if link is None else attributes(dict(prompt_attributes(link, bits)))


def version(value: object, o: "Observation") -> bytes:
    """The version of what was observed."""
    if not isinstance(value, str):
        log.warn("version", "version is not a string. Dropping value.")
        return b""
    if not o._provider.bits & LANGFUSE:
        return b""
    return attribute(names.LANGFUSE_VERSION, o._provider.identity(value))


def completion_start_time(value: object, start: int) -> bytes:
    """When the first token came; *start* is the observation's start in ns, for the seconds until then."""
    if not isinstance(value, datetime):
        log.warn(
            "completion_start_time", "completion_start_time is not a datetime. Dropping value."
        )
        return b""
    # A naive datetime means the local time zone, as everywhere.
    moment = value.astimezone(UTC)
    seconds = max(0.0, (datetime_ns(moment) - start) / 1e9)
    text = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return attributes(
        {names.LANGFUSE_COMPLETION_START_TIME: text, names.GEN_AI_TIME_TO_FIRST_CHUNK: seconds}
    )


def datetime_ns(moment: datetime) -> int:
    """Nanoseconds since the epoch, without the rounding of a float of seconds."""
    delta = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1_000


def time_ns(value: object, name: str) -> int | None:
    """A moment that a caller gave as a datetime or as ns since the epoch.

    None, with a WARNING, where it is neither.
    """
    if value is None:
        return None
    if isinstance(value, datetime):
        return datetime_ns(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
        return value
    log.warn(
        name, "%s is neither a datetime nor nanoseconds since the epoch. Dropping value.", name
    )
    return None
