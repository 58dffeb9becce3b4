"""The price book: one question, answered from overrides and the price list, and remembered."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trackway._core.settings import Settings
from trackway._core.usage import Usage
from trackway._prices.book import MOST, PriceBook, key_of, open_book
from trackway._prices.overrides import load

NOW = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 10**9
USAGE = Usage(buckets={"input": 1_000, "output": 200, "input_cached_tokens": 1_000})


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file of prices."""
    path = tmp_path / "prices.toml"
    path.write_text('[[prices]]\nmodel = "gpt-4o"\nprovider = "openai"\ninput = 1\noutput = 1\n')
    return path


def test_a_cost_says_where_it_is_from() -> None:
    """The price of each bucket, their sum, and the version of the list."""
    cost = PriceBook().price("openai", "gpt-4o", USAGE, NOW)
    assert cost is not None
    assert cost.pico == {
        "input": 2_500_000_000,
        "output": 2_000_000_000,
        "input_cached_tokens": 1_250_000_000,
    }
    assert cost.total == 5_750_000_000
    assert (cost.source, bool(cost.version)) == ("genai-prices", True)


def test_the_first_model_with_a_price_counts() -> None:
    """What answered, then what was asked for."""
    book = PriceBook()
    assert book.price("openai", ("my-tuned-model", "gpt-4o"), USAGE, NOW) is not None
    assert book.price("openai", ("my-tuned-model",), USAGE, NOW) is None


def test_the_time_decides(own: Path) -> None:
    """A datetime and nanoseconds are the same moment."""
    book = PriceBook()
    moment = datetime.fromtimestamp(NOW / 1e9, UTC)
    assert book.price("openai", "gpt-4o", USAGE, moment) == book.price(
        "openai", "gpt-4o", USAGE, NOW
    )
    earliest = book.price("openai", "gpt-4o", USAGE, 0)
    assert earliest is not None


def test_the_tier_of_the_usage_counts_where_none_is_given() -> None:
    """Anthropic says it with the tokens."""
    book = PriceBook()
    batch = Usage(buckets={"input": 1_000}, tier="batch")
    given = book.price("openai", "gpt-4o", Usage(buckets={"input": 1_000}), NOW, "batch")
    assert book.price("openai", "gpt-4o", batch, NOW) == given
    assert given is not None
    assert given.total == 1_250_000_000


def test_overrides_come_first(own: Path) -> None:
    """For what they fit; everything else is in the price list."""
    book = PriceBook(load(own, "prices"))
    cost = book.price("openai", "gpt-4o", USAGE, NOW)
    assert cost is not None
    assert (cost.source, cost.total) == ("overrides", 2_200_000_000)
    listed = book.price("azure.ai.openai", "gpt-4o", USAGE, NOW)
    assert listed is not None
    assert listed.source == "genai-prices"
    assert set(book.describe()) == {"overrides", "genai-prices"}


def test_overrides_may_use_any_name_of_a_provider_and_of_no_tier(tmp_path: Path) -> None:
    """OpenTelemetry's name in the file is the price list's in the call, and the other way round."""
    path = tmp_path / "prices.toml"
    path.write_text(
        '[[prices]]\nmodel = "m"\nprovider = "azure.ai.openai"\ntier = "default"\ninput = 1\n'
    )
    book = PriceBook(load(path, "prices"))
    for provider in ("azure", "azure.ai.openai", "Azure_OpenAI"):
        assert book.price(provider, "m", Usage(buckets={"input": 1}), NOW) is not None
    assert book.price("openai", "m", Usage(buckets={"input": 1}), NOW) is None


def test_what_was_found_is_known_without_looking() -> None:
    """`known` gives what was found, for the time for which it holds, and never looks anything up."""
    book = PriceBook()
    key = key_of("OpenAI", "GPT-4o", "auto")
    assert key == key_of("openai", "gpt-4o", None)
    assert book.known(key, NOW) is None
    book.price("openai", "gpt-4o", USAGE, NOW)
    found = book.known(key, NOW)
    assert found is not None
    assert found.rates is not None
    book.price("openai", "nothing", USAGE, NOW)
    unknown = book.known(key_of("openai", "nothing", None), NOW)
    assert unknown is not None
    assert unknown.rates is None
    book.price("deepseek", "deepseek-chat", USAGE, NOW)
    assert book.known(key_of("deepseek", "deepseek-chat", None), NOW) is None


def test_made_up_models_do_not_fill_the_memory() -> None:
    """However many models are asked for, a bounded number is remembered."""
    book = PriceBook()
    for number in range(MOST + 100):
        book.price("ollama", f"model-{number}", USAGE, NOW)
    assert len(book._found) <= MOST


def test_without_the_price_list_only_overrides_count(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where genai-prices is not installed nothing fails, and the file's prices are used."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    book = PriceBook(load(own, "prices"))
    assert book.price("openai", "gpt-4o", USAGE, NOW) is not None
    assert book.price("openai", "gpt-5", USAGE, NOW) is None
    assert book.price("openai", "gpt-5", USAGE, NOW) is None


def test_settings_open_a_book(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, the price list alone, or none at all."""
    opened = open_book(Settings.from_env(prices=own))
    assert opened is not None
    assert opened.overrides is not None
    plain = open_book(Settings.from_env())
    assert plain is not None
    assert plain.overrides is None
    plain.after_fork_in_child()
    assert plain.price("openai", "gpt-4o", USAGE, NOW) is not None
    assert open_book(Settings.from_env(prices="none")) is None
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert open_book(Settings.from_env()) is None


def test_a_fork_while_the_price_list_is_loaded_waits_for_it() -> None:
    """The child can price: no lock of an import is held in it by a thread that is not there."""
    program = (
        "import os, signal, threading, time\n"
        "from trackway._core.usage import Usage\n"
        "from trackway._prices.book import PriceBook\n"
        "book = PriceBook()\n"
        "ask = lambda: book.price('openai', 'gpt-4o', Usage(buckets={'input': 1}), time.time_ns())\n"
        "thread = threading.Thread(target=ask)\n"
        "thread.start()\n"
        "while not book._loading and thread.is_alive(): pass\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(30)\n"
        "    book.after_fork_in_child()\n"
        "    os._exit(0 if ask() is not None else 3)\n"
        "thread.join()\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=False)
    assert ran.returncode == 0
