"""The kernel of `_core/counts.py` writes what its twin writes."""

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from trackway._core import counts
from trackway._core.kinds import DIALECTS
from trackway._core.usage import MAX_COUNT, Usage

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._core.counts")
BUCKETS = [
    "input", "input_cached_tokens", "input_cached_audio_tokens", "input_cache_creation", "input_audio_tokens", "output",
    "output_reasoning_tokens", "output_audio_tokens", "images", "", "ключ", 'a "b"\n', "k" * 300,
]  # fmt: skip
names = st.sampled_from(BUCKETS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)


@given(
    st.dictionaries(names, st.integers(0, MAX_COUNT) | st.integers(0, 300), max_size=40),
    st.sampled_from(sorted(DIALECTS)),
)
def test_counts_are_written_as_their_twin_writes_them(buckets: dict[str, int], wire: str) -> None:
    """Any buckets in any dialect come to the same bytes, those of which there are too many for the kernel as well."""
    usage = Usage(buckets=buckets)
    assert counts.usage_bytes(usage, DIALECTS[wire]) == PURE.usage_bytes(usage, DIALECTS[wire])


@pytest.mark.parametrize("odd", [-1, 1 << 63, 1.0, None, "1", b"1"])
def test_what_is_no_count_is_refused(odd: object) -> None:
    """What is no whole number of at least 0 is refused, and never written as another."""
    write = cast("twins.Kernel", KERNELS.count_fields)
    with pytest.raises((OverflowError, TypeError)):
        write((b"\x0a\x01k\x12",), (1,), b"", (b'"k":',), {"k": odd})


@pytest.mark.parametrize(
    ("heads", "masks", "labels", "buckets"),
    [
        ((b"h",), (), (), {}),
        ((), (), (), {"a": 1}),
        ((), (), (b"a",) * 33, {str(n): n for n in range(33)}),
        ((b"h",) * 33, (1,) * 33, (), {}),
    ],
)
def test_lists_that_do_not_fit_each_other_are_refused(
    heads: tuple[bytes, ...],
    masks: tuple[int, ...],
    labels: tuple[bytes, ...],
    buckets: dict[str, int],
) -> None:
    """Heads without a mask and buckets without a label are errors, not reads beyond an end."""
    with pytest.raises(ValueError, match="counts of"):
        KERNELS.count_fields(heads, masks, b"d", labels, buckets)
