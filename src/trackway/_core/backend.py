"""The remote destination: where requests go, in which protocol, and who is to be named when it refuses them."""

import importlib.util
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlsplit

from trackway.errors import ConfigurationError

__all__ = [
    "OTLP_PATH",
    "Headers",
    "Protocol",
    "Remote",
    "is_near",
    "overridden",
    "require_grpc",
    "traces_url",
]

OTLP_PATH: Final = "/v1/traces"

Protocol = Literal["http/protobuf", "grpc"]
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A remote destination: where requests go, and which settings to name when it refuses them."""

    kind: Literal["otlp", "langfuse", "exporter"]
    """`exporter`: an object of the application's, which has no URL and whose name is `base`."""
    url: str
    base: str
    """The address that identifies the destination, without credentials."""
    key: str
    """A Langfuse public key, or the project's name: with `kind` and `base` the identity. Never a secret."""
    headers: Headers = field(repr=False)
    setting: str
    auth_setting: str
    scores_path: str = ""
    """Where scores are posted as JSON, on the host of `url`; empty where they are spans."""


def overridden(headers: Headers, more: Headers) -> Headers:
    """*headers* with *more*, which win where the names are the same."""
    theirs = {name.lower() for name, _ in more}
    return (*(pair for pair in headers if pair[0].lower() not in theirs), *more)


def traces_url(protocol: Protocol, base: str, setting: str) -> str:
    """Where spans are sent below *base*; gRPC has no paths, so there *base* must be a host and no more."""
    if protocol == "grpc":
        if urlsplit(base).path:
            message = f"{setting} {base!r} has a path, which gRPC has not: host and port are enough"
            raise ConfigurationError(message, setting="endpoint")
        return base
    return base if base.endswith(OTLP_PATH) else base + OTLP_PATH


def require_grpc(source: str) -> None:
    """Raises ConfigurationError, with the line to type, where gRPC cannot be spoken."""
    if importlib.util.find_spec("grpc") is None:
        message = f"{source} is grpc, which needs one more package: pip install 'trackway[otlp]'"
        raise ConfigurationError(message, setting="protocol")


def is_near(url: str) -> bool:
    """Whether the host is this machine or a private address, where compression costs more than it saves."""
    import ipaddress  # noqa: PLC0415 - needed with a remote destination only

    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
