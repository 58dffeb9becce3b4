"""The table of settings: argument, variables, form, default, meaning."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from trackway._core import log, parsing

LANGFUSE_CLOUD: Final = "https://cloud.langfuse.com"
# Arguments of the Langfuse SDK's client, and ours for the same; where both are given, ours counts.
INCUMBENT: Final = {
    "host": "base_url",
    "tracing_enabled": "enabled",
    "additional_headers": "headers",
    "otel_compression": "compression",
}
# Its arguments that have no meaning here, and why not: they are accepted with one WARNING.
MEANINGLESS: Final = {
    "flush_at": "there is no batch to fill, what has ended is on disk",
    "flush_interval": "there is no queue to empty, what has ended is on disk and sent within the second",
    "httpx_client": "spans are sent without httpx; proxies and certificates are read from the usual variables",
    "media_upload_thread_count": "no media are uploaded",
}


@dataclass(frozen=True, slots=True)
class Spec:
    """One setting: its argument's name, the variables that are read in this order, how a text becomes a value."""

    name: str
    variables: tuple[str, ...]
    parse: Callable[[object], object]
    default: str
    meaning: str


SPECS: Final = (
    Spec(
        "enabled",
        ("TRACKWAY_ENABLED", "LANGFUSE_TRACING_ENABLED"),
        parsing.boolean,
        "true",
        "Off: no spans, threads, files. `OTEL_SDK_DISABLED=true` switches off as well.",
    ),
    Spec(
        "endpoint",
        ("TRACKWAY_ENDPOINT",),
        parsing.text,
        "–",
        "An OTLP base URL; `/v1/traces` is appended. `otel`: use the `OTEL_EXPORTER_OTLP_*` variables. "
        "`none`: no remote destination, whatever else is set.",
    ),
    Spec(
        "headers",
        ("TRACKWAY_HEADERS",),
        parsing.headers,
        "–",
        "Headers of every request to the endpoint: `name=value,name2=value2`. Given in code, also to a Langfuse.",
    ),
    Spec(
        "public_key",
        ("TRACKWAY_PUBLIC_KEY", "LANGFUSE_PUBLIC_KEY"),
        parsing.key,
        "–",
        "The public key of a Langfuse project.",
    ),
    Spec(
        "secret_key",
        ("TRACKWAY_SECRET_KEY", "LANGFUSE_SECRET_KEY"),
        parsing.key,
        "–",
        "Its secret key.",
    ),
    Spec(
        "base_url",
        ("TRACKWAY_BASE_URL", "LANGFUSE_BASE_URL", "LANGFUSE_HOST"),
        parsing.url,
        LANGFUSE_CLOUD,
        "Where that Langfuse is.",
    ),
    Spec(
        "local",
        ("TRACKWAY_LOCAL",),
        parsing.boolean,
        "true without a remote destination",
        "Keep spans in the embedded store; with a remote destination: a copy.",
    ),
    Spec(
        "directory",
        ("TRACKWAY_DIR",),
        parsing.path,
        "the platform's user data folder",
        "Where the spool and the store live.",
    ),
    Spec(
        "project",
        ("TRACKWAY_PROJECT",),
        parsing.text,
        "`service.name`, else the working directory's name",
        "The project that spans belong to.",
    ),
    Spec(
        "environment",
        ("TRACKWAY_ENVIRONMENT", "LANGFUSE_TRACING_ENVIRONMENT"),
        parsing.environment,
        "–",
        "Such as `production`; 1 to 40 of `a-z 0-9 - _`, not starting with `langfuse`.",
    ),
    Spec(
        "release",
        ("TRACKWAY_RELEASE", "LANGFUSE_RELEASE"),
        parsing.text,
        "–",
        "The release of the application.",
    ),
    Spec(
        "sample_rate",
        ("TRACKWAY_SAMPLE_RATE", "LANGFUSE_SAMPLE_RATE"),
        parsing.rate,
        "1.0",
        "The share of traces that is kept, decided by trace id.",
    ),
    Spec(
        "capture_io",
        ("TRACKWAY_CAPTURE_IO", "LANGFUSE_OBSERVE_DECORATOR_IO_CAPTURE_ENABLED"),
        parsing.boolean,
        "true",
        "Whether `@observe` records arguments and results.",
    ),
    Spec(
        "redact",
        ("TRACKWAY_REDACT",),
        parsing.boolean,
        "true",
        "Replace secrets by a mark before anything is written.",
    ),
    Spec(
        "accept_baggage",
        ("TRACKWAY_ACCEPT_BAGGAGE",),
        parsing.boolean,
        "false",
        "Believe the user, session, tags and metadata that a request brings as baggage.",
    ),
    Spec(
        "attach",
        ("TRACKWAY_ATTACH",),
        parsing.boolean,
        "false",
        "Join the application's OpenTelemetry SDK, as `attach()` does.",
    ),
    Spec(
        "threads",
        ("TRACKWAY_THREADS",),
        parsing.boolean,
        "false",
        "Carry users and parents into threads and pools, as `attach_threads()` does.",
    ),
    Spec(
        "compression",
        (
            "TRACKWAY_COMPRESSION",
            "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
            "OTEL_EXPORTER_OTLP_COMPRESSION",
        ),
        parsing.choice("gzip", "none"),
        "gzip; none for loopback and private addresses",
        "Of request bodies.",
    ),
    Spec(
        "protocol",
        ("TRACKWAY_PROTOCOL",),
        parsing.choice("http/protobuf", "grpc"),
        "http/protobuf",
        "How spans are sent to the endpoint; `grpc` needs the extra `[otlp]`.",
    ),
    Spec("timeout", ("TRACKWAY_TIMEOUT",), parsing.duration, "15s", "Of one whole request."),
    Spec(
        "retry_for",
        ("TRACKWAY_RETRY_FOR",),
        parsing.duration,
        "24h",
        "How long undelivered spans are kept.",
    ),
    Spec(
        "spool_quota",
        ("TRACKWAY_SPOOL_QUOTA",),
        parsing.size,
        "1GiB",
        "Disk that undelivered spans may use, for each remote destination.",
    ),
    Spec(
        "retention",
        ("TRACKWAY_RETENTION",),
        parsing.age,
        "90d",
        "How long the embedded store keeps a day; `off`: for ever.",
    ),
    Spec(
        "retention_size",
        ("TRACKWAY_RETENTION_SIZE",),
        parsing.limit,
        "5GiB",
        "Disk that the embedded store may use; beyond it the oldest days go. `off`: no limit.",
    ),
    Spec(
        "ingest_at",
        ("TRACKWAY_INGEST_AT",),
        parsing.limit,
        "256MiB",
        "What may wait unread for the embedded store before a child process takes it in; `off`: no child process.",
    ),
    Spec(
        "sync",
        ("TRACKWAY_SYNC",),
        parsing.syncing,
        "500ms",
        "How often writes are forced to the disk; `always`, `never`.",
    ),
    Spec(
        "serverless",
        ("TRACKWAY_SERVERLESS",),
        parsing.boolean,
        "true where `AWS_LAMBDA_FUNCTION_NAME` is set",
        "Deliver whenever a root observation ends, for 2 s at most: the process may be frozen right after it.",
    ),
    Spec(
        "wire",
        ("TRACKWAY_WIRE",),
        parsing.choice("all", "langfuse", "openinference", "genai"),
        "all",
        "Which attribute dialects spans carry; with a local copy always `all`.",
    ),
    Spec(
        "prices",
        ("TRACKWAY_PRICES",),
        parsing.path,
        "the price list of `[prices]`, where it is installed",
        "A file of prices that come before the price list's (TOML or JSON). `none`: nothing is priced.",
    ),
    Spec(
        "max_value_bytes",
        ("TRACKWAY_MAX_VALUE_BYTES",),
        parsing.size,
        "1MiB",
        "The budget of one input, output or metadata value; the rest is cut and marked.",
    ),
)


def own_names(overrides: Mapping[str, object]) -> dict[str, object]:
    """*overrides* under our names, without what has no meaning here."""
    for name, reason in MEANINGLESS.items():
        if overrides.get(name) is not None:
            log.warn(f"option:{name}", "%s has no effect: %s", name, reason)
    theirs = {ours: overrides.get(name) for name, ours in INCUMBENT.items()}
    given = {
        name: value
        for name, value in overrides.items()
        if name not in INCUMBENT and name not in MEANINGLESS
    }
    return given | {
        name: value
        for name, value in theirs.items()
        if value is not None and given.get(name) is None
    }
