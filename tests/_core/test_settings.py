"""Settings: who beats whom, where spans go, and an error for each wrong value that names where it came from."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from trackway import Trackway
from trackway._core.settings import Settings
from trackway._core.specs import LANGFUSE_CLOUD, SPECS
from trackway.errors import ConfigurationError

KEYS = {"LANGFUSE_PUBLIC_KEY": "pk-lf-1", "LANGFUSE_SECRET_KEY": "sk-lf-1"}
SAMPLES: dict[str, tuple[object, str]] = {
    "enabled": (True, "yes"),
    "local": (True, "on"),
    "project": ("argument", "variable"),
    "environment": ("argument", "variable"),
    "release": ("argument", "variable"),
    "sample_rate": (0.25, "0.5"),
    "capture_io": (True, "0"),
    "redact": (True, "no"),
    "accept_baggage": (False, "on"),
    "attach": (False, "1"),
    "threads": (False, "1"),
    "compression": ("none", "GZIP"),
    "timeout": (3, "1500ms"),
    "retry_for": ("2h", "3d"),
    "spool_quota": (1 << 20, "64MiB"),
    "sync": ("always", "250ms"),
    "wire": ("langfuse", "openinference"),
    "max_value_bytes": (1024, "2KiB"),
}
READ: dict[str, tuple[object, object]] = {
    "enabled": (True, True),
    "local": (True, True),
    "capture_io": (True, False),
    "redact": (True, False),
    "accept_baggage": (False, True),
    "attach": (False, True),
    "threads": (False, True),
    "sample_rate": (0.25, 0.5),
    "compression": ("none", "gzip"),
    "timeout": (3.0, 1.5),
    "retry_for": (7_200.0, 259_200.0),
    "spool_quota": (1 << 20, 64 << 20),
    "sync": ("always", 0.25),
    "max_value_bytes": (1024, 2048),
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """To set variables with; the suite's own setting of the directory is gone."""
    monkeypatch.delenv("TRACKWAY_DIR")
    return monkeypatch


def wrong(**options: object) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as raised:
        Settings.from_env(**options)
    return raised.value


# -- who beats whom ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAMPLES)
def test_an_argument_beats_every_variable(environ: pytest.MonkeyPatch, name: str) -> None:
    """An argument beats the variables, in the order of the table, and those beat the default; sources tell which."""
    argument, text = SAMPLES[name]
    expected, read = READ.get(name, SAMPLES[name])
    variables = next(spec.variables for spec in SPECS if spec.name == name)
    assert Settings.from_env().sources[name] == "default"
    for variable in reversed(variables):
        environ.setenv(variable, text)
        settings = Settings.from_env()
        assert (getattr(settings, name), settings.sources[name]) == (read, variable)
    settings = Settings.from_env(**{name: argument})
    assert (getattr(settings, name), settings.sources[name]) == (expected, "argument")


def test_nothing_configured_is_local(environ: pytest.MonkeyPatch) -> None:
    """Without anything set: the embedded store in the user's data folder, the working directory as the project."""
    settings = Settings.from_env()
    assert (settings.local, settings.remote, settings.enabled) == (True, None, True)
    assert settings.project == Path.cwd().name
    assert settings.directory.name == "trackway"
    assert settings.directory.is_absolute()
    assert settings.unused == ()


def test_a_blank_variable_is_not_set(environ: pytest.MonkeyPatch) -> None:
    """A variable that is empty or blank is as good as none."""
    for spec in SPECS:
        for variable in spec.variables:
            environ.setenv(variable, " ")
    assert Settings.from_env() == Settings.from_env()
    assert set(Settings.from_env().sources.values()) == {"default"}


def test_the_directory(environ: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A path, a text or a variable; `~` is the home, and a name that is not Unicode is a name."""
    assert Settings.from_env(directory=tmp_path).directory == tmp_path
    assert Settings.from_env(directory="~/t").directory == Path.home() / "t"
    assert Settings.from_env(directory="t").directory == Path.cwd() / "t"
    environ.setenv("TRACKWAY_DIR", os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    assert os.fsencode(Settings.from_env().directory.name) == b"\xff"


def test_the_project_is_named_by_the_service(environ: pytest.MonkeyPatch) -> None:
    """`service.name`, however it is set, is the project; a setting of its own beats it."""
    environ.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,team=a%20b")
    assert Settings.from_env().project == "shop"
    assert dict(Settings.from_env().resource_attributes)["team"] == "a b"
    environ.setenv("OTEL_SERVICE_NAME", "cart")
    assert Settings.from_env().project == "cart"
    environ.setenv("TRACKWAY_PROJECT", "mine")
    assert (Settings.from_env().project, Settings.from_env().service_name) == ("mine", "cart")
    environ.setenv("OTEL_RESOURCE_ATTRIBUTES", "no pairs")
    assert dict(Settings.from_env().resource_attributes) == {"service.name": "cart"}


def test_a_directory_that_is_gone_or_odd_names_no_project(tmp_path: Path) -> None:
    """Where the working directory was removed, or its name is not Unicode, a client can be made all the same."""
    program = (
        "import os, sys; from trackway import Trackway\n"
        "os.mkdir(b'gone'); os.chdir(b'gone'); os.rmdir(b'../gone')\n"
        "print(Trackway(endpoint='http://127.0.0.1:9')._core.settings.project)\n"
        "os.chdir(sys.argv[1]); os.mkdir(b'odd\\xff'); os.chdir(b'odd\\xff')\n"
        "print(ascii(Trackway(endpoint='http://127.0.0.1:9')._core.settings.project))\n"
    )
    run = [sys.executable, "-c", program, str(tmp_path)]
    told = subprocess.run(run, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True)
    assert told.stdout.split() == ["default", r"'odd\ufffd'"]


@pytest.mark.parametrize(
    ("variable", "value"), [("TRACKWAY_ENABLED", "false"), ("OTEL_SDK_DISABLED", "TRUE")]
)
def test_off(environ: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """Either variable switches tracing off, whatever else is wrong with the destinations; an argument beats them."""
    environ.setenv(variable, value)
    for name, text in {**KEYS, "TRACKWAY_LOCAL": "false"}.items():
        environ.setenv(name, text)
    settings = Settings.from_env()
    assert (settings.enabled, settings.remote) == (False, None)
    assert settings.sources["enabled"] == variable
    assert Settings.from_env(enabled=True).enabled is True


# -- where spans go ----------------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("endpoint", "compression"),
    [
        ("http://localhost:1", "none"),
        ("http://127.0.0.1:1", "none"),
        ("http://[::1]:1", "none"),
        ("http://10.1.2.3:1", "none"),
        ("https://8.8.8.8", "gzip"),
        ("https://otlp.example.com", "gzip"),
    ],
)
def test_what_is_near_is_not_compressed(
    environ: pytest.MonkeyPatch, endpoint: str, compression: str
) -> None:
    """Loopback and private addresses get bodies as they are, unless compression is asked for."""
    assert Settings.from_env(endpoint=endpoint).compression == compression
    assert Settings.from_env(endpoint=endpoint, compression="gzip").compression == "gzip"


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("enabled", "maybe"),
        ("sample_rate", 2),
        ("sample_rate", "half"),
        ("endpoint", "localhost:4318"),
        ("endpoint", "ftp://example.com"),
        ("endpoint", "http://"),
        ("endpoint", "http://host:99999"),
        ("endpoint", "http://[::1"),
        ("endpoint", "http://a b"),
        ("endpoint", "http://host?x=1"),
        ("endpoint", 7),
        ("headers", "no pairs"),
        ("headers", {"a b": "c"}),
        ("headers", {"a": "b\r\nc: d"}),
        ("environment", "Production"),
        ("environment", "langfuse"),
        ("compression", "zstd"),
        ("protocol", "http/json"),
        ("timeout", 0),
        ("timeout", "soon"),
        ("timeout", float("inf")),
        ("timeout", float("nan")),
        ("retry_for", -1),
        ("spool_quota", "much"),
        ("spool_quota", float("inf")),
        ("sync", "sometimes"),
        ("wire", "xml"),
        ("max_value_bytes", 0),
        ("project", ""),
        ("project", 7),
        ("project", "\udcff"),
        ("directory", ""),
        ("public_key", "pk\nx: y"),
    ],
    ids=ascii,
)
def test_a_wrong_value_is_one_error(
    environ: pytest.MonkeyPatch, option: str, value: object
) -> None:
    """A value that cannot be used is a ConfigurationError that names the argument, or the variable, and the value."""
    error = wrong(**{option: value})
    assert error.setting == option
    assert str(error).startswith(option)
    if isinstance(value, str) and value and "\udcff" not in value:
        variable = next(spec.variables[0] for spec in SPECS if spec.name == option)
        environ.setenv(variable, value)
        assert str(wrong()).startswith(variable)
    with pytest.raises(ConfigurationError):
        Trackway(**{option: value})  # type: ignore[arg-type]  # odd ones


@pytest.mark.parametrize(
    "options",
    [
        {"secret_key": "sk-secret\n", "public_key": "\n"},
        {"secret_key": "sk secret", "public_key": "pk"},
        {"headers": "authorization: sk-secret"},
        {"headers": {"x y": "sk-secret"}},
        {"endpoint": "http://user:sk-secret@host"},
        {"base_url": "http://user:sk-secret@host", "public_key": "pk", "secret_key": "x"},
    ],
    ids=repr,
)
def test_no_error_shows_a_secret(environ: pytest.MonkeyPatch, options: dict[str, object]) -> None:
    """Errors end up in logs: what they say of a wrong setting has no secret in it."""
    assert "secret" not in str(wrong(**options)).replace("secret_key", "")


@pytest.mark.parametrize("given", ["public_key", "secret_key"])
def test_half_of_a_pair_of_keys_is_an_error(environ: pytest.MonkeyPatch, given: str) -> None:
    """One key without the other is an error that says which is missing."""
    error = wrong(**{given: "x"})
    assert error.setting in {"public_key", "secret_key"} - {given}
    assert given in str(error)
    assert wrong(base_url="http://localhost").setting == "public_key"


def test_spans_must_go_somewhere(environ: pytest.MonkeyPatch) -> None:
    """No remote destination and no local copy is an error, which says how to switch tracing off."""
    environ.setenv("TRACKWAY_LOCAL", "false")
    error = wrong()
    assert error.setting == "local"
    assert "TRACKWAY_LOCAL" in str(error)
    assert "TRACKWAY_ENABLED=false" in str(error)


def test_an_unknown_setting_is_an_error(environ: pytest.MonkeyPatch) -> None:
    """A misspelt argument is an error; a misspelt variable is told among the unused."""
    assert wrong(sample_rat=1).setting == "sample_rat"
    environ.setenv("TRACKWAY_SAMPLE_RAT", "1")
    assert Settings.from_env().unused == ("TRACKWAY_SAMPLE_RAT",)


@pytest.mark.parametrize("ours", [None, "http://ours"])
def test_the_incumbents_arguments_are_understood(ours: str | None) -> None:
    """`host` and `tracing_enabled` of the Langfuse SDK mean `base_url` and `enabled`; where ours is given it counts."""
    keys = {"public_key": "pk-lf-1", "secret_key": "sk-lf-1"}
    settings = Settings.from_env(host="http://theirs", base_url=ours, **keys)
    assert settings.remote is not None
    assert settings.remote.base == (ours or "http://theirs")
    assert not Settings.from_env(tracing_enabled=False).enabled
    assert Settings.from_env(tracing_enabled=False, enabled=True).enabled
    assert Settings.from_env(tracing_enabled=None).enabled
