"""Processes of two destinations on one spool that die at any moment, and others that take over what they left.

A process is here what it has in memory: its spool and its exporter. A death is the end of that, with everything on disk
as it was and the locks free, which is what SIGKILL leaves; so a hundred thousand steps take minutes, not days.
`test_destinations.py` does the same with real processes.
"""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests._delivery.sending import Time, fill, span_id
from trackway._delivery.complaints import Blame
from trackway._delivery.exporter import Exporter
from trackway._delivery.policy import Outcome
from trackway._delivery.spool import Spool
from trackway._wire.decode import decode_request

DESTINATIONS = ("0123456789abcdef", "fedcba9876543210")
MOST_PROCESSES = 6
MOST_SPANS = 40


class Killed(BaseException):
    """The process dies in the middle of a request."""


class World:
    """Two backends, the time, and what was ended for each."""

    def __init__(self, root: Path, chance: random.Random) -> None:
        self.root = root
        self.chance = chance
        self.time = Time()
        self.ended: list[set[str]] = [set(), set()]
        self.arrived = [Counter[str](), Counter[str]()]
        self.repeatable: set[str] = set()
        """Of requests whose answer nobody wrote down."""
        self.deadly = True
        self.next = 0

    def exporter(self, which: int, spool: Spool | None) -> Exporter:
        """What delivers to backend *which*."""
        self.time.now += 60.0
        return Exporter(
            self.root,
            DESTINATIONS[which],
            lambda: Backend(self, which),
            spool=spool,
            blame=Blame("TRACKWAY_ENDPOINT", "TRACKWAY_HEADERS"),
            clock=self.time,
            wall_ns=self.time.wall,
            jitter=lambda: 1.0,
        )


class Backend:
    """Takes what is sent to one destination, refuses it for now, or sees the sender die before or after."""

    def __init__(self, world: World, which: int) -> None:
        self._world = world
        self._which = which

    def post(self, *body: bytes, timeout: float | None = None, scores: bool = False) -> Outcome:
        del timeout, scores
        world = self._world
        mood = world.chance.random() if world.deadly else 1.0
        if mood < 0.1:
            raise Killed
        if mood < 0.2:
            return Outcome(status=503)
        spans = [span.span_id for _, _, span in decode_request(b"".join(body))]
        world.arrived[self._which].update(spans)
        if mood < 0.3:
            world.repeatable.update(spans)
            raise Killed
        return Outcome(status=200)

    def close(self) -> None: ...


class Process:
    """An application that sends to one destination, or (*drains*) something that only delivers."""

    def __init__(self, world: World, *, drains: bool) -> None:
        self._world = world
        self._which = world.chance.randrange(2)
        self._spool = None if drains else Spool(world.root, DESTINATIONS[self._which])
        self._exporter = world.exporter(self._which, self._spool)

    def trace(self) -> None:
        """Ends some spans."""
        if self._spool is None:
            return
        world = self._world
        numbers = range(world.next, world.next + world.chance.randint(1, MOST_SPANS))
        world.next = numbers.stop
        size = world.chance.choice((50, 500, 5_000))
        world.ended[self._which].update(fill(self._spool, numbers, size))
        if world.chance.random() < 0.5:
            self._spool.prepare()

    def deliver(self) -> None:
        """A step of the delivery, after a while."""
        self._world.time.now += 60.0
        self._exporter.step()

    def die(self) -> None:
        """Nothing is written any more; what the system closes is closed."""
        self._exporter.after_fork_in_child()
        if self._spool is not None:
            self._spool.after_fork_in_child()


def test_whoever_takes_over(
    home: Path, count: Callable[[int, int], int], chance: random.Random
) -> None:
    """Whoever dies when, no span comes to another destination than its own, none is lost, and few come twice."""
    world = World(home / "spool", chance)
    processes: list[Process] = []
    deaths = 0
    for _ in range(count(2_000, 100_000)):
        if not processes or (len(processes) < MOST_PROCESSES and chance.random() < 0.4):
            processes.append(Process(world, drains=chance.random() < 0.4))
        process = chance.choice(processes)
        try:
            chance.choice((process.trace, process.deliver, process.deliver))()
            dies = chance.random() < 0.1
        except Killed:
            dies = True
        if dies:
            deaths += 1
            process.die()
            processes = [each for each in processes if each is not process]
    for process in processes:
        process.die()
    world.deadly = False
    for which in range(2):
        drain(world.exporter(which, None), world.time)
    print(
        f"{deaths} deaths, {world.next} spans, {len(world.repeatable)} in requests without an answer"
    )
    for ended, arrived in zip(world.ended, world.arrived, strict=True):
        assert ended == arrived.keys()
        assert {span for span, times in arrived.items() if times > 1} <= world.repeatable
    assert span_id(0) in world.ended[0] | world.ended[1]


def drain(exporter: Exporter, time: Time) -> None:
    """Delivers everything that is left."""
    mark = exporter.mark(orphans=True)
    exporter.look_for_orphans()
    while not exporter.passed(mark):
        time.now += 60.0
        exporter.step()
    exporter.close()
