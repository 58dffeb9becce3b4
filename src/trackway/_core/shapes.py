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


def _shapes(byte: bytes, gate: bytes, *rules: Rule) -> Shapes:
    return Shapes(byte[0], re.compile(gate), rules)


def _tokens(byte: bytes, ahead: bytes, table: "_Table", *rules: Rule, gate: bytes = b"") -> Shapes:
    """The shapes of *table*, whose prefixes end with *byte*; *ahead* is what every token has behind it."""
    tokens = {
        prefix.encode(): Token(rest, _mark(name))
        for name, prefixes, rest in table
        for prefix in prefixes.split()
    }
    by_width: dict[int, list[bytes]] = {}
    for prefix in tokens:
        by_width.setdefault(len(prefix), []).append(re.escape(prefix))
    behind = b"|".join(b"(?<=%s)" % b"|".join(each) for each in by_width.values())
    pattern = (byte if byte != b"." else rb"\.") + b"(?:" + gate + ahead + b"(?:" + behind + b"))"
    widths = tuple(sorted(by_width, reverse=True))
    return Shapes(byte[0], re.compile(pattern), rules, tokens, widths)


def _rule(name: str, start: bytes, rest: bytes) -> Rule:
    r"""The rule called *name*: *start*, of fixed width and preferably literal, where a word begins, and *rest*.

    In JSON the letter of an escape (`\n`) may stand before a word. That is looked at after *start* was found, because
    a pattern that begins with a literal is searched ten times as fast.
    """
    at_start = rb"(?:(?<![A-Za-z0-9]" + start + rb")|(?<=\\[nrtbf]" + start + rb"))"
    return Rule(start + at_start + rest, _mark(name))


def _mark(name: str) -> bytes:
    return b"[redacted: " + name.encode() + b"]"


# Names, prefixes that are separated by blanks, and what follows them.
_Table = tuple[tuple[str, str, bytes], ...]

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
    rb"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:"
    rb"(?:(?!-----)(?:[\w+/=\s:,.-]|\\[nrt/]|\\\\))*+-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    rb"|(?:[\r\n]|\\[nr]|\\\\n){0,4}[\w+/=]{24,}+(?:[\w+/=\r\n]|\\[nr/]|\\\\)*+)"
)
# A `${PASSWORD}`, `{password}` or `<password>` is the place for one.
_URL_PASSWORD: Final = rb"://[^\s/:@\"'<>\\]{0,128}+:(?!\$?\{|\$\(|<)[^\s/\"'<>\\]{1,256}(?=@)"
_BEARER: Final = rb"Bearer {1,4}(?=[A-Za-z._~+/-]{0,99}[0-9])[A-Za-z0-9._~+/-]{16,}+={0,2}"
_BASIC: Final = rb"Basic {1,4}([A-Za-z0-9+/]{8,}+={0,2})"


# The path of a webhook is its password.
_WEBHOOK: Final = (
    rb"(hooks\.slack\.com/(?:services|workflows|triggers)/|hooks\.zapier\.com/hooks/catch/|discord(?:app)?\.com/api/webhooks/[0-9]{1,20}/"
    rb"|\.webhook\.office\.com/webhookb2/|outlook\.office\.com/webhook/|\.tines\.com/webhook/"
    rb"|thingsboard\.cloud/api/v1/)[\w@/+-]{15,}"
)


def _webhook(found: re.Match[bytes]) -> bytes:
    return found[1] + _mark("webhook")


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


def _encoded_pem(found: re.Match[bytes]) -> bytes:
    """A PEM that is in Base64 as a whole says in its first line whether it is private."""
    return _mark("private key") if b"PRIVATE KEY" in a2b_base64(found[0][:64]) else found[0]


_HYPHENATED: Final[_Table] = (
    ("anthropic key", "sk-ant-", rb"[\w-]{20,}"),
    ("langfuse key", "sk-lf-", rb"[\w-]{20,}"),
    ("openrouter key", "sk-or-", rb"[\w-]{20,}"),
    ("openai key", "sk-", rb"(?!ant-|lf-|or-)(?:(?:proj|svcacct|service|admin|None)-[\w-]{20,}|" + _RANDOM + rb")"),
    ("google secret", "GOCSPX-", rb"[\w-]{28}"),
    ("gitlab token", "glpat- gldt- glft- glrt- glptt- glcbt- glimt- glagent- gloas- glsoat- glffct-",
     rb"[\w-]{20,}(?:\.[\w]{2,12})*"),
    ("slack token", "xoxa- xoxb- xoxc- xoxe- xoxo- xoxp- xoxr- xoxs- xoxx-",
     rb"(?=[A-Za-z-]{0,19}[0-9])[A-Za-z0-9-]{8,}"),
    ("slack token", "xoxe.xoxb- xoxe.xoxp-", rb"[0-9]-[A-Za-z0-9]{100,}"),
    ("slack token", "xapp-", rb"(?=[A-Za-z-]{0,19}[0-9])[A-Za-z0-9-]{14,}"),
    ("pypi token", "pypi-", rb"[\w-]{50,}"),
    ("perplexity key", "pplx-", rb"[A-Za-z0-9]{40,}"),
    ("xai key", "xai-", rb"\w{60,}"),
    ("tavily key", "tvly-", rb"(?:dev-|prod-)?(?=[A-Za-z-]{0,31}[0-9])[A-Za-z0-9-]{20,}"),
    ("nvidia key", "nvapi-", rb"[\w-]{60,}"),
    ("cerebras key", "csk-", rb"[a-z0-9]{40,}"),
    ("firecrawl key", "fc-", rb"[a-fA-F0-9]{32}(?!\w)"),
    ("llamacloud key", "llx-", rb"[A-Za-z0-9]{40,}"),
    ("voyage key", "pa-", rb"(?=[A-Za-z_-]{0,31}[0-9])(?=[a-z0-9_-]{0,31}[A-Z])[\w-]{40,}"),
    ("1password key", "A3-", rb"[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    ("adobe secret", "p8e-", rb"[A-Za-z0-9]{32}"),
    ("age key", "AGE-SECRET-KEY-", rb"1[A-Z0-9]{58}"),
    ("bedrock key", "bedrock-api-key-", rb"[\w+/=-]{30,}"),
    ("cloudflare key", "v1.0-", rb"[a-f0-9]{24}-[a-f0-9]{146}"),
    ("contentful token", "CFPAT-", rb"[\w-]{43}"),
    ("bitbucket token", "BBDC- BBFF-", rb"[A-Za-z0-9+/@_-]{30,}"),
    ("flutterwave key", "FLWSECK-", rb"[a-z0-9]{32}-X"),
    ("flutterwave key", "FLWSECK_TEST-", rb"(?:[a-zA-Z0-9]{32}-X|[a-zA-Z0-9]{12})"),
    ("frame.io token", "fio-u-", rb"[\w=-]{64}"),
    ("heroku key", "HRKU-", rb"AA[\w-]{58}"),
    ("infracost key", "ico-", rb"[A-Za-z0-9]{32}"),
    ("launchdarkly key", "api- sdk- mob-", rb"[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[a-f0-9]{4}-[a-f0-9]{12}"),
    ("mailgun key", "key-", rb"[a-z0-9]{32}(?!\w)"),
    ("new relic key", "NRAK- NRAA- NRII- NRIQ- NRBR- NRRA- px-api- px-dep-", rb"[\w-]{19,}"),
    ("netlify token", "nfp-", rb"[A-Za-z0-9]{36,}"),
    ("octopus key", "API-", rb"(?=[A-Z]{0,24}[0-9])[A-Z0-9]{26,}"),
    ("postman key", "PMAK-", rb"[A-Za-z0-9]{24}-[A-Za-z0-9]{34}"),
    ("pulumi token", "pul-", rb"[a-z0-9]{40}"),
    ("appsync key", "da2-", rb"[a-z0-9]{26}(?!\w)"),
    ("red hat key", "rh-api-", rb"[a-fA-F0-9-]{36}"),
    ("hubspot token", "pat-eu1- pat-na1-", rb"[A-Za-z0-9-]{36}"),
    ("intra42 secret", "s-s4t2ud- s-s4t2af- u-s4t2ud- u-s4t2af-", rb"[a-f0-9]{64}"),
    ("scalingo token", "tk-us-", rb"[\w-]{48}"),
    ("brevo key", "xkeysib-", rb"[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    ("square token", "sq0atp- sq0csp- sq0idp-", rb"[\w-]{22,}"),
    ("tailscale key", "tskey-", rb"[a-z]+-(?=[A-Za-z-]{0,31}[0-9])[A-Za-z0-9_]+-[A-Za-z0-9_]{16,}"),
)  # fmt: skip
_UNDERSCORED: Final[_Table] = (
    ("github token", "ghp_ gho_ ghu_ ghs_ ghr_", rb"[A-Za-z0-9]{36,}"),
    ("github token", "github_pat_", rb"\w{50,}"),
    ("logfire token", "pylf_", rb"\w{20,}"),
    ("hugging face token", "hf_ api_org_", rb"[A-Za-z0-9]{30,}"),
    ("stripe key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_ ak_live_ flb_live_ rzp_live_",
     rb"[A-Za-z0-9-]{10,}"),
    ("stripe key", "whsec_", rb"[A-Za-z0-9]{16}[A-Za-z0-9+/]*+={0,2}"),
    ("stripe key", "pi_", rb"[A-Za-z0-9]{24}_secret_[A-Za-z0-9]{25}"),
    ("npm token", "npm_", rb"[A-Za-z0-9]{36}"),
    ("groq key", "gsk_", rb"[A-Za-z0-9]{40,}"),
    ("replicate token", "r8_", rb"[A-Za-z0-9_-]{36,}"),
    ("langsmith key", "lsv2_pt_ lsv2_pk_ lsv2_st_ lsv2_sk_", rb"[a-f0-9]{32}_[a-f0-9]{10}"),
    ("elevenlabs key", "sk_", rb"[a-f0-9]{48}"),
    ("pinecone key", "pcsk_", rb"[A-Za-z0-9]{5,6}_[A-Za-z0-9]{63}"),
    ("together key", "tgp_v1_", rb"[\w-]{40,}"),
    ("fireworks key", "fw_", rb"(?=[A-Za-z]{0,23}[0-9])[A-Za-z0-9]{22,24}(?!\w)"),
    ("e2b key", "e2b_", rb"[a-f0-9]{40}"),
    ("jina key", "jina_", rb"[\w-]{40,}"),
    ("typeform token", "tfp_", rb"\w{40,}"),
    ("supabase key", "sbp_ sb_secret_", rb"[\w-]{30,}"),
    ("cloudflare key", "cfk_ cfut_ cfat_", rb"[A-Za-z0-9]{40}[a-f0-9]{8}"),
    ("digitalocean token", "doo_v1_ dop_v1_ dor_v1_", rb"[a-f0-9]{64}"),
    ("docker token", "dckr_pat_ dckr_oat_", rb"[\w-]{27,}"),
    ("figma token", "figd_ figo_ figu_ figp_ figor_ figur_", rb"[\w=-]{40,}"),
    ("fly token", "fo1_", rb"[\w-]{43}"),
    ("fly token", "fm1a_ fm1r_ fm2_", rb"[A-Za-z0-9+/]{100,}={0,3}"),
    ("grafana token", "glc_", rb"[A-Za-z0-9+/]{32,}={0,3}"),
    ("grafana token", "glsa_", rb"[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    ("1password token", "ops_", rb"eyJ[A-Za-z0-9+/]{200,}={0,3}"),
    ("linear key", "lin_api_", rb"[A-Za-z0-9]{40}"),
    ("notion token", "ntn_", rb"[A-Za-z0-9]{40,}"),
    ("notion token", "secret_", rb"(?=[A-Za-z]{0,30}[0-9])[A-Za-z0-9]{43}"),
    ("clojars token", "CLOJARS_ clojars_", rb"[A-Za-z0-9]{60}"),
    ("planetscale token", "pscale_tkn_ pscale_oauth_ pscale_pw_", rb"[\w=.-]{32,}"),
    ("posthog key", "phx_", rb"\w{40,}"),
    ("prefect key", "pnu_ pnb_", rb"[A-Za-z0-9]{36}"),
    ("readme key", "rdme_", rb"[a-z0-9]{60,}"),
    ("rubygems key", "rubygems_", rb"[a-zA-Z0-9]{42,}"),
    ("sentry token", "sntryu_ sntrys_", rb"[A-Za-z0-9+/=_]{60,}"),
    ("settlemint token", "sm_aat_ sm_pat_ sm_sat_", rb"[A-Za-z0-9]{16}"),
    ("shippo token", "shippo_live_ shippo_test_", rb"[a-fA-F0-9]{40}"),
    ("shopify token", "shpat_ shpca_ shppa_ shpss_", rb"[a-fA-F0-9]{32}"),
    ("duffel token", "duffel_test_ duffel_live_", rb"[\w=-]{43}"),
    ("sourcegraph token", "sgp_", rb"[a-fA-F0-9]{16,40}(?:_(?:local_)?[a-fA-F0-9]{40})?"),
    ("authress key", "sc_ ext_ scauth_ authress_", rb"[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][\w./+=-]{40,}"),
    ("apify token", "apify_api_", rb"[A-Za-z0-9-]{36,}"),
    ("adafruit key", "aio_", rb"[A-Za-z0-9]{28}(?!\w)"),
    ("buildkite token", "bkua_", rb"[a-z0-9]{40}"),
    ("circleci token", "CCIPAT_", rb"[A-Za-z0-9]{22}_[a-fA-F0-9]{40}"),
    ("ramp secret", "ramp_sec_", rb"[A-Za-z0-9]{48}"),
    ("rootly key", "rootly_", rb"[a-f0-9]{64}"),
    ("salad key", "salad_cloud_", rb"[A-Za-z0-9]{1,7}_[A-Za-z0-9]{7,}"),
    ("shortcut token", "shltm_", rb"[\w-]{40}"),
    ("sonarqube token", "squ_ sqa_ sqp_", rb"[a-z0-9]{40}"),
    ("square token", "sqco_", rb"[A-Za-z0-9]{59}"),
    ("dependency-track key", "odt_", rb"[A-Za-z0-9]{32,}"),
    ("dfuse key", "web_", rb"[a-z0-9]{32}(?!\w)"),
    ("mongodb atlas secret", "mdb_sa_sk_", rb"[\w-]{40}"),
    ("sourcegraph token", "slk_", rb"[a-f0-9]{64}"),
    ("ionic token", "ion_", rb"[a-zA-Z0-9]{42}"),
    ("resend key", "re_", rb"[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
)  # fmt: skip
_DOTTED: Final[_Table] = (
    ("sendgrid key", "SG.", rb"[\w=-]{16,32}\.[\w=-]{32,64}"),
    ("vault token", "hvs. hvb. hvr.", rb"[\w-]{24,}"),
    ("doppler token", "dp.ct. dp.pt. dp.st. dp.sa. dp.scim. dp.audit.", rb"(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
    ("dynatrace token", "dt0c01. dt0s01. dt0s02.", rb"[A-Za-z0-9]{24}\.[A-Za-z0-9]{64}"),
    ("harness token", "pat. sat.", rb"[\w-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
    ("google token", "ya29.", rb"[\w-]{20,}"),
    ("terraform token", ".atlasv1.", rb"[\w=-]{60,}"),
    ("zoho token", "1000.", rb"[a-f0-9]{32}\.[a-f0-9]{32}"),
    ("voiceflow key", "VF.", rb"(?:(?:DM|WS)\.)?[a-fA-F0-9]{24}\.[A-Za-z0-9]{16}"),
    ("stackhawk key", "hawk.", rb"[\w-]{20}\.[\w-]{20}"),
    ("mapbox token", "sk.", rb"eyJ[\w-]{40,}\.[\w-]{20,}"),
    ("fullstory key", "na1. eu1.", rb"[A-Za-z0-9+/]{100,}"),
    ("aws key", "amzn.mws.", rb"[a-f0-9]{8}-(?:[a-f0-9]{4}-){3}[a-f0-9]{12}"),
)  # fmt: skip

DRAWN_MARK: Final = _mark("key of a vendor")

# In a gate, what follows the byte is looked at before what precedes it: behind most hyphens and underscores stands a
# short word, or one in lower case without a digit.
_RANDOM_AHEAD: Final = rb"(?=[a-z_.+/=-]{0,24}+[A-Z0-9])(?=[\w.+/=-]{10})"
SHAPES: Final = (
    _tokens(
        b"-",
        rb"(?!--)" + _RANDOM_AHEAD,
        _HYPHENATED,
        Rule(_PEM, _mark("private key")),
        Rule(rb"(?<![A-Za-z0-9])[0-9a-f]{32}-us[0-9]{1,2}(?!\w)", _mark("mailchimp key")),
        Rule(rb"dapi(?<![A-Za-z0-9]dapi)[0-9a-f]{32}-[0-9](?!\w)", _mark("databricks token")),
        gate=AHEAD
        + b"|"
        + rb"[0-9](?<=dapi[0-9a-f]{32}-[0-9])|"
        + rb"BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-|us[0-9](?<=[0-9a-f]{32}-us[0-9])|",
    ),
    _tokens(
        b"_",
        rb"(?<=[A-Za-z0-9]_)" + _RANDOM_AHEAD,
        _UNDERSCORED,
        Rule(
            rb"(?<![A-Za-z0-9])[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk(?![A-Za-z0-9])",
            _mark("maxmind key"),
        ),
        Rule(rb"live_(?<![A-Za-z0-9]live_)[0-9]{8,10}_[A-Za-z0-9]{30,}", _mark("twitch key")),
        gate=AHEAD + b"|" + rb"[0-9]{8}(?<=live_[0-9]{8})|mmk(?<=_[A-Za-z0-9]{29}_mmk)|",
    ),
    _tokens(
        b".",
        rb"(?<=[A-Z0129abkmrst]\.)(?![0-9]{10})" + _RANDOM_AHEAD,
        _DOTTED,
        Rule(_WEBHOOK, _webhook),
        Rule(
            rb"(?<![A-Za-z0-9])pat[A-Za-z0-9]{14}\.[a-z0-9]{62,66}",
            _mark("airtable token"),
        ),
        gate=rb"com/(?:services|workflows|triggers|hooks/catch|api/webhooks|webhook|webhookb2)/|cloud/api/v1/"
        rb"|[a-z0-9]{62}(?<=pat[A-Za-z0-9]{14}\.[a-z0-9]{62})|",
    ),
    _shapes(
        b"A",
        rb"A(?:[KSBC](?:IA|CA)[A-Z0-9]{16}|Iza[\w-]{35}|TATT3[\w=-]{30}|KC[A-Za-z0-9]{64}|TBB[A-Za-z0-9]{32}"
        rb"|BSK[A-Za-z0-9+/]{40}|A[ACM][\w-]{20}(?<=EAA[ACM][\w-]{20})"
        rb"|I[A-Za-z0-9]{17}(?<=LTAI[A-Za-z0-9]{17})"
        rb"|ZDO[A-Za-z0-9]{4}(?<=[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}))",
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
    ),
    _shapes(
        b"~",
        rb"~(?:[\w-]{43}(?<=sha256~[\w-]{43})|[\w.~-]{31}(?<=[0-9]Q~[\w.~-]{31}))",
        Rule(rb"sha256~[\w-]{43}", _mark("openshift token")),
        Rule(rb"(?<![\w.~-])[\w~.]{3}[0-9]Q~[\w.~-]{31,34}", _mark("azure client secret")),
    ),
    _shapes(
        b"J",
        rb"J(?:(?<=eyJ)[\w-]{8}|Ti(?<=LS0tLS1CRUdJTi))",
        Rule(_JWT, _mark("jwt")),
        Rule(rb"eyJrIjoi[A-Za-z0-9]{60,}={0,3}", _mark("grafana token")),
        Rule(rb"LS0tLS1CRUdJTi[A-Za-z0-9+/]{60,}+={0,2}", _encoded_pem),
    ),
    _shapes(
        b"Z",
        rb"Z[AT]K(?<=EZ[AT]K)[A-Za-z0-9]{54}",
        _rule("easypost key", rb"EZ[AT]K", rb"[A-Za-z0-9]{54}"),
    ),
    _shapes(
        b"R",
        rb"R(?:AL(?<=[a-f0-9]{30}NRAL)|1348941(?<=GR1348941)[\w-]{20})",
        Rule(
            rb"(?<![A-Za-z0-9])[A-Za-z0-9]{6}[a-f0-9]{30}NRAL(?![A-Za-z0-9])",
            _mark("new relic key"),
        ),
        _rule("gitlab token", rb"GR1348941", rb"[\w-]{20}"),
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
