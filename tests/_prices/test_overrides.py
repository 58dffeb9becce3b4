"""Prices of one's own: what a file can say, and what it is told where it says something else."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trackway._core.usage import Usage
from trackway._prices.overrides import Overrides, load
from trackway.errors import ConfigurationError

TOML = """
[[prices]]
model = "GPT-4o*"
input = 2.5
output = 10

[[prices]]
model = "gpt-4o-mini"
provider = "Azure"
from = 2026-06-01
input = 0.1
input_above_1000 = 0.2
output = 0.25
web_searches = 10

[[prices]]
model = "*"
tier = "batch"
input = 0.000000125
"""
NOW = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 10**9
USAGE = Usage(buckets={"input": 1_000, "output": 100})


@pytest.fixture
def prices(tmp_path: Path) -> Overrides:
    """The file above."""
    path = tmp_path / "prices.toml"
    path.write_text(TOML)
    return load(path, "TRACKWAY_PRICES")


def total(prices: Overrides, model: str, *, provider: str | None = None, tier: str = "standard", at: int = NOW,
          usage: Usage = USAGE) -> int | None:  # fmt: skip
    """Pico-dollars of a usage."""
    rates, since, until = prices.find(provider, model, tier, at)
    assert since <= at < until
    cost = None if rates is None else rates.cost(usage)
    return None if cost is None else cost.total


def test_patterns_providers_tiers_and_dates(prices: Overrides) -> None:
    """The last entry counts that fits, and whose day has come."""
    assert total(prices, "gpt-4o") == 3_500_000_000
    assert total(prices, "gpt-4o-mini") == 3_500_000_000
    assert total(prices, "gpt-4o-mini", provider="azure") == 125_000_000
    assert total(prices, "gpt-4o-mini", provider="azure", at=0) == 3_500_000_000
    assert total(prices, "claude") is None
    assert total(prices, "gpt-4o", tier="flex") is None
    batch = Usage(buckets={"input": 4})
    assert total(prices, "claude", tier="batch", usage=batch) == 0  # 0.5 pico-dollars: half to even


def test_steps_and_units(prices: Overrides) -> None:
    """A price above a size of input is for all tokens, a thousand searches have one price."""
    much = Usage(buckets={"input": 1_001}, units={"web_searches": 2})
    searches = 2 * 10 * 10**12 // 1_000
    assert total(prices, "gpt-4o-mini", provider="azure", usage=much) == 1_001 * 200_000 + searches


def test_json_says_the_same(tmp_path: Path) -> None:
    """A JSON file has the same entries; its numbers are read as they are written."""
    path = tmp_path / "prices.json"
    entry = {"model": "m", "input": 0.1, "from": "2026-01-01T00:00:00+01:00"}
    path.write_text(json.dumps({"prices": [entry]}))
    found = load(path, "prices")
    assert total(found, "m", usage=Usage(buckets={"input": 3})) == 300_000
    assert found.entries[0].since == 1_767_222_000 * 10**9
    path.write_text(json.dumps([entry]))
    assert (
        load(path, "prices").entries == found.entries
        or load(path, "prices").version != found.version
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.toml", "[[prices]]\nmodel = \ninput = 1\n", "is not TOML: .*line 2"),
        ("p.json", '{"prices": [}', "is not JSON: .*line 1, column 13"),
        ("p.json", "{}", r"needs a list of tables"),
        ("p.json", "[1]", "entry 1: is not a table"),
        ("p.json", '[{"input": 1}]', "entry 1: has no model"),
        ("p.json", '[{"model": "a"}]', "entry 1: has no price"),
        (
            "p.json",
            '[{"model": "a", "input": 1}, {"model": "b", "input": -1}]',
            "entry 2: input is not",
        ),
        ("p.json", '[{"model": "a", "input": true}]', "input is not an amount"),
        ("p.json", '[{"model": "a", "input": NaN}]', "input is not an amount"),
        ("p.json", '[{"model": "a", "input": "x"}]', "input is not an amount"),
        ("p.json", '[{"model": "a", "input": 1, "inptu": 1}]', "there is no bucket 'inptu'"),
        ("p.json", '[{"model": "a", "input": 1, "output_above_5": 1}]', "without output"),
        ("p.json", '[{"model": "a", "input": 1, "from": "soon"}]', "from is not a date"),
        ("p.json", '[{"model": 5, "input": 1}]', "model is not a text"),
        ("p.json", '[{"model": "a", "tier": "", "input": 1}]', "tier is not a text"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    """The message names the setting, the file, the entry and the field, and what is allowed."""
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=f"^TRACKWAY_PRICES: .*{name}.*{said}") as raised:
        load(path, "TRACKWAY_PRICES")
    assert raised.value.setting == "prices"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """No file, and one that is no text."""
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "none.toml", "prices")
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError, match="is not UTF-8"):
        load(tmp_path / "bytes.toml", "prices")
