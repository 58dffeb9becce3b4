"""The price list of genai-prices: which rates a model has. The only module that imports it, and not before it is asked.

Loading it takes 0.3 to 0.6 s, so it is for threads that nobody waits for. Rules:

1. *Provider.* Its name has to be one that is known here; a host that is not (an own server, a gateway) is not priced by
   what its models are called. Where no provider is told, the model decides if exactly one provider lists it, its
   maker, those that pass on other people's models aside; a name with a slash says by itself that somebody else serves
   the model.
2. *Tier.* The standard price is for calls that say they were standard, or nothing. Another tier has to be in the list
   for that model and day: else the call is not priced, since it is known to cost something else.
3. *Region.* Bedrock sells one model at several prices, which the name that was asked for tells (`global.…`, `eu.…`, an
   ARN), and the name that the model gives itself does not.
4. *Kinds of price* that this module does not know make the model unpriced, if they could be part of a usage.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Final, final

from trackway._core.usage import STANDARD
from trackway._prices.money import scaled
from trackway._prices.rates import PER, Rate, Rates

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, Provider

__all__ = ["Catalog", "Found", "by_certainty", "installed_version", "provider_of", "tier_of"]

SOURCE: Final = "genai-prices"

# What OpenTelemetry, LangChain and others call a provider → what the list calls it, where that differs.
PROVIDERS: Final[Mapping[str, str]] = {
    "amazon_bedrock": "aws",
    "anthropic_bedrock": "aws",
    "aws.bedrock": "aws",
    "aws_bedrock": "aws",
    "az.ai.inference": "azure",
    "az.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "azure.ai.openai": "azure",
    "azure_openai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "fireworks_ai": "fireworks",
    "gcp.gemini": "google",
    "gcp.gen_ai": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "google-gla": "google",
    "google-vertex": "google",
    "google_anthropic_vertex": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "mistral_ai": "mistral",
    "mistralai": "mistral",
    "moonshot_ai": "moonshotai",
    "together_ai": "together",
    "vertex_ai": "google",
    "vertexai": "google",
    "x_ai": "x-ai",
    "xai": "x-ai",
}
# The list's kinds of price → our buckets and units.
NAMES: Final[Mapping[str, str]] = {
    "input_mtok": "input",
    "cache_read_mtok": "input_cached_tokens",
    "cache_write_mtok": "input_cache_creation",
    "cache_write_5m_mtok": "input_cache_creation_5m",
    "cache_write_1h_mtok": "input_cache_creation_1h",
    "input_audio_mtok": "input_audio_tokens",
    "cache_audio_read_mtok": "input_cached_audio_tokens",
    "input_image_mtok": "input_image_tokens",
    "cache_image_read_mtok": "input_cached_image_tokens",
    "input_video_mtok": "input_video_tokens",
    "cache_video_read_mtok": "input_cached_video_tokens",
    "input_tool_mtok": "input_tool_tokens",
    "input_mchars": "input_characters",
    "output_mtok": "output",
    "output_reasoning_mtok": "output_reasoning_tokens",
    "output_audio_mtok": "output_audio_tokens",
    "output_image_mtok": "output_image_tokens",
    "output_video_mtok": "output_video_tokens",
    "output_citation_mtok": "output_citation_tokens",
    "audio_hours": "audio_seconds",
    "input_audio_hours": "audio_seconds",
    "storage_searches_kcount": "file_searches",
    "web_searches_kcount": "web_searches",
    "requests_kcount": "requests",
}
# Of things that no usage here counts.
_NOT_COUNTED: Final = (
    "code_executions_",
    "input_annotated_document_",
    "input_document_",
    "input_gpixels",
    "input_text_messages_",
    "output_audio_hours",
    "rerank_searches_",
    "social_searches_",
)
# Whose models are called so that the name alone tells the provider, although there is a slash in it.
_SLASHED: Final = frozenset({"cloudflare", "fireworks"})
_ONE_PRICE: Final = (
    ("input_cached_audio_tokens", "input_cached_tokens"),
    ("input_audio_tokens", "input"),
    ("output_audio_tokens", "output"),
)
# Who passes on what a maker sells as well: that he lists a model makes it no less its maker's.
_RESELLERS: Final = frozenset(
    {
        "aws", "azure", "cloudflare", "cursor", "databricks", "github-copilot", "google", "openai-decisions",
        "openrouter", "quicksilverpro",
    }
)  # fmt: skip
# Who makes models, and has no names that the list could tell them by. Others without such names serve open weights.
_MAKERS: Final = frozenset({"perplexity"})
_HOSTS: Final = frozenset({"cerebras", "fireworks"})
# How names begin that say who made the model, and where it runs.
_QUALIFIED: Final = re.compile(r"arn:|[a-z-]+\.", re.IGNORECASE)
# Groq bills ten seconds of a transcription at least.
_GROQ_LEAST: Final = {"audio_seconds": 10}
_SECOND: Final = 1_000_000_000


@final
@dataclass(frozen=True, slots=True)
class Found:
    """The rates of a model, None where it is not priced, and the time for which that holds."""

    rates: Rates | None
    since: int
    """Nanoseconds since the epoch."""
    until: int
    """As above, the first moment after; equal to *since* where it depends on the time of day."""


class Catalog:
    """The price list, loaded at the first question; for one thread at a time."""

    __slots__ = ("_providers", "version")

    def __init__(self) -> None:
        """Loads the list. Raises ImportError where it is not installed."""
        from genai_prices import __version__, data_snapshot  # noqa: PLC0415 - 0.3 to 0.6 s

        snapshot = data_snapshot.get_snapshot()
        self.version = __version__
        if snapshot.from_auto_update:
            self.version += f"+{snapshot.timestamp:%Y-%m-%d}"
        self._providers = {provider.id: provider for provider in snapshot.providers}

    def find(self, provider: str | None, model: str, tier: str | None, at: int) -> Found:
        """The rates of *model* at *at* (ns since the epoch)."""
        known = self._model(provider, model)
        if known is None:
            return Found(None, 0, 1 << 63)
        served_by, info = known
        moment = datetime.fromtimestamp(at // _SECOND, UTC)
        context = _context(served_by, info, tier, moment)
        since, until = _window(info, at)
        if context is None:
            return Found(None, since, until)
        prices = info.get_prices(moment, context)
        rates = _rates(prices.__dict__.items())
        if rates is None:
            return Found(None, since, until)
        if served_by.id == "google":
            _share(rates)
        least = _GROQ_LEAST if served_by.id == "groq" and "whisper" in info.id else {}
        return Found(
            Rates(by_name=rates, source=SOURCE, version=self.version, least=least), since, until
        )

    def _model(self, provider: str | None, model: str) -> "tuple[Provider, ModelInfo] | None":
        if provider is not None:
            name = provider_of(provider)
            if name == "litellm":
                name, _, model = model.partition("/")
            served_by = self._providers.get(provider_of(name))
            if served_by is None:
                return None
            if served_by.id == "google":
                # Vertex's full names: `publishers/google/models/gemini-…`.
                model = model.rpartition("models/")[2]
            info = served_by.find_model(model, all_providers=list(self._providers.values()))
            return None if info is None else (served_by, info)
        return self._only_host(model)

    def _only_host(self, model: str) -> "tuple[Provider, ModelInfo] | None":
        hosts = [
            (candidate, info)
            for candidate in self._providers.values()
            if _speaks_for_itself(candidate, model)
            and (info := candidate.find_model(model)) is not None
        ]
        if len(hosts) != 1 or ("/" in model and hosts[0][0].id not in _SLASHED):
            return None
        if not _makes(hosts[0][0], model):
            return None
        return hosts[0]


def _speaks_for_itself(provider: "Provider", model: str) -> bool:
    """Whether *provider* is not one that sells the models of others, as it does this one."""
    return provider.id not in _RESELLERS or _has_own_name(provider, model)


def _has_own_name(provider: "Provider", model: str) -> bool:
    return provider.model_match is not None and provider.model_match.is_match(model)


def _makes(provider: "Provider", model: str) -> bool:
    """Whether the one who lists *model* made it: open weights that one lists today another serves unlisted."""
    if provider.model_match is None:
        return provider.id in _MAKERS
    return provider.id not in _HOSTS or _has_own_name(provider, model)


def provider_of(name: str) -> str:
    """What the list calls a provider."""
    name = name.strip().lower()
    return PROVIDERS.get(name, name)


def by_certainty(provider: str | None, models: Sequence[str]) -> Sequence[str]:
    """*models* in the order in which their prices count; of equal ones the first stays the first."""
    if len(models) > 1 and provider is not None and provider_of(provider) == "aws":
        return sorted(models, key=lambda name: _QUALIFIED.match(name) is None)
    return models


def tier_of(name: str | None) -> str:
    """What is remembered as the tier; `standard` for every way to say that there is none."""
    name = (name or "").strip().lower()
    return "standard" if name in STANDARD else name


def installed_version() -> str | None:
    """Which genai-prices is installed, without loading it; None where there is none."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - for who asks

    try:
        return version("genai-prices")
    except PackageNotFoundError:
        return None


def _share(rates: dict[str, Rate]) -> None:
    """Gemini's models have one price for all that goes in, and one for what comes out, unless another is listed."""
    for audio, text in _ONE_PRICE:
        if audio not in rates and text in rates:
            rates[audio] = rates[text]


def _context(
    provider: "Provider", info: "ModelInfo", tier: str | None, moment: datetime
) -> dict[str, str] | None:
    """What selects the prices of *tier*; None where the list does not have them."""
    wanted = tier_of(tier)
    if wanted == "standard":
        return {}
    # Another provider's list price says nothing of this one's tiers.
    if not any(info is own for own in provider.models):
        return None
    contexts = (
        [{"processing": "batch"}]
        if wanted == "batch"
        else [{"service_tier": wanted}, {"speed": wanted}]
    )
    for variant in info.price_variants or ():
        active = variant.constraint is None or variant.constraint.active(moment)
        if active and variant.when in contexts:
            return variant.when
    return None


def _window(info: "ModelInfo", at: int) -> tuple[int, int]:
    """The time around *at* in which no price of the model changes."""
    from genai_prices.types import StartDateConstraint  # noqa: PLC0415 - loaded already

    conditional = [
        *(info.prices if isinstance(info.prices, list) else ()),
        *(info.price_variants or ()),
    ]
    since, until = 0, 1 << 63
    for price in conditional:
        if price.constraint is None:
            continue
        if not isinstance(price.constraint, StartDateConstraint):
            return at, at
        begins = datetime.combine(price.constraint.start_date, time(), UTC)
        start = int(begins.timestamp()) * _SECOND
        if start <= at:
            since = max(since, start)
        else:
            until = min(until, start)
    return since, until


def _rates(prices: Iterable[tuple[str, object]]) -> dict[str, Rate] | None:
    from genai_prices.types import TieredPrices  # noqa: PLC0415 - loaded already

    rates: dict[str, Rate] = {}
    for key, price in prices:
        if price is None or key.startswith(_NOT_COUNTED):
            continue
        name = NAMES.get(key)
        if name is None:
            return None
        per = PER.get(name, 1_000_000)
        if isinstance(price, TieredPrices):
            steps = tuple((tier.start, scaled(tier.price, per)) for tier in price.tiers)
            rates[name] = Rate(scaled(price.base, per), steps)
        elif isinstance(price, Decimal):
            rates[name] = Rate(scaled(price, per))
        else:
            return None
    return rates or None
