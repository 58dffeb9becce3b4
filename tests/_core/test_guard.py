"""The one place that swallows: tracing's own errors are counted and said, the application's pass through."""

import asyncio
import logging
import threading

import pytest

from trackway._core import log
from trackway._core.guard import guard, guard_settings, swallowed


@pytest.mark.usefixtures("swallowing")
def test_an_error_is_swallowed_counted_and_said(caplog: pytest.LogCaptureFixture) -> None:
    """Type and place are logged, once a minute for a place; the text, which may be a user's, is not."""
    before = swallowed().get("here", 0)
    for _ in range(3):
        with guard("here"):
            raise KeyError("the user's own")
    assert swallowed()["here"] == before + 3
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.name == "trackway"
    assert "here: KeyError at" in record.message
    assert "the user's own" not in caplog.text


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError, GeneratorExit]
)
@pytest.mark.usefixtures("swallowing")
def test_what_ends_programs_and_tasks_passes(error: type[BaseException]) -> None:
    """Interrupts, exits and cancellations are the application's."""
    before = swallowed()
    with pytest.raises(error), guard("here"):
        raise error
    assert swallowed() == before


@pytest.mark.usefixtures("swallowing")
def test_a_guarded_function_gives_none_where_it_failed() -> None:
    """As a decorator it keeps the function's name, its results, and its callers from its errors."""

    @guard("there")
    def invert(number: int) -> float:
        """1 / number."""
        return 1 / number

    assert invert.__name__ == "invert"
    assert invert(4) == 0.25
    assert invert(0) is None


def test_the_suite_sees_every_error() -> None:
    """Under the suite's fixture an internal error is raised again, so that none can hide."""
    assert guard_settings.reraise
    before = swallowed()
    with pytest.raises(KeyError), guard("quiet", quiet=False):
        raise KeyError
    assert swallowed()["quiet"] == before.get("quiet", 0) + 1
    from trackway._core import guard as room

    room._swallowed.clear()
    room._swallowed.update(before)


def test_code_of_the_application_may_fail_quietly(caplog: pytest.LogCaptureFixture) -> None:
    """Where failing is the application's right (a hostile `__str__`), nothing is counted, said or raised."""
    before = swallowed()
    with guard("theirs", quiet=True):
        raise RuntimeError
    assert swallowed() == before
    assert caplog.records == []


@pytest.mark.usefixtures("swallowing")
def test_a_guard_can_be_entered_at_once_and_inside_itself() -> None:
    """One instance serves many threads, and blocks inside its own."""
    shared = guard("shared")
    before = swallowed().get("shared", 0)
    barrier = threading.Barrier(4)

    def work() -> None:
        with shared:
            with shared:
                barrier.wait(30)
                raise KeyError
            raise ValueError

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert swallowed()["shared"] == before + 8
    log.forget()
