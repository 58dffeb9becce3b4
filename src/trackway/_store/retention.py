"""What the store keeps: 90 days or 5 GiB unless somebody says otherwise, whichever comes first.

Theory of operation.

1. *Whole files only.* A part goes when all of its rows are older than the limit; none is written again for it. Parts
   are cut by day (`parts.Lines.by_day`, `compact.groups`), and the limit lies between two days, UTC: a day is there
   as a whole or not at all, so its sums are right as long as they can be asked for.
2. *Exactly once.* To let a part go is one transaction (`state.State.retire`); the file is deleted after it, by this
   process or by the next ingester. Positions of chains stay as they are: what was ingested is not ingested again
   because its rows are gone. A query that meets a file that has just gone looks again (`reading`).
3. *The longer limit counts.* A rule that somebody gave (argument or variable) is noted in the store. A process that
   was given none lets go only what both its default and the note let go: an application with `TRACKWAY_RETENTION=1y`
   loses nothing because its user looked from a shell without that variable.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, final

from trackway._core.log import logger
from trackway._core.settings import Settings
from trackway._store.parts import Parts
from trackway._store.rows import OBSERVATIONS
from trackway._store.state import Part, State
from trackway._store.times import DAY_US, from_microseconds

__all__ = ["KEEP_ALL", "Days", "Holdings", "Retention", "Rule", "days_of", "due", "rule_of"]

LOOK_EVERY_S: Final = 60.0
_NOTES: Final = ("retention", "retention_size")
_SAID: Final = "retention_said"
_OFF: Final = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How much is kept; None is no limit."""

    age_s: float | None
    """Seconds."""
    size: int | None
    """Bytes of part files."""
    given: frozenset[str] = frozenset()
    """Which of `retention` and `retention_size` somebody asked for; the others are defaults."""


KEEP_ALL: Final = Rule(age_s=None, size=None)


def rule_of(settings: Settings) -> Rule:
    """The rule that *settings* say."""
    return Rule(
        age_s=None if settings.retention == _OFF else settings.retention,
        size=None if settings.retention_size == _OFF else settings.retention_size,
        given=frozenset(name for name in _NOTES if settings.sources[name] != "default"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Part files, and the days that they hold."""

    files: int
    rows: int
    bytes: int
    days: int
    """Days, UTC, between the first and the last one, both counted."""
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What a store holds, and by which rule."""

    rule: Rule
    """The one that counts: this process's, or a longer one that was noted."""
    noted: tuple[str, ...]
    """Which of `retention` and `retention_size` come from an earlier process that was given them."""
    held: Days
    retired_rows: int
    """Rows that were let go since the store was made."""


def due(parts: Sequence[Part], rule: Rule, now_us: int) -> list[Part]:
    """The parts that *rule* lets go: days beyond the age, then the oldest days beyond the size.

    Of the newest day single parts go, oldest first, and the newest part never.
    """
    gone = [] if rule.age_s is None else older_than(parts, rule.age_s, now_us)
    if rule.size is None:
        return gone
    left = [part for part in parts if part not in set(gone)]
    total = sum(part.bytes for part in left)
    days: dict[int, list[Part]] = defaultdict(list)
    for part in left:
        days[part.last_us // DAY_US].append(part)
    groups = [days[day] for day in sorted(days)]
    if groups:
        newest = sorted(groups.pop(), key=lambda part: (part.last_us, part.file))
        groups += [[part] for part in newest[:-1]]
    for group in groups:
        if total <= rule.size:
            break
        gone += group
        total -= sum(part.bytes for part in group)
    return gone


def older_than(parts: Sequence[Part], age_s: float, now_us: int) -> list[Part]:
    """The parts whose every day is over for *age_s* seconds."""
    limit = (now_us - int(age_s * 1e6)) // DAY_US * DAY_US
    return [part for part in parts if part.last_us < limit]


def days_of(parts: Sequence[Part]) -> Days:
    """What *parts* hold together."""
    first = min((part.first_us for part in parts), default=0)
    last = max((part.last_us for part in parts), default=0)
    return Days(
        files=len(parts),
        rows=sum(part.rows for part in parts if part.kind == OBSERVATIONS),
        bytes=sum(part.bytes for part in parts),
        days=last // DAY_US - first // DAY_US + 1 if parts else 0,
        first=from_microseconds(first).date() if parts else None,
        last=from_microseconds(last).date() if parts else None,
    )


@final
class Retention:
    """Keeps a store to its rule. What deletes is called under the ingest lock."""

    def __init__(self, parts: Parts, state: State, rule: Rule, now_us: Callable[[], int]) -> None:
        self.rule = rule
        self._parts = parts
        self._state = state
        self._now_us = now_us
        self._look_at = 0.0

    def enforce(self) -> None:
        """Lets go what the rule lets go; looks once a minute at most, since a reader may come by every second."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        rule, _ = self._effective()
        gone = self._let_go(due(self._state.snapshot().parts, rule, self._now_us()))
        if gone.files:
            logger.info(
                "the store in %s let go %d spans of %s to %s, as TRACKWAY_RETENTION and TRACKWAY_RETENTION_SIZE say",
                self._parts.directory.parent, gone.rows, gone.first, gone.last,
            )  # fmt: skip

    def older_than(self, age_s: float) -> Days:
        """What `delete` would delete."""
        return days_of(older_than(self._registered(), age_s, self._now_us()))

    def delete(self, age_s: float) -> Days:
        """Deletes the days that are over for *age_s* seconds, whatever the rule says; what they held."""
        return self._let_go(older_than(self._registered(), age_s, self._now_us()))

    def holdings(self) -> Holdings:
        """What is there; takes no lock, changes nothing."""
        rule, noted = self._effective(note=False)
        return Holdings(
            rule=rule,
            noted=noted,
            held=days_of(self._registered()),
            retired_rows=self._state.counter("retired") if self._state.exists() else 0,
        )

    def unsaid(self) -> bool:
        """Whether a limit that nobody asked for is in force and no person was told of it; from now on, one was."""
        rule, noted = self._effective(note=False)
        silent = {
            name
            for name, limit in zip(_NOTES, (rule.age_s, rule.size), strict=True)
            if limit is not None and name not in rule.given and name not in noted
        }
        # A look first: to write is to wait for whoever ingests.
        if not silent or not self._state.exists() or _SAID in self._state.notes():
            return False
        return self._state.note(_SAID, "yes")

    def _registered(self) -> tuple[Part, ...]:
        return self._state.snapshot().parts if self._state.exists() else ()

    def _let_go(self, parts: Sequence[Part]) -> Days:
        if parts:
            self._state.retire(parts)
            self._parts.sweep()
        return days_of(parts)

    def _effective(self, *, note: bool = True) -> tuple[Rule, tuple[str, ...]]:
        """The rule that counts, and what of it was noted earlier; notes what this process was given."""
        rule = self.rule
        notes = self._state.notes() if self._state.exists() else {}
        limits: list[float | None] = []
        noted: list[str] = []
        for name, limit in zip(_NOTES, (rule.age_s, rule.size), strict=True):
            text = notes.get(name)
            if name in rule.given:
                said = _OFF if limit is None else str(limit)
                if note and said != text:
                    self._state.note(name, said)
            elif text is not None and limit is not None:
                longer = None if text == _OFF else max(float(text), limit)
                if longer != limit:
                    noted.append(name)
                limits.append(longer)
                continue
            limits.append(limit)
        age_s, size = limits
        found = Rule(age_s=age_s, size=None if size is None else int(size), given=rule.given)
        return found, tuple(noted)
