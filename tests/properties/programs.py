"""Random programs that observe themselves: blocks, decorated functions, generators, tasks, threads, errors.

Each operation is done twice: by trackway, in whatever context Python gives it, and by the model (`scoping.py`), whose
scope is handed on explicitly in a `Cell`. A program is drawn from a seed; only the interleaving of its threads is left
to the machine. Garbage is collected where the program says so, in the middle of whatever goes on. Where two threads may
give one observation a user, the operation and its model happen under a lock, so that both see the same order.
"""

import contextvars
import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from random import Random
from types import TracebackType

from tests.properties import scoping
from tests.properties.generators import Planned, Running, Steps
from tests.properties.scoping import Cell, Expected, Frame, Scope
from trackway import Trackway, observe, propagate_attributes, set_user
from trackway._core.current import Current
from trackway._core.propagate import Propagation
from trackway.types import ObservationKind

KINDS: tuple[ObservationKind, ...] = ("span", "generation", "agent", "tool", "chain", "retriever")


class Program:
    """A random program of functions, generators and threads; it runs until it has made *size* observations."""

    def __init__(self, seed: int, client: Trackway, size: int) -> None:
        self.seed = seed
        self.client = client
        self.expected: list[Expected] = []
        self.lock = threading.RLock()
        self.pending: list[Running] = []
        self.tracer = client._provider.get_tracer("an instrumentation")
        # Blocks that are entered in many places at once.
        self.shared = [
            (propagate_attributes(user_id=name), name) for name in ("shared-1", "shared-2")
        ]
        self._numbers = count()
        self._size = size
        self.pool = ThreadPoolExecutor(3)
        self._of_thread = threading.local()

    def run(self) -> list[Expected]:
        """Runs it in a fresh context; gives what it expects."""
        contextvars.Context().run(self.main)
        self.pool.shutdown()
        return [expected for expected in self.expected if expected.begun]

    def main(self) -> None:
        random, cell = Random(self.seed), Cell(threads=True)
        while not self.enough:
            with suppress(Planned):
                self.act(random, cell, 5)
        while self.pending:
            self.pending.pop().step(cell, "rest")

    @property
    def enough(self) -> bool:
        return len(self.expected) >= self._size

    # -- what every operation needs ------------------------------------------------------------------

    def expect(self) -> Expected:
        expected = Expected(f"{self.seed}.{next(self._numbers)}")
        self.expected.append(expected)
        return expected

    @staticmethod
    def begin(cell: Cell, expected: Expected) -> Frame:
        """The model of an observation that starts and becomes current."""
        expected.begun, expected.user = True, scoping.user_of(cell.scope)
        cell.scope = frame = scoping.in_observation(cell.scope, expected)
        return frame

    @staticmethod
    def leave(cell: Cell, frame: Frame) -> None:
        """The model of the end of a block or of an observation."""
        cell.scope = scoping.left(cell.scope, frame)
        if frame.observation is not None:
            frame.observation.ended = True

    @staticmethod
    def user(random: Random) -> tuple[object, str | None]:
        """An argument, and the user that it stands for."""
        drawn = random.randrange(10)
        if drawn == 0:
            return None, None
        if drawn == 1:
            return random.choice(("x" * 201, 7, "\ud800")), None
        name = f"{random.choice(('alice', 'bob', '用户', '🦉'))}-{random.randrange(1000)}"
        return name, name

    def block(self, random: Random, cell: Cell) -> "Block":
        argument, user = self.user(random)
        real = propagate_attributes(user_id=argument, tags=["t"])  # type: ignore[arg-type]  # odd ones too
        if random.random() < 0.3:
            real, user = random.choice(self.shared)
        return Block(self, cell, real, user)

    def observed(self, random: Random, cell: Cell) -> "Observed":
        expected = self.expect()
        real = self.client.start_as_current_observation(
            name=expected.name, as_type=random.choice(KINDS)
        )
        return Observed(self, cell, real, expected)

    def traced(self, random: Random, cell: Cell, depth: int) -> None:
        """A span of an instrumentation."""
        expected = self.expect()
        try:
            with self.tracer.start_as_current_span(expected.name):
                frame = self.begin(cell, expected)
                try:
                    self.act(random, cell, depth)
                finally:
                    self.lock.acquire()
                    self.leave(cell, frame)
        finally:
            self.lock.release()

    # -- operations ----------------------------------------------------------------------------------

    def act(self, random: Random, cell: Cell, depth: int) -> None:
        """Some operations, one after the other."""
        for _ in range(random.randint(1, 4)):
            if self.enough:
                return
            if depth <= 0:
                self.leaf(random, cell)
            else:
                self.one(random, cell, depth - 1)

    def one(self, random: Random, cell: Cell, depth: int) -> None:
        """One operation, of any kind."""
        likely = (
            self.leaf,
            self.set_user,
            self.in_block,
            self.in_block,
            self.in_observation,
            self.traced,
        )
        rare = (self.decorated, self.generator, self.returned, self.resume, self.fail, self.collect)
        operation = random.choice((*likely, *likely, self.call, self.call, *rare, self.in_threads))
        operation(random, cell, depth)

    def in_block(self, random: Random, cell: Cell, depth: int) -> None:
        with self.block(random, cell):
            self.act(random, cell, depth)

    def in_observation(self, random: Random, cell: Cell, depth: int) -> None:
        with self.observed(random, cell):
            self.act(random, cell, depth)

    def generator(self, random: Random, cell: Cell, depth: int) -> None:
        self.consume(Running.drawn(self, random, depth), random, cell, depth)

    def returned(self, random: Random, cell: Cell, depth: int) -> None:
        self.consume(self.stream(random, cell, depth), random, cell, depth)

    def leaf(self, random: Random, cell: Cell, _: int = 0) -> None:
        """An observation that is never current."""
        expected = self.expect()
        expected.begun, expected.user = True, scoping.user_of(cell.scope)
        if random.random() < 0.5:
            self.client.create_event(name=expected.name)
        else:
            self.client.start_observation(name=expected.name).end()

    def set_user(self, random: Random, cell: Cell, _: int = 0) -> None:
        argument, user = self.user(random)
        with self.lock:
            set_user(argument, session_id=random.choice((None, "s")))  # type: ignore[arg-type]  # odd ones too
            cell.scope = scoping.learnt(cell.scope, user)

    def call(self, random: Random, cell: Cell, depth: int) -> None:
        """A decorated function; it ends under the lock, because the observation around may then learn a user."""
        expected = self.expect()

        @observe(name=expected.name, as_type=random.choice(KINDS))
        def function() -> None:
            try:
                self.act(random, cell, depth)
            finally:
                self.lock.acquire()

        frame = self.begin(cell, expected)
        try:
            function()
        finally:
            self.leave(cell, frame)
            self.lock.release()

    def decorated(self, random: Random, cell: Cell, depth: int) -> None:
        """A function that `propagate_attributes` decorates."""
        argument, user = self.user(random)

        @propagate_attributes(user_id=argument)  # type: ignore[arg-type]  # odd ones too
        def function() -> None:
            self.lock.release()
            self.act(random, cell, depth)

        self.lock.acquire()
        frame = cell.scope = scoping.in_block(cell.scope, user)
        try:
            function()
        finally:
            self.leave(cell, frame)

    def fail(self, random: Random, cell: Cell, depth: int) -> None:
        """An exception on its way through frames."""
        with suppress(Planned), self.observed(random, cell), self.block(random, cell):
            self.call(random, cell, depth)
            raise Planned

    # -- generators ----------------------------------------------------------------------------------

    def steps(self, random: Random, cell: Cell, depth: int) -> Steps:
        """The body of a generator: blocks and observations stay open while it waits for its consumer."""
        for number in range(random.randint(1, 4)):
            self.act(random, cell, depth - 1)
            drawn = random.randrange(4) if depth > 0 else 0
            if drawn == 1:
                with self.block(random, cell):
                    yield from self.steps(random, cell, depth - 1)
            elif drawn == 2:
                with self.observed(random, cell):
                    yield from self.steps(random, cell, depth - 1)
            self.leaf(random, cell)
            yield number
            self.leaf(random, cell)
        return "the end"

    def stream(self, random: Random, cell: Cell, depth: int) -> "Running":
        """A decorated function that returns a generator."""
        expected, inner = self.expect(), Cell()
        own = Random(random.random())

        @observe(name=expected.name)
        def function() -> Steps:
            self.act(random, cell, depth - 1)
            inner.scope = cell.scope
            self.lock.acquire()
            return self.steps(own, inner, depth)

        frame = self.begin(cell, expected)
        made = function()
        cell.scope = scoping.left(cell.scope, frame)
        self.lock.release()
        return Running(self, made, inner)

    def consume(self, running: "Running", random: Random, cell: Cell, depth: int) -> None:
        """Takes some steps, does other things in between, and ends it, drops it, or leaves it to others."""
        for _ in range(random.randrange(4)):
            running.step(cell, random.choice(("next", "next", "next", "send", "throw")))
            self.act(random, cell, depth - 1)
        ending = random.choice(("rest", "close", "drop", "leave", "abandon"))
        if ending == "leave" and running.observed:
            with self.lock:
                self.pending.append(running)
        else:
            running.step(cell, "rest" if ending == "leave" else ending)

    def resume(self, random: Random, cell: Cell, _: int = 0) -> None:
        """Goes on with a generator that was begun elsewhere, in another thread or block."""
        with self.lock:
            if not self.pending:
                return
            running = self.pending.pop(random.randrange(len(self.pending)))
        running.step(cell, "next")
        running.step(cell, random.choice(("rest", "close", "drop", "abandon")))

    def collect(self, random: Random, _: Cell, __: int = 0) -> None:
        """The garbage collector comes by, here: it closes what other blocks, tasks and threads have abandoned."""
        with self.lock:
            gc.collect(random.randrange(3))

    # -- threads -------------------------------------------------------------------------------------

    def in_threads(self, random: Random, cell: Cell, depth: int) -> None:
        """Threads with and without a copy of the context, and a pool's; all at once."""
        if not cell.threads:
            return
        jobs: list[Callable[[], object]] = []
        for _ in range(random.randint(1, 3)):
            start = random.choice((self._copied, self._fresh, self._pooled))
            jobs.append(start(Random(random.random()), cell.scope, depth))
        for wait in jobs:
            wait()

    def _copied(self, random: Random, scope: Scope, depth: int) -> Callable[[], object]:
        context = contextvars.copy_context()
        return _started(lambda: context.run(self.in_thread, random, Cell(scope), depth))

    def _fresh(self, random: Random, _: Scope, depth: int) -> Callable[[], object]:
        return _started(lambda: self.in_thread(random, Cell(), depth))

    def _pooled(self, random: Random, scope: Scope, depth: int) -> Callable[[], object]:
        if random.random() < 0.5:
            context = contextvars.copy_context()
            return self.pool.submit(context.run, self.in_thread, random, Cell(scope), depth).result
        return self.pool.submit(self.in_pool, random, depth).result

    def in_pool(self, random: Random, depth: int) -> None:
        """A job without a copy: a thread of a pool has one context for all of these."""
        if not hasattr(self._of_thread, "cell"):
            self._of_thread.cell = Cell()
        self.in_thread(random, self._of_thread.cell, depth)

    def in_thread(self, random: Random, cell: Cell, depth: int) -> None:
        """What a thread does."""
        with suppress(Planned):
            self.act(random, cell, depth - 1)


def _started(run: Callable[[], object]) -> Callable[[], object]:
    thread = threading.Thread(target=run)
    thread.start()
    return thread.join


class Frames:
    """A block of trackway's beside its model; a class, because the collector closes generators in any order."""

    def __init__(self, program: Program, cell: Cell, real: Current | Propagation) -> None:
        self.program = program
        self.cell = cell
        self._real = real
        self._frame: Frame | None = None

    def model(self) -> Frame:
        """What entering is in the model."""
        raise NotImplementedError

    def __enter__(self) -> None:
        with self.program.lock:
            self._real.__enter__()
            self._frame = self.cell.scope = self.model()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self.program.lock:
            self._real.__exit__(None, None, None)
            self._leave()

    async def __aenter__(self) -> None:
        with self.program.lock:  # nothing is waited for inside
            await self._real.__aenter__()
            self._frame = self.cell.scope = self.model()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self.program.lock:  # nothing is waited for inside
            await self._real.__aexit__(None, None, None)
            self._leave()

    def _leave(self) -> None:
        assert self._frame is not None
        self.program.leave(self.cell, self._frame)


class Block(Frames):
    """`propagate_attributes`."""

    def __init__(
        self, program: Program, cell: Cell, real: Current | Propagation, user: str | None
    ) -> None:
        super().__init__(program, cell, real)
        self._user = user

    def model(self) -> Frame:
        return scoping.in_block(self.cell.scope, self._user)


class Observed(Frames):
    """An observation that is current."""

    def __init__(
        self, program: Program, cell: Cell, real: Current | Propagation, expected: Expected
    ) -> None:
        super().__init__(program, cell, real)
        self._expected = expected

    def model(self) -> Frame:
        return self.program.begin(self.cell, self._expected)
