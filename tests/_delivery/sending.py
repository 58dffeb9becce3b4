"""What the tests of sending share: spans that are known by their number, and an exporter whose time the test tells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from opentelemetry.sdk.trace.export import SpanExporter

from tests.backend import Backend
from trackway import Trackway
from trackway._core.settings import Settings
from trackway._delivery.complaints import Blame
from trackway._delivery.delivery import Delivery, open_delivery
from trackway._delivery.exporter import Exporter, Poster
from trackway._delivery.policy import Outcome
from trackway._delivery.spool import Spool
from trackway._delivery.stats import DestinationStats, destination_stats
from trackway._delivery.transport import Transport
from trackway._wire import encode

DESTINATION = "0123456789abcdef"
RESOURCE = encode.resource({"service.name": "tests"})
SCOPE = encode.scope("trackway", "1")


def span_id(number: int) -> str:
    """How a backend names span *number*."""
    return f"{number + 1:016x}"


def span(number: int, size: int = 100) -> bytes:
    """A span of about *size* bytes that tells its number by its id."""
    return encode.span(
        trace_id=(1).to_bytes(16, "big"),
        span_id=(number + 1).to_bytes(8, "big"),
        parent_span_id=b"",
        name=f"span {number}",
        kind=1,
        start=1,
        end=2,
        attributes=encode.attributes({"input.value": "x" * size}),
        flags=1,
    )


def spool_at(home: Path, destination: str = DESTINATION) -> Spool:
    """A spool of one destination."""
    return Spool(home / "spool", destination, description={"kind": "test"})


def fill(spool: Spool, numbers: range, size: int = 100) -> list[str]:
    """Ends spans *numbers*; their ids."""
    scope = spool.register_scope(RESOURCE, SCOPE)
    for number in numbers:
        spool.append(span(number, size), scope)
    return [span_id(number) for number in numbers]


@dataclass
class Time:
    """Seconds that pass only when the test says so."""

    now: float = 1_000.0
    wall_ns: int = 1_700_000_000 * 10**9

    def __call__(self) -> float:
        return self.now

    def wall(self) -> int:
        """What the wall clock shows."""
        return self.wall_ns

    def wall_s(self) -> float:
        """The same in seconds."""
        return self.wall_ns / 1e9


@dataclass
class Posts:
    """A transport that notes when it was used."""

    transport: Transport
    time: Time
    times: list[float] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def post(self, *body: bytes, timeout: float | None = None, scores: bool = False) -> Outcome:
        """Sends, and notes the time since the beginning."""
        self.times.append(round(self.time.now - 1_000.0, 3))
        outcome = self.transport.post(*body, timeout=timeout, scores=scores)
        self.outcomes.append(outcome)
        return outcome

    def close(self) -> None:
        """Lets go of the connection."""
        self.transport.close()


class Sending:
    """An exporter, the real transport under it, and the time."""

    def __init__(
        self,
        url: str,
        home: Path,
        spool: Spool | None = None,
        *,
        timeout: float = 10.0,
        quota: int | None = None,
        retry_for: float = 86_400.0,
        jitter: Callable[[], float] = lambda: 1.0,
        destination: str = DESTINATION,
        complete: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.time = Time()
        self.posts = Posts(
            Transport(url + "/v1/traces", timeout=timeout, wall=self.time.wall_s), self.time
        )
        self.exporter = Exporter(
            home / "spool",
            destination,
            self._poster,
            spool=spool,
            blame=Blame("TRACKWAY_ENDPOINT", "TRACKWAY_HEADERS"),
            quota=quota,
            retry_for=retry_for,
            clock=self.time,
            wall_ns=self.time.wall,
            jitter=jitter,
            complete=complete,
        )

    def _poster(self) -> Poster:
        return self.posts

    def run(self, seconds: float = 300.0, *, posts: int = 1_000) -> list[float]:
        """Steps until nothing is left, *seconds* have passed or *posts* were sent; when each was sent."""
        end = self.time.now + seconds
        while len(self.posts.times) < posts:
            pause = self.exporter.step()
            if pause is None or self.time.now + pause > end:
                break
            self.time.now += pause
        return self.posts.times

    def stats(self) -> DestinationStats:
        """What became of the destination's spans, by its files."""
        return destination_stats(self.exporter.root, self.exporter.destination)

    def close(self) -> None:
        """Lets go of everything."""
        self.exporter.close()
        self.posts.close()


def delivery_to(backend: Backend | str, home: Path, **settings: object) -> Delivery:
    """A delivery to *backend* as a client has it."""
    url = backend if isinstance(backend, str) else backend.url
    return open_delivery(
        Settings.from_env(endpoint=url, directory=str(home), project="tests", **settings)
    )


def traced(exporter: SpanExporter, count: int = 3, **options: object) -> Trackway:
    """A client that sends to *exporter*, in which some observations have ended."""
    client = Trackway(span_exporter=exporter, project="tests", **options)  # type: ignore[arg-type]  # by name
    for number in range(count):
        with client.start_as_current_observation(name=f"step {number}"):
            pass
    return client
