"""The kernel that passes clean texts by: it never passes one by in which a rule would find a secret."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import twins
from tests._core.scanners import planted
from tests._core.vendors import shaped
from trackway._core.drawn import WORDS
from trackway._core.redact import LOOKS, redact
from trackway._core.shapes import SHAPES

KERNELS = twins.compiled()
PURE = twins.in_python("trackway._core.redact")

# What secrets are made of, the signs around them, and what is neither; few, so that runs of all lengths come up.
pieces = st.sampled_from([
    *"abkzAZ09", *"_.~+/=!@#$%^*-", *" \n\"'\\:,{}<é", "Bearer ", "Basic ", "sk-", "ghp_", "hvs.", "eyJ", "://",
    "=", ": ", "a" * 7, "a" * 8, "a" * 31, "A1" * 4, "key", "password", "a1" * 16, "live_", "12345678",
    "BEGIN PRIVATE KEY-", "us1", "com/hooks/catch/", "dapi", "AKIA", "NRAL", "LTAI", "ey", "QQJ9D", "sha256~", "token ",
    ": str =", " :=", '"] =',
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


@given(texts)
def test_no_look_is_left_out(data: bytes) -> None:
    """Of a text that is suspicious, each look whose gate is hit is among those that the kernel asks for."""
    asked = KERNELS.suspicious(data) or -1
    missing = [byte for bit, byte, gate, _ in LOOKS if gate(data) and not asked & bit]
    assert bytes(missing) == b""


HEADS = [prefix for shapes in SHAPES for prefix in shapes.tokens] + [
    b"acme%s%s%s" % (sign, word, sign) for word in WORDS for sign in (b"-", b"_")
]


def test_every_prefix_is_known() -> None:
    """The kernel knows the end of each prefix and word of the tables: what fails here is missing in suspicious.h."""
    bits = {byte: bit for bit, byte, _, _ in LOOKS}
    unknown = [
        head
        for head in HEADS
        if not KERNELS.suspicious(b" " + head + b"a1B2c3D4e5F6g7H8") & bits[head[-1]]
    ]
    assert unknown == []


@pytest.mark.parametrize("file", ["scanners.txt", "detectors.txt", "rulesets.txt"])
def test_what_scanners_find_is_redacted_alike(file: str) -> None:
    """Of every format that other scanners list, with the kernel and without, the same is written."""
    for each in planted(2, file):
        data = each.text.encode()
        assert redact(data) == PURE.redact(data)


VENDORS = sorted(shaped())


@given(st.sampled_from(VENDORS), st.randoms(use_true_random=False), st.integers(0, 130))
def test_no_secret_is_passed_by(vendor: str, r: random.Random, before: int) -> None:
    """Every kind of secret is seen wherever it stands: at the edge of a block, across it, at the end."""
    secret = shaped()[vendor](r).encode()
    data = b"word " * (before // 5) + b" " * (before % 5 + 1) + secret
    assert PURE.redact(data) == data or KERNELS.suspicious(data)


def test_runs_across_blocks() -> None:
    """A key is seen at every place, a run of seven characters nowhere."""
    for at in range(200):
        assert KERNELS.suspicious(b" " * at + b"api_key=a1b2c3d4 ")
        assert KERNELS.suspicious(b" " * at + b"Basic abcdefgh ")
        assert not KERNELS.suspicious(b" " * at + b"a=1b2c3 ")
