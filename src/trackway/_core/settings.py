"""All settings: one table, and the only reader of the environment.

An explicit argument beats `TRACKWAY_*`, which beats `LANGFUSE_*`, which beats the default. A wrong value is one
`ConfigurationError` that names where it came from, at the moment a client is made. `docs/configuration.md` shows
the same table; a test compares the two.
"""

import base64
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeVar, cast
from urllib.parse import urlsplit

from trackway._core import parsing
from trackway._core.backend import (
    OTLP_PATH,
    Protocol,
    Remote,
    is_near,
    require_grpc,
    traces_url,
)
from trackway._core.cut import without_surrogates
from trackway._core.specs import LANGFUSE_CLOUD, SPECS, Spec, own_names
from trackway.errors import ConfigurationError

__all__ = ["Settings"]

T = TypeVar("T")

LANGFUSE_PATH: Final = "/api/public/otel/v1/traces"
LANGFUSE_SCORES_PATH: Final = "/api/public/scores"
# What operators inject into every pod for an APM; used on request only (endpoint="otel"), reported by `trackway
# doctor`.
AMBIENT: Final = (
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
)


# The standard samplers, and the share of traces that they keep.
SAMPLERS: Final = {"always_on": 1.0, "always_off": 0.0, "traceidratio": 1.0}
SAMPLER: Final = ("OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG")


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
    compression: Literal["gzip", "none"]
    protocol: Protocol
    timeout: float
    retry_for: float
    spool_quota: int
    sync: float | Literal["always", "never"]
    wire: Literal["all", "langfuse", "openinference"]
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
        return _Reader(os.environ, overrides, exporter).settings()


class _Reader:
    """Reads every setting once and remembers where it came from."""

    def __init__(
        self, environ: Mapping[str, str], overrides: Mapping[str, object], exporter: str | None
    ) -> None:
        self.exporter = exporter
        self.protocol: Protocol = "http/protobuf"
        self.environ = {name: value for name, value in environ.items() if value.strip()}
        self.sources: dict[str, str] = {}
        self.used: set[str] = set()
        self.values: dict[str, object] = {}
        overrides = own_names(overrides)
        unknown = overrides.keys() - {spec.name for spec in SPECS}
        if unknown:
            message = f"there is no setting {', '.join(sorted(unknown))}"
            raise ConfigurationError(message, setting=min(unknown))
        for spec in SPECS:
            self._read(spec, overrides.get(spec.name))

    def _read(self, spec: Spec, override: object) -> None:
        if override is not None:
            self.sources[spec.name] = "argument"
            self.values[spec.name] = _parsed(spec, override, spec.name)
            return
        for variable in spec.variables:
            if (given := self.environ.get(variable)) is not None:
                self.sources[spec.name] = variable
                self.used.add(variable)
                self.values[spec.name] = _parsed(spec, given, variable)
                return
        self.sources[spec.name] = "default"

    def get(self, name: str, default: T) -> T:
        # The parser of the table decides the type; `settings()` below is where it meets the annotation.
        return cast("T", self.values.get(name, default))

    def name_of(self, setting: str) -> str:
        """How a message names the setting: the variable that it came from, else the argument."""
        source = self.sources[setting]
        return setting if source in {"argument", "default"} else source

    def settings(self) -> Settings:
        enabled = self.get("enabled", default=True)
        if self.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            self.used.add("OTEL_SDK_DISABLED")
            if self.sources["enabled"] != "argument":
                enabled, self.sources["enabled"] = False, "OTEL_SDK_DISABLED"
        resource = dict(_resource_attributes(self.environ))
        service = resource.get("service.name")
        project = self.get(
            "project", without_surrogates(service or _working_directory()) or "default"
        )
        remote = self._remote(project) if enabled else None
        local = self.get("local", remote is None)
        if enabled and not local and remote is None:
            message = (
                f"{self.name_of('local')} is false and no endpoint or keys are set, so spans would go nowhere; "
                "set TRACKWAY_ENABLED=false to switch tracing off"
            )
            raise ConfigurationError(message, setting="local")
        return Settings(
            enabled=enabled,
            local=local,
            directory=self._directory(),
            project=project,
            service_name=service,
            environment=self.get("environment", None),
            release=self.get("release", None),
            sample_rate=self._sample_rate(),
            capture_io=self.get("capture_io", default=True),
            redact=self.get("redact", default=True),
            accept_baggage=self.get("accept_baggage", default=False),
            attach=self.get("attach", default=False),
            threads=self.get("threads", default=False),
            compression=self._compression(remote),
            protocol=self.protocol,
            timeout=self.get("timeout", 15.0),
            retry_for=self.get("retry_for", 86_400.0),
            spool_quota=self.get("spool_quota", 1 << 30),
            sync=self.get("sync", 0.5),
            wire=self.get("wire", "all"),
            max_value_bytes=self.get("max_value_bytes", 1 << 20),
            resource_attributes=tuple(resource.items()),
            remote=remote,
            sources=self.sources,
            unused=self._unused(),
        )

    # -- destinations ------------------------------------------------------------------------------

    def _remote(self, project: str) -> Remote | None:
        """The one remote destination, by the most explicit of endpoint and keys."""
        endpoint, keys = (
            self._rank("endpoint"),
            max(self._rank("public_key"), self._rank("secret_key")),
        )
        if self.exporter is not None:
            return self._foreign(project, max(endpoint, keys))
        if endpoint == keys == 0:
            if self._rank("base_url") == ARGUMENT:
                message = "base_url is given without public_key and secret_key"
                raise ConfigurationError(message, setting="public_key")
            self._unuse("headers", "base_url", "protocol")
            return None
        if endpoint == keys:
            message = (
                f"{self.name_of('endpoint')} and {self.name_of('public_key')} are both set: "
                "spans go to one remote destination, so give either an endpoint or keys"
            )
            raise ConfigurationError(message, setting="endpoint")
        if endpoint > keys:
            self._unuse("public_key", "secret_key", "base_url")
            if self.get("endpoint", "") == "none":
                self._unuse("headers", "protocol")
                return None
            self.protocol = self._protocol()
            return self._otlp(project)
        if self.get("protocol", "") == "grpc":
            message = f"{self.name_of('protocol')} is grpc, which Langfuse does not take: give an endpoint, not keys"
            raise ConfigurationError(message, setting="protocol")
        self._unuse("endpoint", "headers")
        return self._langfuse()

    def _foreign(self, project: str, rank: int) -> Remote:
        """The destination that an object of the application's is."""
        if rank == ARGUMENT:
            message = "span_exporter is given with an endpoint or keys: spans go to one remote destination"
            raise ConfigurationError(message, setting="span_exporter")
        unused = ("endpoint", "headers", "public_key", "secret_key", "base_url", "protocol")
        self._unuse(*unused, "compression")
        return Remote(
            kind="exporter", url="", base=str(self.exporter), key=project, headers=(),
            setting="span_exporter", auth_setting="span_exporter",
        )  # fmt: skip

    def _protocol(self) -> Protocol:
        """How the endpoint is spoken to; the standard variables count where the endpoint is theirs."""
        source, found = self.name_of("protocol"), self.get("protocol", "")
        if not found and self.get("endpoint", "") == "otel":
            source = next((name for name in AMBIENT[-2:] if name in self.environ), "")
            given = self.environ.get(source, "http/protobuf")
            found = str(_parsed_as(PROTOCOL, given, source, "protocol"))
        if found != "grpc":
            return "http/protobuf"
        require_grpc(source)
        return "grpc"

    def _unuse(self, *settings: str) -> None:
        """What these were read from has no effect."""
        self.used -= {self.sources[name] for name in settings}

    def _rank(self, name: str) -> int:
        source = self.sources[name]
        if source == "default":
            return 0
        return ARGUMENT if source == "argument" else 2 if source.startswith("TRACKWAY_") else 1

    def _otlp(self, project: str) -> Remote:
        setting, headers_setting = self.name_of("endpoint"), "TRACKWAY_HEADERS"
        endpoint = self.get("endpoint", "")
        headers: tuple[tuple[str, str], ...] = self.get("headers", ())
        if endpoint == "otel":
            return self._ambient(project)
        base = _parsed_as(parsing.url, endpoint, setting, "endpoint")
        url = traces_url(self.protocol, base, setting)
        return Remote(
            kind="otlp", url=url, base=base, key=project, headers=headers, setting=setting, auth_setting=headers_setting
        )  # fmt: skip

    def _ambient(self, project: str) -> Remote:
        """The destination of the standard OTLP variables; the traces-specific one is a full URL, as OTLP says."""
        self.used.update(name for name in AMBIENT if name in self.environ)
        specific = self.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        setting = (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" if specific else "OTEL_EXPORTER_OTLP_ENDPOINT"
        )
        port = 4317 if self.protocol == "grpc" else 4318
        standard = f"http://localhost:{port}"
        given = specific or self.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", standard)
        base = _parsed_as(parsing.url, given, setting, "endpoint")
        headers_setting = "OTEL_EXPORTER_OTLP_HEADERS"
        if "OTEL_EXPORTER_OTLP_TRACES_HEADERS" in self.environ:
            headers_setting = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
        text = self.environ.get(headers_setting, "")
        headers = _parsed_as(parsing.headers, text, headers_setting, "headers")
        url = base if specific else base + OTLP_PATH
        if self.protocol == "grpc":
            url = traces_url(self.protocol, base, setting)
        return Remote(
            kind="otlp", url=url, base=base, key=project, headers=headers, setting=setting, auth_setting=headers_setting
        )  # fmt: skip

    def _langfuse(self) -> Remote:
        public, secret = self.get("public_key", ""), self.get("secret_key", "")
        for name, value in (("public_key", public), ("secret_key", secret)):
            if not value:
                other = "secret_key" if name == "public_key" else "public_key"
                variable = name.upper()
                message = (
                    f"{self.name_of(other)} is set without its {name} "
                    f"(TRACKWAY_{variable} or LANGFUSE_{variable})"
                )
                raise ConfigurationError(message, setting=name)
        base = self.get("base_url", LANGFUSE_CLOUD)
        token = base64.b64encode(f"{public}:{secret}".encode()).decode()
        headers = (
            ("Authorization", f"Basic {token}"),
            # Selects Langfuse's real-time path for any SDK; without it rows show up some ten minutes late.
            ("x-langfuse-ingestion-version", "4"),
            ("x-langfuse-public-key", public),
        )
        return Remote(
            kind="langfuse", url=base + LANGFUSE_PATH, base=base, key=public, headers=headers,
            setting=self.name_of("base_url"), auth_setting=self.name_of("secret_key"),
            scores_path=urlsplit(base).path + LANGFUSE_SCORES_PATH,
        )  # fmt: skip

    # -- the rest ----------------------------------------------------------------------------------

    def _directory(self) -> Path:
        given = self.get("directory", "")
        if given:
            return Path(given).expanduser().absolute()
        from platformdirs import user_data_path  # noqa: PLC0415 - 3 ms that `import trackway` need not pay

        return user_data_path("trackway", appauthor=False)

    def _sample_rate(self) -> float:
        """The setting, else what the standard variables say; a parent's decision is not taken over."""
        sampler = self.environ.get("OTEL_TRACES_SAMPLER", "").strip().lower()
        name = sampler.removeprefix("parentbased_")
        if self.sources["sample_rate"] != "default" or name not in SAMPLERS:
            return self.get("sample_rate", 1.0)
        self.used.add("OTEL_TRACES_SAMPLER")
        self.sources["sample_rate"] = "OTEL_TRACES_SAMPLER"
        share = SAMPLERS[name]
        if name == "traceidratio":
            # As the SDK does: a share that cannot be read is all.
            with suppress(ValueError):
                share = parsing.rate(self.environ.get("OTEL_TRACES_SAMPLER_ARG", "1.0"))
                self.used.add("OTEL_TRACES_SAMPLER_ARG")
        return share

    def _compression(self, remote: Remote | None) -> Literal["gzip", "none"]:
        default: Literal["gzip", "none"] = (
            "none" if remote is not None and is_near(remote.url) else "gzip"
        )
        return self.get("compression", default)

    def _unused(self) -> tuple[str, ...]:
        known = {variable for spec in SPECS for variable in spec.variables}
        ours = {name for name in self.environ if name.startswith("TRACKWAY_")} - INTERNAL
        candidates = ours | {
            name for name in self.environ if name in known or name in (*AMBIENT, *SAMPLER)
        }
        return tuple(sorted(candidates - self.used))


ARGUMENT: Final = 3
PROTOCOL: Final = parsing.choice("http/protobuf", "grpc")
# Read by the test suite and the examples, not settings of a client.
INTERNAL: Final = frozenset({"TRACKWAY_TORTURE"})


def _parsed(spec: Spec, value: object, source: str) -> object:
    if isinstance(value, Path):
        value = str(value)
    return _parsed_as(spec.parse, value, source, spec.name)


def _parsed_as(parse: Callable[[object], T], value: object, source: str, setting: str) -> T:
    try:
        return parse(value)
    except ValueError as error:
        # A URL may have a password in it.
        secret = setting in {"secret_key", "headers"} or "@" in str(value)
        shown = "" if secret else f" {value!r}"
        message = f"{source}{shown} {error}"
        raise ConfigurationError(message, setting=setting) from None


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
