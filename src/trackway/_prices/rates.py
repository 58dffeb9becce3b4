"""Rates of one model, and what a usage costs by them. Pure.

The names of rates are those of the buckets and units of `Usage`. A bucket without a rate of its own is paid at the rate
of what contains it (`WITHIN`): reasoning at that of output, images at that of text where the price list does not tell
them apart. A call is priced whole or not at all: where one of its buckets or units has no rate the cost is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, final

from trackway._core.usage import Usage, inclusive
from trackway._prices.money import Ratio, rounded

__all__ = ["PER", "WITHIN", "Cost", "Rate", "Rates"]

PER: Final[Mapping[str, int]] = MappingProxyType(
    {
        "audio_seconds": 3_600,
        "code_interpreter_calls": 1_000,
        "file_searches": 1_000,
        "image_generations": 1_000,
        "requests": 1_000,
        "web_searches": 1_000,
    }
)
"""Unit → how many of it a price is for, where that is not a million."""

WITHIN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "input_cached_tokens": ("input",),
        # Audio costs several times what text costs: a rate of its own, or none.
        "input_cached_audio_tokens": (),
        "input_cached_image_tokens": ("input_cached_tokens", "input_image_tokens", "input"),
        "input_cached_video_tokens": ("input_cached_tokens", "input_video_tokens", "input"),
        "input_cache_creation": ("input",),
        "input_cache_creation_5m": ("input_cache_creation", "input"),
        # Known to cost more than what stays for five minutes: a rate of its own, or none.
        "input_cache_creation_1h": (),
        "input_audio_tokens": (),
        "input_image_tokens": ("input",),
        "input_video_tokens": ("input",),
        "input_tool_tokens": ("input",),
        "output_reasoning_tokens": ("output",),
        "output_audio_tokens": (),
        "output_image_tokens": ("output",),
        "output_video_tokens": ("output",),
        "output_citation_tokens": ("output",),
    }
)
"""Bucket → the rates that it is paid at where it has none, the first that there is."""


@final
@dataclass(frozen=True, slots=True)
class Rate:
    """The price of one unit, which may depend on the size of the whole input."""

    base: Ratio
    steps: tuple[tuple[int, Ratio], ...] = ()
    """Above so many input tokens all of them cost this; ascending."""

    def at(self, inputs: int) -> Ratio:
        """The price in a call of *inputs* tokens."""
        price = self.base
        for start, above in self.steps:
            if inputs <= start:
                break
            price = above
        return price


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a call costs."""

    pico: Mapping[str, int]
    """Pico-dollars by bucket and unit."""
    source: str
    """Where the rates are from: `genai-prices`, or `overrides`."""
    version: str
    """Of the source."""

    @property
    def total(self) -> int:
        """Pico-dollars of the whole call: the sum of what the buckets cost."""
        return sum(self.pico.values())


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The rates of one model in one tier."""

    by_name: Mapping[str, Rate]
    source: str
    version: str
    least: Mapping[str, int] = field(default_factory=dict)
    """Unit → the least that is billed of it."""
    linear: bool = field(init=False)
    """Whether no rate depends on the size of the input."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "linear", not any(rate.steps for rate in self.by_name.values()))

    def rate(self, name: str) -> Rate | None:
        """What a bucket or unit is paid at."""
        if (rate := self.by_name.get(name)) is not None:
            return rate
        for containing in WITHIN.get(name, ()):
            if (rate := self.by_name.get(containing)) is not None:
                return rate
        return None

    def prices(self, usage: Usage) -> tuple[Ratio, ...] | None:
        """What each bucket of *usage* is multiplied with; None where its cost does not follow from these alone."""
        if not self.linear or usage.units or "requests" in self.by_name:
            return None
        rates = [rate for name in usage.buckets if (rate := self.rate(name)) is not None]
        return tuple(rate.base for rate in rates) if len(rates) == len(usage.buckets) else None

    def cost(self, usage: Usage) -> Cost | None:
        """What *usage* costs; None where a part of it has no rate."""
        linear = self.linear
        inputs = 0 if linear else inclusive(usage.buckets)[0] or 0
        pico: dict[str, int] = {}
        for name, count in self._counts(usage).items():
            rate = self.rate(name)
            if rate is not None:
                pico[name] = rounded(count, rate.base if linear else rate.at(inputs))
            elif count:
                return None
        return Cost(pico=pico, source=self.source, version=self.version)

    def _counts(self, usage: Usage) -> Mapping[str, int]:
        """What is billed of *usage*, tokens and all else."""
        if not usage.units and "requests" not in self.by_name:
            return usage.buckets
        counts = dict(usage.buckets)
        for name, count in usage.units.items():
            counts[name] = max(count, self.least.get(name, 0))
        if "requests" in self.by_name:
            counts.setdefault("requests", 1)
        return counts
