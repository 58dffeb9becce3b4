"""Writes what orjson must not: under a budget of bytes, nodes and levels, with a mark where something is missing.

Theory of operation. The JSON grows as a list of pieces, so that the bytes left are known exactly at every
moment. The rules:

1. Nothing is written that does not fit. `_write` says False instead, having written nothing; then the container
   around it marks what is left out of it and ends. Room for that one mark and for the closing bracket is set
   aside when a container opens, so the result is valid and within the budget wherever the budget ends. A long
   text is cut in place and keeps its start; it takes half of what is left, so that what comes after it is seen
   too.
2. A container inside itself is `"<cyclic>"`.
3. A container that was written before is written again from its pieces, and pays for their bytes only: a shared
   structure costs no more time than it takes bytes. When it does not fit it is cut like anything else.
4. What is not exactly a built-in type is translated first (`encoders.py`), under the guard: what fails becomes
   a mark, and its siblings stay.
5. Inside an odd value, small containers that are not odd are orjson's again.
"""

from collections.abc import Iterable
from math import isfinite
from typing import Final, NamedTuple, final

from trackway._core.classes import class_name
from trackway._core.cut import TEXT_MARK, quoted, shortened, size, without_surrogates
from trackway._core.encoders import Entries, entries, integer_text, key_text, translate
from trackway._core.guard import guard
from trackway._core.plain import (
    MAX_DEPTH,
    MAX_NODES,
    TELLING,
    Container,
    is_container,
    is_secret,
    plain_json,
)
from trackway._core.secrets import key_mark

# The longest mark of what was left out of a container: `,"<…>":"<… 99999999999 entries cut>"`.
MARK: Final = 56
# A text that has less room than this is left out: the mark would be most of it.
LEAST_TEXT: Final = 4 * TEXT_MARK
# A container inside an odd one is tried with orjson up to this many nodes, so that trying on every level stays cheap.
SMALL: Final = 2_000
MAX_SAFE_INTEGER: Final = (1 << 53) - 1
# A key is no place for a document.
LONGEST_KEY: Final = 1_024

CYCLIC: Final = b'"<cyclic>"'
TOO_DEEP: Final = b'"<deeper than 20 levels>"'

_SCALARS: Final = frozenset((str, int, float, bool, type(None)))
_guard: Final = guard("serialize.value", quiet=True)


class _Written(NamedTuple):
    """Where the pieces of a container are, in case it comes again."""

    first: int
    last: int
    length: int
    height: int
    value: object  # kept, so that its id stays its own


@final
class Walker:
    """One value on its way to JSON; used once, by one thread."""

    __slots__ = ("_deepest", "_left", "_names", "_nodes", "_open", "_parts", "_written")

    def __init__(self, max_bytes: int, *, names: bool) -> None:
        self._left = max_bytes - MARK
        self._nodes = MAX_NODES
        self._names = names
        self._parts: list[bytes] = []
        self._open: set[int] = set()
        self._written: dict[int, _Written] = {}
        self._deepest = 0

    def run(self, value: object) -> bytes:
        """The JSON of *value*."""
        if not self._write(value, 1):
            return b'"<cut>"'
        return b"".join(self._parts)

    def _write(self, value: object, depth: int) -> bool:  # noqa: PLR0911 - a table of types
        """Writes *value*, whole or cut; False if there is no room even for that, and then nothing is written."""
        self._nodes -= 1
        if self._nodes < 0:
            return False
        # By `kind` first: `isinstance` would ask an unknown object for its `__class__`.
        kind = type(value)
        if kind is str and isinstance(value, str):
            return self._text(value)
        if value is None:
            return self._put(b"null")
        if kind is bool:
            return self._put(b"true" if value else b"false")
        if kind is int and isinstance(value, int):
            return self._put(_integer(value))
        if kind is float and isinstance(value, float):
            return self._put(_float(value))
        if is_container(value):
            return self._once(value, value, depth)
        return self._odd(value, depth)

    def _odd(self, value: object, depth: int) -> bool:
        """What is not exactly a built-in type."""
        simple: object = None
        done = False
        with _guard:
            simple = translate(value, self._nodes)
            done = True
        if not done:
            return self._put(quoted(f"<unserialisable {class_name(type(value))}>"))
        if is_container(simple) or isinstance(simple, Entries):
            return self._once(value, simple, depth)
        if type(simple) in _SCALARS:
            self._nodes += 1  # one node, counted when it was met
            return self._write(simple, depth)
        # A translation that needs another: an enum of dates, or of itself.
        return self._write(simple, depth + 1) if depth <= MAX_DEPTH else self._put(TOO_DEEP)

    def _once(self, value: object, simple: Container | Entries, depth: int) -> bool:
        """Writes *simple*, which stands for *value*, unless it was or is being written."""
        identity = id(value)
        if identity in self._open:
            return self._put(CYCLIC)
        known = self._written.get(identity)
        if known is not None and depth + known.height <= MAX_DEPTH:
            return self._again(known, depth)
        if depth > MAX_DEPTH:
            return self._put(TOO_DEEP)
        outer, left, first = self._deepest, self._left, len(self._parts)
        self._deepest = depth
        self._open.add(identity)
        done = self._container(simple, depth)
        self._open.discard(identity)
        if done:
            self._written[identity] = _Written(
                first, len(self._parts), left - self._left, self._deepest - depth, value
            )
        self._deepest = max(outer, self._deepest)
        return done

    def _again(self, known: _Written, depth: int) -> bool:
        if known.length > self._left:
            return self._put(quoted(f"<… {size(known.length)} cut>"))
        self._deepest = max(self._deepest, depth + known.height)
        return self._put(b"".join(self._parts[known.first : known.last]))

    def _container(self, value: Container | Entries, depth: int) -> bool:
        if not isinstance(value, Entries) and (
            plain := plain_json(
                value,
                self._left,
                names=self._names,
                nodes=min(SMALL, self._nodes),
                levels=MAX_DEPTH - depth + 1,
            )
        ):
            data, nodes, levels = plain
            self._nodes -= nodes
            self._deepest = depth + levels - 1
            return self._put(data)
        if self._left < MARK + 2:
            return False
        self._left -= MARK + 2
        if isinstance(value, dict):
            # A copy of what the budget allows at most: another thread may change the dict meanwhile.
            value = entries(value, self._nodes)
        if isinstance(value, Entries):
            self._entries(value.pairs, value.total, depth)
        else:
            self._items(value[: self._nodes + 1], len(value), depth)
        return True

    def _items(self, items: Iterable[object], total: int, depth: int) -> None:
        parts = self._parts
        parts.append(b"[")
        mark = b""
        for number, item in enumerate(items):
            if number:
                parts.append(b",")
                self._left -= 1
            if not self._write(item, depth + 1):
                mark = quoted(f"<… {total - number} items cut>")
                break
        parts.append(mark + b"]")
        self._left += MARK - len(mark)

    def _entries(self, pairs: list[tuple[object, object]], total: int, depth: int) -> None:
        parts = self._parts
        parts.append(b"{")
        mark = b""
        names = _Names()
        keys = [key for key, _ in pairs[:TELLING]]
        for number, (key, value) in enumerate(pairs):
            text = self._key(key)
            lead = quoted(names.free(text)) + b":"
            cut = quoted(f"<… {total - number} entries cut>")
            comma = b"," if number else b""
            if len(lead) + 1 > self._left:
                mark = comma + quoted(names.free("<…>")) + b":" + cut
                break
            parts.append(comma + lead)
            self._left -= len(comma) + len(lead)
            secret = self._names and is_secret(text, value, keys)
            if not self._write(key_mark(text) if secret else value, depth + 1):
                mark = cut
                break
        parts.append(mark + b"}")
        self._left += MARK - len(mark)

    def _key(self, key: object) -> str:
        """*key* as a text that JSON can hold."""
        text = ""
        done = False
        with _guard:
            text = key_text(key)
            done = True
        if not done:
            text = f"<unserialisable {class_name(type(key))}>"
        if len(text) > LONGEST_KEY:
            text = f"{text[:LONGEST_KEY]}<… {size(len(text) - LONGEST_KEY)} cut>"
        return text if text.isascii() else without_surrogates(text)

    def _text(self, text: str) -> bool:
        if len(text) <= self._left and self._put(quoted(text)):
            return True
        if self._left < LEAST_TEXT:
            return False
        return self._put(shortened(text, self._left // 2, quoted))

    def _put(self, piece: bytes) -> bool:
        if len(piece) > self._left:
            return False
        self._parts.append(piece)
        self._left -= len(piece)
        return True


@final
class _Names:
    """The names of one object's members: each different from those before it."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def free(self, name: str) -> str:
        """*name*, or *name* with the first number that makes it another."""
        counts = self._counts
        found = name
        # The count goes on where it was, so that many keys of one name cost no more than many keys.
        while found in counts:
            counts[name] += 1
            found = f"{name} ({counts[name]})"
        counts[found] = 1
        return found


def _integer(value: int) -> bytes:
    """Beyond 53 bits as a text: readers whose numbers are floats would round it."""
    if -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        return str(value).encode()
    return quoted(integer_text(value))


def _float(value: float) -> bytes:
    if isfinite(value):
        return float.__repr__(value).encode()
    if value != value:  # noqa: PLR0124 - NaN is what is not itself
        return b'"NaN"'
    return b'"Infinity"' if value > 0 else b'"-Infinity"'
