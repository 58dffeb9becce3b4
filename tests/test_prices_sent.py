"""What backends see of what a call cost: the cost is on every record that leaves, whoever priced it and when."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.backend import Backend
from tests.grpc_backend import GrpcBackend
from tests.spans import only, spans
from trackway import Trackway
from trackway._cli.spool import main as spool
from trackway._wire.decode import DecodedSpan, decode_request
from trackway.errors import ConfigurationError

USAGE = {"input": 1_000, "output": 200}
# 1,000 tokens at $2.50 and 200 at $10 a million.
COSTS = {"input": 0.0025, "output": 0.002, "total": 0.0045}


def sent(backend: Backend) -> list[DecodedSpan]:
    """The spans that arrived, in their order."""
    return [span for request in backend.requests for _, _, span in decode_request(request.body)]


def costs(span: DecodedSpan) -> Mapping[str, float] | None:
    """What Langfuse reads."""
    text = span.attributes.get("langfuse.observation.cost_details")
    found: Mapping[str, float] | None = None if text is None else json.loads(str(text))
    return found


def call(client: Trackway, model: str = "gpt-4o", **given: object) -> None:
    """One generation that used tokens."""
    client.start_observation(
        name="answer", as_type="generation", model=model, usage_details=USAGE, **given  # type: ignore[arg-type]
    ).end()  # fmt: skip


def test_the_first_call_is_priced_on_its_way() -> None:
    """No rate is known when the first call ends: the delivering thread adds the cost, in every vocabulary."""
    with Backend() as backend:
        client = Trackway(endpoint=backend.url)
        call(client, provider="openai")
        assert client.shutdown()
        (span,) = sent(backend)
    assert costs(span) == COSTS
    assert span.attributes["llm.cost.total"] == 0.0045
    assert json.loads(str(span.attributes["mlflow.llm.cost"])) == {
        "input_cost": 0.0025, "output_cost": 0.002, "total_cost": 0.0045,
    }  # fmt: skip
    assert span.attributes["trackway.price.source"] == "genai-prices"
    assert span.attributes["trackway.price.version"]


def test_every_way_out_carries_the_cost() -> None:
    """OTLP by gRPC, and an exporter of the application's, get the first call's cost, too."""
    with GrpcBackend() as backend:
        client = Trackway(endpoint=backend.url, protocol="grpc")
        call(client, provider="openai")
        assert client.shutdown()
        told = [span for body in backend.bodies for _, _, span in decode_request(body)]
    assert [costs(span) for span in told] == [COSTS]
    exporter = InMemorySpanExporter()
    client = Trackway(span_exporter=exporter)
    call(client, provider="openai")
    assert client.flush()
    (exported,) = exporter.get_finished_spans()
    assert client.shutdown()
    assert exported.attributes is not None
    assert exported.attributes["llm.cost.total"] == 0.0045


def test_later_calls_are_priced_where_they_end(home: Path) -> None:
    """Once the rate is known the cost is in the record itself: a copy that nobody priced on the way has it, too."""
    with Backend() as backend:
        client = Trackway(endpoint=backend.url, local=True)
        call(client)
        assert client.flush()
        call(client)
        assert client.shutdown()
        first, second = sent(backend)
    assert costs(first) == costs(second) == COSTS
    local = [record for record in spans(home) if costs(record) is not None]
    assert [record.span_id for record in local] == [second.span_id]


def test_a_cost_that_was_given_is_never_replaced() -> None:
    """Neither on the caller's thread nor on the way."""
    with Backend() as backend:
        client = Trackway(endpoint=backend.url)
        for _ in range(2):
            call(client, cost_details={"total": 7.0})
            assert client.flush()
        assert client.shutdown()
        found = sent(backend)
    assert [costs(span) for span in found] == [{"total": 7.0}] * 2
    assert all("trackway.price.source" not in span.attributes for span in found)


def test_what_has_no_price_has_no_cost() -> None:
    """An unknown model, host or tier is unpriced, the first time and later: never 0."""
    with Backend() as backend:
        client = Trackway(endpoint=backend.url)
        for _ in range(2):
            call(client, model="my-own-model")
            call(client, provider="ollama")
            call(client, provider="openai", service_tier="flex")
            assert client.flush()
        assert client.shutdown()
        found = sent(backend)
    assert len(found) == 6
    assert [costs(span) for span in found] == [None] * 6


def test_sums_over_calls_are_not_billed_again() -> None:
    """An agent or chain that tells the tokens of the calls inside costs nothing itself."""
    with Backend() as backend:
        client = Trackway(endpoint=backend.url)
        client.start_observation(
            name="team", as_type="agent", model="gpt-4o", usage_details=USAGE
        ).end()
        assert client.shutdown()
        (span,) = sent(backend)
    assert costs(span) is None


def test_what_a_cache_answered_costs_nothing(home: Path) -> None:
    """`cache_hit=True` is 0 dollars, and says so."""
    client = Trackway()
    call(client, cache_hit=True)
    span = only(home)
    assert costs(span) == {"total": 0.0}
    assert span.attributes["trackway.price.source"] == "cache"
    assert span.attributes["langfuse.observation.metadata.cache_hit"] == "true"


def test_prices_of_ones_own(tmp_path: Path) -> None:
    """A file beats the price list, and prices what that does not know."""
    prices = tmp_path / "prices.toml"
    prices.write_text('[[prices]]\nmodel = "my-own-*"\ninput = 1\noutput = 5\n')
    with Backend() as backend:
        client = Trackway(endpoint=backend.url, prices=prices)
        call(client, model="My-Own-Model", provider="vllm")
        assert client.shutdown()
        (span,) = sent(backend)
    assert costs(span) == {"input": 0.001, "output": 0.001, "total": 0.002}
    assert span.attributes["trackway.price.source"] == "overrides"


def test_a_wrong_file_is_one_error_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the variable, the file and the place in it."""
    prices = tmp_path / "prices.toml"
    prices.write_text('[[prices]]\nmodel = "a"\ninput = "much"\n')
    monkeypatch.setenv("TRACKWAY_PRICES", str(prices))
    with pytest.raises(
        ConfigurationError, match=r"TRACKWAY_PRICES: .*prices.toml, entry 1: input is not"
    ):
        Trackway()


def test_nothing_is_priced_on_request() -> None:
    """`prices="none"` leaves costs to the backend."""
    with Backend() as backend:
        client = Trackway(endpoint=backend.url, prices="none")
        call(client)
        assert client.shutdown()
        (span,) = sent(backend)
    assert costs(span) is None


def test_who_takes_a_chain_over_prices_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies before its calls are priced leaves that to the next one."""
    program = (
        "import os, trackway\n"
        "client = trackway.get_client()\n"
        "client.start_observation(name='a', as_type='generation', model='gpt-4o', provider='openai',"
        " usage_details={'input': 1_000, 'output': 200}).end()\n"
        "os._exit(0)\n"
    )
    with Backend() as backend:
        dead = {**os.environ, "TRACKWAY_ENDPOINT": backend.url, "TRACKWAY_PRICES": "none"}
        subprocess.run([sys.executable, "-c", program], env=dead, check=True)
        monkeypatch.setenv("TRACKWAY_ENDPOINT", backend.url)
        assert spool(["drain"]) == 0
        (span,) = sent(backend)
    assert costs(span) == COSTS


def test_the_price_list_is_not_loaded_by_who_ends_a_call() -> None:
    """Ending a call imports nothing of the price list, and starts nothing that does, without a remote destination."""
    program = (
        "import sys, trackway\n"
        "client = trackway.get_client()\n"
        "client.start_observation(name='a', as_type='generation', model='gpt-4o', usage_details={'input': 1}).end()\n"
        "client.shutdown()\n"
        "print('genai_prices' in sys.modules)\n"
    )
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TRACKWAY_ENDPOINT")
    }
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environ, check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "False"
