"""Token counts and costs: every spelling that people write comes to one shape of disjoint buckets."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackway._core.usage import UNITS, Usage, cost_buckets, costs_in, inclusive, usage_of

anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.decimals()),
    lambda inner: st.dictionaries(st.text() | st.integers(), inner, max_size=3),
    max_leaves=8,
)
known = st.sampled_from(
    ["input", "output", "total", "prompt_tokens", "prompt_tokens_details", "cached_tokens", "input_cost", "x"]
)  # fmt: skip
mappings = st.dictionaries(known | st.text(max_size=3), anything)


@pytest.mark.parametrize(
    ("usage", "buckets"),
    [
        ({"input": 10, "output": 5}, {"input": 10, "output": 5, "total": 15}),
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, {"input": 10, "output": 5, "total": 15}),
        ({"input_tokens": 10, "output_tokens": 5}, {"input": 10, "output": 5, "total": 15}),
        ({"input": 10.0, "output": None}, {"input": 10, "total": 10}),
        ({"input": 10, "total": 99}, {"input": 10, "unattributed": 89, "total": 99}),
        ({"total": 99}, {"unattributed": 99, "total": 99}),
        ({"input": 10, "output": 5, "total": 3}, {"input": 10, "output": 5, "total": 15}),
        (
            {"prompt_tokens": 100, "prompt_tokens_details": {"cached_tokens": 80, "audio_tokens": None},
             "completion_tokens": 50, "completion_tokens_details": {"reasoning_tokens": 30}},
            {"input": 20, "input_cached_tokens": 80, "output": 20, "output_reasoning_tokens": 30, "total": 150},
        ),
        (
            {"input_tokens_details": {"cached_tokens": 80}, "input_tokens": 100},
            {"input": 20, "input_cached_tokens": 80, "total": 100},
        ),
        (
            {"input_tokens": 20, "output_tokens": 4, "cache_creation": {"ephemeral_1h_input_tokens": 5},
             "cache_creation_input_tokens": 7, "service_tier": "standard"},
            {"input": 20, "input_cache_creation_1h": 5, "input_cache_creation": 2, "output": 4, "total": 31},
        ),
        ({"promptTokenCount": 10, "totalTokenCount": 12}, {"input": 10, "output": 2, "total": 12}),
        ({"cache_creation": 5, "input": 1}, {"cache_creation": 5, "input": 1, "total": 6}),
        (
            {"input": 10, "web_searches": 2},
            {"input": 10, "total": 10},
        ),
        (
            {"input_tokens": 20, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 5},
            {"input": 20, "input_cached_tokens": 80, "input_cache_creation": 5, "total": 105},
        ),
        ({"promptTokens": 3, "completionTokens": 4, "totalTokens": 7}, {"input": 3, "output": 4, "total": 7}),
        (
            {"prompt_tokens": 10, "input_tokens": 10, "completion_tokens": 5, "output_tokens": 0, "total_tokens": 15},
            {"input": 10, "output": 5, "total": 15},
        ),
        ({"images": 2}, {"images": 2, "total": 2}),
        ({"input": 0}, {"input": 0, "total": 0}),
    ],
    ids=repr,
)  # fmt: skip
def test_spellings(usage: dict[str, object], buckets: dict[str, int]) -> None:
    """OpenAI's, Anthropic's, Langfuse's and one's own names come to the same buckets, whose sum is the total."""
    found = usage_of(usage)
    assert found is not None
    assert found.details() == buckets


def test_nothing_counted_is_no_usage() -> None:
    """A mapping without a count is no usage, rather than one of 0 tokens."""
    assert usage_of({}) is None
    assert usage_of({"input": None, "service_tier": "standard"}) is None


def test_what_is_no_token_is_counted_apart() -> None:
    """Web searches and the like are units, outside of every sum."""
    found = usage_of({"input": 10, "web_searches": 2})
    assert found is not None
    assert found.units == {"web_searches": 2}
    assert set(found.units) <= UNITS


def test_openrouters_own_price_is_seen() -> None:
    """A response's usage that says its cost keeps it."""
    found = usage_of({"prompt_tokens": 10, "completion_tokens": 2, "cost": 0.25})
    assert found is not None
    assert (found.total, found.cost) == (12, 0.25)


def test_a_usage_is_itself() -> None:
    """What is a `Usage` already is taken as it is."""
    usage = Usage(buckets={"input": 1})
    assert usage_of(usage) is usage


def test_what_cannot_be_is_marked() -> None:
    """A total that contradicts its parts is among the doubts."""
    found = usage_of({"input": 10, "total": 3})
    assert found is not None
    assert found.doubts == ("total",)


@given(mappings)
def test_counts_stay_counts(usage: dict[object, object]) -> None:
    """Whatever a mapping holds, what comes of it are counts from 0 to 2**53, and nothing is raised."""
    found = usage_of(usage)
    if found is None:
        return
    assert found.total == sum(found.buckets.values())
    for count in (*found.buckets.values(), *found.units.values()):
        assert type(count) is int
        assert 0 <= count <= 1 << 60


@given(mappings)
def test_costs_stay_amounts(cost: dict[object, object]) -> None:
    """Whatever a mapping holds, what comes of it are finite amounts, and nothing is raised."""
    for amount in cost_buckets(cost).values():
        assert type(amount) is float
        assert amount >= 0
        assert math.isfinite(amount)


def test_details_are_never_more_than_the_whole() -> None:
    """More cached tokens than there were takes out what is there: no count is below 0."""
    usage = {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 80}}
    found = usage_of(usage)
    assert found is not None
    assert found.details() == {"input": 0, "input_cached_tokens": 10, "total": 10}
    assert found.doubts == ("input_cached_tokens",)


@pytest.mark.parametrize(
    ("cost", "buckets"),
    [
        ({"input": 0.25, "output": 0.5}, {"input": 0.25, "output": 0.5, "total": 0.75}),
        ({"input_cost": 0.25, "total_cost": 1}, {"input": 0.25, "total": 1.0}),
        ({"total": Decimal("0.125")}, {"total": 0.125}),
        ({"total": 0}, {"total": 0.0}),
        ({"total": None}, {}),
    ],
)
def test_costs(cost: dict[str, object], buckets: dict[str, float]) -> None:
    """Amounts of any number type, in either spelling, with their sum as the total unless it is given."""
    assert cost_buckets(cost) == buckets


@pytest.mark.parametrize(
    "value", ["1", -0.1, math.nan, math.inf, True, 10**400, Decimal("nan"), 1j]
)
def test_what_is_no_amount_is_dropped(caplog: pytest.LogCaptureFixture, value: object) -> None:
    """It is named in one WARNING, and the other buckets stay."""
    assert cost_buckets({"input": value, "output": 1.0}) == {"output": 1.0, "total": 1.0}
    assert "cost_details['input']" in caplog.text


@pytest.mark.parametrize("value", ["1", -1, 1.5, math.nan, True, 1 << 53, [1]])
def test_what_is_no_count_is_dropped(caplog: pytest.LogCaptureFixture, value: object) -> None:
    """It is named in one WARNING, and the other buckets stay."""
    found = usage_of({"input": value, "output": 1})
    assert found is not None
    assert found.details() == {"output": 1, "total": 1}
    assert "usage_details['input']" in caplog.text


def test_costs_beside_tokens_are_found() -> None:
    """In one mapping, what ends in `_cost` is money and the rest is tokens."""
    both = {"input": 3, "input_cost": 0.5, "total_cost": 1.0}
    assert costs_in(both) == {"input_cost": 0.5, "total_cost": 1.0}
    found = usage_of(both)
    assert found is not None
    assert found.details() == {"input": 3, "total": 3}


def test_other_vocabularies_count_inclusively() -> None:
    """What is part of input or output is counted in for OpenTelemetry and OpenInference; no side is made up."""
    buckets = {"input": 20, "input_cached_tokens": 80, "output": 5, "images": 2, "total": 107}
    assert inclusive(buckets) == (100, 5)
    assert inclusive({"images": 2, "total": 2}) == (None, None)
