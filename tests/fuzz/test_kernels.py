"""Whatever bytes a compiled kernel is given, it does what its twin in Python does, and passes no secret by.

`make sanitize` looks at what the kernels do with memory; here it is what they answer.
"""

import sys

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from tests import twins
from trackway._core.plain import MAX_DEPTH, MAX_NODES, is_container
from trackway._delivery import record
from trackway._delivery.record import Record

KERNELS = twins.compiled()
SCAN = twins.in_python("trackway._delivery.scan")
REDACT = twins.in_python("trackway._core.redact")
ENCODE = twins.in_python("trackway._wire.encode")
PLAIN = twins.in_python("trackway._core.plain")
KEY = 0x5EC0DE
RECORDS = b"".join(
    record.encode(payload, scope=1, kind=kind, flags=0, key=KEY)
    for payload, kind in ((b"one", 0), (bytes(30), 2), (b"a scope", record.KIND_SCOPE), (b"", 0))
)
# The first bytes are the numbers that a kernel is called with.
SEEDS = (
    bytes(6) + RECORDS,
    bytes([0, 2, 60, 40, 3, 1]) + RECORDS,
    bytes(6)
    + b'{"role": "user", "content": ["a", 1.5, null, {"api_key": "sk-aaaaaaaaaaaaaaaaaaaa1"}]}',
    bytes([9, 3, 2, 1, 0, 0])
    + b"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc123 -----BEGIN",
)


def check(data: bytes) -> None:
    """Each kernel and its twin, with the same of *data*."""
    numbers, rest = data[:6].ljust(6, b"\0"), data[6:]
    a_scan(numbers, rest)
    assert KERNELS.suspicious(rest) or REDACT.redact(rest) == rest
    fields(numbers, rest)
    a_look(numbers, rest)


def a_scan(numbers: bytes, buffer: bytes) -> None:
    """Records from any place on, with limits that end it anywhere."""
    at, most, room, trusted, *_ = numbers
    size, count = room * 8 or sys.maxsize, most or 1 << 30
    found = KERNELS.scan(buffer, at, KEY, 7, 1000, trusted * 8, size, count, Record)
    assert found == SCAN.scan(
        buffer,
        at,
        KEY,
        segment=7,
        origin=1000,
        trusted=trusted * 8,
        max_bytes=size,
        max_records=count,
    )


def fields(numbers: bytes, rest: bytes) -> None:
    """A field of text, and a span of any parts."""
    half = len(rest) // 2
    key = ENCODE.TextKey("k" * numbers[4])
    assert KERNELS.text_field(ENCODE.key_field("k" * numbers[4]), rest) == key.field(rest)
    name = rest[:half].decode("utf-8", "surrogateescape")
    ids = (numbers * 3)[:16], (numbers * 2)[:8], b"" if numbers[5] & 1 else bytes(8)
    whole = int.from_bytes(numbers[:5])
    span = ([rest[:half], rest[half:]], *ids, name, numbers[0] % 6, whole, whole << 8, numbers[1])
    joined = KERNELS.join_span(*span)
    if joined is not NotImplemented:
        assert joined == ENCODE.join_span(*span)


def a_look(numbers: bytes, rest: bytes) -> None:
    """A value, within limits that end the look anywhere."""
    try:
        value = orjson.loads(rest)
    except ValueError:
        return
    if not is_container(value):
        return
    room = len(rest) - numbers[0] if numbers[1] else 1 << 20
    nodes = numbers[2] or MAX_NODES
    levels = min(numbers[3] or MAX_DEPTH, MAX_DEPTH)
    expected = PLAIN.look(value, room, names=False, nodes=nodes, levels=levels)
    assert KERNELS.look(value, room, nodes, levels, None) == expected


@given(st.binary(max_size=200))
@example(SEEDS[0])
@example(SEEDS[1])
@example(SEEDS[2])
@example(SEEDS[3])
def test_any_bytes(data: bytes) -> None:
    """Any bytes, and records, texts and values that were written rightly."""
    check(data)
