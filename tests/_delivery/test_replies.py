"""What is kept of an answer: enough to know why, and nothing that we sent as a secret."""

import base64

from trackway._delivery.replies import DETAIL_LENGTH, printable, secrets_of


def test_credentials_are_not_repeated() -> None:
    """The words of our headers, and the password in Basic credentials, are not in what is kept of an answer."""
    basic = base64.b64encode(b"pk-lf-1:the secret key").decode()
    secrets = secrets_of(
        [("Authorization", f"Basic {basic}"), ("x-key", "hunter2hunter2"), ("v", "4")]
    )
    answer = f"bad: {{'authorization': 'Basic {basic}'}}, the secret key, hunter2hunter2, version 4"
    told = printable(answer.encode(), secrets)
    assert told == (
        "bad: {'authorization': 'Basic [redacted: header]'}, [redacted: header], [redacted: header], version 4"
    )


def test_secrets_of_others_are_not_repeated() -> None:
    """What looks like a secret is replaced whoever sent it, also where the cut would hide what it is."""
    told = printable(b"x" * (DETAIL_LENGTH - 30) + b" AKIAIOSFODNN7EXAMPLE is no key")
    assert "AKIA" not in told
    assert printable(b" " * (DETAIL_LENGTH - 8) + b"AKIAIOSFODNN7EXAMPLE").strip() == "[redacte"


def test_what_is_no_basic() -> None:
    """Credentials that cannot be decoded are words like others."""
    assert secrets_of([("authorization", "Basic ????????")]) == (b"????????",)
    assert secrets_of(
        [("authorization", "Basic " + base64.b64encode(b"\xff\xff\xff\xff").decode())]
    )


def test_answers_are_short_and_printable() -> None:
    """Of a long answer the start is kept, and nothing that moves a cursor."""
    assert printable(b"a\x1b[31mb\xff\n") == "a\ufffd[31mb\ufffd\ufffd"
    assert len(printable(b"x" * 9_999)) == DETAIL_LENGTH
