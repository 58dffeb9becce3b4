"""Trace and span ids: random, unique across forks, or derived from a seed."""

import os
import random
import re
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from trackway._core import fork
from trackway._core.guard import guard
from trackway._wire.native import kernels

if TYPE_CHECKING:
    from collections.abc import Callable

_guard: Final = guard("id_generator", quiet=True)
_HEX: Final = re.compile(r"[0-9a-fA-F]+\Z")


class IdGenerator(Protocol):
    """Draws ids; the `IdGenerator` of the OpenTelemetry SDK fits."""

    def generate_span_id(self) -> int:
        """A span id: not zero, below 2**64."""
        ...

    def generate_trace_id(self) -> int:
        """A trace id: not zero, below 2**128."""
        ...


TRACE_ID: Final = 16
SPAN_ID: Final = 8
"""Bytes of an id."""


class RandomIds:
    """Draws ids from a generator of pseudo-random numbers that the system seeds.

    `os.urandom` for each id would be a call that gives up the GIL.
    """

    def __init__(self) -> None:
        # Ids need to be unique, not secret.
        self._source = random.Random()  # noqa: S311
        self._state = bytearray(os.urandom(32))
        self.span_id: Callable[[], bytes] = self._span_id
        """Draws eight random bytes, not all of them zero."""
        self.trace_id: Callable[[], bytes] = self._trace_id
        """Draws sixteen random bytes, not all of them zero."""
        if kernels is not None:
            # As short a way as there is: each observation draws one or two.
            self.span_id = partial(kernels.draw, self._state, SPAN_ID)
            self.trace_id = partial(kernels.draw, self._state, TRACE_ID)
        fork.on_child(self._begin_anew)

    def _span_id(self) -> bytes:
        return (self._source.getrandbits(64) or 1).to_bytes(SPAN_ID)

    def _trace_id(self) -> bytes:
        return (self._source.getrandbits(128) or 1).to_bytes(TRACE_ID)

    def _begin_anew(self) -> None:
        """A forked child must not repeat its parent's sequence."""
        self._source.seed()
        self._state[:] = os.urandom(len(self._state))


random_ids: Final = RandomIds()


class CheckedIds:
    """A caller's generator; an id of ours where it fails or gives what is no id."""

    __slots__ = ("_ids",)

    def __init__(self, ids: IdGenerator) -> None:
        self._ids = ids

    def span_id(self) -> bytes:
        """The caller's span id, else a random one."""
        with _guard:
            if 0 < (drawn := self._ids.generate_span_id()) < 1 << 64:
                return drawn.to_bytes(SPAN_ID)
        return random_ids.span_id()

    def trace_id(self) -> bytes:
        """The caller's trace id, else a random one."""
        with _guard:
            if 0 < (drawn := self._ids.generate_trace_id()) < 1 << 128:
                return drawn.to_bytes(TRACE_ID)
        return random_ids.trace_id()


def seeded_trace_id(seed: str) -> str:
    """32 hex digits that are always the same for *seed*.

    The first half of its SHA-256, as the Langfuse SDKs derive them.
    """
    import hashlib  # noqa: PLC0415 - 3 ms, for who seeds

    return hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()[:16].hex()


def parse_trace_id(value: object) -> bytes | None:
    """The 16 bytes of a trace id in hex (shorter ones are padded with zeros), or None where it is none."""
    return _parse(value, 32)


def parse_span_id(value: object) -> bytes | None:
    """The 8 bytes of a span id in hex (shorter ones are padded with zeros), or None where it is none."""
    return _parse(value, 16)


def _parse(value: object, digits: int) -> bytes | None:
    if not isinstance(value, str) or len(value) > digits or not _HEX.match(value):
        return None
    raw = bytes.fromhex(value.rjust(digits, "0"))
    return raw if any(raw) else None
