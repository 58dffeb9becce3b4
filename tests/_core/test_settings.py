"""Settings: who beats whom, where spans go, and an error for each wrong value that names where it came from."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trackway import Trackway
from trackway._core.settings import Settings, environment_of_child
from trackway._core.specs import SPECS
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


# -- who beats whom ----------------------------------------------------------------------------------------------------


def test_nothing_configured_is_local(environ: pytest.MonkeyPatch) -> None:
    """Without anything set: the embedded store in the user's data folder, the working directory as the project."""
    settings = Settings.from_env()
    assert (settings.local, settings.remote, settings.enabled) == (True, None, True)
    assert settings.project == Path.cwd().name
    assert settings.directory.name == "trackway"
    assert settings.directory.is_absolute()
    assert settings.unused == ()


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


def test_spans_must_go_somewhere(environ: pytest.MonkeyPatch) -> None:
    """No remote destination and no local copy is an error, which says how to switch tracing off."""
    environ.setenv("TRACKWAY_LOCAL", "false")
    error = wrong()
    assert error.setting == "local"
    assert "TRACKWAY_LOCAL" in str(error)
    assert "TRACKWAY_ENABLED=false" in str(error)


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


def test_a_process_of_ours_gets_what_reading_needs(environ: pytest.MonkeyPatch) -> None:
    """A child that reads for an application traces nothing and knows nothing of its backends, but how long to keep."""
    for name in ("TRACKWAY_ATTACH", "TRACKWAY_ENDPOINT", "LANGFUSE_HOST", "OTEL_SERVICE_NAME"):
        environ.setenv(name, "http://127.0.0.1:9")
    environ.setenv("TRACKWAY_ATTACH", "1")
    environ.setenv("SOMETHING", "else")
    environ.setenv("TRACKWAY_RETENTION_SIZE", "1GiB")
    child = environment_of_child(Settings.from_env(retention="2w"))
    ours = {n: v for n, v in child.items() if n.startswith(("TRACKWAY_", "LANGFUSE_", "OTEL_"))}
    assert ours == {
        "TRACKWAY_ENABLED": "false",
        "OTEL_SDK_DISABLED": "true",
        "TRACKWAY_RETENTION": "1209600.0",
        "TRACKWAY_RETENTION_SIZE": "1073741824",
    }
    assert child["SOMETHING"] == "else"
    assert "TRACKWAY_RETENTION" not in environment_of_child(Settings.from_env())
