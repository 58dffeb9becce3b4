"""Names and values in plain text: what is taken for a secret that is assigned, and what is not."""

import pytest

from trackway._core.redact import redact_text

SECRET = "a1B2c3D4e5F6g7H8i9J0"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("OPENAI_API_KEY={}", "OPENAI_API_KEY=[redacted: key 'OPENAI_API_KEY']"),
        ('client = C(api_key="{}", n=1)', "client = C(api_key=\"[redacted: key 'api_key']\", n=1)"),
        ("X-Api-Key: {}\r\nAccept: */*", "X-Api-Key: [redacted: key 'X-Api-Key']\r\nAccept: */*"),
        ("{{'auth_token': '{}'}}", "{{'auth_token': '[redacted: key 'auth_token']'}}"),
        ("https://h/?token={}&page=2", "https://h/?token=[redacted: key 'token']&page=2"),
        ("authorization: bearer {}", "authorization: bearer [redacted: bearer token]"),
        ("Authorization: Token {}", "Authorization: Token [redacted: key 'Authorization']"),
        ("password = '{}!'", "password = '[redacted: key 'password']'"),
    ],
)
def test_what_is_assigned_to_the_name_of_a_secret(text: str, clean: str) -> None:
    """A made-up value behind the name of a secret is replaced; its quotes, and what stands around, stay."""
    assert redact_text(text.format(SECRET)) == clean.replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize(
    "text",
    [
        "token = get_token_2(request)",
        "api_key = os.environ['OPENAI_API_KEY_2']",
        "password: str = None, secret: bytes = b''",
        "cache_key=a1B2c3D4e5F6g7H8i9J0",
        "max_tokens=1000000000, next_page_token=a1B2c3D4e5F6g7H8i9J0",
        "secret_key = base64.b64decode(data)",
        "password=${DB_PASSWORD_2}, api_key=<your key 1234567>",
        "private_key=serialization.load_pem_private_key_2",
        "expires: 2024-01-01T00:00:00, key: 12345678901234567890",
        "the bearer of a1B2c3D4e5F6g7H8i9J0",
        "password: UserName, secret = TimeUnit, api_key: ApiClient",
        "token=next_page, access_token = UserToken",
    ],
)
def test_what_a_program_or_a_person_says(text: str) -> None:
    """Calls, names, types, places to fill in and numbers are no secrets, whatever they are assigned to."""
    assert redact_text(text) is text


@pytest.mark.parametrize("value", ["bijyCwRL", "m6NZ_yRY", "xozBPfQN", "IXlzKMcv"])
def test_short_keys_are_made_up_too(value: str) -> None:
    """Eight characters that no words explain, with or without a digit or an underscore."""
    assert value not in redact_text(f"export NEXMO_API_KEY={value}\n")
