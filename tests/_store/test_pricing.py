"""What a span that says no cost costs, and that what a span says is never replaced."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests._store.spans import Attributes, generation, payload, store_of
from trackway._core.usage import Usage
from trackway._prices.book import PriceBook
from trackway._prices.overrides import load
from trackway._prices.spans import Call
from trackway._store.local import LocalStore
from trackway._store.models import Observation
from trackway._store.pricing import call_from, call_of_columns, text_of

COUNTS = st.dictionaries(
    st.sampled_from(["input", "output", "web_searches"]), st.integers(0, 1 << 50)
)
TEXTS = st.none() | st.text(max_size=9)


def book(folder: Path, text: str) -> PriceBook:
    """A price book with prices of its own before the list's."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "prices.toml"
    path.write_text(text, encoding="utf-8")
    return PriceBook(load(path, "prices"))


def read(home: Path, prices: PriceBook | None, *attributes: Attributes) -> list[Observation]:
    """What the store makes of spans with these attributes."""
    spans = [payload(n, each, trace=n) for n, each in enumerate(attributes, 1)]
    store_of(home, *spans).close()
    with LocalStore(home, prices=prices) as store:
        return sorted(store.observations.list(), key=lambda row: row.id)


def openai(**more: object) -> Attributes:
    """A call that names its provider."""
    return generation(tokens=(1_000, 200), gen_ai__provider__name="openai", **more)  # type: ignore[arg-type]  # attributes


def test_a_call_without_a_cost_is_priced(home: Path) -> None:
    """By the price list, at its time, with where the price is from; what is unknown stays without."""
    known, unknown, plain = read(
        home,
        PriceBook(),
        openai(),
        {**openai(), "gen_ai.request.model": "house-model"},
        {"langfuse.observation.type": "span"},
    )
    assert known.cost_pico == {
        "input": 2_500_000_000,
        "output": 2_000_000_000,
        "total": 4_500_000_000,
    }
    assert known.price_source == "genai-prices"
    assert known.price_version
    for other in (unknown, plain):
        assert (other.cost_pico, other.price_source, other.price_version) == ({}, None, None)


def test_what_a_span_says_it_cost_stays(home: Path) -> None:
    """A cost of the span's own is not the price book's, whatever that says; nor has it a source."""
    (row,) = read(home, PriceBook(), openai(cost="0.25"))
    assert (row.total_cost, row.price_source) == (0.25, None)


def test_a_price_of_the_sender_is_known_as_one(home: Path) -> None:
    """Where the process that sent it asked its price book the row says so, and nothing is asked again."""
    priced = {
        **openai(cost="0.25"),
        "trackway.price.source": "overrides",
        "trackway.price.version": "abc",
    }
    lost = {**openai(), "trackway.price.source": "overrides"}
    row, other = read(home, PriceBook(), priced, lost)
    assert (row.total_cost, row.price_source, row.price_version) == (0.25, "overrides", "abc")
    assert "trackway.price.source" not in row.attributes
    assert other.price_source == "genai-prices"


def test_without_a_price_book_nothing_is_priced(home: Path) -> None:
    """Then a call is unpriced, and can be priced later."""
    (row,) = read(home, None, openai())
    assert (row.total_cost, row.price_source) == (None, None)


def test_tiers_and_what_is_no_token_count(home: Path) -> None:
    """The service tier and web searches of a call are priced as the sender would have."""
    prices = book(
        home,
        '[[prices]]\nmodel = "m"\ninput = 1\noutput = 2\nweb_searches = 10\n'
        '[[prices]]\nmodel = "m"\ntier = "batch"\ninput = 0.5\noutput = 1\n',
    )
    standard = {
        **openai(),
        "gen_ai.request.model": "m",
        "trackway.usage.units": json.dumps({"web_searches": 3}),
    }
    batch = {**openai(), "gen_ai.request.model": "m", "trackway.service_tier": "batch"}
    rows = read(home, prices, standard, batch)
    assert [row.cost_pico["total"] for row in rows] == [1_400_000_000 + 30_000_000_000, 700_000_000]
    assert [row.price_source for row in rows] == ["overrides"] * 2


@given(TEXTS, st.lists(st.text(max_size=9), max_size=3), TEXTS, COUNTS, COUNTS)
def test_a_call_survives_being_kept(
    provider: str | None,
    models: list[str],
    tier: str | None,
    buckets: dict[str, int],
    units: dict[str, int],
) -> None:
    """What is kept of a call is all that its price depends on."""
    call = Call(provider, tuple(models), tier, Usage(buckets=buckets, units=units))
    assert call_from(text_of(call)) == call


def test_a_call_of_a_row_that_kept_none() -> None:
    """From its columns; a sum over calls inside, and no tokens, are nothing to price."""
    call = call_of_columns("GENERATION", "openai", "m", '{"input": 3, "output": 4, "total": 7}')
    assert call == Call("openai", ("m",), None, Usage(buckets={"input": 3, "output": 4}))
    assert call_of_columns("AGENT", None, "m", '{"input": 3}') is None
    assert call_of_columns("GENERATION", None, "m", '{"total": 3}') is None
