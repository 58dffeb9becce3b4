"""`trackway reprice`: what changed, on a terminal and for a script."""

from pathlib import Path

from tests._cli.terminal import client, trackway


def call(home: Path, prices: Path, model: str = "m-1") -> None:
    """One call that used a thousand tokens, at a dollar a million."""
    prices.write_text('[[prices]]\nmodel = "m-1"\ninput = 1\n', encoding="utf-8")
    made = client(home)
    made.start_observation(
        name="answer", as_type="generation", model=model, usage_details={"input": 1_000}
    ).end()
    made.shutdown()


def test_it_says_what_changed(home: Path, tmp_path: Path) -> None:
    """With prices of one's own; first what would change, then what has; the second time nothing does."""
    prices = tmp_path / "prices.toml"
    call(home, prices)
    file = str(prices)
    assert trackway("top", TRACKWAY_PRICES=file).out.splitlines()[1].split()[3] == "$0.001"
    prices.write_text('[[prices]]\nmodel = "m-1"\ninput = 5\n', encoding="utf-8")
    would = trackway("reprice", "--dry-run", TRACKWAY_PRICES=file)
    assert would.out == "1 calls looked at, 1 would change.\nTogether $0.001 before, $0.005 now.\n"
    done = trackway("reprice", "--since", "1h", TRACKWAY_PRICES=file)
    assert done.out == would.out.replace("would change", "changed")
    again = trackway("reprice", "--json", TRACKWAY_PRICES=file).json
    assert isinstance(again, dict)
    assert (again["calls"], again["changed"], again["cost_after_exact"]) == (1, 0, "0.005000000000")


def test_what_has_no_price_is_said(home: Path, tmp_path: Path) -> None:
    """Calls that nobody can price are counted, with what would help."""
    call(home, tmp_path / "prices.toml", model="house")
    said = trackway("reprice", TRACKWAY_PRICES=str(tmp_path / "prices.toml"))
    assert "1 have no price: name one in a file, see TRACKWAY_PRICES." in said.out


def test_what_had_no_price_was_never_free(home: Path, tmp_path: Path) -> None:
    """Where none of the calls had a price, no sum of before is made up."""
    prices = tmp_path / "prices.toml"
    call(home, prices, model="house")
    assert trackway("top", TRACKWAY_PRICES=str(prices)).code == 0
    prices.write_text('[[prices]]\nmodel = "house"\ninput = 1\n', encoding="utf-8")
    said = trackway("reprice", "--dry-run", TRACKWAY_PRICES=str(prices)).out
    assert said == (
        "1 calls looked at, 1 would change, 1 of which had no price.\nTogether no price before, $0.001 now.\n"
    )


def test_the_sum_of_before_is_that_of_all_calls(home: Path, tmp_path: Path) -> None:
    """What had a price is in the sum of before, though only calls without one change; no price is no sum."""
    prices = tmp_path / "prices.toml"
    call(home, prices, model="house")
    call(home, prices)
    call(home, prices, model="nobody's")
    assert trackway("top", TRACKWAY_PRICES=str(prices)).code == 0
    house = '[[prices]]\nmodel = "house"\ninput = 2\n'
    prices.write_text(prices.read_text(encoding="utf-8") + house, encoding="utf-8")
    said = trackway("reprice", "--dry-run", TRACKWAY_PRICES=str(prices)).out
    assert "Together ≥$0.001 before, ≥$0.003 now." in said
    call(tmp_path / "other", prices, model="house")
    other = str(tmp_path / "other")
    file = str(prices)
    told = trackway("reprice", "--dry-run", "--json", TRACKWAY_DIR=other, TRACKWAY_PRICES=file).json
    assert isinstance(told, dict)
    assert (told["cost_before"], told["cost_after"]) == (None, None)


def test_what_cannot_be(home: Path, tmp_path: Path) -> None:
    """No prices, no store, no span of time: each says so."""
    call(home, tmp_path / "prices.toml")
    none = trackway("reprice", TRACKWAY_PRICES="none")
    assert (none.code, "nothing is priced" in none.err) == (2, True)
    assert trackway("reprice", "--since", "never").code == 2
    assert "There are no traces" in trackway("reprice", TRACKWAY_DIR=str(tmp_path / "no")).out
