"""Payloads without records: the same bytes, and the records when they are asked for."""

from hypothesis import given
from hypothesis import strategies as st

from trackway._delivery.gather import Run, gather
from trackway._delivery.record import HEADER_SIZE, KIND_SCORE, Record, encode, padded

KEY = 0xFEEDF00D
SEGMENT = 7
payloads = st.binary(max_size=100) | st.integers(0, 3000).map(lambda size: b"\xa5" * size)


def spans(contents: list[bytes], scope: int = 3, flags: int = 0) -> bytes:
    return b"".join(encode(p, scope=scope, kind=0, flags=flags, key=KEY) for p in contents)


def run_of(
    data: bytes, at: int = 0, avoid: int = 0, limits: tuple[int, int] = (1 << 40,) * 2
) -> Run:
    found, lengths, end = gather(data, at, len(data), KEY, 3, avoid, *limits)
    return Run(SEGMENT, at, end, 3, found, lengths)


@given(st.lists(payloads, min_size=1, max_size=8), st.integers(0, 4))
def test_a_run_is_its_records(contents: list[bytes], before: int) -> None:
    """Payloads one behind the other, how many, and each record in its place."""
    at = 8 * before
    run = run_of(bytes(at) + spans(contents) + bytes(32), at)
    assert run.payloads == b"".join(contents)
    assert run.many == len(contents)
    expected = []
    for payload in contents:
        end = at + padded(HEADER_SIZE + len(payload))
        expected.append(Record(SEGMENT, at, end, 0, 3, 0, payload))
        at = end
    assert list(run.records()) == expected
    assert run.end == at


def test_a_single_record_is_a_run() -> None:
    """It says of itself what it said before, but for its flags."""
    record = Record(SEGMENT, 256, 280, 0, 3, 4, b"abcdefgh")
    assert list(Run.of(record).records()) == [record._replace(flags=0)]
    assert Run.of(record).many == 1


def test_it_ends_where_somebody_has_to_look() -> None:
    """At another scope or kind, a flag to avoid, an unfinished or foreign record, and at the limits."""
    first = spans([b"one", b"two"])
    for other in (
        spans([b"x"], scope=4),
        encode(b"x", scope=3, kind=KIND_SCORE, flags=0, key=KEY),
        spans([b"x"], flags=4),
        encode(b"x", scope=3, kind=0, flags=0, key=KEY + 1),
        encode(b"x" * 100, scope=3, kind=0, flags=0, key=KEY)[:-50],
        bytes(100),
        b"",
    ):
        run = run_of(first + other, avoid=4)
        assert (run.payloads, run.end) == (b"onetwo", len(first)), other
    assert run_of(first + spans([b"x"], flags=2), avoid=4).payloads == b"onetwox"
    assert run_of(first, limits=(5, 9)).payloads == b"one"
    assert run_of(first, limits=(9, 1)).payloads == b"one"
    assert run_of(first, limits=(9, 0)).many == 0
    assert gather(first, 0, len(first) - 6, KEY, 3, 0, 99, 99)[0] == b"one"
