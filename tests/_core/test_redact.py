"""Secrets leave the bytes, JSON stays JSON, and clean bytes stay the same object."""

import json
import random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests._core.corpus import SHAPES
from trackway._core.redact import redact, redact_keys, redact_text
from trackway._core.serialize import serialize
from trackway._core.shapes import SHAPES as RULES

SECRETS = [make(random.Random(name)) for name, (_, make) in SHAPES.items()]
MARKED = "[redacted: key 'api_key']"


def packed(value: object, levels: int) -> str:
    """*value* as JSON in a JSON text, so many *levels* deep."""
    text = json.dumps(value)
    for _ in range(levels):
        text = json.dumps({"arguments": text})
    return text


def unpacked(text: str, levels: int) -> object:
    value: object = json.loads(text)
    for _ in range(levels):
        assert isinstance(value, dict)
        value = json.loads(value["arguments"])
    return value


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize(
    "secret", ["abc", 'a"b', "a\\", "\\\\", "a\nb\t", "é😀", "a/b", '\\"', "x" * 500]
)
def test_secret_keys_inside_json_texts(levels: int, secret: str) -> None:
    """A secret under its key in JSON inside JSON is masked, three levels deep, whatever characters it has."""
    value = {"api_key": secret, "n": [1, {"password": secret}], "after": 'kept "as" it\\is'}
    clean = redact(packed(value, levels).encode()).decode()
    assert unpacked(clean, levels) == {
        "api_key": MARKED,
        "n": [1, {"password": "[redacted: key 'password']"}],
        "after": 'kept "as" it\\is',
    }


def test_secret_keys_in_a_text_that_is_json() -> None:
    """A text that is JSON, compact or indented, loses what is under its secret keys."""
    value = {"api_key": "abc", "list": [{"Authorization": 12345, "token": ""}], "password": None}
    for indent in (None, 2):
        clean = redact_keys(json.dumps(value, indent=indent).encode())
        assert json.loads(clean) == {
            "api_key": MARKED,
            "list": [{"Authorization": "[redacted: key 'Authorization']", "token": ""}],
            "password": None,
        }


def test_json_texts_that_were_cut() -> None:
    """Where a JSON text ends in the middle of a secret, nothing is left of that, and the JSON around it is whole."""
    whole = json.dumps({"city": "Rome", "api_key": 'se"cr\\et\n'})
    for end in range(whole.index("api_key"), len(whole)):
        data = orjson.dumps({"arguments": whole[:end], "after": 1})
        clean = orjson.loads(redact(data))
        assert clean["after"] == 1
        if end > whole.index("se") + 1:
            assert "cr" not in clean["arguments"]


def test_tokens_of_text_inside_json_texts() -> None:
    """The tokens of a model's answer are no secrets, in text as little as in values."""
    data = packed([{"token": "Hello", "logprob": -0.1}], 1).encode()
    assert redact(data) is data


FRAGMENTS = st.sampled_from(
    [
        *SECRETS,
        *("-----BEGIN PRIVATE KEY-----", "MIIEpAIBAAKCAQEA0Z3VS5JJcds3", "sk-", "eyJ", "Bearer "),
        *(
            "\\",
            "\\\\",
            '"',
            "'",
            "\n",
            "\\n",
            '"api_key": "',
            '"key":',
            "://a:",
            "@",
            ", ",
            "{",
            "}",
        ),
        *("password", "\x00", "é"),
    ]
)
TEXTS = st.lists(FRAGMENTS | st.text(max_size=5), max_size=8).map("".join)
VALUES = st.recursive(
    TEXTS | st.integers(-9, 9) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(TEXTS | st.sampled_from(["api_key", "token"]), inner, max_size=4)
        | inner.map(json.dumps)
        | inner.map(lambda value: json.dumps(value, ensure_ascii=False, indent=1))
    ),
    max_leaves=8,
)


@given(VALUES)
def test_json_stays_json(value: object) -> None:
    """Whatever stands next to a secret, JSON that was redacted is JSON of the same shape."""
    data, is_json = serialize([value])
    clean = orjson.loads(redact(data))
    assert is_json
    assert isinstance(clean, list)
    assert _shape(clean) == _shape(orjson.loads(data))


def _shape(value: object) -> object:
    if isinstance(value, list):
        return [_shape(item) for item in value]
    if isinstance(value, dict):
        return [_shape(item) for item in value.values()]
    return type(value)


@pytest.mark.parametrize("secret", SECRETS, ids=SHAPES)
def test_a_mark_is_no_secret(secret: str) -> None:
    """What was redacted once is clean."""
    once = redact(secret.encode())
    assert redact(once) is once


@given(st.binary() | TEXTS.map(str.encode))
def test_any_bytes(data: bytes) -> None:
    """No bytes make redaction raise, JSON or not, UTF-8 or not."""
    redact(data)
    redact_keys(data)


@given(st.text(st.characters()))
def test_any_text(text: str) -> None:
    """A text is given back as it was unless it holds a secret, lone surrogates included."""
    assert redact_text(text) is text
    assert redact_text(f"{text} AKIAIOSFODNN7EXAMPLE") == f"{text} [redacted: aws key]"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain words",
        "well-known snake_case in JSON, by Boris at a@b.c",
        "Ian said: I -> J://",
        '{"a": "b\\"c\\":"}',
        "a_b-" * 99,
    ],
)
def test_clean_bytes_are_the_same_object(text: str) -> None:
    """Clean bytes and texts are given back themselves, not a copy."""
    data = text.encode()
    assert redact(data) is data
    assert redact_keys(data) is data
    assert redact_text(text) is text


def test_a_gate_that_was_hit_for_nothing() -> None:
    """Bytes that look like a secret at first, and are none at second sight, are the same object too."""
    data = b"Basic understanding, task-sk-learn-estimator-of-the-year, xai-models-for-everyone"
    assert redact(data) is data


def test_secrets_at_the_start_of_a_line_of_json() -> None:
    """In JSON, where the letter of an escape stands before a secret, it is found as in text."""
    for secret in SECRETS:
        for before in ("\n", "\t", "\r", "\b", "\f", "\\", '"', "/"):
            data = orjson.dumps([f"{before}{secret}"])
            assert b"[redacted: " in redact(data), data
            assert len(orjson.loads(redact(data))) == 1


REPEATED = (
    *("-", "_", ":", "@", "\\", '"', " ", "a", "://", "://a:", '\\"', '\\\\"', "eyJ", "eyJ-"),
    *("eyJaaaaaaaa.", "sk-", "sk-a1A", "AKIA", "AIza", "ghp_", "hf_a", "xoxb-", "pypi-", "glpat-a"),
    *("github_pat_", "lsv2_pt_a", "Bearer ", "Bearer a", "Basic aaaaaaaa", "-----BEGIN "),
    *("-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\\", '"api_key": "'),
    *('\\"api_key\\": \\"', '\\"api_key\\": 1'),
    *(
        "-sk-a1A0000000000000000000",
        "-sm_pat_a1A0000000000000",
        ".",
        "a_A1",
        "a-A1",
        "t.A1",
        "sk_a1A",
        "SG.",
    ),
    *(
        "=",
        "api_key=",
        "api_key=a1b2c3d4",
        "x: token a1",
        " key = 'a1b2c3d4",
        "token: ",
        ": bearer ",
        "A3-",
    ),
    *(": bearer a1b2c3d4e5f6g7h8 ", "AAAA", "~", "a1Q~", "us1-"),
    *(
        "a" * 30 + " ",
        "aB3" * 11 + "(",
        "aB3-" * 9 + " ",
        "MIIaB3IBAAKC",
        "access_token$",
        "a1B2" * 8 + "\n",
    ),
    *("glpat-a1", "!A1b2", "://a1B2", "a1B2" * 90 + "/"),
)


@pytest.mark.parametrize("piece", REPEATED)
def test_no_text_makes_it_slow(piece: str) -> None:
    """A megabyte made to mislead each pattern is done with; a pattern that is not linear would need hours."""
    data = ("a1B2c3D4 " + piece * (1_000_000 // len(piece))).encode()
    redact(data + b"!")
    redact_keys(data + b"!")
    redact(data + b'"')


def test_every_pattern_begins_with_a_literal() -> None:
    """Each gate begins with its byte, because only such a search is fast on clean text."""
    for shapes in RULES:
        pattern = shapes.gate.pattern
        assert pattern.lstrip(b"\\").startswith((bytes([shapes.byte]), b"://"))
