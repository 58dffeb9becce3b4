"""The compiled kernels, where this installation has them: the inner loops of the caller's path, in C.

`kernels` is None where the library was installed without a compiler, or for a platform without a ready wheel. Each
kernel has a twin in Python beside the place that calls it, which gives the same and needs three to ten times as long;
a kernel that has no answer for a rare case gives `NotImplemented` or None, and the twin decides.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import NotImplementedType
from typing import Final, Protocol, TypeVar, cast

__all__ = ["Kernels", "kernels"]

M = TypeVar("M", bound=Mapping[str, object])
S = TypeVar("S")
T = TypeVar("T", bound=tuple[object, ...])


class Kernels(Protocol):
    """What `src/native/kernels.c` holds."""

    def look(
        self, value: object, room: int, nodes: int, levels: int, harmless: set[str] | None, /
    ) -> tuple[int, int] | NotImplementedType | None:
        """`_core.plain.look`: (nodes, levels); NotImplemented for a key that is not in *harmless*."""
        ...

    def ordinary(  # noqa: PLR0913, PLR0917 - as above
        self,
        inputs: tuple[str, str, str],
        outputs: tuple[str, str, str],
        buckets: tuple[str, str, str, str],
        total: str,
        known: frozenset[str],
        beside: frozenset[str],
        most: int,
        given: object,
        /,
    ) -> dict[str, int] | None:
        """`_core.openai_usage.Ordinary.read`."""
        ...

    def plain(  # noqa: PLR0913, PLR0917 - by position, because keywords cost as much as the look
        self,
        value: object,
        room: int,
        nodes: int,
        levels: int,
        harmless: set[str] | None,
        dumps: Callable[[object, None, int], bytes],
        options: int,
        /,
    ) -> bytes | NotImplementedType | None:
        """`_core.plain.plain_bytes`: what *dumps* writes."""
        ...

    def clean(  # noqa: PLR0913, PLR0917 - as above
        self,
        harmless: set[str],
        dumps: Callable[[object, None, int], bytes],
        options: int,
        nodes: int,
        levels: int,
        value: object,
        room: int,
        /,
    ) -> tuple[bytes, bool] | NotImplementedType | None:
        """`_core.plain.clean`."""
        ...

    def clone(self, given: S, /) -> S:
        """`_core.starting`: another object with the same in its slots."""
        ...

    def draw(self, state: bytearray, size: int, /) -> bytes:
        """`_core.ids`: random bytes, not all of them zero."""
        ...

    def content(  # noqa: PLR0913, PLR0917 - as above
        self,
        twin: Callable[[object], object],
        models: set[type],
        files: frozenset[str],
        extra: str,
        shortest: int,
        nodes: int,
        levels: int,
        value: object,
        /,
    ) -> object:
        """`_integrations.content.plain`; asks the twin where there may be a file, or what is no known model."""
        ...

    def fields(
        self,
        twin: Callable[[object], Mapping[str, object]],
        models: set[type],
        extra: str,
        value: object,
        /,
    ) -> Mapping[str, object]:
        """`_integrations.content.fields_of`; asks the twin where there is more than a dict of fields."""
        ...

    def completion(  # noqa: PLR0913, PLR0917 - as above
        self,
        models: set[type],
        files: frozenset[str],
        extra: str,
        shortest: int,
        nodes: int,
        levels: int,
        names: tuple[str, ...],
        answer: object,
        /,
    ) -> (
        tuple[
            dict[str, object],
            str | None,
            str | None,
            tuple[str, ...],
            str | None,
            dict[str, object] | None,
        ]
        | None
    ):
        """`_integrations.openai.chat.read_chat`: the fields of its outcome; None where there is more to the answer."""
        ...

    def delta(  # noqa: PLR0913, PLR0917 - as above
        self,
        models: set[type],
        extra: str,
        names: tuple[str, ...],
        last: dict[str, object],
        choices: dict[int, tuple[dict[str, list[str]], dict[str, object]]],
        chunk: object,
        /,
    ) -> bool:
        """`_integrations.openai.chat.ChatAccumulator.take`: False where the chunk brings anything but text."""
        ...

    def piece(  # noqa: PLR0913, PLR0917 - as above
        self,
        models: set[type],
        extra: str,
        names: tuple[str, ...],
        numbers: dict[str, str],
        pieces: dict[tuple[str, int, int], list[str]],
        event: object,
        /,
    ) -> bool:
        """`_integrations.openai.responses.ResponsesAccumulator.take`: False where the event begins a text, or none."""
        ...

    def scalars(self, given: object, without: frozenset[str], /) -> tuple[object, ...] | None:
        """`_integrations.parameters.scalars`."""
        ...

    def costs(
        self,
        totals: tuple[bytes, ...],
        texts: tuple[tuple[bytes, tuple[tuple[bytes, int], ...]], ...],
        tail: bytes,
        prices: tuple[int, ...],
        buckets: Mapping[str, int],
        /,
    ) -> bytes | None:
        """`_prices.charges.Charges.multiplied`; None where a product is beyond 2⁵³, or the whole is too long."""
        ...

    def count_fields(
        self,
        heads: tuple[bytes, ...],
        masks: tuple[int, ...],
        details: bytes,
        labels: tuple[bytes, ...],
        buckets: dict[str, int],
        /,
    ) -> bytes:
        """What `_core.counts` writes of *buckets*: integers, sums by mask, and their JSON where *details* is a key."""
        ...

    def derive(self, kind: type[M], context: M, /, *pairs: object) -> M:
        """`_core.context`: *context* with the keys and values of *pairs* on top, as a *kind*."""
        ...

    def text_field(self, head: bytes, utf8: bytes, /) -> bytes:
        """`_wire.encode.TextKey.field` of the key whose field is *head*."""
        ...

    def join_span(  # noqa: PLR0913, PLR0917 - as its twin
        self,
        fields: Sequence[bytes],
        trace_id: bytes,
        span_id: bytes,
        parent_span_id: bytes,
        name: str,
        kind: int,
        start: int,
        end: int,
        flags: int,
        /,
    ) -> bytes | NotImplementedType:
        """`_wire.encode.join_span`."""
        ...

    def suspicious(self, data: bytes, /) -> int:
        """Which looks of `_core.redact` may find something in *data*, a bit for each; rather too many than too few."""
        ...

    def checksum(self, payload: bytes, length: int, meta: int, key: int, /) -> int:
        """`_delivery.record.checksum`."""
        ...

    def store(  # noqa: PLR0913, PLR0917 - as above
        self, segment: object, at: int, payload: bytes, meta: int, key: int, count: int, /
    ) -> None:
        """Writes a record into a mapped *segment* at the byte *at*, and *count* (if not negative) into its counter."""
        ...

    def scan(  # noqa: PLR0913, PLR0917 - as its twin
        self,
        buffer: bytes,
        at: int,
        key: int,
        segment: int,
        origin: int,
        trusted: int,
        max_bytes: int,
        max_records: int,
        kind: type[T],
        /,
    ) -> tuple[list[T], int]:
        """`_delivery.scan.scan`: records as tuples of *kind*, and where it ended."""
        ...

    def gather(  # noqa: PLR0913, PLR0917 - as its twin
        self,
        segment: object,
        at: int,
        end: int,
        key: int,
        scope: int,
        avoid: int,
        max_bytes: int,
        max_records: int,
        /,
    ) -> tuple[bytes, bytes, int]:
        """`_delivery.gather.gather`."""
        ...

    def exchange(
        self, socket: int, parts: tuple[bytes, ...], pause_ms: int, total_ms: int, /
    ) -> tuple[int, bytes]:
        """`_delivery.kept.exchange`; not there on Windows."""
        ...


def _compiled() -> Kernels | None:
    try:
        # By name: what is compiled has no source that linters and type checkers could follow.
        return cast("Kernels", import_module("trackway._native"))
    except ImportError:
        return None


kernels: Final = _compiled()
