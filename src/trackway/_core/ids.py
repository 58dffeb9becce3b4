"""Trace and span ids: random, unique across forks, or derived from a seed."""

import random
import re
from typing import Final, Protocol

from trackway._core import fork
from trackway._core.guard import guard

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
# So many are drawn at once: one by one they took as long as all else that an observation's place takes.
DRAWN: Final = 64


class RandomIds:
    """Draws ids from a Mersenne Twister seeded by the system.

    `os.urandom` for each id would be a call that gives up the GIL.
    """

    __slots__ = ("_source", "_spans", "_traces")

    def __init__(self) -> None:
        # Seeded from os.urandom; ids need to be unique, not secret.
        self._source = random.Random()  # noqa: S311
        self._spans: list[bytes] = []
        self._traces: list[bytes] = []
        fork.on_child(self._begin_anew)

    def span_id(self) -> bytes:
        """Eight random bytes, not all of them zero."""
        try:
            # Whoever takes one has it for itself, in whatever thread.
            return self._spans.pop()
        except IndexError:
            return self._more(self._spans, SPAN_ID)

    def trace_id(self) -> bytes:
        """Sixteen random bytes, not all of them zero."""
        try:
            return self._traces.pop()
        except IndexError:
            return self._more(self._traces, TRACE_ID)

    def _more(self, pool: list[bytes], size: int) -> bytes:
        drawn = self._source.getrandbits(8 * size * DRAWN).to_bytes(size * DRAWN)
        several = [drawn[at : at + size] for at in range(0, len(drawn), size)]
        first, *rest = filter(any, several)
        pool += rest
        return first

    def _begin_anew(self) -> None:
        """A forked child must not repeat its parent's sequence."""
        self._source.seed()
        self._spans.clear()
        self._traces.clear()


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
