"""OpenTelemetry's variables: every row of the table in docs/opentelemetry.md is so."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.environment_variables import OTEL_PROPAGATORS

from tests.spans import only, resource_of
from trackway import Trackway, inject
from trackway._core.settings import Settings

PAGE = Path(__file__).parent.parent.parent / "docs" / "opentelemetry.md"
BASE = "https://collector.example.com"
Value = Callable[[Settings], object]


def remote(settings: Settings) -> tuple[str, tuple[tuple[str, str], ...]]:
    assert settings.remote is not None
    return settings.remote.url, settings.remote.headers


# variable → what else is set, its value, what is read, what that is.
HONOURED: dict[str, tuple[dict[str, str], str, Value, object]] = {
    "OTEL_SDK_DISABLED": ({}, "true", lambda s: s.enabled, False),
    "OTEL_SERVICE_NAME": ({}, "shop", lambda s: (s.project, s.service_name), ("shop", "shop")),
    "OTEL_RESOURCE_ATTRIBUTES": (
        {}, "team=a%20b", lambda s: s.resource_attributes, (("team", "a b"),),
    ),
    "OTEL_TRACES_SAMPLER": ({}, "parentbased_always_off", lambda s: s.sample_rate, 0.0),
    "OTEL_TRACES_SAMPLER_ARG": (
        {"OTEL_TRACES_SAMPLER": "traceidratio"}, "0.25", lambda s: s.sample_rate, 0.25,
    ),
    "OTEL_EXPORTER_OTLP_ENDPOINT": (
        {"TRACKWAY_ENDPOINT": "otel"}, BASE, lambda s: remote(s)[0], f"{BASE}/v1/traces",
    ),
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": (
        {"TRACKWAY_ENDPOINT": "otel", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://other"},
        f"{BASE}/own", lambda s: remote(s)[0], f"{BASE}/own",
    ),
    "OTEL_EXPORTER_OTLP_HEADERS": (
        {"TRACKWAY_ENDPOINT": "otel"}, "a=1", lambda s: remote(s)[1], (("a", "1"),),
    ),
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS": (
        {"TRACKWAY_ENDPOINT": "otel", "OTEL_EXPORTER_OTLP_HEADERS": "a=1"},
        "b=2", lambda s: remote(s)[1], (("b", "2"),),
    ),
    "OTEL_EXPORTER_OTLP_COMPRESSION": ({}, "none", lambda s: s.compression, "none"),
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": (
        {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, "none", lambda s: s.compression, "none",
    ),
}  # fmt: skip
IGNORED = {
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    "OTEL_TRACES_EXPORTER": "console",
    "OTEL_BSP_MAX_QUEUE_SIZE": "1",
    "OTEL_BSP_SCHEDULE_DELAY": "1",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1",
    "OTEL_ATTRIBUTE_COUNT_LIMIT": "1",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "1",
    OTEL_PROPAGATORS: "b3",
}


def test_every_variable_of_the_table_is_tested_here() -> None:
    """The table names the variables that this file tests, and no other."""
    rows = re.findall(r"^\| (`OTEL_[^|]*) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"OTEL_\w+", row)} == {*HONOURED, *IGNORED}


@pytest.mark.parametrize("variable", HONOURED)
def test_a_variable_does_what_the_table_says(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Set, it changes the setting; not set, that has another value."""
    others, value, read, expected = HONOURED[variable]
    for name, text in others.items():
        monkeypatch.setenv(name, text)
    assert read(Settings.from_env()) != expected
    monkeypatch.setenv(variable, value)
    settings = Settings.from_env()
    assert read(settings) == expected
    assert variable not in settings.unused


@pytest.mark.parametrize("variable", IGNORED)
def test_a_variable_that_does_nothing_does_nothing(
    monkeypatch: pytest.MonkeyPatch, home: Path, variable: str
) -> None:
    """Settings, what is recorded and what is injected are the same with it."""
    before = Settings.from_env()
    monkeypatch.setenv(variable, IGNORED[variable])
    assert Settings.from_env() == before
    client, headers = Trackway(), dict[str, str]()
    with client.start_as_current_observation(name="root", input="long text", model="m") as root:
        root.set_attributes({"a": "long text", "b": "long text"})
        inject(headers)
    found = only(home)
    assert {found.attributes[key] for key in ("input.value", "a", "b")} == {"long text"}
    assert headers.keys() == {"trackway-parent", "traceparent"}


@pytest.mark.parametrize(
    ("sampler", "share", "expected"),
    [
        ("always_on", "0.5", 1.0),
        ("parentbased_always_on", None, 1.0),
        ("always_off", None, 0.0),
        ("traceidratio", None, 1.0),
        ("parentbased_traceidratio", "0.1", 0.1),
        ("traceidratio", "much", 1.0),
        ("jaeger_remote", "0.5", 1.0),
    ],
)
def test_samplers_are_read_as_the_sdk_reads_them(
    monkeypatch: pytest.MonkeyPatch, sampler: str, share: str | None, expected: float
) -> None:
    """Each standard sampler gives its share; what has no effect is named among what is unused."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    if share is not None:
        monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", share)
    settings = Settings.from_env()
    assert settings.sample_rate == expected
    effective = share is not None and share != "much" and sampler.endswith("traceidratio")
    assert ("OTEL_TRACES_SAMPLER_ARG" in settings.unused) == (share is not None and not effective)
    assert ("OTEL_TRACES_SAMPLER" in settings.unused) == (sampler == "jaeger_remote")


def test_our_own_settings_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument and `TRACKWAY_SAMPLE_RATE` beat the sampler."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert Settings.from_env(sample_rate=0.5).sample_rate == 0.5
    monkeypatch.setenv("TRACKWAY_SAMPLE_RATE", "0.75")
    settings = Settings.from_env()
    assert (settings.sample_rate, settings.unused) == (0.75, ("OTEL_TRACES_SAMPLER",))


def test_the_resource_is_on_what_is_sent(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Service name and attributes are those of the spans' resource."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=a,service.name=other")
    Trackway().create_event(name="event")
    resource = resource_of(home)
    assert (resource["service.name"], resource["team"]) == ("shop", "a")
