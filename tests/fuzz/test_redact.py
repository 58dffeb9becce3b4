"""Whatever stands around a secret, it is gone, JSON stays JSON of the same shape, and clean bytes are the same object.

What was redacted once is clean.
"""

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from tests._core.corpus import SHAPES
from trackway._core.redact import redact, redact_keys, redact_text
from trackway._core.serialize import serialize

SECRETS = [(rule, make(random.Random(rule))) for rule, make in SHAPES.values()]
# What a secret must not be glued to, for then it is part of a longer word.
EDGES = st.sampled_from([" ", "\n", '"', "'", ", ", "(", "=", "\t", "\\", "/ ", ": ", "<", "\r\n"])
PIECES = st.one_of(
    st.text(st.characters(), max_size=12),
    st.sampled_from(
        [
            *(secret for _, secret in SECRETS),
            *(
                '"api_key": "',
                '\\"api_key\\": \\"',
                '"password":',
                '\\\\\\"token\\\\\\":',
                '"',
                "\\",
            ),
            *("-----BEGIN RSA PRIVATE KEY-----", "-----END", "eyJ", "eyJhbGciOi.", "sk-", "AKIA"),
            *("Bearer ", "Basic ", "://", "://a:", "@", "xoxb-", "ghp_", "github_pat_", "AIza"),
            *("{", "}", "[", "]", ":", ",", "null", "1", "\x00", "é", "\ud800"),
        ]
    ),
)
TEXTS = st.lists(PIECES, max_size=10).map("".join)
VALUES = st.recursive(
    TEXTS | st.integers(-9, 9) | st.none(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(TEXTS | st.sampled_from(["api_key", "token"]), inner, max_size=4),
        inner.map(json.dumps),
        inner.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1)),
    ),
    max_leaves=8,
)


def shape(data: bytes) -> object:
    """What redaction must leave as it is. Two keys that were secrets of one kind may have become the same mark."""
    return _shape(json.loads(data, object_pairs_hook=lambda pairs: [value for _, value in pairs]))


def _shape(value: object) -> object:
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return str if isinstance(value, int) else type(value)


@given(VALUES, TEXTS, st.sampled_from(SECRETS), EDGES, EDGES, st.binary(max_size=40))
def test_any_text_around_a_secret(
    value: object, text: str, planted: tuple[str, str], before: str, after: str, noise: bytes
) -> None:
    """A secret between any two texts, in any JSON, is found; no bytes make redaction raise."""
    data, _ = serialize([value])
    once = redact(data)
    assert shape(once) == shape(data)
    rule, secret = planted
    # The end of a secret tells it apart; its beginning is what many have in common.
    tail = secret[-12:]
    if tail not in text and "\\" not in tail:
        clean = redact(f"{before}{secret}{after}".encode())
        assert rule in {"url password", "private key"} or tail.encode() not in clean
        # Not of secrets without anything between them: the mark of one may uncover the other.
        assert redact(clean) is clean
    assert (redact_text(text) is text) == (redact_text(text) == text)
    redact(noise)
    redact_keys(noise)
