"""Made-up secrets in the formats that their providers publish, and ordinary texts that hold none; both from a seed."""

import base64
import json
import random
import string
import uuid
from collections.abc import Callable

from tests._core.hostile import words

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = string.ascii_letters + DIGITS
URL_SAFE = ALNUM + "-_"
HEX = "0123456789abcdef"
BASE32 = UPPER + "234567"

Random = random.Random
Maker = Callable[[Random], str]


def some(r: Random, alphabet: str, length: int) -> str:
    return "".join(r.choices(alphabet, k=length))


def encoded(r: Random, length: int) -> str:
    return base64.b64encode(r.randbytes(length)).decode()


def jwt(r: Random) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": some(r, DIGITS, 8), "iat": 1516239022})
    return ".".join(
        base64.urlsafe_b64encode(data).rstrip(b"=").decode()
        for data in (*(json.dumps(part).encode() for part in parts), r.randbytes(32))
    )


def pem(r: Random) -> str:
    kind = r.choice(("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "))
    body = "\n".join(encoded(r, 48) for _ in range(r.randint(4, 12)))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def url(r: Random) -> str:
    scheme = r.choice(("postgres", "mysql+pymysql", "redis", "amqp", "https", "mongodb+srv"))
    password = some(r, ALNUM + "!*$%.,;+=~^", r.randint(6, 24))
    return f"{scheme}://{some(r, LOWER, r.randint(0, 8))}:{password}@db.example.com:5432/app"


def basic(r: Random) -> str:
    pair = f"{some(r, LOWER, 6)}:{some(r, ALNUM, r.randint(8, 20))}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


SHAPES: dict[str, tuple[str, Maker]] = {
    "OpenAI, of old": ("openai key", lambda r: f"sk-{some(r, ALNUM, 20)}T3BlbkFJ{some(r, ALNUM, 20)}"),
    "OpenAI, project": ("openai key", lambda r: f"sk-proj-{some(r, URL_SAFE, 156)}"),
    "OpenAI, service": ("openai key", lambda r: f"sk-svcacct-{some(r, URL_SAFE, 120)}"),
    "DeepSeek": ("openai key", lambda r: f"sk-{some(r, HEX, 32)}"),
    "Anthropic": ("anthropic key", lambda r: f"sk-ant-api03-{some(r, URL_SAFE, 93)}AA"),
    "OpenRouter": ("openrouter key", lambda r: f"sk-or-v1-{some(r, HEX, 64)}"),
    "Langfuse": ("langfuse key", lambda r: f"sk-lf-{uuid.UUID(int=r.getrandbits(128))}"),
    "AWS": ("aws key", lambda r: "AKIA" + some(r, BASE32, 16)),
    "AWS, session": ("aws key", lambda r: "ASIA" + some(r, BASE32, 16)),
    "Google": ("google key", lambda r: "AIza" + some(r, URL_SAFE, 35)),
    "Google, OAuth": ("google secret", lambda r: "GOCSPX-" + some(r, URL_SAFE, 28)),
    "GitHub": ("github token", lambda r: f"gh{r.choice('pousr')}_{some(r, ALNUM, 36)}"),
    "GitHub, fine": ("github token", lambda r: f"github_pat_{some(r, ALNUM, 22)}_{some(r, ALNUM, 59)}"),
    "GitLab": ("gitlab token", lambda r: "glpat-" + some(r, URL_SAFE, 20)),
    "Slack, bot": (
        "slack token",
        lambda r: f"xoxb-{some(r, DIGITS, 12)}-{some(r, DIGITS, 13)}-{some(r, ALNUM, 24)}",
    ),
    "Slack, app": (
        "slack token",
        lambda r: f"xapp-1-A{some(r, UPPER, 10)}-{some(r, DIGITS, 13)}-{some(r, HEX, 64)}",
    ),
    "Logfire": ("logfire token", lambda r: f"pylf_v1_{r.choice(('us', 'eu'))}_{some(r, ALNUM, 44)}"),
    "Hugging Face": ("hugging face token", lambda r: "hf_" + some(r, string.ascii_letters, 34)),
    "Stripe": (
        "stripe key",
        lambda r: f"{r.choice('sr')}k_{r.choice(('live', 'test'))}_{some(r, ALNUM, r.choice((24, 99)))}",
    ),
    "Stripe, hooks": ("stripe key", lambda r: "whsec_" + some(r, ALNUM, 32)),
    "npm": ("npm token", lambda r: "npm_" + some(r, ALNUM, 36)),
    "PyPI": ("pypi token", lambda r: "pypi-AgEIcHlwaS5vcmc" + some(r, URL_SAFE, 150)),
    "Groq": ("groq key", lambda r: "gsk_" + some(r, ALNUM, 52)),
    "Replicate": ("replicate token", lambda r: "r8_" + some(r, ALNUM, 37)),
    "LangSmith": ("langsmith key", lambda r: f"lsv2_pt_{some(r, HEX, 32)}_{some(r, HEX, 10)}"),
    "Perplexity": ("perplexity key", lambda r: "pplx-" + some(r, ALNUM, 48)),
    "xAI": ("xai key", lambda r: "xai-" + some(r, ALNUM, 80)),
    "Tavily": ("tavily key", lambda r: "tvly-dev-" + some(r, ALNUM, 32)),
    "JWT": ("jwt", jwt),
    "PEM": ("private key", pem),
    "URL": ("url password", url),
    "Bearer": ("bearer token", lambda r: "Bearer " + some(r, ALNUM + "-._~+/", 40)),
    "Basic": ("basic credentials", basic),
}  # fmt: skip

# Where a secret may stand: what is before and after it, as people and programs write.
AROUND = (
    ("", ""), ("my key is ", " please"), ("key=", "\nnext line"), ("\n", "\n"), ("\t", ","), ('"', '"'), ("'", "';"),
    ("(", ")"), ("curl -H 'Authorization: ", "' https://example.com"), ("`", "`"), ("x: ", " # note"), ("[", "]("),
)  # fmt: skip

WORDS = words("""
    the a of and to in is it for on with as was be by at from that this are or an not have you how what which when
    customer invoice contract summary budget meeting release paragraph question answer model prompt context document
    retrieval embedding vector evaluation dataset training inference latency throughput temperature token tokens
    password secret key authorization session cookie bearer basic login account profile settings dashboard report
    please explain translate summarise rewrite compare list write improve review describe classify extract generate
    python javascript function variable database query index server client request response error exception stack
""")
NAMES = (
    "Julia",
    "Ian",
    "Irene",
    "Boris",
    "James",
    "AI",
    "AIDS",
    "ASIAN",
    "IBM",
    "Java",
    "JSON",
    "Basic",
    "Bearer",
)
PIECES: tuple[Maker, ...] = (
    lambda r: f"user_{some(r, LOWER, 5)}_id",
    lambda r: f"{some(r, LOWER, 6)}-{some(r, LOWER, 7)}-{some(r, LOWER, 4)}",
    lambda r: str(uuid.UUID(int=r.getrandbits(128))),
    lambda r: some(r, HEX, 40),
    lambda r: f"https://example.com/{some(r, LOWER, 8)}?page={r.randint(1, 99)}&q=@{some(r, LOWER, 5)}",
    lambda r: f"http://localhost:{r.randint(1000, 9999)}/api",
    lambda r: f"{some(r, LOWER, 6)}@example.com",
    lambda r: f"task-{some(r, LOWER, 8)}-{some(r, DIGITS, 8)}-risk-{some(r, LOWER, 12)}",
    lambda r: "sk-learn-compatible-estimators-and-pipelines",
    lambda r: "Basic understanding of Bearer authentication-mechanisms",
    lambda r: 'api_key = os.environ["OPENAI_API_KEY"]',
    lambda r: "postgresql://${USER}:${PASSWORD}@host/db or postgresql://{user}:{password}@host/db",
    lambda r: "client = OpenAI(api_key=API_KEY, max_tokens=100)",
    lambda r: "| column | value |\n|--------|-------|\n| total_tokens | 512 |",
    lambda r: '{"max_tokens": 100, "next_page_token": "abc", "token_count": 5, "api_key": null}',
    lambda r: '{"properties": {"password": {"type": "string"}}, "required": ["password"]}',
    lambda r: '{"token": " Hello", "logprob": -0.5}',
    lambda r: "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
    lambda r: "pk-lf-" + str(uuid.UUID(int=r.getrandbits(128))),
    lambda r: f"def {some(r, LOWER, 6)}_token(self, token: str) -> None:\n    self.{some(r, LOWER, 4)} = token",
    lambda r: f"data:image/png;base64,{encoded(r, 60)}",
    lambda r: f"chatcmpl-{some(r, ALNUM, 29)} call_{some(r, ALNUM, 24)} asst_{some(r, ALNUM, 24)}",
)  # fmt: skip


def clean_text(r: Random) -> str:
    """A prompt as people write them: words, names, and now and then a piece of what looks technical."""
    parts: list[str] = []
    for _ in range(r.randint(5, 60)):
        chance = r.random()
        if chance < 0.1:
            parts.append(r.choice(PIECES)(r))
        elif chance < 0.2:
            parts.append(r.choice(NAMES) + r.choice((".", ",", "?", "!", ":")))
        else:
            parts.append(r.choice(WORDS))
    return " ".join(parts)
