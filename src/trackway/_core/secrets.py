"""What a secret looks like, as data: the names of the keys that hold one, and the shapes that providers issue.

*Names* are judged by their last words, so that `openai_api_key`, `X-Api-Key` and `apiKey` are one name, and
`max_tokens` or `api_key_id` are none. *Shapes* are a prefix that a provider publishes and enough characters
behind it. Two patterns belong to each shape:

- a **gate** finds out whether the text may hold one. It starts with one literal byte that is rare in text,
  because the `re` module looks for such a byte with `memchr` (0.04 µs/KB), where a set of first characters
  costs 3–10 µs/KB and a literal of three bytes 0.7 µs/KB;
- a **rule** says where it begins and ends, and runs only after a gate was hit.

Every pattern is linear: each position is left behind after a bounded look (`{0,99}`), or belongs to a run that
can only be entered at its start.
"""

import re
from binascii import a2b_base64
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

# -- names ------------------------------------------------------------------------------------------------------------


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
    *("password", "passwords", "passwd", "passphrase", "passcode", "secret", "secrets"),
    *("authorization", "cookie", "cookies", "credential", "credentials", "connectionstring"),
)
_TOKEN_ENDS: Final = (
    *("accesstoken", "refreshtoken", "authtoken", "bearertoken", "sessiontoken", "apitoken"),
    *("idtoken", "csrftoken", "xsrftoken"),
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
    *("key", "eys", "ken", "ret", "ets", "jwt", "pwd", "swd", "uth"),
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
        or (last == "pwd" and before != "")  # alone it is the working directory
        or (last == "pass" and before in _PASS_OF)
        or (last == "auth" and before in _AUTH_OF)
    )
    return Secrecy.TEXT if secret else Secrecy.NONE


def key_mark(name: str) -> str:
    """What stands in place of the value of a key called *name*."""
    return f"[redacted: key '{name}']"


# -- shapes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape, and what is written instead: a template, or a function that may decide that it is no secret."""

    pattern: re.Pattern[bytes]
    mark: bytes | Callable[[re.Match[bytes]], bytes]


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes that have one rare byte in common."""

    byte: int
    """`45 in data` is 0.03 µs/KB; `b"-" in data` raises and catches a TypeError inside, for 0.15 µs more."""
    gate: re.Pattern[bytes]
    rules: tuple[Rule, ...]


def _shapes(byte: bytes, gate: bytes, *rules: Rule) -> Shapes:
    return Shapes(byte[0], re.compile(gate), rules)


def _rule(name: str, start: bytes, rest: bytes) -> Rule:
    r"""The rule called *name*: *start*, of fixed width and preferably literal, where a word begins, and *rest*.

    In JSON the letter of an escape (`\n`) may stand before a word. That is looked at after *start* was found, because
    a pattern that begins with a literal is searched ten times as fast.
    """
    at_start = rb"(?:(?<![A-Za-z0-9]" + start + rb")|(?<=\\[nrtbf]" + start + rb"))"
    return Rule(re.compile(start + at_start + rest), _mark(name))


def _mark(name: str) -> bytes:
    return b"[redacted: " + name.encode() + b"]"


# A slug such as `sk-learn-model-of-the-year` has no capital and no long run with a digit in it.
_RANDOM: Final = (
    rb"(?:(?=[a-z0-9_-]{0,99}[A-Z])(?=[A-Za-z_-]{0,99}[0-9])[\w-]{20,}"
    rb"|(?=[a-z]{0,63}[0-9])[a-z0-9]{20,})"
)
# Entered once for a run of such characters, however often `eyJ` stands in it.
_JWT: Final = rb"eyJ(?:(?<![\w-]eyJ)|(?<=\\[nrtbf]eyJ))[\w-]{8,}+\.[\w-]{2,}+\.[\w.-]*+"
# Base64 and the header lines of old formats, with the escapes of JSON in between, each taken whole. Where the end
# was cut away, the lines of Base64.
_PEM: Final = (
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?:"
    rb"(?:(?!-----)(?:[\w+/=\s:,.-]|\\[nrt/]|\\\\))*+-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----"
    rb"|(?:[\r\n]|\\[nr]|\\\\n){0,4}[\w+/=]{24,}+(?:[\w+/=\r\n]|\\[nr/]|\\\\)*+)"
)
# A `${PASSWORD}`, `{password}` or `<password>` is the place for one.
_URL_PASSWORD: Final = rb"://[^\s/:@\"'<>\\]{0,128}+:(?!\$?\{|\$\(|<)[^\s/\"'<>\\]{1,256}(?=@)"
_BEARER: Final = rb"Bearer {1,4}(?=[A-Za-z._~+/-]{0,99}[0-9])[A-Za-z0-9._~+/-]{16,}+={0,2}"
_BASIC: Final = rb"Basic {1,4}([A-Za-z0-9+/]{8,}+={0,2})"


def _url_password(found: re.Match[bytes]) -> bytes:
    return found[0][: found[0].index(b":", 1) + 1] + _mark("url password")


def _basic(found: re.Match[bytes]) -> bytes:
    """Basic credentials are `user:password` in Base64; "Basic understanding" is none."""
    text = found[1]
    try:
        decoded = a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return found[0]
    return b"Basic " + _mark("basic credentials") if b":" in decoded else found[0]


# In a gate, what follows the byte is looked at before what precedes it: behind most hyphens and underscores stands a
# short word.
SHAPES: Final = (
    _shapes(
        b"-",
        rb"-(?:(?!--)(?=[\w-]{14})(?:(?<=sk-)|(?<=glpat-)|(?<=xox[a-z]-)|(?<=xapp-)|(?<=pplx-)"
        rb"|(?<=xai-)|(?<=tvly-)|(?<=pypi-)|(?<=GOCSPX-))|BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-)",
        _rule("anthropic key", rb"sk-ant-", rb"[\w-]{20,}"),
        _rule("langfuse key", rb"sk-lf-", rb"[\w-]{20,}"),
        _rule("openrouter key", rb"sk-or-", rb"[\w-]{20,}"),
        _rule(
            "openai key", rb"sk-", rb"(?:(?:proj|svcacct|admin|None)-[\w-]{20,}|" + _RANDOM + rb")"
        ),
        _rule("google secret", rb"GOCSPX-", rb"[\w-]{28}"),
        _rule("gitlab token", rb"glpat-", rb"[\w-]{20,}"),
        _rule("slack token", rb"xox[a-z]-", rb"(?=[A-Za-z-]{0,19}[0-9])[A-Za-z0-9-]{14,}"),
        _rule("slack token", rb"xapp-", rb"(?=[A-Za-z-]{0,19}[0-9])[A-Za-z0-9-]{14,}"),
        _rule("pypi token", rb"pypi-", rb"[\w-]{50,}"),
        _rule("perplexity key", rb"pplx-", rb"[A-Za-z0-9]{40,}"),
        _rule("xai key", rb"xai-", rb"[A-Za-z0-9]{60,}"),
        _rule(
            "tavily key", rb"tvly-", rb"(?:dev-|prod-)?(?=[A-Za-z-]{0,31}[0-9])[A-Za-z0-9-]{20,}"
        ),
        Rule(re.compile(_PEM), _mark("private key")),
    ),
    _shapes(
        b"_",
        rb"_(?:(?=[A-Za-z0-9]{16})(?:(?<=gh[pousr]_)|(?<=github_pat_)|(?<=pylf_)|(?<=hf_)"
        rb"|(?<=[sr]k_(?:live|test)_)|(?<=whsec_)|(?<=npm_)|(?<=gsk_)|(?<=r8_)"
        rb"|(?<=lsv2_[ps][tk]_))|v[0-9]_(?<=pylf_v[0-9]_))",
        _rule("github token", rb"gh[pousr]_", rb"[A-Za-z0-9]{36,}"),
        _rule("github token", rb"github_pat_", rb"\w{50,}"),
        _rule("logfire token", rb"pylf_", rb"\w{20,}"),
        _rule("hugging face token", rb"hf_", rb"[A-Za-z0-9]{30,}"),
        _rule("stripe key", rb"[sr]k_(?:live|test)_", rb"[A-Za-z0-9]{16,}"),
        _rule("stripe key", rb"whsec_", rb"[A-Za-z0-9]{16}[A-Za-z0-9+/]*+={0,2}"),
        _rule("npm token", rb"npm_", rb"[A-Za-z0-9]{36}"),
        _rule("groq key", rb"gsk_", rb"[A-Za-z0-9]{40,}"),
        _rule("replicate token", rb"r8_", rb"[A-Za-z0-9]{36,}"),
        _rule("langsmith key", rb"lsv2_[ps][tk]_", rb"[a-f0-9]{32}_[a-f0-9]{10}"),
    ),
    _shapes(
        b"I",
        rb"I(?:A(?<=A[KS]IA)[A-Z0-9]{16}|za(?<=AIza)[\w-]{35})",
        _rule("aws key", rb"A[KS]IA", rb"[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _rule("google key", rb"AIza", rb"[\w-]{35}"),
    ),
    _shapes(b"J", rb"J(?<=eyJ)[\w-]{8}", Rule(re.compile(_JWT), _mark("jwt"))),
    _shapes(
        b"B",
        rb"B(?:earer|asic) {1,4}[A-Za-z0-9._~+/-]{8}",
        Rule(re.compile(_BEARER), b"Bearer " + _mark("bearer token")),
        Rule(re.compile(_BASIC), _basic),
    ),
    _shapes(b"@", _URL_PASSWORD, Rule(re.compile(_URL_PASSWORD), _url_password)),
)
