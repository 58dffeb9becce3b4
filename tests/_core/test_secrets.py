"""Names and shapes: what is taken for a secret, and what is not."""

import random

import pytest

from tests._core.corpus import AROUND, SHAPES, Maker, clean_text
from tests._core.hostile import words
from trackway._core.redact import redact_text
from trackway._core.secrets import Secrecy, secrecy

SECRET_NAMES = words("""
    api_key apiKey API_KEY apikey X-Api-Key x-goog-api-key openai_api_key OPENAI_API_KEY azureOpenAIApiKey api_keys
    authorization Authorization Proxy-Authorization cookie Cookie Set-Cookie cookies password passwd db_password
    userPassword PASSWORD hashed_password passphrase secret client_secret clientSecret SLACK_SIGNING_SECRET secrets
    aws_secret_access_key secret_key private_key privateKey access_key signing_key encryption_key api_key_2
    credentials credential token access_token refresh_token accessToken id_token auth_token authtoken bot_token
    csrf-token X-CSRF-Token GITHUB_TOKEN hf_token session_token x-amz-security-token jwt smtp_pass db_pwd basic_auth
    connection_string connectionString subscription-key Ocp-Apim-Subscription-Key SUPABASE_SERVICE_ROLE_KEY
""")
ORDINARY_NAMES = words("""
    tokens max_tokens token_count prompt_tokens completion_tokens total_tokens maxTokens input_token_details
    next_page_token pageToken nextPageToken continuation_token eos_token bos_token pad_token_id stop_token mask_token
    cost_per_token input_cost_per_token time_to_first_token key keys primary_key foreign_key public_key sort_key
    monkey keyboard author authors authorized auth oauth auth_type session session_id sessionId secretary passed pass
    test_pass pwd passenger bypass class database description action string substring api_key_id key_id secret_name
    authorization_url cookie_policy password_reset_url has_password_hint tokenizer tokenize ticket basket secretion
    user_id name content role text query model temperature metadata id type
""")


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name: str) -> None:
    """The name of a secret is known in every spelling that people use."""
    assert secrecy(name) is not Secrecy.NONE


@pytest.mark.parametrize("name", ORDINARY_NAMES)
def test_ordinary_names(name: str) -> None:
    """A name that only resembles a secret's is ordinary."""
    assert secrecy(name) is Secrecy.NONE


def test_a_token_is_a_secret_only_as_a_text() -> None:
    """Tokens are also numbers and objects; passwords are not."""
    assert secrecy("token") is Secrecy.TEXT
    assert secrecy("password") is Secrecy.ANY


def test_names_are_short() -> None:
    """A key that is a sentence says nothing about its value, whatever its last word is."""
    assert (
        secrecy("the user asked in a long sentence how to reset a forgotten password")
        is Secrecy.NONE
    )
    assert secrecy("") is secrecy("___") is secrecy("пароль") is Secrecy.NONE


@pytest.mark.parametrize(("rule", "make"), SHAPES.values(), ids=SHAPES)
def test_each_shape_is_found_wherever_it_stands(rule: str, make: Maker) -> None:
    """Secrets of each provider's public format are found in text and the mark names the rule."""
    r = random.Random(rule)
    missed = []
    for _ in range(40):
        secret = make(r)
        for before, after in AROUND:
            text = f"{before}{secret}{after}"
            clean = redact_text(text)
            core = secret.partition(" ")[2] or secret
            if core[-12:] in clean and rule not in {"url password", "private key"}:
                missed.append(text)
            if f"[redacted: {rule}]" not in clean:
                missed.append(text)
            if not clean.startswith(before) or not clean.endswith(after):
                missed.append(f"too much of {text}")
    assert missed == []


def test_recall_of_a_thousand_secrets_in_prompts() -> None:
    """At least 99 % of secrets planted in ordinary prompts are found, whichever they are."""
    r = random.Random(7)
    found = 0
    for _ in range(1_000):
        rule, make = r.choice(list(SHAPES.values()))
        before, after = r.choice(AROUND)
        text = f"{clean_text(r)} {before}{make(r)}{after} {clean_text(r)}"
        found += f"[redacted: {rule}]" in redact_text(text)
    assert found >= 990


def test_ordinary_prompts_stay_as_they_are() -> None:
    """At most one in a thousand ordinary prompts is changed, technical pieces and all."""
    r = random.Random(11)
    changed = [
        text for text in (clean_text(r) for _ in range(10_000)) if redact_text(text) is not text
    ]
    assert len(changed) <= 10, changed[:3]


def test_the_password_of_a_url_only() -> None:
    """Of a URL with a password, everything else can still be read."""
    clean = redact_text("see postgres://app:p@ss:w0rd@db.example.com:5432/app?x=1")
    assert clean == "see postgres://app:[redacted: url password]@db.example.com:5432/app?x=1"


def test_a_private_key_whose_end_is_missing() -> None:
    """A private key that was cut away before its end is masked; what only mentions one is not."""
    head = "-----BEGIN RSA PRIVATE KEY-----"
    body = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF8PbnGy0AHB7MbzYLdZ7ZvVy7F7V"
    assert (
        redact_text(f"a {head}\n{body}\n{body}<… 1.2 KB cut>")
        == "a [redacted: private key]<… 1.2 KB cut>"
    )
    mention = f"a file begins with {head} and goes on in Base64"
    assert redact_text(mention) is mention
