"""Generators of random programs: decorated in several ways, stepped here and there, with a model of their scope."""

from collections.abc import Callable, Generator
from random import Random
from typing import TYPE_CHECKING, TypeVar

from tests.properties import scoping
from tests.properties.scoping import Cell, Expected
from trackway import observe, propagate_attributes
from trackway._core.signatures import Function

if TYPE_CHECKING:
    from tests.properties.programs import Program

F = TypeVar("F", bound=Function)
Steps = Generator[int, object, str]


class Planned(Exception):
    """What programs raise on purpose."""


class Layers:
    """The decorators of a generator function, outermost first: what happens in the model at its first step."""

    def __init__(self, program: "Program", random: Random) -> None:
        self._program = program
        names = random.choice(("observe", "propagate", "observe propagate", "propagate observe"))
        self.layers: list[tuple[object, str | None] | Expected] = [
            program.expect() if name == "observe" else program.user(random)
            for name in names.split()
        ]

    @property
    def observed(self) -> bool:
        return any(isinstance(layer, Expected) for layer in self.layers)

    def begin(self, cell: Cell, consumer: Cell) -> None:
        cell.scope = consumer.scope
        for layer in self.layers:
            if isinstance(layer, Expected):
                self._program.begin(cell, layer)
            else:
                cell.scope = scoping.in_block(cell.scope, layer[1])

    def around(self, function: F) -> F:
        """The decorated function."""
        for layer in reversed(self.layers):
            if isinstance(layer, Expected):
                function = observe(name=layer.name)(function)
            else:
                function = propagate_attributes(user_id=layer[0])(function)  # type: ignore[arg-type]  # odd ones too
        return function


class Running:
    """A generator on its way, and the cell of its body. It is stepped under the lock, so that it starts no threads."""

    def __init__(
        self, program: "Program", made: Steps, cell: Cell, layers: Layers | None = None
    ) -> None:
        self._program = program
        self._generator: Steps | None = made
        self._cell = cell
        self._layers = layers
        self._begun = False
        self.observed = layers is None or layers.observed

    @classmethod
    def drawn(cls, program: "Program", random: Random, depth: int) -> "Running":
        """A decorated generator function, called."""
        cell, own, layers = Cell(), Random(random.random()), Layers(program, random)
        return cls(program, layers.around(program.steps)(own, cell, depth), cell, layers)

    def step(self, consumer: Cell, how: str) -> None:
        """One step, or the end."""
        with self._program.lock:
            generator = self._generator
            if generator is None:
                return
            if not self._begun and how in {"next", "send", "rest"}:
                self._begun = True
                if self._layers is not None:
                    self._layers.begin(self._cell, consumer)
                how = how.replace("send", "next")
            try:
                _STEPS[how](generator)
            except (StopIteration, Planned):
                how = "over"
            if how not in {"next", "send"}:
                self._generator = None


_STEPS: dict[str, Callable[[Steps], object]] = {
    "next": next,
    "send": lambda generator: generator.send("something"),
    "throw": lambda generator: generator.throw(Planned()),
    "rest": list,
    "close": lambda generator: generator.close(),
    "drop": lambda _: None,
    "abandon": lambda generator: knot(generator),
}


def knot(abandoned: object) -> None:
    """Leaves *abandoned* to the garbage collector, wherever that runs next: it is held by what holds itself."""
    tied: list[object] = [abandoned]
    tied.append(tied)
