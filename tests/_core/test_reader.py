"""Reading settings: who beats whom, and where each value came from."""

import pytest

from trackway._core.settings import Settings
from trackway._core.specs import SPECS
from trackway.errors import ConfigurationError

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
    "serverless": (False, "1"),
    "compression": ("none", "GZIP"),
    "timeout": (3, "1500ms"),
    "retry_for": ("2h", "3d"),
    "spool_quota": (1 << 20, "64MiB"),
    "retention": ("off", "12w"),
    "retention_size": (1 << 20, "off"),
    "ingest_at": ("64MiB", "OFF"),
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
    "serverless": (False, True),
    "sample_rate": (0.25, 0.5),
    "compression": ("none", "gzip"),
    "timeout": (3.0, 1.5),
    "retry_for": (7_200.0, 259_200.0),
    "spool_quota": (1 << 20, 64 << 20),
    "retention": ("off", 7_257_600.0),
    "ingest_at": (64 << 20, "off"),
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


def test_a_blank_variable_is_not_set(environ: pytest.MonkeyPatch) -> None:
    """A variable that is empty or blank is as good as none."""
    for spec in SPECS:
        for variable in spec.variables:
            environ.setenv(variable, " ")
    assert Settings.from_env() == Settings.from_env()
    assert set(Settings.from_env().sources.values()) == {"default"}


def test_an_unknown_setting_is_an_error(environ: pytest.MonkeyPatch) -> None:
    """A misspelt argument is an error; a misspelt variable is told among the unused."""
    assert wrong(sample_rat=1).setting == "sample_rat"
    environ.setenv("TRACKWAY_SAMPLE_RAT", "1")
    assert Settings.from_env().unused == ("TRACKWAY_SAMPLE_RAT",)
