"""The remote destination and its protocol."""

import sys

import pytest

from trackway._core.backend import require_grpc, traces_url
from trackway._core.settings import Settings
from trackway.errors import ConfigurationError


def test_where_spans_are_sent() -> None:
    """HTTP has a path for traces, which is not appended twice; gRPC has none."""
    assert traces_url("http/protobuf", "http://a", "endpoint") == "http://a/v1/traces"
    assert traces_url("http/protobuf", "http://a/v1/traces", "endpoint") == "http://a/v1/traces"
    assert traces_url("grpc", "http://a:4317", "endpoint") == "http://a:4317"


def test_a_path_is_none_of_grpc() -> None:
    """An endpoint with a path and gRPC do not go together, and the message says what is enough."""
    with pytest.raises(ConfigurationError, match=r"TRACKWAY_ENDPOINT .* host and port are enough"):
        traces_url("grpc", "http://a:4318/v1/traces", "TRACKWAY_ENDPOINT")


def test_grpc_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without grpcio the error names the variable and the line to type; with it there is none."""
    require_grpc("TRACKWAY_PROTOCOL")
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.setenv("TRACKWAY_PROTOCOL", "grpc")
    with pytest.raises(ConfigurationError, match=r"TRACKWAY_PROTOCOL .* 'trackway\[otlp\]'"):
        Settings.from_env(endpoint="http://a:4317")
    assert Settings.from_env().remote is None


def test_grpc(monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol is chosen by argument or variable; gRPC goes to host and port, and is no other destination."""
    assert Settings.from_env(endpoint="http://a:4317").protocol == "http/protobuf"
    monkeypatch.setenv("TRACKWAY_PROTOCOL", "grpc")
    settings = Settings.from_env(endpoint="http://a:4317")
    assert settings.remote is not None
    assert (settings.protocol, settings.remote.url) == ("grpc", "http://a:4317")
    again = Settings.from_env(endpoint="http://a:4317", protocol="http/protobuf").remote
    assert again is not None
    assert (again.kind, again.base, again.key) == (
        settings.remote.kind,
        settings.remote.base,
        settings.remote.key,
    )
    assert Settings.from_env().unused == ("TRACKWAY_PROTOCOL",)
    with pytest.raises(ConfigurationError, match="Langfuse"):
        Settings.from_env(public_key="p", secret_key="s")


def test_the_ambient_protocol_goes_with_the_ambient_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With `endpoint="otel"` OTLP's own variables choose the protocol, the specific one first, unless ours does."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert Settings.from_env(endpoint="http://a:1").protocol == "http/protobuf"
    settings = Settings.from_env(endpoint="otel")
    assert settings.remote is not None
    assert (settings.protocol, settings.remote.url) == ("grpc", "http://localhost:4317")
    assert settings.unused == ()
    assert Settings.from_env(endpoint="otel", protocol="http/protobuf").protocol == "http/protobuf"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
    assert Settings.from_env(endpoint="otel").protocol == "http/protobuf"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"):
        Settings.from_env(endpoint="otel")
