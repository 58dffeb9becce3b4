"""What the log says of a delivery in trouble: one line a minute for each kind, with the setting to look at."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trackway._core import log
from trackway._delivery.policy import Action, Decision, Outcome, Rule

__all__ = ["Blame", "tell", "tell_what_stays"]

CREDENTIALS: Final = frozenset({401, 403})
# A blip is not worth a line in the application's log.
NOTEWORTHY: Final = 2


@dataclass(frozen=True, slots=True)
class Blame:
    """The settings to name when a server refuses."""

    url: str
    credentials: str


def tell(blame: Blame, outcome: Outcome, decision: Decision, failures: int) -> None:
    """Says what a request came to, if that is worth saying; *failures*: requests in a row that have failed."""
    answer = outcome.answer
    match decision.rule:
        case Rule.MISCONFIGURED:
            setting = blame.credentials if outcome.status in CREDENTIALS else blame.url
            words = "spans are refused (%s): check %s; they wait in the spool"
            log.warn("delivery.misconfigured", words, answer, setting)
        case Rule.ACCEPTED if outcome.rejected > 0:
            words = "the backend refused %d spans of a request: %s"
            log.warn("delivery.partial", words, outcome.rejected, outcome.detail)
        case Rule.ACCEPTED if not outcome.readable:
            words = "the backend accepts spans with a reply that is none of OTLP: check %s"
            log.warn("delivery.unreadable", words, blame.url)
        case _ if decision.action in {Action.REJECT, Action.SUSPECT}:
            words = "the backend refuses a span (%s): see `trackway spool rejected`"
            log.warn("delivery.rejected", words, answer)
        case _ if failures >= NOTEWORTHY:
            words = "spans cannot be delivered now (%s): they wait in the spool"
            log.warn("delivery.unavailable", words, answer)
        case _:
            pass


def tell_what_stays(spans: int, folder: Path, *, drains: bool) -> None:
    """Says at the end of a process what it leaves, if anything; *drains*: a command can send it, too."""
    if spans:
        words = "%d spans stay in the spool %s: the next process that sends there delivers them"
        log.warn("delivery.stays", words + ", or `trackway spool drain`" * drains, spans, folder)
