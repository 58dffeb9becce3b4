"""What the core asks of the rooms above it, so that it need not import them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from trackway._core.usage import Usage

# Kinds of record.
SPAN: Final = 0
SCORE: Final = 2
# Flags of a record: it will be written again under the same ids / it was written before under the same ids / it says a
# model and tokens and no cost, because the rate was not known yet.
PARTIAL: Final = 1
UPDATE: Final = 2
UNPRICED: Final = 4


class Sink(Protocol):
    """Keeps finished records of one destination. Never raises, never blocks."""

    def register_scope(self, resource: bytes, scope: bytes) -> int:
        """The id under which records of this resource and instrumentation scope are kept."""
        ...

    def append(self, payload: bytes, scope: int, kind: int = 0, flags: int = 0) -> None:
        """Keeps one record."""
        ...

    def count_dropped(self, reason: str, n: int = 1) -> None:
        """Counts what has ended and is not kept."""
        ...


class Destination(Protocol):
    """A sink, and what its backend can do."""

    @property
    def sink(self) -> Sink:
        """Where records go."""
        ...

    @property
    def upserts(self) -> bool:
        """Whether a record written again under the same ids replaces the first one (the local store, Langfuse)."""
        ...

    @property
    def takes_scores(self) -> bool:
        """Whether scores are records of their own (Langfuse) instead of spans."""
        ...


class PriceSource(Protocol):
    """What calls cost. Never raises."""

    def quick(
        self,
        provider: str | None,
        models: Sequence[str],
        tier: str | None,
        usage: "Usage",
        at: int,
    ) -> bytes | None:
        """The attributes of the cost, none where there is no price; None: it has to be looked up. Never waits."""
        ...

    def complete(self, payload: bytes) -> bytes:
        """The record of a span with its cost added, or as it is. May take a second: not for the caller's path."""
        ...
