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


class RandomIds:
    """Draws ids from a Mersenne Twister seeded by the system.

    `os.urandom` for each id would be a call that gives up the GIL.
    """

    __slots__ = ("_draw",)

    def __init__(self) -> None:
        # Seeded from os.urandom; ids need to be unique, not secret.
        source = random.Random()  # noqa: S311
        self._draw = source.getrandbits
        # A forked child must not repeat its parent's sequence.
        fork.on_child(source.seed)

    def generate_span_id(self) -> int:
        """A random id that is not zero."""
        return self._draw(64) or self.generate_span_id()

    def generate_trace_id(self) -> int:
        """A random id that is not zero."""
        return self._draw(128) or self.generate_trace_id()


random_ids: Final = RandomIds()


class CheckedIds:
    """A caller's generator; an id of ours where it fails or gives what is no id."""

    __slots__ = ("_ids",)

    def __init__(self, ids: IdGenerator) -> None:
        self._ids = ids

    def generate_span_id(self) -> int:
        """The caller's span id, else a random one."""
        with _guard:
            if 0 < (drawn := self._ids.generate_span_id()) < 1 << 64:
                return drawn
        return random_ids.generate_span_id()

    def generate_trace_id(self) -> int:
        """The caller's trace id, else a random one."""
        with _guard:
            if 0 < (drawn := self._ids.generate_trace_id()) < 1 << 128:
                return drawn
        return random_ids.generate_trace_id()


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
