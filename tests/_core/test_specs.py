"""Arguments of the Langfuse SDK's client: what they are here, and what has no meaning."""

import logging

import pytest

from trackway import Trackway
from trackway._core.settings import Settings
from trackway._core.specs import INCUMBENT, MEANINGLESS, SPECS

KEYS = {"public_key": "pk-lf-1", "secret_key": "sk-lf-1"}


@pytest.fixture(autouse=True)
def usual_level() -> None:
    """What a test says of the logger ends with it."""
    logging.getLogger("trackway").setLevel(logging.NOTSET)


def test_theirs_are_settings_of_ours() -> None:
    """Each of their names stands for a setting."""
    assert set(INCUMBENT.values()) <= {spec.name for spec in SPECS}


def test_headers_in_code_go_to_langfuse_too() -> None:
    """`additional_headers` are on every request; one that is ours as well is theirs."""
    settings = Settings.from_env(
        **KEYS, additional_headers={"CF-Access": "gate", "X-Langfuse-Ingestion-Version": "5"}
    )
    assert settings.remote is not None
    headers = dict(settings.remote.headers)
    assert headers["CF-Access"] == "gate"
    assert headers["X-Langfuse-Ingestion-Version"] == "5"
    assert "x-langfuse-ingestion-version" not in headers
    assert headers["Authorization"].startswith("Basic ")


def test_headers_of_an_endpoint_do_not_go_to_langfuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers of the environment belong to its endpoint, and may hold that one's credentials."""
    monkeypatch.setenv("TRACKWAY_HEADERS", "authorization=Bearer other")
    settings = Settings.from_env(**KEYS)
    assert settings.remote is not None
    assert "Bearer other" not in dict(settings.remote.headers).values()
    assert "TRACKWAY_HEADERS" in settings.unused


@pytest.mark.parametrize("name", MEANINGLESS)
def test_what_has_no_meaning_is_accepted(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Such an argument changes nothing, with one WARNING that names it; None says nothing."""
    Settings.from_env(**{name: None})
    assert caplog.records == []
    Settings.from_env(**{name: 3})
    Settings.from_env(**{name: 3})
    (record,) = caplog.records
    assert (record.levelno, record.getMessage().startswith(f"{name} has no effect")) == (30, True)


def test_debug_has_the_logger_say_everything() -> None:
    """`debug=True` lowers the level of the logger `trackway`; false leaves it."""
    Trackway(debug=False)
    assert logging.getLogger("trackway").level == logging.NOTSET
    Trackway(debug=True)
    assert logging.getLogger("trackway").level == logging.DEBUG
    logging.getLogger("trackway").setLevel(logging.NOTSET)
