"""A client of the local destination, a handler, and an empty table of runs."""

from collections.abc import Iterator

import pytest
from langchain_core.globals import set_llm_cache
from opentelemetry import trace

from trackway import Trackway
from trackway._integrations.langchain.runs import runs
from trackway.langchain import CallbackHandler


@pytest.fixture
def client() -> Trackway:
    """The default client: everything goes to the spool below `home`."""
    return Trackway()


@pytest.fixture
def handler(client: Trackway) -> CallbackHandler:
    """A handler of the default client."""
    return CallbackHandler()


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No run, no cache, no global provider of a test before; none that this one leaves open."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    runs.clear()
    yield
    set_llm_cache(None)
    left = len(runs)
    runs.clear()
    assert left == 0, "a run is still in the table"
