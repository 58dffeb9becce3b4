"""What posts to a remote destination: which of the transports, with which settings."""

from typing import Final

from trackway._core.backend import Remote
from trackway._core.loading import loading
from trackway._core.settings import Settings
from trackway._delivery.exporter import Poster
from trackway._delivery.policy import Rule, rule

__all__ = ["answers", "new_poster"]

ASK_S: Final = 3.0


def new_poster(settings: Settings, remote: Remote) -> Poster:
    """A transport to *remote*, in the protocol of *settings*; the library that it takes is loaded here."""
    if settings.protocol == "grpc":
        with loading():
            from trackway._delivery.grpc_transport import GrpcTransport  # noqa: PLC0415 - 60 ms

        return GrpcTransport(
            remote.url,
            remote.headers,
            timeout=settings.timeout,
            compress=settings.compression == "gzip",
        )
    # `http.client` and what it needs take 25 ms: not on the application's threads, and not without a span to send.
    # A fork waits for it: a child would inherit the module's lock as it is.
    with loading():
        from trackway._delivery.transport import Transport  # noqa: PLC0415

    return Transport(
        remote.url,
        remote.headers,
        timeout=settings.timeout,
        compress=settings.compression == "gzip",
        scores_path=remote.scores_path,
    )


def answers(settings: Settings, remote: Remote, foreign: Poster | None) -> bool:
    """Whether the destination takes a request without a span, within 3 s."""
    poster = new_poster(settings, remote) if foreign is None else foreign
    try:
        outcome = poster.post(b"", timeout=ASK_S)
    finally:
        poster.close()
    return rule(outcome) is Rule.ACCEPTED
