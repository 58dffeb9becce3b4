"""What a test sees of what a call costs: `trackway.testing.capture` prices as a real run does."""

import subprocess
import sys
from pathlib import Path

import pytest

from trackway import Trackway, get_client
from trackway.errors import ConfigurationError
from trackway.testing import capture

GIVEN = {"model": "gpt-4o", "provider": "openai", "usage_details": {"input": 1_000, "output": 200}}
# 1,000 tokens at $2.50 and 200 at $10 a million.
COST = {"input": 0.0025, "output": 0.002, "total": 0.0045}


def call(client: Trackway, **given: object) -> None:
    """One generation that used tokens."""
    client.start_observation(name="call", as_type="generation", **{**GIVEN, **given}).end()  # type: ignore[arg-type]  # fields by name


def test_calls_are_priced_as_in_a_real_run(home: Path) -> None:
    """The first call and the later ones have their cost, also in captures in captures and of a client that is off."""
    client = Trackway()
    call(client)  # a rate that is known from before changes nothing
    with capture() as spans:
        call(client)
        call(client)
        call(Trackway(enabled=False))
        with capture() as inner:
            call(client)
    assert [span["cost"] for span in (*spans, *inner)] == [COST] * 4
    assert {span["price_source"] for span in spans} == {"genai-prices"}


def test_what_has_no_price_has_no_cost(home: Path) -> None:
    """An unknown model, a sum of calls inside, and a client that prices nothing: no cost, which is not 0."""
    with capture() as spans:
        call(get_client(), model="my-own-model")
        call(Trackway(prices="none"))
        get_client().start_observation(name="team", as_type="agent", **GIVEN).end()  # type: ignore[arg-type]  # fields by name
    assert [(span["cost"], span["price_source"]) for span in spans] == [({}, None)] * 3


def test_without_the_price_list_nothing_is_priced(home: Path) -> None:
    """An environment without genai-prices captures all the same."""
    program = (
        "import sys; sys.modules['genai_prices'] = None\n"
        "from importlib import util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'genai_prices' else found(name, *rest)\n"
        "import trackway\n"
        "from trackway.testing import capture\n"
        "with capture() as spans:\n"
        f"    trackway.get_client().start_observation(name='c', as_type='generation', **{GIVEN}).end()\n"
        "print(spans[0]['usage']['total'], spans[0]['cost'])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "1200 {}"


def test_costs_that_were_said_are_kept(home: Path) -> None:
    """What the application or a cache says is the cost, whatever the list says."""
    with capture() as spans:
        call(get_client(), cost_details={"total": 7.0})
        call(get_client(), cache_hit=True)
    assert [(span["cost"], span["price_source"]) for span in spans] == [
        ({"total": 7.0}, None),
        ({"total": 0.0}, "cache"),
    ]


def test_prices_of_ones_own(home: Path, tmp_path: Path) -> None:
    """A file of prices prices what is captured, also in trees; listed prices, which change, are in none."""
    prices = tmp_path / "prices.toml"
    prices.write_text('[[prices]]\nmodel = "my-own-*"\ninput = 1\noutput = 5\n')
    client = Trackway(prices=prices)
    with capture() as spans:
        call(client)
        call(client, model="my-own-model")
    listed, own = spans.tree()
    assert "cost" not in listed
    assert (own["cost"], own["price_source"]) == (
        {"input": 0.001, "output": 0.001, "total": 0.002},
        "overrides",
    )
    assert spans.tree("cost")[0]["cost"] == COST


def test_the_deterministic_clock_decides_on_prices(home: Path, tmp_path: Path) -> None:
    """A price that begins after the time that is shown is not the one of the call."""
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '[[prices]]\nmodel = "m"\ninput = 1\noutput = 5\n'
        '[[prices]]\nmodel = "m"\nfrom = 2026-01-02\ninput = 2\noutput = 10\n'
    )
    client = Trackway(prices=prices)
    with capture(deterministic=True) as spans:
        call(client, model="m")
    assert spans[0]["cost"]["total"] == 0.002


def test_a_wrong_file_of_prices_captures_nothing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that is off has not looked at its prices: a capture does, and leaves all as it was."""
    monkeypatch.setenv("TRACKWAY_PRICES", str(tmp_path / "none.toml"))
    client = Trackway(enabled=False)
    with pytest.raises(ConfigurationError, match="TRACKWAY_PRICES"), capture():
        raise AssertionError
    assert not client._core.captured
