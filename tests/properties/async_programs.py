"""Random programs of an event loop: tasks, gathering, cancellation, async generators, threads beside the loop.

They do everything that the programs of `programs.py` do as well.
"""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import suppress
from random import Random

from tests.properties import scoping
from tests.properties.generators import Layers, Planned, knot
from tests.properties.programs import KINDS, Frames, Program
from tests.properties.scoping import Cell
from trackway import observe, propagate_attributes

AsyncSteps = AsyncGenerator[int, object]


class AsyncProgram(Program):
    """A random program of an event loop."""

    def main(self) -> None:
        self.waiting: list[AsyncRunning] = []
        asyncio.run(self.amain())
        super().main()

    async def amain(self) -> None:
        random, cell = Random(self.seed), Cell(threads=True)
        while not self.enough:
            with suppress(Planned):
                await self.aact(random, cell, 5)
        while self.waiting:
            await self.waiting.pop().step(cell, "rest")

    async def aact(self, random: Random, cell: Cell, depth: int) -> None:
        """Some operations, one after the other."""
        for _ in range(random.randint(1, 4)):
            if self.enough:
                return
            if random.random() < 0.3:
                await asyncio.sleep(0)
            if depth <= 0 or random.random() < 0.2:
                self.act(random, cell, depth)
            else:
                await self.aone(random, cell, depth - 1)

    async def aone(self, random: Random, cell: Cell, depth: int) -> None:
        """One operation, of any kind."""
        likely = (self.in_ablock, self.in_aobservation, self.acall, self.aconsume, self.gather)
        rare = (
            self.adecorated,
            self.coroutine,
            self.cancel,
            self.aresume,
            self.beside,
            self.abandon,
        )
        await random.choice((*likely, *likely, *rare))(random, cell, depth)

    async def in_ablock(self, random: Random, cell: Cell, depth: int) -> None:
        async with self.block(random, cell):
            await self.aact(random, cell, depth)

    async def in_aobservation(self, random: Random, cell: Cell, depth: int) -> None:
        async with self.observed(random, cell):
            await self.aact(random, cell, depth)

    # -- blocks and calls ----------------------------------------------------------------------------

    async def acall(self, random: Random, cell: Cell, depth: int) -> None:
        """A decorated coroutine function; see `call`."""
        expected = self.expect()

        @observe(name=expected.name, as_type=random.choice(KINDS))
        async def function() -> None:
            try:
                await self.aact(random, cell, depth)
                if random.random() < 0.2:
                    raise Planned
            finally:
                self.lock.acquire()

        frame = self.begin(cell, expected)
        try:
            await function()
        finally:
            self.leave(cell, frame)
            self.lock.release()

    async def adecorated(self, random: Random, cell: Cell, depth: int) -> None:
        """A coroutine function that `propagate_attributes` decorates."""
        argument, user = self.user(random)

        @propagate_attributes(user_id=argument)  # type: ignore[arg-type]  # odd ones too
        async def function() -> None:
            self.lock.release()
            await self.aact(random, cell, depth)

        self.lock.acquire()
        frame = cell.scope = scoping.in_block(cell.scope, user)
        try:
            await function()
        finally:
            self.leave(cell, frame)

    async def coroutine(self, random: Random, cell: Cell, depth: int) -> None:
        """A decorated function that returns a coroutine, which is awaited at once."""
        expected, inner = self.expect(), Cell()

        async def body() -> None:
            try:
                await self.aact(random, inner, depth)
            finally:
                self.lock.acquire()

        @observe(name=expected.name)
        def function() -> Coroutine[object, object, None]:
            self.act(random, cell, depth - 1)
            inner.scope = cell.scope
            self.lock.acquire()
            return body()

        frame = self.begin(cell, expected)
        made = function()
        cell.scope = scoping.left(cell.scope, frame)
        self.lock.release()
        try:
            await made
        finally:
            cell.scope = scoping.carried(cell.scope, scoping.lasting(inner.scope, frame))
            expected.ended = True
            self.lock.release()

    # -- tasks ---------------------------------------------------------------------------------------

    async def gather(self, random: Random, cell: Cell, depth: int) -> None:
        """Tasks at once, each with its copy of the context."""
        await asyncio.gather(
            *(
                self.task(Random(random.random()), Cell(cell.scope, threads=cell.threads), depth)
                for _ in range(random.randint(1, 4))
            )
        )

    async def task(self, random: Random, cell: Cell, depth: int) -> None:
        with suppress(Planned):
            await self.aact(random, cell, depth)

    async def cancel(self, random: Random, cell: Cell, depth: int) -> None:
        """A task that is cancelled somewhere in the middle."""

        async def endless() -> None:
            own, inner = Random(random.random()), Cell(cell.scope)
            while True:
                async with self.observed(own, inner), self.block(own, inner):
                    await self.task(own, inner, depth)
                    await asyncio.sleep(0)

        task = asyncio.create_task(endless())
        for _ in range(random.randrange(12)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    async def beside(self, random: Random, cell: Cell, depth: int) -> None:
        """A thread while the loop goes on: with the context (`to_thread`) or without (`run_in_executor`)."""
        if not cell.threads:
            return
        own = Random(random.random())
        if random.random() < 0.5:
            await asyncio.to_thread(self.in_thread, own, Cell(cell.scope), depth)
        else:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self.pool, self.in_pool, own, depth)

    # -- async generators ----------------------------------------------------------------------------

    async def asteps(
        self, random: Random, cell: Cell, depth: int, *, held: bool = False
    ) -> AsyncSteps:
        """The body of an async generator; see `steps`. One: the collector would close inner ones on their own.

        *held*: it is a decorated one, and what its first step does with the model is done.
        """
        if held:
            self.lock.release()
        opened: list[Frames] = []
        try:
            for number in range(random.randint(1, 5)):
                await self.aact(random, cell, depth - 1)
                drawn = random.randrange(4) if depth > 0 else 0
                if drawn in {1, 2}:
                    opened.append((self.block if drawn == 1 else self.observed)(random, cell))
                    await opened[-1].__aenter__()
                elif drawn == 3 and opened:
                    await opened.pop().__aexit__(None, None, None)
                self.leaf(random, cell)
                yield number
                self.leaf(random, cell)
        finally:
            while opened:
                await opened.pop().__aexit__(None, None, None)

    def astream(self, random: Random, cell: Cell, depth: int) -> "AsyncRunning":
        """A decorated function that returns an async generator."""
        expected, inner = self.expect(), Cell()
        own = Random(random.random())

        @observe(name=expected.name)
        def function() -> AsyncSteps:
            self.act(random, cell, depth - 1)
            inner.scope = cell.scope
            self.lock.acquire()
            return self.asteps(own, inner, depth)

        frame = self.begin(cell, expected)
        made = function()
        cell.scope = scoping.left(cell.scope, frame)
        self.lock.release()
        return AsyncRunning(self, made, inner)

    async def aconsume(self, random: Random, cell: Cell, depth: int) -> None:
        """Takes some steps, each here or in a task of its own, does other things in between, and ends it somehow."""
        drawn = random.random() < 0.7
        running = (
            AsyncRunning.drawn(self, random, depth) if drawn else self.astream(random, cell, depth)
        )
        for _ in range(random.randrange(4)):
            await self.astep(running, random, cell)
            await self.aact(random, cell, depth - 1)
        ending = random.choice(("rest", "close", "drop", "leave", "abandon"))
        if ending == "leave":
            self.waiting.append(running)
        else:
            await running.step(cell, ending)

    async def astep(self, running: "AsyncRunning", random: Random, cell: Cell) -> None:
        how = random.choice(("next", "next", "next", "send", "throw"))
        if random.random() < 0.5:
            await running.step(cell, how)
        else:
            await asyncio.create_task(running.step(Cell(cell.scope), how))

    async def aresume(self, random: Random, cell: Cell, _: int) -> None:
        """Goes on with an async generator that was begun elsewhere."""
        if self.waiting:
            running = self.waiting.pop(random.randrange(len(self.waiting)))
            await self.astep(running, random, cell)
            await running.step(cell, random.choice(("rest", "close", "drop", "abandon")))

    async def abandon(self, random: Random, cell: Cell, depth: int) -> None:
        """A coroutine that waits in its own context for ever, until the collector closes it in another one."""
        expected, inner, own = self.expect(), Cell(cell.scope), Random(random.random())

        @observe(name=expected.name)
        async def function() -> None:
            with self.block(own, inner), self.observed(own, inner):
                self.act(own, inner, depth - 1)
                await asyncio.sleep(0)

        self.begin(inner, expected)
        made = function()
        with suppress(Planned):
            contextvars.copy_context().run(made.send, None)
            knot(made)
            # Its context is gone, and with it what was learnt there: what is around it learns nothing more.
            expected.ended = True
        del made
        await self.aact(random, cell, depth - 1)
        self.collect(random, cell)


class AsyncRunning:
    """An async generator on its way, and the cell of its body."""

    def __init__(
        self, program: AsyncProgram, made: AsyncSteps, cell: Cell, layers: Layers | None = None
    ) -> None:
        self._program = program
        self._generator: AsyncSteps | None = made
        self._cell = cell
        self._layers = layers
        self._begun = False

    @classmethod
    def drawn(cls, program: AsyncProgram, random: Random, depth: int) -> "AsyncRunning":
        """A decorated async generator function, called."""
        cell, own, layers = Cell(), Random(random.random()), Layers(program, random)
        return cls(
            program, layers.around(program.asteps)(own, cell, depth, held=True), cell, layers
        )

    async def step(self, consumer: Cell, how: str) -> None:
        """One step, or the end."""
        generator = self._generator
        if generator is None:
            return
        if not self._begun and how in {"next", "send", "rest"}:
            self._begun = True
            if self._layers is not None:
                self._program.lock.acquire()  # `asteps` releases it
                self._layers.begin(self._cell, consumer)
            how = how.replace("send", "next")
        keep = False
        try:
            await _STEPS[how](generator)
            keep = how in {"next", "send"}
        except (StopAsyncIteration, Planned):
            pass
        finally:
            if not keep:
                self._generator = None


async def _rest(generator: AsyncSteps) -> None:
    async for _ in generator:
        pass


async def _nothing(_: AsyncSteps) -> None: ...


async def _abandon(generator: AsyncSteps) -> None:
    knot(generator)


_STEPS: dict[str, Callable[[AsyncSteps], Awaitable[object]]] = {
    "next": anext,
    "send": lambda generator: generator.asend("something"),
    "throw": lambda generator: generator.athrow(Planned()),
    "rest": _rest,
    "close": lambda generator: generator.aclose(),
    "drop": _nothing,
    "abandon": _abandon,
}
