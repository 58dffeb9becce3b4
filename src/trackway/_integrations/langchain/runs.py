"""The table of runs: which are open, below which parent each is, and how those end that nobody ends.

Theory of operation
-------------------
LangChain names every run by an id and says which run it is part of; nothing else is relied on. The table is one for the
process, so that two handlers (one given to a model's constructor, one to the call) see each run once, and find each
other's parents. Callbacks come from any thread and task: a lock is held for a few operations on dicts, never while
anything is encoded or written. Nothing is made current between callbacks (`_core/parents.py` says why).

A run's observation is written when the run ends, with these exceptions:

- A run that ends **before its own children** is parked, with its end noted, until they have ended. A stream that its
  consumer leaves ends so: LangChain tells the end of the chain as an ordinary one, and only then that the model below
  was closed. So the chain can be said to have been closed, too.
- What is parked is written at the next flush, and when a new root starts more than `PATIENCE` later. If an exception
  ended it, what is still open below has no end that anybody will tell (LangChain tells none of a tool that is
  cancelled), and ends with it, as what it is.
- Of a model, tool or retriever that is cancelled no end is told either: `lifetimes.py` sees it, wherever it happens.
- Of more than `MAX_OPEN` runs the oldest end so, too, and those that are open when the process ends.

Of the last runs that ended the identity is kept, without values, so that what a run left behind (a task that it
started) still finds its parent.
"""

import atexit
import threading
from collections import OrderedDict
from time import monotonic
from typing import TYPE_CHECKING, Final, final

from trackway._core import fork, log, parents
from trackway._core.guard import guard
from trackway._integrations.langchain.outcomes import CLOSED, CUT_OFF, LEFT, UNREPORTED

if TYPE_CHECKING:
    from uuid import UUID

    from trackway._core.observation import Observation
    from trackway._integrations.langchain.configuration import Said

__all__ = ["Run", "Runs", "runs"]

# Open at once. A server with thousands of requests in flight has fewer.
MAX_OPEN: Final = 20_000
# Of those that ended, the identity is kept.
MAX_ENDED: Final = 1_000
# Seconds for the ends of children that come after the end of their parent.
PATIENCE: Final = 1.0
# Kinds of runs that LangChain's context variable does not name.
LEAVES: Final = frozenset({"generation", "retriever"})

_guard: Final = guard("langchain")


@final
class Run:
    """One run: its observation, and what its end and its children need to know."""

    __slots__ = (
        "children",
        "ended",
        "error",
        "id",
        "maker",
        "observation",
        "parent",
        "parked_at",
        "prompt",
        "said",
        "streamed",
        "tags",
        "teller",
    )

    def __init__(
        self, id: "UUID", observation: "Observation", parent: "Run | None", said: "Said"
    ) -> None:
        self.id = id
        self.observation = observation
        self.parent = parent
        # What the configuration said of users and the like: children that say the same say nothing new.
        self.said = said
        self.tags: tuple[str, ...] = ()
        # What made the graph that it is of, or is in.
        self.maker = ""
        # The prompt that a template below was made from, for the generations beside it.
        self.prompt: object = None
        # Whether a first token came.
        self.streamed = False
        # Children that have not ended.
        self.children = 0
        # Set where it ended: the time, and by which exception.
        self.ended = 0
        self.error = ""
        self.parked_at = 0.0
        # Who will tell the end, where that can be watched.
        self.teller: object = None


@final
class Runs:
    """The runs of this process, by id."""

    def __init__(self, max_open: int = MAX_OPEN) -> None:
        self._max_open = max_open
        # Re-entrant: the collector may close an abandoned stream, and so end a run, anywhere on this thread.
        self._lock = threading.RLock()
        self._open: OrderedDict[UUID, Run] = OrderedDict()
        self._parked: OrderedDict[UUID, Run] = OrderedDict()
        self._ended: OrderedDict[UUID, Run] = OrderedDict()
        # Those of them that are models or retrievers.
        self._leaves: set[UUID] = set()
        self._of: dict[bytes, Run] = {}
        self.unreported = 0
        """Runs that ended without anybody saying so."""

    # -- looking up --------------------------------------------------------------------------------

    def open(self, id: "UUID") -> "Run | None":
        """The run of this id, if it has not ended."""
        return self._open.get(id)

    def find(self, id: "UUID | None") -> "Run | None":
        """The run of this id, also where it ended a short while ago."""
        if id is None:
            return None
        return self._open.get(id) or self._parked.get(id) or self._ended.get(id)

    def observation(self, id: "UUID | None") -> "Observation | None":
        """The observation of the run of this id, as a parent."""
        run = self.find(id)
        return None if run is None else run.observation

    def open_observation(self, id: "UUID") -> "Observation | None":
        """The observation of the run of this id, as long as it records."""
        run = self._open.get(id)
        return None if run is None else run.observation

    @property
    def leaves(self) -> bool:
        """Whether a model or a retriever is at work: LangChain's own context does not know of them."""
        return bool(self._leaves)

    def is_inside(self, observation: "Observation | None", run: Run) -> bool:
        """Whether *observation* is that of *run*, or of one below it that is open."""
        if observation is None:
            return False
        if observation is run.observation:
            return True
        found = self._of.get(observation._span)
        return found is not None and _is_below(found, run)

    def __len__(self) -> int:
        return len(self._open) + len(self._parked)

    # -- starting and ending -----------------------------------------------------------------------

    def start(self, run: Run) -> None:
        """Enters a run that has started."""
        if self._parked and run.parent is None:
            self.settle(PATIENCE)
        oldest: Run | None = None
        with self._lock:
            self._open[run.id] = self._of[run.observation._span] = run
            if run.observation._kind in LEAVES:
                self._leaves.add(run.id)
            if run.parent is not None:
                run.parent.children += 1
            if len(self._open) > self._max_open:
                oldest = next(iter(self._open.values()))
        if oldest is not None:
            log.warn(
                "langchain:open",
                "%s runs of LangChain are open; the oldest is ended",
                self._max_open,
            )
            self._give_up(oldest, UNREPORTED)

    def end(self, run: Run, *, error: BaseException | None = None) -> None:
        """Ends a run, by *error*: writes its observation, or parks it while something below is open."""
        with self._lock:
            if not self._take(run):
                return
            run.error = "" if error is None else type(error).__name__
            if run.children > 0:
                run.ended, run.parked_at = run.observation._now(), monotonic()
                self._parked[run.id] = run
                return
        self._write(run, closed=isinstance(error, GeneratorExit))

    def leave(self, run: Run) -> None:
        """Ends a run whose teller went away, at the time at which the failed run around it ended, if one did."""
        with _guard:
            above = run.parent
            while above is not None and not above.error:
                above = above.parent
            if above is None:
                self._give_up(run, f"{UNREPORTED}: {LEFT}")
            else:
                self._lose(run, above)

    def _take(self, run: Run) -> bool:
        run.teller = None
        self._leaves.discard(run.id)
        return self._open.pop(run.id, None) is not None

    def _write(self, run: Run, *, closed: bool = False) -> None:
        """Writes the observation of *run*, and of those above that only waited for it."""
        waiting: Run | None = run
        while waiting is not None:
            observation = waiting.observation
            observation.end(waiting.ended or None)
            _forget_values(observation)
            above = waiting.parent
            waiting.parent = None
            with self._lock:
                self._remember(waiting)
                waiting = None
                if above is not None:
                    above.children -= 1
                    if above.children <= 0 and self._parked.pop(above.id, None) is not None:
                        waiting = above
                    elif above.id not in self._parked:
                        closed = False
            if closed and above is not None and not above.error:
                above.observation.update(status_message=CLOSED)

    def _remember(self, run: Run) -> None:
        self._of.pop(run.observation._span, None)
        self._ended[run.id] = run
        if len(self._ended) > MAX_ENDED:
            self._ended.popitem(last=False)

    # -- those that nobody ends --------------------------------------------------------------------

    def settle(self, patience: float = 0.0) -> None:
        """Writes what has been parked for longer than *patience*, and ends what was lost below a failure."""
        now = monotonic()
        with self._lock:
            parked = [*self._parked.values()]
        due = [run for run in parked if now - run.parked_at >= patience]
        for run in due:
            if run.error:
                self._end_below(run)
            with self._lock:
                if self._parked.pop(run.id, None) is None:
                    continue
            self._write(run)

    def finish(self) -> None:
        """Ends everything: the process is going away."""
        self.settle()
        # Children first: a run that has open children would be parked.
        with self._lock:
            left = [*self._open.values()][::-1]
        for run in left:
            self._give_up(run, CUT_OFF)
        self.settle()

    def _end_below(self, above: Run) -> None:
        # A copy in one step: the collector may have a run leave in the middle of anything longer.
        with self._lock:
            open_runs = [*self._open.values()]
        lost = [run for run in open_runs if _is_below(run, above)]
        for run in reversed(lost):
            self._lose(run, above)

    def _lose(self, run: Run, above: Run) -> None:
        run.ended = max(above.ended, run.observation._start)
        self._give_up(run, f"{UNREPORTED}: the run around it ended by {above.error}")

    def _give_up(self, run: Run, message: str) -> None:
        with self._lock:
            if not self._take(run):
                return
            self.unreported += 1
        run.observation.update(level="WARNING", status_message=message)
        self._write(run)

    def clear(self) -> None:
        """Forgets every run, in a forked child and in tests: the parent process will end them."""
        self._lock = threading.RLock()
        self._open.clear()
        self._parked.clear()
        self._ended.clear()
        self._leaves.clear()
        self._of.clear()


def _is_below(run: Run, above: Run) -> bool:
    parent = run.parent
    while parent is not None and parent is not above:
        parent = parent.parent
    return parent is above


def _forget_values(observation: "Observation") -> None:
    """Frees what was written: of a run that ended only the identity is needed."""
    observation._input = observation._output = observation._extra = None
    observation._metadata = observation._api = None


runs: Final = Runs()
"""The one table of this process."""
fork.on_child(runs.clear)


parents.finishers.append(_guard(runs.settle))


@atexit.register
def _at_exit() -> None:
    with _guard:
        runs.finish()
