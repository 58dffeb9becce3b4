"""Calls in a thread of their own."""

import os
import threading

from trackway._delivery.aside import Aside


def test_calls_are_made_in_turn_in_one_thread() -> None:
    """Calls are made in the order in which they were begun, on another thread than the caller's."""
    aside = Aside("tests")
    seen: list[tuple[int, str]] = []

    def call(number: int) -> None:
        seen.append((number, threading.current_thread().name))

    errands = [aside.begin(lambda n=n: call(n)) for n in range(20)]  # type: ignore[misc]  # n is bound here
    assert all(errand.done.wait(10) for errand in errands)
    assert seen == [(n, "tests") for n in range(20)]
    aside.end()


def test_a_call_that_does_not_return_keeps_nobody_waiting() -> None:
    """Who began it learns that it is not done, and `end` does not wait for it."""
    aside, gate = Aside("tests"), threading.Event()
    errand = aside.begin(lambda: gate.wait(30))  # type: ignore[arg-type]  # what it returns is ignored
    aside.end()
    assert not errand.done.is_set()
    again = aside.begin(lambda: None)
    assert again.done.wait(10)
    gate.set()
    assert errand.done.wait(10)
    aside.end()


def test_a_forked_child_has_a_thread_of_its_own() -> None:
    """In a child of a fork, whose parent's thread is not there, calls are made all the same."""
    aside = Aside("tests")
    assert aside.begin(lambda: None).done.wait(10)
    child = os.fork()
    if not child:
        os._exit(0 if aside.begin(lambda: None).done.wait(20) else 1)
    assert os.waitpid(child, 0)[1] == 0
    aside.end()
