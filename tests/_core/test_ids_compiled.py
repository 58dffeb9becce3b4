"""The kernel that draws ids: random bytes, each time others."""

from typing import cast

import pytest

from tests import twins

KERNELS = twins.compiled()


def test_ids_are_those_of_the_published_generator() -> None:
    """From a state of 1, 2, 3, 4 come the numbers that its authors' xoshiro256++ gives."""
    state = bytearray(b"".join(n.to_bytes(8, "little") for n in (1, 2, 3, 4)))
    drawn = KERNELS.draw(state, 16)
    numbers = [int.from_bytes(drawn[at : at + 8], "little") for at in (0, 8)]
    assert numbers == expected(2)


def expected(count: int) -> list[int]:
    """The first numbers of xoshiro256++, as its authors define it, from the state 1, 2, 3, 4."""
    low = (1 << 64) - 1
    s, given = [1, 2, 3, 4], []
    for _ in range(count):
        total = (s[0] + s[3]) & low
        given.append(((total << 23 | total >> 41) + s[0]) & low)
        kept = s[1] << 17 & low
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= kept
        s[3] = (s[3] << 45 | s[3] >> 19) & low
    return given


def test_ids_have_their_sizes_and_differ() -> None:
    """Of many ids none is there twice, and each byte of them takes many values."""
    state = bytearray(range(1, 33))
    drawn = [KERNELS.draw(state, 8) for _ in range(20_000)]
    assert len(set(drawn)) == 20_000
    assert all(len({each[at] for each in drawn}) == 256 for at in range(8))
    assert len(KERNELS.draw(state, 16)) == 16


@pytest.mark.parametrize(
    "given",
    [
        (),
        (bytearray(32), 8),
        (bytearray(31), 8),
        (bytes(32), 8),
        (bytearray(b"a" * 32), 7),
        (bytearray(b"a" * 32), 17),
    ],
)
def test_wrong_arguments_are_refused(given: tuple[object, ...]) -> None:
    """A state that gives nothing but zeros, or of another size, is an error, and a size that is no id's."""
    with pytest.raises((TypeError, ValueError, OverflowError)):
        cast("twins.Kernel", KERNELS.draw)(*given)
