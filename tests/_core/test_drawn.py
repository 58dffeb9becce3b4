"""Keys that no table names: what their words and characters say, and the ids and names that are like them."""

import random
import string
import uuid
from collections.abc import Callable

import pytest

from tests._core.corpus import ALNUM, HEX, URL_SAFE, Random, some
from trackway._core.redact import redact, redact_text

MARK = "[redacted: key of a vendor]"
SMALL = string.ascii_lowercase + string.digits

KEYS: dict[str, Callable[[Random], str]] = {
    "a word that says it": lambda r: f"acme_secret_{some(r, ALNUM, 24)}",
    "a word that says it, and hexadecimal": lambda r: f"acme-token-{some(r, HEX, 40)}",
    "a word that hints": lambda r: f"acme_key_{some(r, ALNUM, 32)}",
    "capitals": lambda r: f"ACME-{some(r, ALNUM, 40)}",
    "no word": lambda r: f"acme_{some(r, ALNUM, 40)}",
    "no word, small letters": lambda r: f"acme_{some(r, SMALL, 40)}",
    "signs in between": lambda r: f"acme_{some(r, URL_SAFE, 60)}A",
}
IDS: dict[str, Callable[[Random], str]] = {
    "chat completion": lambda r: f"chatcmpl-{some(r, ALNUM, 38)}",
    "tool call": lambda r: f"call_{some(r, ALNUM, 40)}",
    "tool use": lambda r: f"toolu_bdrk_01{some(r, ALNUM, 22)}",
    "response": lambda r: f"resp_{some(r, HEX, 50)}",
    "message": lambda r: f"msg_{some(r, HEX, 48)}",
    "run": lambda r: f"run_{some(r, ALNUM, 24)}",
    "run of LangChain": lambda r: f"lc_run--{uuid.UUID(int=r.getrandbits(128))}",
    "generation": lambda r: f"gen-1{some(r, string.digits, 9)}-{some(r, ALNUM, 20)}",
    "batch": lambda r: f"batch_{some(r, HEX, 32)}",
    "checkout session": lambda r: f"cs_live_{some(r, ALNUM, 58)}",
    "public key": lambda r: f"pk_live_{some(r, ALNUM, 99)}",
    "public key of Langfuse": lambda r: f"pk-lf-{uuid.UUID(int=r.getrandbits(128))}",
    "price": lambda r: f"price_{some(r, ALNUM, 24)}",
    "trace parent": lambda r: f"00-{some(r, HEX, 32)}-{some(r, HEX, 16)}-01",
    "trace of Sentry": lambda r: f"sentry-trace_{some(r, HEX, 32)}-{some(r, HEX, 16)}-1",
    "commit": lambda r: some(r, HEX, 40),
    "UUID": lambda r: str(uuid.UUID(int=r.getrandbits(128))),
    "object of a store": lambda r: (
        f"https://b.example.com/{some(r, SMALL, 40)}/a-{some(r, ALNUM, 40)}.png"
    ),
}


@pytest.mark.parametrize("make", KEYS.values(), ids=KEYS)
def test_keys(make: Callable[[Random], str]) -> None:
    """Nearly every key with a head and enough characters drawn by lot is replaced as a whole."""
    r = random.Random(1)
    clean = [redact_text(f"it is {make(r)}, keep it") for _ in range(300)]
    assert clean.count(f"it is {MARK}, keep it") >= 290


@pytest.mark.parametrize("make", IDS.values(), ids=IDS)
def test_ids(make: Callable[[Random], str]) -> None:
    """An id by which a trace is read, or a public key, stays."""
    r = random.Random(1)
    for _ in range(300):
        text = f"it is {make(r)} here"
        assert redact_text(text) is text


@pytest.mark.parametrize(
    "text",
    [
        "Meta-Llama-3.1-70B-Instruct-GPTQ-INT4-32k-context-v2",
        "numpy-2.1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "MY_APP_SECRET_V2_BASE64_ENCODED_2048_BITS",
        "test_Http2Client_sends_3_Requests_over_TLS13_with_ALPN2",
        "the-secret-of-the-2-keys-in-version-3-of-kubernetes",
        "secret_key_for_the_3_users_of_v2_1_7_8",
    ],
)
def test_names_that_somebody_made_up(text: str) -> None:
    """Long names of models, files, tests and settings stay, whatever digits they hold."""
    assert redact_text(text) is text


def test_the_letter_of_an_escape_stays() -> None:
    r"""Behind `\n` in JSON only the key goes, not the letter, which is not the word's."""
    key = some(random.Random(2), ALNUM, 40)
    assert redact(f'"a\\nacme_{key}"'.encode()) == f'"a\\nacme_{MARK}"'.encode()


PREFIXES = ("glpat-", "CFPAT-", "apify_api_", "tskey-api-", "hvs.", "xoxr-")


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("size", [18, 24, 50])
def test_behind_a_prefix(prefix: str, size: int) -> None:
    """Behind a vendor's prefix a key is found, whatever number of characters the vendor gives today."""
    r = random.Random(1)
    keys = [prefix + some(r, ALNUM, size) for _ in range(200)]
    assert sum(key[-8:] not in redact_text(f"it is {key}, keep it") for key in keys) >= 180


@pytest.mark.parametrize(
    "text", ["glpat-token-of-the-project", "API-Version2-of-Http3Client", "apify_api_v2_base_url"]
)
def test_words_behind_a_prefix(text: str) -> None:
    """Words behind a prefix are no key."""
    assert redact_text(text) is text
