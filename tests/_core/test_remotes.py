"""Where spans go: the more explicit destination wins, and half of one is an error."""

import base64

import pytest

from trackway._core.settings import Settings
from trackway._core.specs import LANGFUSE_CLOUD
from trackway.errors import ConfigurationError

KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1"}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """To set variables with; the suite's own setting of the directory is gone."""
    monkeypatch.delenv("TRACKWAY_DIR")
    return monkeypatch


def wrong(**options: object) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as raised:
        Settings.from_env(**options)
    return raised.value


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
        ("https://otlp.example.com/otlp", "https://otlp.example.com/otlp/v1/traces"),
        ("https://otlp.example.com/v1/traces", "https://otlp.example.com/v1/traces"),
    ],
)
def test_an_endpoint_is_a_base_url(environ: pytest.MonkeyPatch, endpoint: str, url: str) -> None:
    """`/v1/traces` is appended unless it is there; headers go along; nothing is kept locally unless it is wanted."""
    environ.setenv("TRACKWAY_HEADERS", "authorization=Bearer%20x,team=a")
    environ.setenv("TRACKWAY_ENDPOINT", endpoint)
    settings = Settings.from_env()
    assert settings.remote is not None
    assert settings.remote.url == url
    assert settings.remote.headers == (("authorization", "Bearer x"), ("team", "a"))
    assert settings.remote.setting == "TRACKWAY_ENDPOINT"
    assert settings.local is False
    assert Settings.from_env(local=True).local is True
    assert "Bearer" not in repr(settings)


def test_keys_mean_langfuse(environ: pytest.MonkeyPatch) -> None:
    """Keys, of either spelling, send to Langfuse with Basic auth; its cloud by default."""
    for name, value in KEYS.items():
        environ.setenv(name, value)
    remote = Settings.from_env().remote
    assert remote is not None
    assert (remote.kind, remote.base, remote.key) == ("langfuse", LANGFUSE_CLOUD, "pk-lf-1")
    assert remote.url == f"{LANGFUSE_CLOUD}/api/public/otel/v1/traces"
    headers = dict(remote.headers)
    token = headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(token) == b"pk-lf-1:sk-lf-1"
    assert headers["x-langfuse-ingestion-version"] == "4"
    for host in ("LANGFUSE_HOST", "LANGFUSE_BASE_URL", "TRACKWAY_BASE_URL"):
        environ.setenv(host, f"https://{host.lower().replace('_', '-')}.example.com/")
        again = Settings.from_env().remote
        assert again is not None
        assert again.base == f"https://{host.lower().replace('_', '-')}.example.com"
    environ.setenv("TRACKWAY_PUBLIC_KEY", "pk-own")
    environ.setenv("TRACKWAY_SECRET_KEY", "sk-own")
    own = Settings.from_env().remote
    assert own is not None
    assert own.key == "pk-own"
    assert "sk-" not in repr(Settings.from_env())


def test_the_more_explicit_destination_wins(environ: pytest.MonkeyPatch) -> None:
    """Arguments beat TRACKWAY_ variables, which beat LANGFUSE_ variables; what is not used is told."""
    for name, value in KEYS.items():
        environ.setenv(name, value)
    environ.setenv("TRACKWAY_ENDPOINT", "http://localhost:4318")
    settings = Settings.from_env()
    assert settings.remote is not None
    assert settings.remote.kind == "otlp"
    assert settings.unused == tuple(KEYS)
    settings = Settings.from_env(public_key="pk", secret_key="sk")
    assert settings.remote is not None
    assert settings.remote.kind == "langfuse"
    assert settings.unused == (*KEYS, "TRACKWAY_ENDPOINT")


@pytest.mark.parametrize("explicit", [True, False])
def test_two_destinations_are_an_error(environ: pytest.MonkeyPatch, *, explicit: bool) -> None:
    """An endpoint and keys of the same rank are one error that names both."""
    options = {"endpoint": "http://localhost:4318", "public_key": "pk", "secret_key": "sk"}
    if explicit:
        error, names = wrong(**options), ("endpoint", "public_key")
    else:
        for name, value in options.items():
            environ.setenv(f"TRACKWAY_{name.upper()}", value)
        error, names = wrong(), ("TRACKWAY_ENDPOINT", "TRACKWAY_PUBLIC_KEY")
    assert error.setting == "endpoint"
    assert all(name in str(error) for name in names)


def test_no_remote_can_be_asked_for(environ: pytest.MonkeyPatch) -> None:
    """`endpoint="none"` keeps everything local whatever is set, and tells what is therefore not used."""
    for name, value in {**KEYS, "TRACKWAY_HEADERS": "a=b"}.items():
        environ.setenv(name, value)
    settings = Settings.from_env(endpoint="none")
    assert (settings.remote, settings.local) == (None, True)
    assert settings.unused == (*KEYS, "TRACKWAY_HEADERS")


def test_ambient_otlp_variables_are_not_used_unasked(environ: pytest.MonkeyPatch) -> None:
    """What operators set for an APM is used on request only, and told when it is not."""
    environ.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")
    environ.setenv("OTEL_EXPORTER_OTLP_HEADERS", "a=b")
    settings = Settings.from_env()
    assert settings.remote is None
    assert settings.unused == ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS")
    settings = Settings.from_env(endpoint="otel")
    assert settings.remote is not None
    assert settings.remote.url == "http://collector:4318/v1/traces"
    assert settings.remote.headers == (("a", "b"),)
    assert settings.unused == ()
    environ.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318/exactly/here")
    specific = Settings.from_env(endpoint="otel").remote
    assert specific is not None
    assert specific.url == "http://traces:4318/exactly/here"
    assert specific.setting == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


@pytest.mark.parametrize("given", ["public_key", "secret_key"])
def test_half_of_a_pair_of_keys_is_an_error(environ: pytest.MonkeyPatch, given: str) -> None:
    """One key without the other is an error that says which is missing."""
    error = wrong(**{given: "x"})
    assert error.setting in {"public_key", "secret_key"} - {given}
    assert given in str(error)
    assert wrong(base_url="http://localhost").setting == "public_key"
