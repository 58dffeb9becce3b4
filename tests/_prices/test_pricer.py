"""The pricer: multiplies where the rate is at hand, completes records where it is not, never raises."""

import json
import random
from datetime import UTC, datetime
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from tests._prices.biller import calls
from trackway._core.counts import usage_bytes
from trackway._core.kinds import DIALECTS
from trackway._core.provider_usage import SHAPES
from trackway._core.settings import Settings
from trackway._core.usage import Usage
from trackway._prices.book import PriceBook
from trackway._prices.pricer import Pricer, open_pricer
from trackway._wire.decode import DecodedSpan, decode_attributes, decode_span
from trackway._wire.encode import AttributeValue, attributes, span

NOW = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 10**9
USAGE = Usage(buckets={"input": 1_000, "output": 200})
CALL: dict[str, AttributeValue] = {
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.provider.name": "openai",
    "langfuse.observation.usage_details": '{"input":1000,"output":200,"total":1200}',
}


def pricer(wire: str = "all") -> Pricer:
    """One that has not looked anything up."""
    return Pricer(PriceBook(), DIALECTS[wire])


def record(given: dict[str, AttributeValue], more: bytes = b"") -> bytes:
    """A span."""
    return span(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        parent_span_id=b"",
        kind=1,
        name="answer",
        start=NOW,
        end=NOW + 5,
        attributes=attributes(given) + more,
    )


def completed(given: dict[str, AttributeValue], by: Pricer | None = None) -> DecodedSpan:
    """The span after the pricer has seen it."""
    return decode_span((by or pricer()).complete(record(given)))


def details(charge: bytes | None) -> dict[str, float]:
    """The cost by bucket; empty where there is none."""
    assert charge is not None
    said = decode_attributes(charge).get("langfuse.observation.cost_details", "{}")
    return cast("dict[str, float]", json.loads(str(said)))


def test_a_record_gets_its_cost() -> None:
    """Everything else stays as it was, byte by byte."""
    payload, priced = record(CALL), pricer().complete(record(CALL))
    before, after = decode_span(payload), decode_span(priced)
    assert after.attributes["llm.cost.total"] == 0.0045
    assert {key: after.attributes[key] for key in before.attributes} == before.attributes
    assert (after.name, after.start, after.end, after.span_id) == (
        before.name,
        before.start,
        before.end,
        before.span_id,
    )


def test_a_slim_wire_stays_slim() -> None:
    """A destination gets the cost in its own vocabulary."""
    slim = completed(CALL, pricer("openinference")).attributes
    assert "langfuse.observation.cost_details" not in slim
    assert json.loads(str(slim["mlflow.llm.cost"]))["total_cost"] == 0.0045
    assert "mlflow.llm.cost" not in completed(CALL, pricer("langfuse")).attributes


def test_what_has_a_cost_or_no_price_stays_as_it_is() -> None:
    """Byte by byte."""
    unpriced: list[dict[str, AttributeValue]] = [
        {**CALL, "llm.cost.total": 1.0},
        {**CALL, "gen_ai.request.model": "my-own"},
        {"a": 1},
    ]
    for said in unpriced:
        assert pricer().complete(record(said)) == record(said)


def test_rates_are_learned_from_records() -> None:
    """After one record of a model its cost is at hand; it is the same as the record's."""
    ours = pricer()
    assert ours.quick("openai", ["gpt-4o"], None, USAGE, NOW) is None
    told = completed(CALL, ours)
    charge = ours.quick("openai", ["gpt-4o"], None, USAGE, NOW)
    assert details(charge)["total"] == told.attributes["llm.cost.total"] == 0.0045
    unpriced = ours.quick("openai", ["gpt-4o"], None, Usage(buckets={"unattributed": 1}), NOW)
    assert unpriced == b""


def test_what_has_no_price_is_learned_too() -> None:
    """So that its records need not be looked at again."""
    ours = pricer()
    completed({**CALL, "gen_ai.request.model": "my-own"}, ours)
    charge = ours.quick("openai", ["my-own"], None, USAGE, NOW)
    assert charge == b""


def test_steps_are_multiplied_as_they_are_on_the_way() -> None:
    """A rate that depends on the size of the input is remembered with its steps."""
    ours = pricer()
    stepped = {
        **CALL,
        "gen_ai.request.model": "gemini-2.5-pro",
        "gen_ai.provider.name": "gcp.gemini",
    }
    told = completed(stepped, ours).attributes["llm.cost.total"]
    charge = ours.quick("gcp.gemini", ["gemini-2.5-pro"], None, USAGE, NOW)
    assert details(charge)["total"] == told
    large = ours.quick(
        "gcp.gemini", ["gemini-2.5-pro"], None, Usage(buckets={"input": 200_001}), NOW
    )
    assert details(large)["total"] == 200_001 * 2.5 / 10**6


def test_who_prices_it_makes_no_difference(chance: random.Random) -> None:
    """The cost that the ending thread multiplies, and the one that is added on the way, are the same."""
    ours = pricer()
    multiplied = 0
    for made in calls(chance, 300):
        usage = SHAPES[made.shape](made.usage)
        assert usage is not None
        said: dict[str, AttributeValue] = {
            "gen_ai.request.model": made.model,
            "gen_ai.provider.name": made.provider,
            "trackway.service_tier": made.tier or "standard",
        }
        payload = record(said, usage_bytes(usage, DIALECTS["openinference"]))
        told = decode_span(ours.complete(payload)).attributes["langfuse.observation.cost_details"]
        charge = ours.quick(made.provider, [made.model], made.tier, usage, NOW)
        if charge is not None:
            multiplied += 1
            same = {name: amount for name, amount in details(charge).items() if amount}
            assert {
                name: amount for name, amount in json.loads(str(told)).items() if amount
            } == same
    assert multiplied > 200


def test_rates_of_the_day_are_not_remembered() -> None:
    """A rate that depends on the time of day is looked at by who delivers, each time."""
    ours = pricer()
    of_the_day = {
        **CALL,
        "gen_ai.request.model": "deepseek-chat",
        "gen_ai.provider.name": "deepseek",
    }
    assert "llm.cost.total" in completed(of_the_day, ours).attributes
    assert ours.quick("deepseek", ["deepseek-chat"], None, USAGE, NOW) is None


def test_settings_open_a_pricer() -> None:
    """With a price list there is one, unless nothing is to be priced."""
    assert open_pricer(Settings.from_env()) is not None
    assert open_pricer(Settings.from_env(prices="none")) is None


@given(st.binary(max_size=200))
def test_whatever_a_record_holds_it_is_a_record_afterwards(payload: bytes) -> None:
    """For any bytes the pricer gives them back, or a span with a cost; nothing is raised."""
    assert pricer_of_all.complete(payload) == payload


pricer_of_all = pricer()
