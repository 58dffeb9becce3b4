"""Keys that stand alone: long runs that chance made, and what is as long but no key."""

import random
import string
import uuid
from collections.abc import Callable

import pytest

from tests._core.corpus import ALNUM, DIGITS, HEX, LOWER, URL_SAFE, Random, encoded, some
from trackway._core.redact import redact, redact_text

MARK = "[redacted: long random text]"
BASE58 = "".join(set(ALNUM) - set("0OIl"))

KEYS: dict[str, Callable[[Random], str]] = {
    "three alphabets": lambda r: some(r, ALNUM, 40),
    "three alphabets and signs": lambda r: some(r, URL_SAFE, 64),
    "small letters and digits": lambda r: some(r, LOWER + DIGITS, 40),
    "Base32": lambda r: some(r, string.ascii_uppercase + "234567", 52),
}
NONE: dict[str, Callable[[Random], str]] = {
    "digest": lambda r: some(r, HEX, 64),
    "digest in capitals": lambda r: some(r, HEX, 64).upper(),
    "two digests": lambda r: f"{some(r, HEX, 40)}-{some(r, HEX, 40)}",
    "UUID": lambda r: str(uuid.UUID(int=r.getrandbits(128))),
    "number": lambda r: some(r, DIGITS, 60),
    "chat completion": lambda r: f"chatcmpl-{some(r, ALNUM, 38)}",
    "document": lambda r: f"https://docs.example.com/document/d/1{some(r, URL_SAFE, 43)}/edit",
    "file of a drive": lambda r: f"1{some(r, ALNUM, 32)}",
    "playlist": lambda r: f"PL{some(r, ALNUM, 32)}",
    "item of OneDrive": lambda r: f"01{some(r, string.ascii_uppercase + '234567', 32)}",
    "OneDrive": lambda r: f"b!{some(r, ALNUM, 64)}",
    "signature on a chain": lambda r: some(r, BASE58, 88),
    "place": lambda r: f"Ei{some(r, ALNUM, 80)}",
    "sum of Go": lambda r: f"h1:{some(r, ALNUM, 43)}=",
    "message of Exchange": lambda r: f"AAMkAG{some(r, ALNUM, 110)}",
    "address on a chain": lambda r: some(r, BASE58, 44),
    "IPFS": lambda r: f"Qm{some(r, BASE58, 44)}",
    "integrity": lambda r: f"sha512-{encoded(r, 64)}",
    "digest of a wheel": lambda r: f"sha256={some(r, ALNUM, 43)},1234",
    "picture": lambda r: f"data:image/png;base64,{encoded(r, 60)}",
    "SSH": lambda r: f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5{encoded(r, 40)}",
    "certificate": lambda r: "\n".join(encoded(r, 48) for _ in range(5)),
    "certificate in JSON": lambda r: "\\n".join(encoded(r, 48) for _ in range(5)),
    "public key": lambda r: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A" + encoded(r, 200),
    "picture in full": lambda r: encoded(r, 900),
    "message id": lambda r: f"<CAF{some(r, ALNUM, 50)}@mail.example.com>",
    "name": lambda r: "xmlSecOpenSSLTransformRsaOaepMgf1Sha512Id2GetKlass",
    "test": lambda r: "test_Http2Client_sends_3_Requests_over_TLS13_with_ALPN2",
    "path": lambda r: "src/app/v2/Models/Http2Client/tests/TestHttp2Client3",
}


@pytest.mark.parametrize("make", KEYS.values(), ids=KEYS)
def test_long_runs(make: Callable[[Random], str]) -> None:
    """Of long runs that chance made, 95 of 100 are replaced as a whole."""
    r = random.Random(1)
    secrets = [make(r) for _ in range(400)]
    clean = [redact_text(f"it is {secret}, keep it") for secret in secrets]
    # Where a sign stands early by chance, it is a key with a word before it.
    assert clean.count(f"it is {MARK}, keep it") >= 360
    gone = [secret[-12:] not in text for secret, text in zip(secrets, clean, strict=True)]
    assert gone.count(True) >= 380


@pytest.mark.parametrize("make", NONE.values(), ids=NONE)
def test_what_is_as_long(make: Callable[[Random], str]) -> None:
    """What a trace is read by, data, and names stay, however long they are."""
    r = random.Random(1)
    for _ in range(300):
        text = f'it is "{make(r)}" here'
        assert redact_text(text) is text


PREFIXED: dict[str, Callable[[Random], str]] = {
    "databricks token": lambda r: f"dapi{some(r, HEX, 32)}",
    "nuget key": lambda r: f"oy2{some(r, LOWER + DIGITS, 43)}",
    "crates.io token": lambda r: f"cio{some(r, ALNUM, 32)}",
    "brave key": lambda r: f"BSA{some(r, ALNUM, 28)}",
    "private key": lambda r: "MIIEpAIBAAKCAQEA" + encoded(r, 1100),
}


@pytest.mark.parametrize("name", PREFIXED)
def test_beginnings_without_a_sign(name: str) -> None:
    """What vendors begin a key with is known, though no sign ends it."""
    r = random.Random(1)
    clean = [redact_text(f"note: {PREFIXED[name](r).rstrip('=')}\n") for _ in range(200)]
    assert clean.count(f"note: [redacted: {name}]\n") >= 190


def test_escapes_of_json_stay() -> None:
    r"""Behind `\n` or `\u00e9` in JSON only the key goes."""
    key = some(random.Random(3), ALNUM, 40)
    for escape in ("\\n", "\\t", "\\u00e9", "\\\\n"):
        assert redact(f'"a{escape}{key}"'.encode()) == f'"a{escape}{MARK}"'.encode()
