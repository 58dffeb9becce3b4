"""The names of keys that hold a secret.

They are judged by their last words, so that `openai_api_key`, `X-Api-Key` and `apiKey` are one name, and `max_tokens`
or `api_key_id` are none.
"""

import re
from enum import IntEnum
from typing import Final


class Secrecy(IntEnum):
    """What the name of a key says about its value."""

    NONE = 0
    TEXT = 1
    """Secret if the value is a text: a `token` is also a number of a vocabulary, or an object that describes one."""
    ANY = 2


# A longer name is a text that happens to be a key.
LONGEST_NAME: Final = 64

# The end of a name, without separators and in lower case.
_SECRET_ENDS: Final = (
    *("apikey", "apikeys", "secretkey", "privatekey", "accesskey", "signingkey", "encryptionkey"),
    *("masterkey", "accountkey", "subscriptionkey", "authkey", "servicerolekey", "hmackey"),
    *("appkey", "applicationkey", "sharedkey"),
    *("password", "passwords", "passwd", "passphrase", "passcode", "secret", "secrets"),
    *("authorization", "cookie", "cookies", "credential", "credentials", "connectionstring"),
)
_TOKEN_ENDS: Final = (
    *("accesstoken", "refreshtoken", "authtoken", "bearertoken", "sessiontoken", "apitoken"),
    *("idtoken", "csrftoken", "xsrftoken", "licensekey"),
)
# `token` behind one of these is a place in a list, a unit of text, or a symbol of a vocabulary.
_NO_SECRET_TOKEN: Final = frozenset(
    (
        *("page", "next", "previous", "prev", "continuation", "cursor", "sync", "per", "first"),
        *("last", "start", "end", "begin", "max", "min", "input", "output", "prompt", "stop"),
        *("completion", "total", "cached", "reasoning", "text", "image", "audio", "new", "each"),
        *("current", "draft", "special", "eos", "bos", "pad", "unk", "sep", "cls", "mask", "image"),
    )
)
# `smtp_pass` is a password; a `test_pass` is not.
_PASS_OF: Final = frozenset(
    (
        *("db", "database", "smtp", "imap", "mail", "email", "ftp", "ssh", "user", "admin"),
        *("root", "proxy", "http", "redis", "mysql", "pg", "postgres", "mongo"),
    )
)
_AUTH_OF: Final = frozenset(("basic", "digest", "http", "proxy"))
# How every name above ends, in as many letters as tell it from most others.
ENDINGS: Final = (
    *("key", "eys", "ken", "ret", "ets", "jwt", "pwd", "swd", "uth", "pat"),
    *("word", "ords", "rase", "okie", "tial", "pass", "scode", "okies", "tials", "tring", "zation"),
)
_LAST_LETTERS: Final = frozenset(ending[-3:] for ending in ENDINGS)
_words: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+").findall


def secrecy(name: str) -> Secrecy:  # noqa: PLR0911 - a table of names
    """What *name*, the key of a mapping, says about its value."""
    if len(name) > LONGEST_NAME:
        return Secrecy.NONE
    stem = name.rstrip("0123456789_-. :")
    if stem[-3:].lower() not in _LAST_LETTERS:
        return Secrecy.NONE
    words = [word.lower() for word in _words(stem)]
    if not words:
        return Secrecy.NONE
    joined, last, before = "".join(words), words[-1], words[-2] if len(words) > 1 else ""
    if joined.endswith(_SECRET_ENDS):
        return Secrecy.ANY
    if joined.endswith(_TOKEN_ENDS):
        return Secrecy.TEXT
    if last == "token":
        return Secrecy.NONE if before in _NO_SECRET_TOKEN else Secrecy.TEXT
    secret = (
        last == "jwt"
        or (
            last in {"pwd", "pat"} and before != ""
        )  # alone it is the working directory, or a person
        or (last == "pass" and before in _PASS_OF)
        or (last == "auth" and before in _AUTH_OF)
    )
    return Secrecy.TEXT if secret else Secrecy.NONE


def key_mark(name: str) -> str:
    """What stands in place of the value of a key called *name*."""
    return f"[redacted: key '{name}']"


def look_back(behind: bytes) -> bytes:
    """A pattern that looks back over *behind* to the end of a name that may be a secret's.

    `[kK]` for `k` and not a flag: a branch that begins with a set of characters is passed over at once.
    """
    by_length: dict[int, list[str]] = {}
    for ending in ENDINGS:
        both = "".join(f"[{letter}{letter.upper()}]" for letter in ending)
        by_length.setdefault(len(ending), []).append(both)
    groups = (
        b"(?<=(?:" + "|".join(each).encode() + b")" + behind + b")" for each in by_length.values()
    )
    return b"(?:" + b"|".join(groups) + b")"
