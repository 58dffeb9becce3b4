"""Where spans go: the one remote destination, by the most explicit of an endpoint, keys and the standard variables."""

import base64
from typing import Final, final
from urllib.parse import urlsplit

from trackway._core import parsing
from trackway._core.backend import (
    OTLP_PATH,
    Headers,
    Protocol,
    Remote,
    overridden,
    require_grpc,
    traces_url,
)
from trackway._core.reader import ARGUMENT, Reader, parsed_as
from trackway._core.specs import LANGFUSE_CLOUD
from trackway.errors import ConfigurationError

__all__ = ["AMBIENT", "Chooser"]

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
PROTOCOL: Final = parsing.choice("http/protobuf", "grpc")


@final
class Chooser:
    """Chooses the destination that *reader* describes.

    *exporter*: spans go to an object of the application's, which is known by this name.
    """

    def __init__(self, reader: Reader, exporter: str | None) -> None:
        self._reader = reader
        self._exporter = exporter
        self.protocol: Protocol = "http/protobuf"
        """How the chosen endpoint is spoken to."""

    def choose(self, project: str) -> Remote | None:
        """The one remote destination, by the most explicit of endpoint and keys."""
        endpoint, keys = (
            self._reader.rank("endpoint"),
            max(self._reader.rank("public_key"), self._reader.rank("secret_key")),
        )
        if self._exporter is not None:
            return self._foreign(project, max(endpoint, keys))
        if endpoint == keys == 0:
            if self._reader.rank("base_url") == ARGUMENT:
                message = "base_url is given without public_key and secret_key"
                raise ConfigurationError(message, setting="public_key")
            self._reader.unuse("headers", "base_url", "protocol")
            return None
        if endpoint == keys:
            message = (
                f"{self._reader.name_of('endpoint')} and {self._reader.name_of('public_key')} are both set: "
                "spans go to one remote destination, so give either an endpoint or keys"
            )
            raise ConfigurationError(message, setting="endpoint")
        if endpoint > keys:
            self._reader.unuse("public_key", "secret_key", "base_url")
            if self._reader.get("endpoint", "") == "none":
                self._reader.unuse("headers", "protocol")
                return None
            self.protocol = self._protocol()
            return self._otlp(project)
        if self._reader.get("protocol", "") == "grpc":
            source = self._reader.name_of("protocol")
            message = f"{source} is grpc, which Langfuse does not take: give an endpoint, not keys"
            raise ConfigurationError(message, setting="protocol")
        self._reader.unuse("endpoint")
        if self._reader.rank("headers") == ARGUMENT:
            return self._langfuse(self._reader.get("headers", ()))
        self._reader.unuse("headers")  # those of the endpoint that was not chosen
        return self._langfuse(())

    def _foreign(self, project: str, rank: int) -> Remote:
        """The destination that an object of the application's is."""
        if rank == ARGUMENT:
            message = "span_exporter is given with an endpoint or keys: spans go to one remote destination"
            raise ConfigurationError(message, setting="span_exporter")
        unused = ("endpoint", "headers", "public_key", "secret_key", "base_url", "protocol")
        self._reader.unuse(*unused, "compression")
        return Remote(
            kind="exporter", url="", base=str(self._exporter), key=project, headers=(),
            setting="span_exporter", auth_setting="span_exporter",
        )  # fmt: skip

    def _protocol(self) -> Protocol:
        """How the endpoint is spoken to; the standard variables count where the endpoint is theirs."""
        source, found = self._reader.name_of("protocol"), self._reader.get("protocol", "")
        if not found and self._reader.get("endpoint", "") == "otel":
            source = next((name for name in AMBIENT[-2:] if name in self._reader.environ), "")
            given = self._reader.environ.get(source, "http/protobuf")
            found = str(parsed_as(PROTOCOL, given, source, "protocol"))
        if found != "grpc":
            return "http/protobuf"
        require_grpc(source)
        return "grpc"

    def _otlp(self, project: str) -> Remote:
        setting, headers_setting = self._reader.name_of("endpoint"), "TRACKWAY_HEADERS"
        endpoint = self._reader.get("endpoint", "")
        headers: Headers = self._reader.get("headers", ())
        if endpoint == "otel":
            return self._ambient(project)
        base = parsed_as(parsing.url, endpoint, setting, "endpoint")
        url = traces_url(self.protocol, base, setting)
        return Remote(
            kind="otlp", url=url, base=base, key=project, headers=headers, setting=setting, auth_setting=headers_setting
        )  # fmt: skip

    def _ambient(self, project: str) -> Remote:
        """The destination of the standard OTLP variables; the traces-specific one is a full URL, as OTLP says."""
        self._reader.used.update(name for name in AMBIENT if name in self._reader.environ)
        specific = self._reader.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        setting = (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" if specific else "OTEL_EXPORTER_OTLP_ENDPOINT"
        )
        port = 4317 if self.protocol == "grpc" else 4318
        standard = f"http://localhost:{port}"
        given = specific or self._reader.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", standard)
        base = parsed_as(parsing.url, given, setting, "endpoint")
        headers_setting = "OTEL_EXPORTER_OTLP_HEADERS"
        if "OTEL_EXPORTER_OTLP_TRACES_HEADERS" in self._reader.environ:
            headers_setting = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
        text = self._reader.environ.get(headers_setting, "")
        headers = parsed_as(parsing.headers, text, headers_setting, "headers")
        url = base if specific else base + OTLP_PATH
        if self.protocol == "grpc":
            url = traces_url(self.protocol, base, setting)
        return Remote(
            kind="otlp", url=url, base=base, key=project, headers=headers, setting=setting, auth_setting=headers_setting
        )  # fmt: skip

    def _langfuse(self, more: Headers) -> Remote:
        public, secret = self._reader.get("public_key", ""), self._reader.get("secret_key", "")
        for name, value in (("public_key", public), ("secret_key", secret)):
            if not value:
                other = "secret_key" if name == "public_key" else "public_key"
                variable = name.upper()
                message = (
                    f"{self._reader.name_of(other)} is set without its {name} "
                    f"(TRACKWAY_{variable} or LANGFUSE_{variable})"
                )
                raise ConfigurationError(message, setting=name)
        base = self._reader.get("base_url", LANGFUSE_CLOUD)
        token = base64.b64encode(f"{public}:{secret}".encode()).decode()
        headers = (
            ("Authorization", f"Basic {token}"),
            # Selects Langfuse's real-time path for any SDK; without it rows show up some ten minutes late.
            ("x-langfuse-ingestion-version", "4"),
            ("x-langfuse-public-key", public),
        )
        return Remote(
            kind="langfuse", url=base + LANGFUSE_PATH, base=base, key=public, headers=overridden(headers, more),
            setting=self._reader.name_of("base_url"), auth_setting=self._reader.name_of("secret_key"),
            scores_path=urlsplit(base).path + LANGFUSE_SCORES_PATH,
        )  # fmt: skip
