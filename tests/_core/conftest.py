"""A client of the local destination, and OpenTelemetry as an application finds it."""

import pytest
from opentelemetry import trace

from trackway import Trackway


@pytest.fixture
def client() -> Trackway:
    """The default client: everything goes to the spool below `home`."""
    return Trackway()


@pytest.fixture(autouse=True)
def no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """No global tracer provider, whatever ran before; one that the test sets is gone afterwards."""
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
