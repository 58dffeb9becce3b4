"""The price list: which rates a model has, and when it is better to say that they are not known."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest

from trackway._prices.catalog import Catalog, Found, by_certainty, installed_version

CATALOG = Catalog()
NOW = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 10**9


def find(provider: str | None, model: str, tier: str | None = None, at: int = NOW) -> Found:
    """The rates in November 2026."""
    return CATALOG.find(provider, model, tier, at)


def price(found: Found, name: str = "input") -> Fraction | None:
    """Dollars per million tokens."""
    rate = None if found.rates is None else found.rates.by_name[name]
    return None if rate is None else Fraction(*rate.base) / 10**6


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o"),
        ("openai", "GPT-4o-2024-08-06"),
        ("azure.ai.openai", "gpt-4o"),
        ("litellm", "openai/gpt-4o"),
        (None, "gpt-4o"),
        ("openrouter", "openai/gpt-4o"),
    ],
)
def test_a_model_is_found_by_what_providers_are_called(provider: str | None, model: str) -> None:
    """OpenTelemetry's names, those of gateways and of clouds lead to the same list."""
    assert price(find(provider, model)) == Fraction(5, 2)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-flash"),
        ("google_genai", "models/gemini-2.5-flash"),
        ("gcp.gemini", "gemini-2.5-flash"),
    ],
)
def test_googles_full_names_are_models(provider: str, model: str) -> None:
    """With the path of the model before it or not."""
    assert price(find(provider, model)) == Fraction(3, 10)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("ollama", "gpt-4o"),  # somebody's own server, whatever the model is called
        ("my-gateway", "gpt-4o"),
        (None, "openai/gpt-4o"),  # a gateway's price, or the provider's
        (
            None,
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),  # Bedrock's have a price of their own
        (None, "gpt-oss-120b"),  # open weights: many serve it
        (None, "llama-3.1-8b-instruct"),  # the same, also where one alone is listed
        (None, "llama3.1-8b"),
        (None, "my-own-model"),
        ("openai", "no-such-model"),
    ],
)
def test_what_is_not_certain_is_not_priced(provider: str | None, model: str) -> None:
    """A host that is not known, and a model that several serve at different prices, have no rates."""
    assert find(provider, model).rates is None


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("claude-haiku-4-5", "anthropic"),  # gateways list it, too
        ("gpt-4o", "openai"),
        ("gemini-2.5-flash", "google"),
        ("text-embedding-3-small", "openai"),
    ],
)
def test_a_name_alone_tells_the_maker(model: str, provider: str) -> None:
    """Without a provider a model costs what its maker asks, whoever else passes it on."""
    found = find(None, model)
    assert found.rates is not None
    assert found.rates == find(provider, model).rates


def test_a_tier_has_a_price_of_its_own_or_none() -> None:
    """Batch and flex are priced where the list has them, for that day; never as the standard."""
    assert price(find("openai", "gpt-4o", "default")) == price(find("openai", "gpt-4o"))
    assert price(find("openai", "gpt-4o", "batch")) == Fraction(5, 4)
    assert price(find("openai", "gpt-5", "flex")) == Fraction(5, 8)
    assert find("openai", "gpt-4o", "flex").rates is None
    assert find("openai", "gpt-4o", "provisioned").rates is None
    # What the list does not know of an earlier day.
    earlier = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 10**9
    found = find("anthropic", "claude-sonnet-4-5", "batch", earlier)
    assert found.rates is None
    assert earlier < found.until <= NOW
    # Azure sells what OpenAI lists, but not OpenAI's tiers.
    assert find("azure", "gpt-4.1", "priority").rates is None


def test_rates_hold_for_a_time() -> None:
    """What is found says from when to when it holds; never beyond now where it depends on the time of day."""
    found = find("openai", "gpt-4o")
    assert found.since <= NOW < found.until
    of_the_day = find("deepseek", "deepseek-chat")
    assert of_the_day.rates is not None
    assert of_the_day.since == of_the_day.until == NOW
    night = find("deepseek", "deepseek-chat", at=NOW)
    noon = find("deepseek", "deepseek-chat", at=NOW + 12 * 3_600 * 10**9)
    assert price(night) != price(noon)


def test_steps_and_seconds_are_read() -> None:
    """Prices that rise with the input keep their steps, and an hour of audio is 3,600 seconds."""
    stepped = find("google", "gemini-2.5-pro").rates
    assert stepped is not None
    assert not stepped.linear
    assert [start for start, _ in stepped.by_name["input"].steps] == [200_000]
    spoken = find("groq", "whisper-large-v3").rates
    assert spoken is not None
    assert spoken.least == {"audio_seconds": 10}
    assert "audio_seconds" in spoken.by_name


def test_gemini_hears_and_reads_at_one_price_unless_another_is_listed() -> None:
    """What OpenAI's models hear is never priced as what they read."""
    one = find("google", "gemini-2.5-pro").rates
    assert one is not None
    assert one.by_name["input_audio_tokens"] == one.by_name["input"]
    two = find("google", "gemini-2.5-flash").rates
    assert two is not None
    assert two.by_name["input_audio_tokens"] != two.by_name["input"]
    text = find("openai", "gpt-4o-audio-preview").rates
    assert text is not None
    assert text.rate("input_audio_tokens") is None


def test_every_model_of_the_list_can_be_asked_for() -> None:
    """For each model of each provider there are rates or there are none, and nothing is raised."""
    for served_by in CATALOG._providers.values():
        for info in served_by.models:
            for tier in (None, "batch", "flex"):
                CATALOG.find(served_by.id, info.id, tier, NOW)


def test_the_installed_version_is_told_without_loading() -> None:
    """The version in the package's metadata is the one of what is loaded."""
    assert installed_version() == CATALOG.version


def test_what_was_asked_of_bedrock_counts_first() -> None:
    """Its names tell the region and so the price; elsewhere, and of equal names, the model that answered counts."""
    said, asked = "claude-sonnet-4-5-20250929", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.x"
    assert by_certainty("aws.bedrock", (said, asked)) == [asked, said]
    assert by_certainty("bedrock", (said, arn)) == [arn, said]
    assert by_certainty("aws", ("amazon.nova-pro-v1:0", asked)) == ["amazon.nova-pro-v1:0", asked]
    assert by_certainty("anthropic", (said, asked)) == (said, asked)
    assert by_certainty(None, (said, asked)) == (said, asked)
    assert by_certainty("aws", (asked,)) == (asked,)
