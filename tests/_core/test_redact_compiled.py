"""The kernel that passes clean texts by: it never passes one by in which a rule would find a secret."""

import random

from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from tests._core.vendors import shaped
from trackway._core.redact import redact

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._core.redact")

# What secrets are made of, the signs around them, and what is neither; few, so that runs of all lengths come up.
pieces = st.sampled_from([
    *"abkzAZ09", *"_.~+/=!@#$%^*-", *" \n\"'\\:,{}<é", "Bearer ", "Basic ", "sk-", "ghp_", "hvs.", "eyJ", "://",
    "=", ": ", "a" * 7, "a" * 8, "a" * 31, "A1" * 4, "key", "password",
])  # fmt: skip
texts = st.lists(pieces, max_size=120).map("".join).map(str.encode)


@given(texts)
def test_what_it_passes_by_is_clean(data: bytes) -> None:
    """A text that is not suspicious stays as it is under every rule."""
    if not KERNELS.suspicious(data):
        assert PURE.redact(data) == data


@given(texts)
def test_redacted_alike(data: bytes) -> None:
    """With the kernel and without, the same is written."""
    assert redact(data) == PURE.redact(data)


VENDORS = sorted(shaped())


@given(st.sampled_from(VENDORS), st.randoms(use_true_random=False), st.integers(0, 130))
def test_no_secret_is_passed_by(vendor: str, r: random.Random, before: int) -> None:
    """Every kind of secret is seen wherever it stands: at the edge of a block, across it, at the end."""
    secret = shaped()[vendor](r).encode()
    data = b"word " * (before // 5) + b" " * (before % 5 + 1) + secret
    assert PURE.redact(data) == data or KERNELS.suspicious(data)


def test_runs_across_blocks() -> None:
    """Eight characters with one digit are suspicious at every place, seven are not."""
    for at in range(200):
        for size, digit in ((8, 0), (8, 3), (8, 7), (7, 3), (9, 8)):
            run = bytearray(b"a" * size)
            run[digit] = ord("7")
            assert KERNELS.suspicious(b" " * at + run + b" ") is (size >= 8)
