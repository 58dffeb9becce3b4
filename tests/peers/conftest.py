"""What the tests against other libraries share: a client, and OpenTelemetry as an application finds it."""

from tests._core.conftest import client, no_provider

__all__ = ["client", "no_provider"]
