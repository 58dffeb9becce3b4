"""What follows from the outcome of a POST: one table, no socket, no clock of its own.

Theory of operation. The exporter posts a batch, gets an `Outcome`, and asks `Policy.decide` what to do:

1. *Nothing is given up for a fault of the network or of the server.* Such a batch stays where it is, in the spool,
   and the destination rests: for as long as `Retry-After` says, else for a random time up to 1 s · 2^n (at most 60
   s).
2. *A configuration that the server refuses is not the data's fault.* The data stays, the destination rests for 60
   s, and one warning a minute names the setting. A status that this table does not know counts as one of these.
3. *What the server refuses for what it is* is halved until the single spans at fault are found; these are put aside
   as dead letters, the others arrive.
4. OTLP forbids to retry 500, which would lose every span of a database blip. We retry, for an hour. Then the batch
   is halved as in 3 to find a span that the server stumbles over; but a span is put aside only when another was
   accepted meanwhile, because a server that answers 500 to everything has found fault with none.

All times are monotonic seconds that the caller passes in; the jitter is drawn from an injected source.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, final

__all__ = [
    "Action",
    "Decision",
    "Failure",
    "Outcome",
    "Policy",
    "Rule",
    "retry_after",
]

FIRST_BACKOFF_S: Final = 1.0
MAX_BACKOFF_S: Final = 60.0
# Above any maintenance window that a server announces in good faith; a mistake in a header must not cost a day.
MAX_RETRY_AFTER_S: Final = 3_600.0
MISCONFIGURED_HOLD_S: Final = 60.0
# How long 500 is taken for a fault of the server alone.
STUCK_AFTER_S: Final = 3_600.0
# Of the uncompressed body. The Collector's and many proxies' default is above it, Langfuse Cloud takes 5 MB.
REQUEST_LIMIT: Final = 4 << 20
# A server that refuses even this as too large would get a request for every span.
SMALLEST_LIMIT: Final = 16 << 10

Failure = Literal["", "network", "unusable", "failed"]


class Rule(Enum):
    """What a reply means."""

    ACCEPTED = "accepted"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    STUMBLED = "stumbled"
    TOO_LARGE = "too large"
    MALFORMED = "malformed"
    MISCONFIGURED = "misconfigured"


class Action(Enum):
    """What to do with the batch, and thereby with the destination."""

    ACK = "ack"
    """It has arrived."""
    KEEP = "keep"
    """It stays, and the destination rests until `Policy.ready_at`."""
    SPLIT = "split"
    """Its halves are sent at once."""
    REJECT = "reject"
    """Its single span becomes a dead letter."""
    SUSPECT = "suspect"
    """Its single span becomes a dead letter if another one is accepted meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened to a POST."""

    status: int | None = None
    """The status of the reply; None when there was none."""
    failure: Failure = ""
    """`unusable`: TLS that fails, an address that cannot be one; a person has to mend it.

    `failed`: an exporter of the application's gave up, and does not say why; it is treated as the status 500.
    """
    retry_after: float | None = None
    """Seconds, from the header; None where it is absent or unreadable."""
    rejected: int = 0
    """Spans that the server did not take, by its own count (`partial_success`)."""
    readable: bool = True
    """Whether the body of an accepting reply could be understood."""
    name: str = ""
    """How gRPC calls the status; `status` is then the one of HTTP that means the same."""
    detail: str = ""
    """A few words for the log: the kind of the error or the server's own message, never data of ours."""

    @property
    def reason(self) -> str:
        """How a refusal is counted."""
        return self.failure if self.status is None else str(self.status)

    @property
    def answer(self) -> str:
        """The reply in a word or two, or what was there instead."""
        return self.detail if self.status is None else self.name or f"HTTP {self.status}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, and how the table put it."""

    action: Action
    rule: Rule


# The whole table; what is not in it is decided by its hundred.
RULES: Final[dict[int, Rule]] = {
    400: Rule.MALFORMED,
    401: Rule.MISCONFIGURED,
    403: Rule.MISCONFIGURED,
    404: Rule.MISCONFIGURED,
    405: Rule.MISCONFIGURED,
    408: Rule.UNAVAILABLE,
    413: Rule.TOO_LARGE,
    415: Rule.MISCONFIGURED,
    422: Rule.MALFORMED,
    425: Rule.UNAVAILABLE,
    429: Rule.THROTTLED,
    500: Rule.STUMBLED,
    503: Rule.THROTTLED,
}
HUNDREDS: Final[dict[int, Rule]] = {
    2: Rule.ACCEPTED,
    # Never followed: the credentials would go to another host.
    3: Rule.MISCONFIGURED,
    4: Rule.MISCONFIGURED,
    5: Rule.UNAVAILABLE,
}


def rule(outcome: Outcome) -> Rule:
    """The row of the table that an outcome falls under."""
    if outcome.failure == "unusable":
        return Rule.MISCONFIGURED
    if outcome.failure == "failed":
        return Rule.STUMBLED
    if outcome.failure or outcome.status is None:
        return Rule.UNAVAILABLE
    return RULES.get(outcome.status) or HUNDREDS.get(outcome.status // 100, Rule.UNAVAILABLE)


def retry_after(value: str | None, wall_s: float) -> float | None:
    """Seconds to wait by a `Retry-After` header, a number or a date; 0 to 3,600, None where nothing can be read."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdecimal():
        # Cut before the conversion: a header may hold thousands of digits.
        return min(float(text[:20]), MAX_RETRY_AFTER_S)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - dates are rare and the package is large

    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(moment - wall_s, 0.0), MAX_RETRY_AFTER_S)


@final
class Policy:
    """Decides for one destination, and remembers how long it rests and how large a request it takes.

    *jitter* draws a number from 0 to 1. Used by one thread.
    """

    __slots__ = ("_jitter", "announced", "failures", "limit", "ready_at", "resting")

    def __init__(self, jitter: Callable[[], float], *, limit: int = REQUEST_LIMIT) -> None:
        self.limit = limit
        """Bytes of a request before compression; a single span may be larger."""
        self.ready_at = float("-inf")
        """When the next request may be sent."""
        self.resting: Rule | None = None
        """Why the destination rests; None after a request that was answered well."""
        self.failures = 0
        """Requests in a row after which the destination had to rest."""
        self.announced = False
        """Whether it was the server that named the time."""
        self._jitter = jitter

    def decide(
        self, outcome: Outcome, *, spans: int, size: int, now: float, stuck_s: float = 0.0
    ) -> Decision:
        """What to do after a request of *spans* spans in *size* bytes.

        *stuck_s*: for how long these spans have been answered 500.
        """
        found = rule(outcome)
        if found is Rule.ACCEPTED:
            self._answered()
            return Decision(action=Action.ACK, rule=found)
        if found is Rule.TOO_LARGE and spans > 1:
            self.limit = max(min(self.limit, size // 2), SMALLEST_LIMIT)
            return Decision(action=Action.SPLIT, rule=found)
        if found in {Rule.MALFORMED, Rule.TOO_LARGE}:
            self._answered()
            return Decision(action=Action.SPLIT if spans > 1 else Action.REJECT, rule=found)
        if found is Rule.STUMBLED and stuck_s >= STUCK_AFTER_S:
            return Decision(action=Action.SPLIT if spans > 1 else Action.SUSPECT, rule=found)
        self.rest(found, now, outcome.retry_after)
        return Decision(action=Action.KEEP, rule=found)

    def rest(self, why: Rule, now: float, announced: float | None = None) -> None:
        """Sends nothing until `ready_at`."""
        if why is Rule.MISCONFIGURED:
            wait = MISCONFIGURED_HOLD_S
        elif why is Rule.THROTTLED and announced:
            wait = min(announced, MAX_RETRY_AFTER_S)
        elif why is Rule.THROTTLED and announced == 0 and not self.failures:
            # "Come back at once" is obeyed once; a server that says it for ever gets the backoff.
            wait = 0.0
        else:
            wait = self._backoff()
        self.failures += 1
        self.resting = why
        self.ready_at = now + wait
        self.announced = announced is not None and why is Rule.THROTTLED

    def hurry(self) -> bool:
        """Ends a backoff for one attempt; what the server asked for and what only a person can mend is waited out."""
        if self.resting is None or self.resting is Rule.MISCONFIGURED or self.announced:
            return False
        self.ready_at = float("-inf")
        return True

    def _answered(self) -> None:
        self.failures = 0
        self.resting = None
        self.announced = False
        self.ready_at = float("-inf")

    def _backoff(self) -> float:
        # 2^6 s is above the limit already, and 2.0 ** 1024 overflows.
        longest = min(FIRST_BACKOFF_S * 2.0 ** min(self.failures, 6), MAX_BACKOFF_S)
        return longest * self._jitter()
