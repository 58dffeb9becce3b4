"""Empties the spool of one remote destination: reads, posts, and does what the policy says. No thread, no socket.

Theory of operation. `step` does at most one request and says when it wants to be called again. Between two steps
everything that matters is on disk: who is killed here loses nothing, and repeats one batch at most.

- *Lanes.* The chain of this process, what waits in its memory, and chains of dead processes that could be claimed
  take turns, one request each, so that no backlog and no span that the server stumbles over keeps the others
  waiting.
- *Only its own destination.* A chain lies in the folder of the destination that it was written for, and this class
  looks into one folder.
- *Limits.* What is older than `retry_for`, and the oldest beyond the quota, is given up in whole segments and
  counted, by the clock of the wall as it was when the process began, carried on by the monotonic one: a clock that
  is set a day ahead must not cost a day of spans.
"""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, final

from trackway._core import log
from trackway._delivery import complaints, limits
from trackway._delivery.batch import TARGET, Batch
from trackway._delivery.chain import chains, claim, sweep
from trackway._delivery.complaints import Blame
from trackway._delivery.counters import DeliveryCounters
from trackway._delivery.deadletter import DeadLetter, DeadLetters
from trackway._delivery.lane import ChainLane, Complete, Lane, MemoryLane
from trackway._delivery.policy import Action, Decision, Outcome, Policy, Rule
from trackway._delivery.spool import Spool

__all__ = ["Exporter", "Mark", "Poster"]

LINGER_S: Final = 0.25
"""How long a batch may grow; half of what the user notices, and a request costs as much as 10 spans."""
SCAN_EVERY_S: Final = 30.0
LIMITS_EVERY_S: Final = 1.0
# Of dead processes at a time: each is two descriptors and a read buffer.
MOST_CLAIMED: Final = 8
# Single spans in a row that were answered 500 before the server, not they, is held to be at fault.
MOST_SUSPECTS: Final = 16


class Poster(Protocol):
    """What sends a body; `transport.Transport` is one."""

    def post(self, *body: bytes, timeout: float | None = None, scores: bool = False) -> Outcome:
        """Sends the pieces of *body* as one and tells what came of it; never raises for what network or server do."""
        ...

    def close(self) -> None:
        """Lets go of the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Mark:
    """What had ended at some moment."""

    look: int
    chain: Path | None
    place: tuple[int, int]


@final
class Exporter:
    """Delivers one destination. `step` is for one thread at a time; `mark`, `passed` and `hurry` for any."""

    def __init__(  # noqa: PLR0913 - what it is made of, each by name
        self,
        root: Path,
        destination: str,
        poster: Callable[[], Poster],
        *,
        spool: Spool | None = None,
        blame: Blame,
        quota: int | None = None,
        retry_for: float = 86_400.0,
        clock: Callable[[], float] = time.monotonic,
        wall_ns: Callable[[], int] = time.time_ns,
        jitter: Callable[[], float] = random.random,
        complete: Complete | None = None,
    ) -> None:
        self.root = root
        self.destination = destination
        self.urgent = 0
        """How many wait for it: small batches do not linger then."""
        self.policy = Policy(jitter)
        self.letters = DeadLetters(root, destination, quota)
        self._new_poster = poster
        self._poster: Poster | None = None
        self._spool = spool
        self._blame = blame
        self._quota = quota
        self._retry_for = retry_for
        self._clock = clock
        self._complete = complete
        self._wall_offset = wall_ns() - int(clock() * 1e9)
        self._lanes: deque[Lane] = deque()
        self._memory: MemoryLane | None = None
        self._live: ChainLane | None = None
        self._skipped: set[Path] = set()
        """Chains with segments of a newer version, which only that can deliver."""
        self._scan_at = self._limits_at = float("-inf")
        self._suspicion = Outcome(status=500)
        """What was said of the last suspect."""
        self._looks = 0
        self._last_empty = 0
        if spool is not None:
            self._memory = MemoryLane(spool, complete=complete)
            self._lanes.append(self._memory)

    # -- the worker's thread -----------------------------------------------------------------------

    def step(self, timeout: float | None = None) -> float | None:
        """One request at most, within *timeout*; seconds until there is more to do, None when there is nothing."""
        now = self._clock()
        if now >= self._scan_at:
            self._scan_at = now + SCAN_EVERY_S
            self.scan()
        if now >= self._limits_at:
            self._limits_at = now + LIMITS_EVERY_S
            self._enforce_limits()
        if now < self.policy.ready_at:
            return min(self.policy.ready_at - now, LIMITS_EVERY_S)
        self._follow_spool()
        self._looks = look = self._looks + 1
        found = self._next()
        if found is None:
            if resting := self.rests_for():
                return min(resting, LIMITS_EVERY_S)
            self._last_empty = look
            return None
        lane, batch = found
        with lane.held(batch) as still_there:
            if not still_there:
                return 0.0
            self._send(lane, batch, timeout)
        return self._pause(lane, batch)

    def scan(self) -> None:
        """Claims chains of dead processes, the oldest first."""
        known = {lane.chain for lane in self._lanes if isinstance(lane, ChainLane)}
        room = MOST_CLAIMED - len(known)
        for chain in chains(self.root, self.destination):
            if room <= 0:
                return
            if chain in known or chain in self._skipped or chain == self._own_chain():
                continue
            lock = claim(chain)
            if lock is not None:
                self._lanes.append(ChainLane(chain, lock, complete=self._complete))
                room -= 1
        sweep(self.root, self.destination)

    def close(self) -> None:
        """Lets go of the connection and of all chains; a later step takes them up again."""
        self._close_connection()
        for lane in self._lanes:
            if isinstance(lane, ChainLane):
                lane.release()
        self._forget_lanes()

    def retire(self) -> None:
        """After the spool has been closed: what it wrote is a dead chain now, removed if it is delivered."""
        live, self._live = self._live, None
        if live is None:
            return
        lock = claim(live.chain)
        if lock is None:
            self._lanes.remove(live)
            live.release()
            return
        live.adopt(lock)
        if live.next(TARGET) is None:
            self._finish(live)

    def idle(self) -> None:
        """Nothing to do for a while: the connection is closed, not left to the server's patience."""
        self._close_connection()

    # -- any thread --------------------------------------------------------------------------------

    def mark(self, *, orphans: bool = False) -> Mark:
        """What has ended by now, in this process or (*orphans*) in dead ones too; to be asked for with `passed`."""
        spool = self._spool
        if spool is None or orphans:
            return Mark(self._looks, None, (0, 0))
        return Mark(self._looks, spool.live_chain(), spool.tail())

    def passed(self, mark: Mark) -> bool:
        """Whether all of that is settled: accepted, refused for good, or given up."""
        if self._last_empty > mark.look:
            return True
        live = self._live
        if live is None or live.chain != mark.chain or mark.place == (0, 0) or self._in_memory():
            return False
        return live.state[:2] >= mark.place

    def hurry(self) -> bool:
        """Ends a backoff, because someone waits; whether there was one that may be ended."""
        return self.policy.hurry()

    def look_for_orphans(self) -> None:
        """Has the next step look for chains of dead processes."""
        self._scan_at = float("-inf")

    def rests_for(self) -> float:
        """Seconds until the next request may be sent."""
        return max(self.policy.ready_at - self._clock(), 0.0)

    @property
    def memory_counters(self) -> DeliveryCounters:
        """What became of records that were never on disk."""
        return DeliveryCounters() if self._memory is None else self._memory.counters

    def after_fork_in_child(self) -> None:
        """Closes copies; the parent's chains, locks and connection are left to the parent."""
        poster, self._poster = self._poster, None
        if poster is not None:
            poster.close()
        for lane in self._lanes:
            if isinstance(lane, ChainLane):
                lane.abandon()
        if self._spool is not None:
            self._memory = MemoryLane(self._spool, complete=self._complete)
        self._forget_lanes()
        self.urgent = 0

    # -- what to send ------------------------------------------------------------------------------

    def _next(self) -> tuple[Lane, Batch] | None:
        """The next batch of the lane whose turn it is."""
        while True:
            finished = 0
            for _ in range(len(self._lanes)):
                lane = self._lanes[0]
                self._lanes.rotate(-1)
                batch = lane.next(self.policy.limit)
                if batch is not None:
                    return lane, batch
                finished += self._at_end(lane)
            if not finished:
                return None
            # There may be more chains of the dead than are claimed at a time.
            self.scan()

    def _at_end(self, lane: Lane) -> bool:
        """What to do with a lane that has nothing to send; whether it is gone."""
        if lane.suspects:
            # Nothing came after them that could have told whose fault it is.
            lane.rewind()
            self.policy.rest(Rule.STUMBLED, self._clock())
        elif isinstance(lane, ChainLane) and not lane.live:
            self._finish(lane)
            return True
        return False

    def _send(self, lane: Lane, batch: Batch, timeout: float | None) -> None:
        body = batch.parts()
        size = sum(map(len, body))
        if size > self.policy.limit and len(batch) > 1:
            lane.halve()
            return
        if self._poster is None:
            self._poster = self._new_poster()
        outcome = self._poster.post(*body, timeout=timeout, scores=batch.scores)
        now = self._clock()
        stuck_s = 0.0 if lane.stuck_since is None else now - lane.stuck_since
        decision = self.policy.decide(
            outcome, spans=len(batch), size=size, now=now, stuck_s=stuck_s
        )
        self._obey(lane, batch, outcome, decision)

    def _pause(self, lane: Lane, batch: Batch) -> float:
        """How long to wait before the next step."""
        resting = self.rests_for()
        if resting:
            return min(resting, LIMITS_EVERY_S)
        more = lane.pending or lane.behind(batch)
        return LINGER_S if lane.live and not more and not self.urgent else 0.0

    def _obey(self, lane: Lane, batch: Batch, outcome: Outcome, decision: Decision) -> None:
        match decision.action:
            case Action.ACK:
                self._reject_suspects(lane)
                rejected = min(max(outcome.rejected, 0), len(batch))
                reasons = {"partial": rejected} if rejected else {}
                counters = DeliveryCounters(acked=len(batch) - rejected, rejected=reasons)
                self._settle(lane, batch, counters)
            case Action.SPLIT:
                lane.halve()
            case Action.REJECT:
                self._reject_suspects(lane)
                self._reject(lane, batch, outcome)
            case Action.SUSPECT:
                self._suspicion = outcome
                if lane.suspect() > MOST_SUSPECTS:
                    lane.rewind()
                    lane.stuck_since = self._clock()
                    self.policy.rest(Rule.STUMBLED, self._clock())
            case Action.KEEP:
                if decision.rule is Rule.STUMBLED and lane.stuck_since is None:
                    lane.stuck_since = self._clock()
        complaints.tell(self._blame, outcome, decision, self.policy.failures)

    def _reject_suspects(self, lane: Lane) -> None:
        """The server has dealt with another span: the 500s before were about these."""
        for suspect in lane.suspects:
            self._reject(lane, suspect, self._suspicion)
        lane.suspects.clear()

    def _reject(self, lane: Lane, batch: Batch, outcome: Outcome) -> None:
        """Puts a single span aside, then counts it: who is killed in between has it twice, not never."""
        reason = outcome.reason
        (record,) = batch.records
        resource, scope = batch.scopes.get(record.scope, (b"", b""))
        letter = DeadLetter(
            time_ns=self._wall_ns(),
            reason=reason,
            message=outcome.detail,
            resource=resource,
            scope=scope,
            payload=record.payload,
            score=batch.scores,
        )
        try:
            self.letters.put(letter)
        except OSError as error:
            log.warn("delivery.letters", "a refused span could not be kept: %s", error.strerror)
        self._settle(lane, batch, DeliveryCounters(rejected={reason: 1}))

    def _settle(self, lane: Lane, batch: Batch, counters: DeliveryCounters) -> None:
        lane.settle(batch, counters)
        if lane is self._live and self._spool is not None:
            self._spool.settle(self._live.state.counters.settled)

    # -- lanes -------------------------------------------------------------------------------------

    def _follow_spool(self) -> None:
        """Takes up the chain of this process: it begins with the first span, and again when its files were lost."""
        chain = self._own_chain()
        live = self._live
        if chain is None or (live is not None and live.chain == chain):
            return
        if live is not None:
            self._lanes.remove(live)
            live.release()
        self._live = ChainLane(chain, None, self._spool, complete=self._complete)
        self._lanes.append(self._live)

    def _own_chain(self) -> Path | None:
        return None if self._spool is None else self._spool.live_chain()

    def _in_memory(self) -> bool:
        return self._spool is not None and self._spool.counters().in_memory > 0

    def _finish(self, lane: ChainLane) -> None:
        try:
            if not lane.finish():
                self._skipped.add(lane.chain)
        except OSError as error:
            self._skipped.add(lane.chain)
            log.warn("delivery.fold", "a delivered spool could not be removed: %s", error.strerror)
        self._lanes.remove(lane)
        lane.release()

    def _forget_lanes(self) -> None:
        self._lanes.clear()
        self._live = None
        if self._memory is not None:
            self._memory.rewind()
            self._lanes.append(self._memory)
        self._scan_at = float("-inf")

    def _close_connection(self) -> None:
        if self._poster is not None:
            self._poster.close()

    # -- limits ------------------------------------------------------------------------------------

    def _wall_ns(self) -> int:
        return self._wall_offset + int(self._clock() * 1e9)

    def _enforce_limits(self) -> None:
        chain_lanes = (lane for lane in self._lanes if isinstance(lane, ChainLane))
        mine = sorted(chain_lanes, key=lambda lane: lane.born)
        limits.enforce_age(mine, self._wall_ns(), self._retry_for)
        if self._quota is not None:
            limits.enforce_quota(mine, chains(self.root, self.destination), self._quota)
