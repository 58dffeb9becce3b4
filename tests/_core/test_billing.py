"""What an observation used and cost, in the record that it leaves: the cost where it is known, else a flag."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider

from tests.spans import only, records, spans
from trackway import Trackway, attach
from trackway._core.billing import Charge, charge_bytes, cost_bytes, flag_of
from trackway._core.kinds import DIALECTS
from trackway._core.protocols import PARTIAL, UNPRICED, UPDATE
from trackway._core.provider_usage import openrouter_chat
from trackway._core.usage import Usage
from trackway._prices.pricer import Pricer
from trackway._wire.decode import DecodedSpan, decode_attributes, decode_span

USAGE = {"input": 1_000, "output": 200}
BUCKETS = ["input", "input_cached_tokens", "input_cached_audio_tokens", "input_cache_creation",
           "input_cache_creation_1h", "input_audio_tokens", "output", "output_reasoning_tokens", "images"]  # fmt: skip


def cost(span: DecodedSpan) -> float | None:
    """US dollars of the whole call."""
    found = span.attributes.get("llm.cost.total")
    assert found is None or isinstance(found, float)
    return found


def flags(home: Path) -> list[int]:
    """The flags of all records."""
    return [record.flags for record in records(home)]


@pytest.fixture
def client(tmp_path: Path) -> Trackway:
    """One that knows what a call of `own` costs: a dollar a million."""
    path = tmp_path / "prices.toml"
    path.write_text('[[prices]]\nmodel = "own"\ninput = 1\noutput = 1\n')
    made = Trackway(prices=path)
    pricer = made._core.provider.prices
    assert isinstance(pricer, Pricer)
    pricer.book.price(None, "own", Usage(buckets={}), 0)
    return made


def test_a_known_rate_is_multiplied_at_the_end(home: Path, client: Trackway) -> None:
    """The record has the cost, and is not flagged."""
    client.start_observation(name="a", as_type="generation", model="own", usage_details=USAGE).end()
    span = only(home)
    assert cost(span) == 0.0012
    assert span.attributes["trackway.price.source"] == "overrides"
    assert flags(home) == [0]


@pytest.mark.parametrize(
    ("model", "flag"),
    [("other", UNPRICED), (None, 0)],
)
def test_an_unknown_rate_is_left_to_who_delivers(
    home: Path, client: Trackway, model: str | None, flag: int
) -> None:
    """What says a model and tokens is flagged, what does not say both is not."""
    client.start_observation(name="a", as_type="generation", model=model, usage_details=USAGE).end()
    assert cost(only(home)) is None
    assert flags(home) == [flag]


def test_what_uses_nothing_is_not_flagged(home: Path, client: Trackway) -> None:
    """Neither a step without a model, nor one with a model and no tokens, nor one whose cost is given."""
    client.start_observation(name="a").end()
    client.start_observation(name="b", as_type="generation", model="other").end()
    client.start_observation(
        name="c",
        as_type="generation",
        model="other",
        usage_details=USAGE,
        cost_details={"total": 1},
    ).end()
    client.start_observation(name="d", as_type="agent", model="other", usage_details=USAGE).end()
    assert flags(home) == [0] * 4


def test_the_model_that_answered_is_told_and_priced(home: Path, client: Trackway) -> None:
    """Provider, both models and the tier are attributes, and decide on the price."""
    client.start_observation(
        name="a", as_type="generation", model="alias", response_model="own", provider="openai",
        usage_details=USAGE,
    ).end()  # fmt: skip
    span = only(home)
    assert span.attributes["gen_ai.request.model"] == "alias"
    assert span.attributes["gen_ai.response.model"] == "own"
    assert span.attributes["gen_ai.provider.name"] == "openai"
    assert flags(home) == [UNPRICED]


def test_a_tier_is_told_once(home: Path, client: Trackway) -> None:
    """Whether the caller or the usage says it; the caller's word counts, unless it is that there was none."""
    usage = Usage(buckets={"input": 1}, tier="batch")
    client.start_observation(
        name="a", as_type="generation", model="own", service_tier="flex", usage_details=usage
    ).end()
    client.start_observation(name="b", as_type="generation", model="own", usage_details=usage).end()
    client.start_observation(
        name="c", as_type="generation", model="own", usage_details=usage, service_tier="standard"
    ).end()
    tiers = [span.attributes["trackway.service_tier"] for span in spans(home)]
    assert tiers == ["flex", "batch", "batch"]
    assert flags(home) == [UNPRICED] * 3


def test_what_the_provider_says_it_costs_counts(home: Path, client: Trackway) -> None:
    """OpenRouter's own price is taken, its raw usage kept; a cost that the caller gives comes before it."""
    usage = openrouter_chat({"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.25})
    client.start_observation(name="a", as_type="generation", model="own", usage_details=usage).end()
    client.start_observation(
        name="b",
        as_type="generation",
        model="own",
        cost_details={"total": 7.0},
        usage_details=usage,
    ).end()
    first, second = spans(home)
    assert (cost(first), cost(second)) == (0.25, 7.0)
    assert first.attributes["trackway.price.source"] == "provider"
    assert json.loads(str(first.attributes["trackway.usage.raw"]))["cost"] == 0.25
    assert "trackway.price.source" not in second.attributes


def test_a_later_update_changes_the_cost(home: Path, client: Trackway) -> None:
    """A low-level handle that is told more costs more; where the rate is no longer known it has no cost."""
    handle = client.trace(name="t").generation(name="a", model="own", usage=USAGE)
    handle.end()
    handle.update(usage_details={"input": 3_000})
    handle.update(model="other")
    written = [(decode_span(record.payload), record.flags) for record in records(home)]
    found = [(cost(span), flags) for span, flags in written if span.name == "a"]
    assert found == [
        (None, PARTIAL),
        (0.0012, UPDATE),
        (0.003, UPDATE),
        (None, UPDATE | UNPRICED),
    ]


def test_what_a_cache_answered_is_free(home: Path, client: Trackway) -> None:
    """In the metadata or as a field; with tokens or without."""
    client.start_observation(name="a", as_type="generation", model="own", cache_hit=True).end()
    client.start_observation(
        name="b",
        as_type="generation",
        model="own",
        usage_details=USAGE,
        metadata={"cache_hit": True},
    ).end()
    client.start_observation(
        name="c", as_type="generation", model="own", usage_details=USAGE, cache_hit=False
    ).end()
    assert [cost(span) for span in spans(home)] == [0.0, 0.0, 0.0012]


def test_what_is_said_by_opentelemetrys_api_is_flagged(home: Path, client: Trackway) -> None:
    """The attributes of an instrumentation decide: a cost is a cost, a model and tokens are something to price."""
    counts: dict[str, str | int] = {"gen_ai.usage.input_tokens": 5, "gen_ai.request.model": "other"}
    client.start_observation(name="a").set_attributes(counts)
    with client.start_as_current_observation(name="b") as observation:
        observation.set_attributes(counts)
    with client.start_as_current_observation(name="c") as observation:
        observation.set_attributes({**counts, "llm.cost.total": 1.0})
    with client.start_as_current_observation(
        name="d", as_type="generation", model="own"
    ) as observation:
        observation.update(usage_details=USAGE)
        observation.set_attribute("gen_ai.provider.name", "azure.ai.openai")
    with client.start_as_current_observation(
        name="e", as_type="generation", model="own"
    ) as observation:
        observation.set_attribute("gen_ai.usage.input_tokens", 5)
    with client.start_as_current_observation(
        name="f", as_type="generation", model="own"
    ) as observation:
        observation.set_attribute("gen_ai.provider.name", "openai")
    by_name = {
        span.name: record.flags for span, record in zip(spans(home), records(home), strict=True)
    }
    assert [by_name[name] for name in "bcdef"] == [UNPRICED, 0, UNPRICED, UNPRICED, 0]


def test_spans_of_the_host_are_flagged(home: Path, client: Trackway) -> None:
    """What another instrumentation records of an LLM call is priced on its way, too."""
    host = SdkTracerProvider()
    attach(host)
    tracer = host.get_tracer("openinference.instrumentation.openai")
    with tracer.start_as_current_span("chat") as span:
        span.set_attributes(
            {"openinference.span.kind": "LLM", "llm.model_name": "own", "llm.token_count.prompt": 5}
        )
    host.shutdown()
    assert flags(home) == [UNPRICED]
    assert flag_of({"llm.token_count.prompt": 5, "llm.cost.total": 1}) == 0


def test_what_no_backend_reads_is_kept(home: Path, client: Trackway) -> None:
    """Searches, and counts that contradict each other, are attributes of our own."""
    usage = Usage(buckets={"input": 1}, units={"web_searches": 2}, doubts=("total",))
    client.start_observation(name="a", usage_details=usage).end()
    span = only(home)
    assert json.loads(str(span.attributes["trackway.usage.units"])) == {"web_searches": 2}
    assert span.attributes["trackway.usage.doubts"] == ("total",)


def test_seconds_of_audio_are_no_tokens(home: Path, client: Trackway) -> None:
    """What used no token tells none, not 0 of them."""
    usage = Usage(buckets={}, units={"audio_seconds": 9})
    client.start_observation(name="a", usage_details=usage).end()
    told = only(home).attributes
    assert json.loads(str(told["trackway.usage.units"])) == {"audio_seconds": 9}
    assert not [name for name in told if "token" in name or "usage_details" in name]


@given(st.dictionaries(st.sampled_from(BUCKETS), st.floats(0, 100)))
def test_every_vocabulary_says_the_same_of_costs(buckets: dict[str, float]) -> None:
    """For any cost each backend reads the same total, and MLflow the sides."""
    total = sum(buckets.values())
    told = decode_attributes(cost_bytes({**buckets, "total": total}, DIALECTS["all"]))
    assert told["llm.cost.total"] == total
    assert json.loads(str(told["langfuse.observation.cost_details"]))["total"] == total
    slim = decode_attributes(cost_bytes({**buckets, "total": total}, DIALECTS["genai"]))
    assert slim == {"llm.cost.total": total, "gen_ai.usage.cost": total}
    sides = json.loads(str(told["mlflow.llm.cost"]))
    assert sides["total_cost"] == total
    assert ("input_cost" in sides) == any(name.startswith("input") for name in buckets)


def test_a_charge_says_where_it_is_from() -> None:
    """The source, and the version where there is one."""
    told = decode_attributes(
        charge_bytes(Charge({"total": 1.0}, "overrides", "abc"), DIALECTS["all"])
    )
    assert (told["trackway.price.source"], told["trackway.price.version"]) == ("overrides", "abc")
    bare = decode_attributes(charge_bytes(Charge({"total": 1.0}, "cache", ""), DIALECTS["all"]))
    assert "trackway.price.version" not in bare
