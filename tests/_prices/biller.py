"""A biller of the tests' own, and the calls that it bills.

Written from what the providers publish about how a response is billed, with none of the product's code and none of the
price list's: it reads a response as its provider defines it, line by line, in exact fractions of a dollar. Of the price
list it takes the bare numbers.

- OpenAI: cached and audio tokens are part of `prompt_tokens`, reasoning and audio of `completion_tokens`; reasoning is
  paid as output. Batch and flex have prices of their own.
- xAI: reasoning is not part of `completion_tokens`, and is paid as output.
- Anthropic: `input_tokens` are those that were neither read from nor written to the cache; what is written costs by how
  long it stays; searches are paid by the thousand.
- Google: thoughts are beside the candidates and paid as output; audio may have a price of its own.
- Amazon: as Anthropic, in other words.
- OpenRouter: as OpenAI; what is written to a cache is part of the input and has a price of its own.
- A threshold is for the whole input, and for all tokens of the call.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache

from genai_prices.data import providers
from genai_prices.types import ModelInfo, TieredPrices

AT = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)
"""When all calls are made; at three o'clock DeepSeek's day rates hold."""

Usage = dict[str, object]
Line = tuple[str, int]
"""What is billed: the price list's word for its price, and how many."""


@dataclass(frozen=True, slots=True)
class Made:
    """A call: what the application knows of it, and what its provider bills."""

    shape: str
    provider: str
    model: str
    tier: str | None
    usage: Usage
    lines: tuple[Line, ...]
    inputs: int
    """Tokens of the whole input."""

    def bill(self) -> Fraction:
        """Dollars, exactly."""
        billed = (self.provider, self.model, self.tier)
        paid = [count * price(*billed, key, self.inputs) for key, count in self.lines if count]
        return sum(paid, Fraction())


@cache
def _info(provider: str, model: str) -> ModelInfo:
    (found,) = (m for p in providers if p.id == provider for m in p.models if m.id == model)
    return found


@cache
def _listed(provider: str, model: str, tier: str | None, key: str) -> Decimal | TieredPrices:
    """The number in the list: of the tier, else the standard one that holds at `AT`."""
    info = _info(provider, model)
    if tier is not None:
        wanted = {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
        for variant in info.price_variants or ():
            if variant.when == wanted and key in vars(variant.prices):
                special: Decimal | TieredPrices = vars(variant.prices)[key]
                return special
    prices = info.prices
    if isinstance(prices, list):
        # By hand: of the models below the last entry holds at `AT`.
        prices = prices[-1].prices
    standard: Decimal | TieredPrices = vars(prices)[key]
    return standard


@cache
def _steps(
    provider: str, model: str, tier: str | None, key: str
) -> tuple[tuple[int, Fraction], ...]:
    per = 1_000 if key.endswith("_kcount") else 1_000_000
    listed = _listed(provider, model, tier, key)
    if isinstance(listed, TieredPrices):
        steps = [(0, listed.base), *((tier_.start + 1, tier_.price) for tier_ in listed.tiers)]
        return tuple((start, Fraction(amount) / per) for start, amount in steps)
    return ((0, Fraction(listed) / per),)


def price(provider: str, model: str, tier: str | None, key: str, inputs: int) -> Fraction:
    """Dollars for one, in a call with *inputs* tokens of input."""
    return [amount for start, amount in _steps(provider, model, tier, key) if inputs >= start][-1]


def _split(chance: random.Random, whole: int, parts: int) -> list[int]:
    """*whole* in as many random parts, some of them empty."""
    cuts = sorted(chance.choice((0, whole, chance.randint(0, whole))) for _ in range(parts - 1))
    return [end - start for start, end in zip([0, *cuts], [*cuts, whole], strict=True)]


def _openai(chance: random.Random) -> Made:
    model, tiers = chance.choice((
        ("gpt-4o", (None, "batch", "priority")), ("gpt-5", (None, "flex", "batch", "priority")),
        ("o3", (None, "flex")), ("gpt-5.4", (None, "flex", "batch")),
    ))  # fmt: skip
    tier = chance.choice(tiers)
    inputs, outputs = chance.randint(0, 400_000), chance.randint(0, 30_000)
    text, cached = _split(chance, inputs, 2)
    shown, reasoned = _split(chance, outputs, 2)
    lines = (("input_mtok", text), ("cache_read_mtok", cached), ("output_mtok", shown + reasoned))
    if chance.random() < 0.5:
        usage: Usage = {
            "prompt_tokens": inputs, "completion_tokens": outputs, "total_tokens": inputs + outputs,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": reasoned, "audio_tokens": 0},
        }  # fmt: skip
        return Made("openai.chat", "openai", model, tier, usage, lines, inputs)
    usage = {
        "input_tokens": inputs, "output_tokens": outputs, "total_tokens": inputs + outputs,
        "input_tokens_details": {"cached_tokens": cached}, "output_tokens_details": {"reasoning_tokens": reasoned},
    }  # fmt: skip
    return Made("openai.responses", "openai", model, tier, usage, lines, inputs)


def _spoken(chance: random.Random) -> Made:
    inputs, outputs = chance.randint(0, 20_000), chance.randint(0, 5_000)
    text, audio = _split(chance, inputs, 2)
    shown, said = _split(chance, outputs, 2)
    usage: Usage = {
        "prompt_tokens": inputs, "completion_tokens": outputs, "total_tokens": inputs + outputs,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": audio, "text_tokens": text},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": said, "text_tokens": shown},
    }  # fmt: skip
    lines = (
        ("input_mtok", text), ("input_audio_mtok", audio), ("output_mtok", shown), ("output_audio_mtok", said)
    )  # fmt: skip
    return Made("openai.chat", "openai", "gpt-audio", None, usage, lines, inputs)


def _live(chance: random.Random) -> Made:
    inputs, outputs = chance.randint(0, 30_000), chance.randint(0, 4_000)
    text, audio, cached_text, cached_audio = _split(chance, inputs, 4)
    shown, said = _split(chance, outputs, 2)
    usage: Usage = {
        "input_tokens": inputs, "output_tokens": outputs, "total_tokens": inputs + outputs,
        "input_token_details": {
            "text_tokens": text + cached_text, "audio_tokens": audio + cached_audio,
            "cached_tokens": cached_text + cached_audio,
            "cached_tokens_details": {"text_tokens": cached_text, "audio_tokens": cached_audio},
        },
        "output_token_details": {"text_tokens": shown, "audio_tokens": said},
    }  # fmt: skip
    lines = (
        ("input_mtok", text), ("input_audio_mtok", audio), ("cache_read_mtok", cached_text),
        ("cache_audio_read_mtok", cached_audio), ("output_mtok", shown), ("output_audio_mtok", said),
    )  # fmt: skip
    return Made("openai.responses", "openai", "gpt-realtime-mini", None, usage, lines, inputs)


def _embedded(chance: random.Random) -> Made:
    inputs = chance.randint(0, 8_000)
    usage: Usage = {"prompt_tokens": inputs, "total_tokens": inputs}
    lines = (("input_mtok", inputs),)
    return Made("openai.embeddings", "openai", "text-embedding-3-small", None, usage, lines, inputs)


def _xai(chance: random.Random) -> Made:
    inputs, shown, reasoned = (
        chance.randint(1, 250_000),
        chance.randint(0, 9_000),
        chance.randint(0, 9_000),
    )
    text, cached = _split(chance, inputs, 2)
    usage: Usage = {
        "prompt_tokens": inputs, "completion_tokens": shown, "total_tokens": inputs + shown + reasoned,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": reasoned},
    }  # fmt: skip
    lines = (("input_mtok", text), ("cache_read_mtok", cached), ("output_mtok", shown + reasoned))
    return Made(
        "openai.chat", "x-ai", "grok-4.20", chance.choice((None, "batch")), usage, lines, inputs
    )


def _deepseek(chance: random.Random) -> Made:
    hit, miss, outputs = (chance.randint(0, 60_000) for _ in range(3))
    usage: Usage = {
        "prompt_tokens": hit + miss, "completion_tokens": outputs, "total_tokens": hit + miss + outputs,
        "prompt_cache_hit_tokens": hit, "prompt_cache_miss_tokens": miss,
    }  # fmt: skip
    lines = (("input_mtok", miss), ("cache_read_mtok", hit), ("output_mtok", outputs))
    return Made("openai.chat", "deepseek", "deepseek-chat", None, usage, lines, hit + miss)


def _anthropic(chance: random.Random) -> Made:
    model = chance.choice(("claude-sonnet-4-5", "claude-opus-4-5"))
    fresh, read, five, hour, outputs = (
        chance.choice((0, chance.randint(0, 90_000))) for _ in range(5)
    )
    searches = chance.choice((0, 0, chance.randint(1, 9)))
    tier = chance.choice((None, "batch"))
    usage: Usage = {
        "input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": five + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour},
        "output_tokens": outputs, "service_tier": tier or "standard",
        "server_tool_use": {"web_search_requests": searches},
        "output_tokens_details": {"thinking_tokens": outputs // 3},
    }  # fmt: skip
    lines = (
        ("input_mtok", fresh), ("cache_read_mtok", read), ("cache_write_mtok", five), ("cache_write_1h_mtok", hour),
        ("output_mtok", outputs), ("web_searches_kcount", searches),
    )  # fmt: skip
    return Made(
        "anthropic.messages", "anthropic", model, tier, usage, lines, fresh + read + five + hour
    )


def _amazon(chance: random.Random) -> Made:
    fresh, read, written, outputs = (chance.randint(0, 60_000) for _ in range(4))
    usage: Usage = {
        "inputTokens": fresh, "outputTokens": outputs, "totalTokens": fresh + read + written + outputs,
        "cacheReadInputTokens": read, "cacheWriteInputTokens": written,
    }  # fmt: skip
    lines = (
        ("input_mtok", fresh), ("cache_read_mtok", read), ("cache_write_mtok", written), ("output_mtok", outputs)
    )  # fmt: skip
    model = "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
    return Made("bedrock.converse", "aws", model, None, usage, lines, fresh + read + written)


def _google(chance: random.Random) -> Made:
    if chance.random() < 0.5:
        inputs, tier = chance.randint(0, 400_000), chance.choice((None, "batch"))
        text, cached = _split(chance, inputs, 2)
        heard = heard_before = 0
        model = "gemini-2.5-pro"
    else:
        inputs, tier, model = chance.randint(0, 100_000), None, "gemini-2.5-flash"
        text, cached, heard, heard_before = _split(chance, inputs, 4)
    shown, thought = chance.randint(0, 9_000), chance.randint(0, 9_000)
    usage: Usage = {
        "prompt_token_count": inputs, "cached_content_token_count": cached + heard_before,
        "candidates_token_count": shown, "thoughts_token_count": thought,
        "total_token_count": inputs + shown + thought,
        "prompt_tokens_details": [
            {"modality": "TEXT", "token_count": text + cached},
            {"modality": "AUDIO", "token_count": heard + heard_before},
        ],
        "cache_tokens_details": [
            {"modality": "TEXT", "token_count": cached}, {"modality": "AUDIO", "token_count": heard_before},
        ],
    }  # fmt: skip
    lines = (
        ("input_mtok", text), ("cache_read_mtok", cached), ("input_audio_mtok", heard),
        ("cache_audio_read_mtok", heard_before), ("output_mtok", shown + thought),
    )  # fmt: skip
    return Made("gemini", "google", model, tier, usage, lines, inputs)


def _gateway(chance: random.Random) -> Made:
    """A price of which a token is no whole number of pico-dollars."""
    inputs, outputs = chance.randint(0, 90_000), chance.randint(0, 9_000)
    text, cached, written = _split(chance, inputs, 3)
    usage: Usage = {
        "prompt_tokens": inputs, "completion_tokens": outputs, "total_tokens": inputs + outputs,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
    }  # fmt: skip
    lines = (
        ("input_mtok", text), ("cache_read_mtok", cached), ("cache_write_mtok", written), ("output_mtok", outputs)
    )  # fmt: skip
    return Made("openai.chat", "openrouter", "google/gemini-3.5-flash", None, usage, lines, inputs)


KINDS: tuple[Callable[[random.Random], Made], ...] = (
    _openai, _spoken, _live, _embedded, _xai, _deepseek, _anthropic, _amazon, _google, _gateway
)  # fmt: skip


def calls(chance: random.Random, number: int) -> Iterator[Made]:
    """So many calls."""
    for _ in range(number):
        yield chance.choice(KINDS)(chance)
