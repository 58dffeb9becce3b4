"""Whatever bytes stand in the files of a chain, a reader raises nothing, ends, and invents no record.

What it yields was committed under the key of its segment, in the order in which it stands there.
"""

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from trackway._delivery import record
from trackway._delivery.reader import ChainReader
from trackway._delivery.segment import RECORDS_AT, Header, pack_counters, segment_path

KEY = 0x5EC0DE

# Records that are committed, some of kinds and scopes that nobody writes, and bytes that are no records.
RECORDS = st.builds(
    record.encode,
    st.binary(max_size=60) | st.integers(0, 9_000).map(bytes),
    scope=st.integers(0, 0xFFFF),
    kind=st.sampled_from([0, 0, 0, 1, 2, 255]),
    flags=st.integers(0, 255),
    key=st.sampled_from([KEY, KEY, KEY, 7]),
)
RUBBISH = st.one_of(
    st.binary(max_size=40),
    st.integers(0, 600).map(bytes),
    st.just(record.HEADER.pack(1 << 31, KEY, 0, 0, 0, 0)),
    st.just(record.HEADER.pack(24, KEY, 0, 0, 0, 0)),
)
EDITS = st.lists(st.tuples(st.integers(0, 5_000), RUBBISH, st.integers(0, 300)), max_size=3)
SEGMENTS = st.lists(
    st.tuples(st.lists(RECORDS | RUBBISH, max_size=6), EDITS, st.sampled_from([1, 1, 1, 2, 9])),
    min_size=1,
    max_size=3,
)


def written(number: int, parts: list[bytes], version: int) -> bytes:
    """The bytes of a segment."""
    header = Header(version=version, key=KEY, number=number, created_ns=1, records_before=0)
    start = (header.pack() + pack_counters(len(parts), {})).ljust(RECORDS_AT, b"\0")
    aligned = [part + bytes(-len(part) % record.ALIGNMENT) for part in parts]
    return start + b"".join(aligned)


@given(SEGMENTS, st.integers(1, 3), st.integers(0, 400), st.booleans())
def test_any_segments(
    segments: list[tuple[list[bytes], list[tuple[int, bytes, int]], int]],
    first: int,
    offset: int,
    live: bool,
) -> None:
    """Any segments, damaged anywhere, read from any place, by a reader of a live chain or a dead one."""
    with tempfile.TemporaryDirectory() as folder:
        chain = Path(folder)
        contents = []
        for number, (parts, edits, version) in enumerate(segments, 1):
            data = written(number, parts, version)
            for at, new, cut in edits:
                data = data[:at] + new + data[at + cut :]
            segment_path(chain, number).write_bytes(data)
            contents.append(data)
        with ChainReader(chain, first, offset, live=live) as reader:
            places = []
            # A reader that never ends would give the same places for ever.
            while more := reader.read(max_records=5):
                for found in more:
                    stands = contents[found.segment - 1]
                    assert record.measure(stands, found.offset, KEY) > 0
                    payload = stands[found.offset + record.HEADER_SIZE :][: len(found.payload)]
                    assert payload == found.payload
                    assert found.kind != record.KIND_SCOPE
                    places.append((found.segment, found.offset))
            assert places == sorted(set(places))
            assert reader.read() == []
