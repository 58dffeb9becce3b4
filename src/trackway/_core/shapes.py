"""What a secret looks like, as data: the shapes that providers issue.

A shape is a prefix that a provider publishes and enough characters behind it. Two patterns belong to each:

- a **gate** finds out whether the text may hold one. It starts with one literal byte that is rare in text,
  because the `re` module looks for such a byte with `memchr` (0.04 µs/KB), where a set of first characters
  costs 3–10 µs/KB and a literal of three bytes 0.7 µs/KB. What follows the byte is looked at before what precedes
  it: behind most hyphens, underscores and dots stands a short word, or one without a digit or a capital;
- a **rule** says where it begins and ends, and runs only after a gate was hit.

Every pattern is linear: each position is left behind after a bounded look (`{0,99}`), or belongs to a run that
can only be entered at its start.

Ids are no secrets (`chatcmpl-…`, `call_…`, `msg_…`, `AC…` of Twilio), nor are keys that are meant to be public
(`pk-lf-…`, `pk_live_…`): random as they look, a trace is read by them.
"""

import re
from binascii import a2b_base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from trackway._core.drawn import AHEAD
from trackway._core.prefixes import DOTTED, HYPHENATED, UNDERSCORED, Table

__all__ = ["DRAWN_MARK", "LONGER", "SHAPES", "Rule", "Shapes", "Token"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape, and what is written instead: a template, or a function that may decide that it is no secret."""

    pattern: bytes
    """Compiled when a gate was hit: most processes never see a secret, and 130 patterns take 20 ms."""
    mark: bytes | Callable[[re.Match[bytes]], bytes]


@dataclass(frozen=True, slots=True)
class Token:
    """What one prefix begins: the pattern of what has to follow it, and what is written instead."""

    rest: bytes
    mark: bytes
    telling: bool
    """Whether the prefix is no word of a language: what is drawn by lot behind it is a key, whatever its length."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes that have one rare byte in common: tokens whose prefix ends with it, and rules for the others."""

    byte: int
    """`45 in data` is 0.03 µs/KB; `b"-" in data` raises and catches a TypeError inside, for 0.15 µs more."""
    gate: re.Pattern[bytes]
    rules: tuple[Rule, ...] = ()
    tokens: dict[bytes, Token] = field(default_factory=dict)
    widths: tuple[int, ...] = ()
    """Of the prefixes, the longest first: `sk-ant-` before `sk-`."""


# Not what programs and versions begin so.
_telling: Final = re.compile(
    r"(?!(?i:api|sdk|mob|key|web|ext|ion|secret)[-_]\Z|1000\.|na1\.|eu1\.|t1\.|\.v1|v1\.|pat\.|sat\.)(?:.*[0-9A-Z]|.{4}|hv)"
)


def _shapes(byte: bytes, gate: bytes, *rules: Rule) -> Shapes:
    return Shapes(byte[0], re.compile(gate), rules)


def _tokens(byte: bytes, table: Table, gate: bytes, before: bytes, *rules: Rule) -> Shapes:
    """The shapes of *table*, whose prefixes end with *byte*; *gate* finds the *rules*, *before* the prefixes."""
    tokens = {
        prefix.encode(): Token(rest, _mark(name), _telling.match(prefix) is not None)
        for name, prefixes, rest in table
        for prefix in prefixes.split()
    }
    by_width: dict[int, list[bytes]] = {}
    for prefix in tokens:
        by_width.setdefault(len(prefix), []).append(re.escape(prefix))
    behind = b"|".join(b"(?<=%s)" % b"|".join(each) for each in by_width.values())
    ahead = _RANDOM_AHEAD + b"(?:" + AHEAD + b"|" + before + b"(?:" + behind + b"))"
    pattern = re.escape(byte) + gate + b"|" + ahead + b")"
    return Shapes(
        byte[0], re.compile(pattern), rules, tokens, tuple(sorted(by_width, reverse=True))
    )


def _rule(name: str, start: bytes, rest: bytes) -> Rule:
    r"""The rule called *name*: *start*, of fixed width and preferably literal, where a word begins, and *rest*.

    In JSON the letter of an escape (`\n`) may stand before a word. That is looked at after *start* was found, because
    a pattern that begins with a literal is searched ten times as fast.
    """
    at_start = rb"(?:(?<![A-Za-z0-9]" + start + rb")|(?<=\\[nrtbf]" + start + rb"))"
    return Rule(start + at_start + rest, _mark(name))


def _mark(name: str) -> bytes:
    return b"[redacted: " + name.encode() + b"]"


# Entered once for a run of such characters, however often `eyJ` stands in it.
_JWT: Final = rb"eyJ(?:(?<![\w-]eyJ)|(?<=\\[nrtbf]eyJ))[\w-]{8,}+\.[\w-]{2,}+\.[\w.-]*+"
# Base64 and the header lines of old formats, with the escapes of JSON in between, each taken whole. Where the end
# was cut away, the lines of Base64.
_PEM: Final = (
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:"
    rb"(?:(?!-----)(?:[\w+/=\s:,.-]|\\[nrt/]|\\\\))*+-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    rb"|(?:[\r\n]|\\[nr]|\\\\n){0,4}[\w+/=]{24,}+(?:[\w+/=\r\n]|\\[nr/]|\\\\)*+)"
)
# A `${PASSWORD}`, `{password}` or `<password>` is the place for one.
# A user of so many characters, or hexadecimal ones, is a token.
_URL_PASSWORD: Final = (
    rb"://(?:[^\s/:@\"'<>\\]{0,128}+:(?!\$?\{|\$\(|<)[^\s/\"'<>\\]{1,256}|[\w-]{36,128}+)(?=@)"
)
_BEARER: Final = rb"Bearer {1,4}(?=[A-Za-z._~+/-]{0,99}[0-9])[A-Za-z0-9._~+/-]{16,}+={0,2}"
_BASIC: Final = rb"Basic {1,4}([A-Za-z0-9+/]{8,}+={0,2})"


# Of a random number in Base64, with a signature before its checksum.
_AZURE: Final = (
    rb"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/]{76}(?:\+A(?:Ba|MC|St)|ACDb|APIM)[A-Za-z0-9+/]{5}[AQgw]=="
    rb"|[A-Za-z0-9+/]{33}(?:\+A(?:Sb|Eh|Rm)|AIoT|AzCa|AZEG)[A-P][A-Za-z0-9+/]{5}="
    rb"|[A-Za-z0-9+/]{42}(?:\+ACR|AzSe)[A-D][A-Za-z0-9+/]{5}(?![A-Za-z0-9+/=_-])"
    rb"|[\w-]{44}AzFu[\w-]{5}[AQgw]==)"
)

# The path of a webhook is its password.
_WEBHOOK: Final = (
    rb"(hooks\.slack\.com/(?:services|workflows|triggers)/|hooks\.zapier\.com/hooks/catch/|discord(?:app)?\.com/api/webhooks/[0-9]{1,20}/"
    rb"|\.webhook\.office\.com/webhookb2/|outlook\.office\.com/webhook/|\.tines\.com/webhook/"
    rb"|thingsboard\.cloud/api/v1/|api\.softlayer\.com/soap/v3(?:\.1)?/)[\w@/+-]{15,}"
)


def _webhook(found: re.Match[bytes]) -> bytes:
    return found[1] + _mark("webhook")


def _url_password(found: re.Match[bytes]) -> bytes:
    colon = found[0].find(b":", 1)
    return found[0][: colon + 1 if colon > 0 else 3] + _mark("url password")


def _basic(found: re.Match[bytes]) -> bytes:
    """Basic credentials are `user:password` in Base64; "Basic understanding" is none."""
    text = found[1]
    try:
        decoded = a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except ValueError:
        return found[0]
    return b"Basic " + _mark("basic credentials") if b":" in decoded else found[0]


def _encoded_pem(found: re.Match[bytes]) -> bytes:
    """A PEM that is in Base64 as a whole says in its first line whether it is private."""
    return _mark("private key") if b"PRIVATE KEY" in a2b_base64(found[0][:64]) else found[0]


DRAWN_MARK: Final = _mark("key of a vendor")

# In a gate, what follows the byte is looked at before what precedes it: behind most hyphens and underscores stands a
# short word, or one in lower case without a digit.
_RANDOM_AHEAD: Final = rb"(?=[a-z_.+/=-]{0,24}+[A-Z0-9])(?=[\w.+/=-]{10})"
SHAPES: Final = (
    _tokens(
        b"-",
        HYPHENATED,
        rb"(?:BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-|us[0-9](?<=[0-9a-f]{32}-us[0-9])"
        rb"|[0-9](?<=dapi[0-9a-f]{32}-[0-9])",
        b"(?!--)",
        Rule(_PEM, _mark("private key")),
        Rule(rb"(?<![A-Za-z0-9])[0-9a-f]{32}-us[0-9]{1,2}(?!\w)", _mark("mailchimp key")),
        Rule(rb"dapi(?<![A-Za-z0-9]dapi)[0-9a-f]{32}-[0-9](?!\w)", _mark("databricks token")),
    ),
    _tokens(
        b"_",
        UNDERSCORED,
        rb"(?:[0-9]{8}(?<=live_[0-9]{8})|mmk(?<=_[A-Za-z0-9]{29}_mmk)"
        rb"|token\$(?<=access_token\$)[ps]",
        rb"(?<=[A-Za-z0-9]_)",
        Rule(
            rb"(?<![A-Za-z0-9])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?![A-Za-z0-9])",
            _mark("maxmind key"),
        ),
        Rule(
            rb"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
            _mark("braintree token"),
        ),
        Rule(rb"live_(?<![A-Za-z0-9]live_)[0-9]{8,10}_[A-Za-z0-9]{30,}", _mark("twitch key")),
    ),
    _tokens(
        b".",
        DOTTED,
        rb"(?=[\w.+/=-]{10})(?:com/(?:services|workflows|triggers|hooks/catch|api/webhooks|webhook|webhookb2|soap/v3(?:\.1)?)/"
        rb"|cloud/api/v1/|[a-z0-9]{62}(?<=pat[A-Za-z0-9]{14}\.[a-z0-9]{62})",
        rb"(?![0-9]{10})",
        Rule(_WEBHOOK, _webhook),
        Rule(
            rb"(?<![A-Za-z0-9])pat[A-Za-z0-9]{14}\.[a-z0-9]{62,66}",
            _mark("airtable token"),
        ),
    ),
    _shapes(
        b"A",
        rb"A(?:[KSBC](?:IA|CA)[A-Z0-9]{16}|Iza[\w-]{35}|TATT3[\w=-]{30}|KC[A-Za-z0-9]{64}|TBB[A-Za-z0-9]{32}"
        rb"|BSK[A-Za-z0-9+/]{40}|A[ACM][\w-]{20}(?<=EAA[ACM][\w-]{20})"
        rb"|I[A-Za-z0-9]{17}(?<=LTAI[A-Za-z0-9]{17})|K[A-Za-z0-9]{54}(?<=EZAK[A-Za-z0-9]{54})"
        rb"|L(?<=[a-fA-F0-9]{30}NRAL)|(?<=[a-f0-9]{36}-NRMA)|[\w.-]{20}(?<=00D[A-Za-z0-9]{12}!A[\w.-]{20})"
        rb"|ZDO[A-Za-z0-9]{4}(?<=[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4})"
        rb"|(?:St|Ba|MC|CDb|PIM)[A-Za-z0-9+/]{5}[AQgw]==|zFu[\w-]{5}[AQgw]=="
        rb"|(?:Sb|Eh|Rm|IoT|zCa|ZEG)[A-P][A-Za-z0-9+/]{5}="
        rb"|(?:CR|zSe)[A-D][A-Za-z0-9+/]{5}(?<=[A-Za-z0-9+/]{52})(?![A-Za-z0-9+/=])"
        rb"|straCS:[A-Za-z]{20,40}:[a-f0-9]{20})",
        _rule("aws key", rb"A(?:[KSB]IA|CCA)", rb"[A-Z0-9]{16}(?![A-Za-z0-9])"),
        _rule("google key", rb"AIza", rb"[\w-]{35}"),
        _rule("atlassian token", rb"ATATT3", rb"[\w=-]{30,}"),
        _rule("artifactory key", rb"AKC", rb"[A-Za-z0-9]{64,74}"),
        _rule("bitbucket password", rb"ATBB", rb"[A-Za-z0-9]{32}(?!\w)"),
        _rule("bedrock key", rb"ABSK", rb"[A-Za-z0-9+/]{40,}={0,2}"),
        _rule("facebook token", rb"EAA[CM]", rb"[A-Za-z0-9]{30,}"),
        _rule("square token", rb"EAAA", rb"[\w-]{22,60}"),
        _rule("alibaba key", rb"LTAI", rb"[A-Za-z0-9]{17,21}(?![A-Za-z0-9])"),
        Rule(rb"(?<![A-Za-z0-9])[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}", _mark("azure devops token")),
        Rule(_AZURE, _mark("azure key")),
        Rule(
            rb"(?<![A-Za-z0-9])[A-Za-z0-9]{6}[a-fA-F0-9]{30}NRAL(?![A-Za-z0-9])",
            _mark("new relic key"),
        ),
        Rule(
            rb"(?<![A-Za-z0-9])(?:AA|[a-z]{2}[0-9]{2}xx)[a-f0-9]{36,40}-NRMA",
            _mark("new relic key"),
        ),
        _rule("salesforce token", rb"00D[A-Za-z0-9]{12}!A", rb"[\w.-]{20,}"),
        _rule("easypost key", rb"EZAK", rb"[A-Za-z0-9]{54}"),
        _rule("astra token", rb"AstraCS:", rb"[A-Za-z]{20,40}:[a-f0-9]{20,}"),
    ),
    _shapes(
        b"~",
        rb"~(?:[\w-]{43}(?<=sha256~[\w-]{43})|[\w.~-]{31}(?<=[0-9]Q~[\w.~-]{31}))",
        Rule(rb"sha256~[\w-]{43}", _mark("openshift token")),
        Rule(rb"(?<![\w.~-])[\w~.]{3}[0-9]Q~[\w.~-]{31,34}", _mark("azure client secret")),
    ),
    _shapes(
        b"J",
        rb"J(?:(?<=eyJ)[\w-]{8}|Ti(?<=LS0tLS1CRUdJTi)|QQJ9[9DH])",
        Rule(_JWT, _mark("jwt")),
        Rule(rb"eyJrIjoi[A-Za-z0-9]{60,}={0,3}", _mark("grafana token")),
        Rule(
            rb"(?<![A-Za-z0-9])[A-Za-z0-9]{52}JQQJ9[9DH][A-Za-z0-9][A-L][A-Za-z0-9]{24}(?:[A-Za-z0-9]{2}==)?",
            _mark("azure key"),
        ),
        Rule(rb"LS0tLS1CRUdJTi[A-Za-z0-9+/]{60,}+={0,2}", _encoded_pem),
    ),
    _shapes(
        b"B",
        rb"B(?:earer|asic) {1,4}[A-Za-z0-9._~+/-]{8}",
        Rule(_BEARER, b"Bearer " + _mark("bearer token")),
        Rule(_BASIC, _basic),
    ),
    _shapes(b"@", _URL_PASSWORD, Rule(_URL_PASSWORD, _url_password)),
)


def _longer() -> dict[bytes, tuple[bytes, ...]]:
    """By what a prefix begins with, up to a sign in it: `sk-ant-` and others by `sk-`."""
    longer: dict[bytes, tuple[bytes, ...]] = {}
    for prefix in (prefix for shapes in SHAPES for prefix in shapes.tokens):
        for sign in re.finditer(rb"[_-](?=.)", prefix):
            head = prefix[: sign.end()]
            longer[head] = (*longer.get(head, ()), prefix)
    return longer


LONGER: Final = _longer()
