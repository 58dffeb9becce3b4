"""The default client of a bare `@observe`: made once, from the environment, and never an error of the application."""

import logging

import pytest

from trackway import Trackway, observe
from trackway._core.runtime import runtime


@observe
def answer() -> int:
    return 42


def test_a_wrong_setting_is_one_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With a setting that cannot be used, decorated functions run untraced, and the log says once which one it is."""
    monkeypatch.setenv("TRACKWAY_ENDPOINT", "nope")
    with caplog.at_level(logging.ERROR, "trackway"):
        assert [answer(), answer()] == [42, 42]
    (line,) = caplog.messages
    assert line.startswith("nothing is traced: TRACKWAY_ENDPOINT 'nope' is no URL")


def test_a_client_that_is_made_later_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a wrong setting, the first client that the application makes is what decorated functions use."""
    monkeypatch.setenv("TRACKWAY_SAMPLE_RATE", "2")
    answer()
    failed: object = runtime.default
    assert failed is None
    client = Trackway(sample_rate=1.0)
    answer()
    assert runtime.default is client._provider
    assert client.stats().ended == 1
