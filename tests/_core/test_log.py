"""One cause logs one line a minute, whatever happens, and the next line says how many were left out."""

import logging

import pytest

from trackway._core import log


def test_a_cause_is_said_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a minute the first line is logged; after it the next one, with the number of those between."""
    now = 10**12
    monkeypatch.setattr("time.monotonic_ns", lambda: now)
    for number in range(5):
        log.warn("cause", "trouble %d", number)
    log.warn("another", "other trouble")
    now += log.INTERVAL_NS
    log.warn("cause", "trouble %s", "again")
    assert caplog.messages == [
        "trouble 0",
        "other trouble",
        "trouble again (and 4 more like it)",
    ]


def test_causes_without_bound_use_no_memory_without_bound(caplog: pytest.LogCaptureFixture) -> None:
    """A name in a cause may be anything a user sends: the table is emptied before it grows for ever."""
    for number in range(3 * log.MAX_CAUSES):
        log.warn(f"cause {number}", "trouble")
    assert len(log._last) <= log.MAX_CAUSES
    assert len(caplog.records) == 3 * log.MAX_CAUSES


def test_the_logger_is_the_applications_to_set(caplog: pytest.LogCaptureFixture) -> None:
    """The logger is `trackway`, without handlers or a level of its own."""
    assert log.logger.name == "trackway"
    assert log.logger.handlers == []
    assert log.logger.level == logging.NOTSET
    caplog.set_level(logging.ERROR, logger="trackway")
    log.warn("cause", "trouble")
    assert caplog.records == []
