"""All settings: one table (`specs.py`), and the only look into the environment.

An explicit argument beats `TRACKWAY_*`, which beats `LANGFUSE_*`, which beats the default. A wrong value is one
`ConfigurationError` that names where it came from, at the moment a client is made. `docs/configuration.md` shows
the same table; a test compares the two.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from trackway._core import parsing
from trackway._core.backend import Protocol, Remote, is_near
from trackway._core.cut import without_surrogates
from trackway._core.reader import Reader
from trackway._core.remotes import AMBIENT, Chooser
from trackway._version import __version__
from trackway._wire import attributes as names
from trackway.errors import ConfigurationError

__all__ = ["AMBIENT", "Settings", "environment_of_child", "resource_of", "settings_from"]

# The standard samplers, and the share of traces that they keep.
SAMPLERS: Final = {"always_on": 1.0, "always_off": 0.0, "traceidratio": 1.0}
SAMPLER: Final = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")
# What a process needs that reads for an application.
FOR_READERS: Final = ("prices", "retention", "retention_size")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a client was configured with. `Settings.from_env()` makes one."""

    enabled: bool
    local: bool
    directory: Path
    project: str
    service_name: str | None
    environment: str | None
    release: str | None
    sample_rate: float
    capture_io: bool
    redact: bool
    accept_baggage: bool
    attach: bool
    threads: bool
    serverless: bool
    compression: Literal["gzip", "none"]
    protocol: Protocol
    timeout: float
    retry_for: float
    spool_quota: int
    retention: float | Literal["off"]
    retention_size: int | Literal["off"]
    ingest_at: int | Literal["off"]
    sync: float | Literal["always", "never"]
    wire: Literal["all", "langfuse", "openinference", "genai"]
    prices: str
    """A file, `none`, or empty."""
    max_value_bytes: int
    resource_attributes: tuple[tuple[str, str], ...]
    remote: Remote | None
    sources: Mapping[str, str] = field(compare=False)
    """Setting → `argument`, the variable it was read from, or `default`."""
    unused: tuple[str, ...] = field(compare=False)
    """Variables that are set and have no effect."""

    @classmethod
    def from_env(cls, exporter: str | None = None, /, **overrides: object) -> "Settings":
        """The settings of this process; *overrides* are arguments of the same names, None meaning "not given".

        *exporter*: spans go to an object of the application's, which is known by this name.

        Raises:
            ConfigurationError: a value cannot be used; the message names the argument or variable
                and what is allowed.
        """
        return settings_from(os.environ, overrides, exporter)


def resource_of(settings: Settings) -> dict[str, str]:
    """Who sends: what OTEL_RESOURCE_ATTRIBUTES says, the project, and this library."""
    return {
        names.SERVICE_NAME: settings.project,
        **dict(settings.resource_attributes),
        names.TRACKWAY_PROJECT: settings.project,
        names.OPENINFERENCE_PROJECT_NAME: settings.project,
        names.TELEMETRY_SDK_LANGUAGE: "python",
        names.TELEMETRY_SDK_NAME: "trackway",
        names.TELEMETRY_SDK_VERSION: __version__,
    }


def settings_from(
    environ: Mapping[str, str], overrides: Mapping[str, object], exporter: str | None
) -> Settings:
    """The settings that arguments and an environment make."""
    reader = Reader(environ, overrides)
    enabled = reader.get("enabled", default=True)
    if reader.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        reader.used.add("OTEL_SDK_DISABLED")
        if reader.sources["enabled"] != "argument":
            enabled, reader.sources["enabled"] = False, "OTEL_SDK_DISABLED"
    resource = dict(_resource_attributes(reader.environ))
    service = resource.get("service.name")
    project = reader.get(
        "project", without_surrogates(service or _working_directory()) or "default"
    )
    chooser = Chooser(reader, exporter)
    remote = chooser.choose(project) if enabled else None
    local = reader.get("local", remote is None)
    if enabled and not local and remote is None:
        message = (
            f"{reader.name_of('local')} is false and no endpoint or keys are set, so spans would go nowhere; "
            "set TRACKWAY_ENABLED=false to switch tracing off"
        )
        raise ConfigurationError(message, setting="local")
    return Settings(
        enabled=enabled,
        local=local,
        directory=_directory(reader),
        project=project,
        service_name=service,
        environment=reader.get("environment", None),
        release=reader.get("release", None),
        sample_rate=_sample_rate(reader),
        capture_io=reader.get("capture_io", default=True),
        redact=reader.get("redact", default=True),
        accept_baggage=reader.get("accept_baggage", default=False),
        attach=reader.get("attach", default=False),
        threads=reader.get("threads", default=False),
        serverless=reader.get("serverless", default="AWS_LAMBDA_FUNCTION_NAME" in reader.environ),
        compression=_compression(reader, remote),
        protocol=chooser.protocol,
        timeout=reader.get("timeout", 15.0),
        retry_for=reader.get("retry_for", 86_400.0),
        spool_quota=reader.get("spool_quota", 1 << 30),
        retention=reader.get("retention", 90 * 86_400.0),
        retention_size=reader.get("retention_size", 5 << 30),
        ingest_at=reader.get("ingest_at", 256 << 20),
        sync=reader.get("sync", 0.5),
        wire=reader.get("wire", "all"),
        prices=reader.get("prices", ""),
        max_value_bytes=reader.get("max_value_bytes", 1 << 20),
        resource_attributes=tuple(resource.items()),
        remote=remote,
        sources=reader.sources,
        unused=reader.unused((*AMBIENT, *SAMPLER)),
    )


def _directory(reader: Reader) -> Path:
    given = reader.get("directory", "")
    if given:
        return Path(given).expanduser().absolute()
    from platformdirs import user_data_path  # noqa: PLC0415 - 3 ms that `import trackway` need not pay

    return user_data_path("trackway", appauthor=False)


def _sample_rate(reader: Reader) -> float:
    """The setting, else what the standard variables say; a parent's decision is not taken over."""
    sampler = reader.environ.get("OTEL_TRACES_SAMPLER", "").strip().lower()
    name = sampler.removeprefix("parentbased_")
    if reader.sources["sample_rate"] != "default" or name not in SAMPLERS:
        return reader.get("sample_rate", 1.0)
    reader.used.add("OTEL_TRACES_SAMPLER")
    reader.sources["sample_rate"] = "OTEL_TRACES_SAMPLER"
    share = SAMPLERS[name]
    if name == "traceidratio":
        # As the SDK does: a share that cannot be read is all.
        with suppress(ValueError):
            share = parsing.rate(reader.environ.get("OTEL_TRACES_SAMPLER_ARG", "1.0"))
            reader.used.add("OTEL_TRACES_SAMPLER_ARG")
    return share


def _compression(reader: Reader, remote: Remote | None) -> Literal["gzip", "none"]:
    default: Literal["gzip", "none"] = (
        "none" if remote is not None and is_near(remote.url) else "gzip"
    )
    return reader.get("compression", default)


def _resource_attributes(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME, read as OpenTelemetry's resource detector does."""
    try:
        pairs = parsing.pairs_of(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    except ValueError:
        pairs = ()
    service = environ.get("OTEL_SERVICE_NAME")
    return (*pairs, ("service.name", service)) if service else pairs


def _working_directory() -> str:
    """Its name as text; empty where there is none any more."""
    try:
        return without_surrogates(Path.cwd().name)
    except OSError:
        return ""


def environment_of_child(settings: Settings) -> dict[str, str]:
    """What a process of ours gets that reads for an application: no tracing, and of its settings what reading needs."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TRACKWAY_", "LANGFUSE_", "OTEL_"))
    }
    given = {
        f"TRACKWAY_{name.upper()}": str(getattr(settings, name))
        for name in FOR_READERS
        if settings.sources[name] != "default"
    }
    return {**kept, **given, "TRACKWAY_ENABLED": "false", "OTEL_SDK_DISABLED": "true"}
