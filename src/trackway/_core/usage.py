"""Token counts and costs, whoever gives them, brought to one shape.

The shape is `Usage`: **disjoint** buckets (`input` without the cached part, `output` without the reasoning part …), so
their sum is the total. The names are those of Langfuse's `usage_details`. OpenTelemetry's `gen_ai.usage.*` and
OpenInference's counts are inclusive, so they are computed from the buckets.

Rules, for every source:

1. A detail that is part of a count beside it is taken out of that count, never more than is left of it: details that
   overlap are not subtracted twice. What did not fit is named in `Usage.doubts`.
2. A total beyond the sum of the parts: what is left over goes, where a provider says it, to the side that it did not
   speak of, or to `output_reasoning_tokens` where it spoke of both (hidden reasoning is the one known cause); else to
   `unattributed`. A total below the sum: the parts count. Either way `total` is among the doubts, but where only one
   reading is possible.
3. What is paid for and is no token (web searches, seconds of audio) is in `units` and in no sum.
4. Two spellings of one count (`prompt_tokens` beside `input_tokens`, as gateways send them) are one count: the larger.
5. What the provider sent is kept beside it, as it was (`raw`).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, final

from trackway._core import log

__all__ = [
    "Parts",
    "Usage",
    "amount",
    "cost_buckets",
    "costs_in",
    "inclusive",
    "usage_of",
    "with_units",
]

INPUT: Final = "input"
CACHED: Final = "input_cached_tokens"
WRITTEN: Final = "input_cache_creation"
WRITTEN_5M: Final = "input_cache_creation_5m"
WRITTEN_1H: Final = "input_cache_creation_1h"
OUTPUT: Final = "output"
REASONING: Final = "output_reasoning_tokens"
UNATTRIBUTED: Final = "unattributed"

STANDARD: Final = frozenset({"", "auto", "default", "on_demand", "standard"})
"""What providers call a service tier that is none."""
UNITS: Final = frozenset(
    {
        "audio_seconds", "code_interpreter_calls", "file_searches", "image_generations", "input_characters", "requests",
        "web_searches",
    }
)  # fmt: skip
"""What is counted and is no token."""

NOTHING: Final[Mapping[str, int]] = MappingProxyType({})

# Spellings that people write by hand or copy from a provider's response → ours.
_NAMES: Final = {
    "prompt": INPUT,
    "prompt_tokens": INPUT,
    "promptTokens": INPUT,
    "input_tokens": INPUT,
    "completion": OUTPUT,
    "completion_tokens": OUTPUT,
    "completionTokens": OUTPUT,
    "output_tokens": OUTPUT,
    "outputTokens": OUTPUT,
    "total_tokens": "total",
    "totalTokens": "total",
    "cache_read_input_tokens": CACHED,
    "cached_tokens": CACHED,
    "input_cached": CACHED,
    "input_cache_read": CACHED,
    "cache_creation_input_tokens": WRITTEN,
    "reasoning_tokens": REASONING,
    "output_reasoning": REASONING,
}
# Keys that the response of one kind of provider has → the shape that such a mapping is read by; the first counts.
_SHAPES: Final = {
    "inputTokens": "bedrock.converse",
    "promptTokenCount": "gemini",
    "prompt_token_count": "gemini",
    "prompt_eval_count": "ollama",
    "server_tool_use": "anthropic.messages",
    "cache_creation": "anthropic.messages",
    "input_token_details": "langchain",
    "output_token_details": "langchain",
    "prompt_tokens_details": "openai.chat",
    "completion_tokens_details": "openai.chat",
    "input_tokens_details": "openai.responses",
    "output_tokens_details": "openai.responses",
}
# Beside the counts of a response, and no count.
_NO_COUNTS: Final = frozenset({"inference_geo", "service_tier", "speed", "type"})
MAX_COUNT: Final = (1 << 53) - 1


class Usage(NamedTuple):
    """What a call used: disjoint buckets of tokens, whose sum is `total`.

    A tuple, because there is one for each call and a frozen dataclass takes six times as long to make.
    """

    buckets: Mapping[str, int]
    """Tokens by bucket, without the total; none is below 0."""
    units: Mapping[str, int] = NOTHING
    """What is paid for and is no token: `web_searches`, `audio_seconds` …"""
    raw: Mapping[str, object] | None = None
    """What the provider sent."""
    doubts: tuple[str, ...] = ()
    """What was said and cannot be: buckets that were cut down to what there was, or `total`."""
    tier: str | None = None
    """The service tier that the usage itself names (`batch`, `priority` …)."""
    cost: float | None = None
    """US dollars that the provider itself says the call cost."""
    counts_alone: bool = False
    """Whether `raw` holds counts and nothing else, so that there is nothing in it to look for."""

    @property
    def total(self) -> int:
        """All tokens: the sum of the buckets."""
        return sum(self.buckets.values())

    def details(self) -> dict[str, int]:
        """The buckets with their `total`, as the wire and the store have them."""
        return {**self.buckets, "total": self.total}


@final
class Parts:
    """Takes counts apart into disjoint buckets; one for each usage that is read."""

    __slots__ = ("_buckets", "_doubts", "_raw", "_units", "tier")

    def __init__(self, raw: Mapping[str, object] | None) -> None:
        self._raw = raw
        self._buckets: dict[str, int] = {}
        self._units: dict[str, int] = {}
        self._doubts: dict[str, None] = {}
        self.tier: str | None = None

    def add(self, bucket: str, count: int | None) -> None:
        """Tokens that no other count contains; None says nothing."""
        if count is not None:
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count

    def take(self, bucket: str, count: int | None, whole: str) -> None:
        """Tokens that are part of *whole*: moved out of it, as many as are left in it.

        Where nothing was said of the whole they are added.
        """
        if not count:
            return
        if whole not in self._buckets:
            self._doubts[whole] = None
            self.add(bucket, count)
            return
        taken = min(count, self._buckets[whole])
        if taken < count:
            self._doubts[bucket] = None
        self._buckets[whole] -= taken
        self.add(bucket, taken)

    def unit(self, name: str, count: int | None) -> None:
        """So many of what is no token."""
        if count:
            self._units[name] = self._units.get(name, 0) + count

    def sum(self, *sides: str) -> int:
        """All that is there, or what belongs to *sides*."""
        if not sides:
            return sum(self._buckets.values())
        return sum([count for name, count in self._buckets.items() if name.startswith(sides)])

    def usage(
        self, total: int | None = None, *, hidden: str = REASONING, cost: float | None = None
    ) -> Usage | None:
        """The usage; None where nothing was counted.

        *total* is what the source says; *hidden* the bucket of what it counts beyond both sides (rule 2).
        """
        if total is not None:
            self._reconcile(total, hidden)
        if not self._buckets and not self._units and cost is None:
            return None
        return Usage(
            buckets=self._buckets,
            units=self._units or NOTHING,
            raw=self._raw,
            doubts=tuple(self._doubts),
            tier=self.tier,
            cost=cost,
        )

    def _reconcile(self, total: int, hidden: str) -> None:
        rest = total - self.sum()
        if rest == 0:
            return
        if rest < 0:
            self._doubts["total"] = None
            return
        has_input, has_output = self._has(INPUT), self._has(OUTPUT)
        if (has_input and has_output) or (self._buckets and hidden == UNATTRIBUTED):
            self._doubts["total"] = None
            self.add(hidden, rest)
        elif has_input or has_output:
            self.add(OUTPUT if has_input else INPUT, rest)
        else:
            self.add(UNATTRIBUTED, rest)

    def _has(self, side: str) -> bool:
        return any(name.startswith(side) for name in self._buckets)


def usage_of(usage: object) -> Usage | None:
    """The usage that somebody hands over: a `Usage`, a provider's mapping, or one written by hand.

    None where it counts nothing. What is no count is dropped with a WARNING.
    """
    if isinstance(usage, Usage):
        return usage
    if not isinstance(usage, Mapping):
        log.warn("usage", "usage_details is not a mapping of token counts. Dropping value.")
        return None
    given = dict(usage)
    if "cost" in given and "prompt_tokens" in given:
        from trackway._core.provider_usage import read  # noqa: PLC0415 - as below

        return read("openrouter.chat", given)
    if not _SHAPES.keys().isdisjoint(given):
        for key, shape in _SHAPES.items():
            # `cache_creation: 5` is somebody's own bucket, not Anthropic's mapping.
            if key in given and not (key == "cache_creation" and isinstance(given[key], int)):
                from trackway._core.provider_usage import read  # noqa: PLC0415 - for who hands over a response's usage

                return read(shape, given)
    return _by_hand(given)


def _by_hand(given: dict[object, object]) -> Usage | None:
    counted_as: dict[str, int] = {}
    for key, value in given.items():
        if (
            not isinstance(key, str)
            or value is None
            or key.endswith("_cost")
            or key in _NO_COUNTS
            or (counted := count(value, key)) is None
        ):
            continue
        name = _NAMES.get(key, key)
        counted_as[name] = max(counted, counted_as.get(name, 0))
    parts = Parts(None)
    total = counted_as.pop("total", None)
    for name, counted in counted_as.items():
        if name in UNITS:
            parts.unit(name, counted)
        else:
            parts.add(name, counted)
    return parts.usage(total, hidden=UNATTRIBUTED)


def with_units(usage: Usage | None, units: Mapping[str, int]) -> Usage | None:
    """*usage* with *units* that it did not count itself."""
    return None if usage is None else usage._replace(units={**units, **usage.units})


def cost_buckets(cost: object) -> dict[str, float]:
    """US dollars by bucket with their `total`.

    `input_cost` means `input`. What is no amount is dropped with a WARNING.
    """
    if not isinstance(cost, Mapping):
        log.warn("cost", "cost_details is not a mapping of amounts. Dropping value.")
        return {}
    buckets: dict[str, float] = {}
    for key, value in dict(cost).items():
        if not isinstance(key, str) or value is None:
            continue
        dollars = amount(value)
        if dollars is None:
            log.warn(
                "cost",
                "cost_details[%.40r] is not a finite amount of at least 0. Dropping value.",
                key,
            )
        else:
            buckets[key.removesuffix("_cost")] = dollars
    if buckets and "total" not in buckets:
        buckets["total"] = sum(buckets.values())
    return buckets


def costs_in(usage: object) -> dict[str, object]:
    """The `…_cost` entries that people put beside token counts, or what the provider says."""
    if isinstance(usage, Usage):
        return {} if usage.cost is None else {"total": usage.cost}
    if not isinstance(usage, Mapping):
        return {}
    return {
        key: value
        for key, value in dict(usage).items()
        if isinstance(key, str) and key.endswith("_cost")
    }


def inclusive(buckets: Mapping[str, int]) -> tuple[int | None, int | None]:
    """Input and output tokens with everything that is part of them, as OpenTelemetry and OpenInference count."""
    inputs = outputs = None
    for name, number in buckets.items():
        if name == INPUT or name.startswith("input_"):
            inputs = number if inputs is None else inputs + number
        elif name == OUTPUT or name.startswith("output_"):
            outputs = number if outputs is None else outputs + number
    return inputs, outputs


def count(value: object, name: str) -> int | None:
    """A number of tokens; None, with a WARNING, for what is none."""
    if type(value) is int and 0 <= value <= MAX_COUNT:
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT:
        return int(value)
    log.warn("usage", "usage_details[%.40r] is not a count of tokens. Dropping value.", name)
    return None


def amount(value: object) -> float | None:
    """A finite number of dollars of at least 0; None for what is none."""
    if value is None:
        return None
    from decimal import Decimal  # noqa: PLC0415 - 2 ms of import for a type that few callers use

    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        dollars = float(value)
    except (OverflowError, ValueError):
        return None
    return dollars if 0.0 <= dollars < float("inf") else None
