"""Tests for `trackway._prices.charges`: costs as every backend reads them, exactly what they are."""

import json
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trackway._core.kinds import DIALECTS
from trackway._prices.charges import charges, cost_fields
from trackway._prices.money import PICO
from trackway._prices.rates import Cost
from trackway._wire.decode import decode_attributes

BUCKETS = ["input", "input_cached_tokens", "output", "output_reasoning_tokens", "web_searches"]


@given(st.dictionaries(st.sampled_from(BUCKETS), st.integers(0, 10**16) | st.integers(0, 10**7)))
def test_every_backend_reads_the_same_amount(pico: dict[str, int]) -> None:
    """The total as a float that is the nearest, and in the texts to the last pico-dollar; MLflow has the sides."""
    cost = Cost(pico=pico, source="overrides", version="abc")
    told = decode_attributes(cost_fields(cost, DIALECTS["all"]))
    assert told["llm.cost.total"] == cost.total / PICO
    details = json.loads(str(told["langfuse.observation.cost_details"]), parse_float=Decimal)
    assert {name: amount * PICO for name, amount in details.items()} == {
        **pico,
        "total": cost.total,
    }
    sides = json.loads(str(told["mlflow.llm.cost"]), parse_float=Decimal)
    assert sides.pop("total_cost") * PICO == cost.total
    for side in ("input", "output"):
        of_side = [amount for name, amount in pico.items() if name.startswith(side)]
        assert (f"{side}_cost" in sides) == bool(of_side)
        assert sides.get(f"{side}_cost", 0) * PICO == sum(of_side)
    assert (told["trackway.price.source"], told["trackway.price.version"]) == ("overrides", "abc")


def test_a_slim_wire_has_the_total_alone() -> None:
    """What no dialect asks for is not written."""
    cost = Cost(pico={"input": 5}, source="overrides", version="")
    told = decode_attributes(cost_fields(cost, DIALECTS["genai"]))
    total = 5 / PICO
    assert told == {
        "llm.cost.total": total, "gen_ai.usage.cost": total, "trackway.price.source": "overrides",
    }  # fmt: skip


def test_prices_that_are_no_whole_number_are_rounded_for_each_bucket() -> None:
    """A third of a pico-dollar for each token: rounded once, half to even."""
    plan = charges(("input", "output"), "overrides", "", DIALECTS["all"])
    told = decode_attributes(plan.multiplied({"input": 5, "output": 3}, [(1, 3), (1, 2)], None))
    details = json.loads(str(told["langfuse.observation.cost_details"]), parse_float=Decimal)
    assert [amount * PICO for amount in details.values()] == [2, 2, 4]
