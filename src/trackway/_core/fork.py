"""What a forked child must do before it traces: hooks in one list, run once a child, whichever way it was forked.

`os.fork` runs them through `os.register_at_fork`. A fork made in C (uWSGI's prefork) runs no Python hook, so
`ensure()` compares the process id where ids are drawn and where a record is written (0.15 µs each). Hooks replace
locks and forget what belongs to the parent; they log nothing and start nothing, because the child of a threaded
process may hold any lock of its parent for ever.
"""

import os
from collections.abc import Callable
from typing import Final

_hooks: Final[list[Callable[[], None]]] = []
pid = os.getpid()
"""The process in which the hooks ran last; the hot path compares it without a call of ours."""


def on_child(hook: Callable[[], None]) -> None:
    """Has *hook* called in every forked child, before it traces anything.

    Hooks run in the order of their registration.
    """
    _hooks.append(hook)


def forget(hook: Callable[[], None]) -> None:
    """Takes *hook* off the list, if it is there."""
    if hook in _hooks:
        _hooks.remove(hook)


def ensure() -> None:
    """Runs the hooks if this process is a child in which they have not run yet."""
    if os.getpid() != pid:
        _in_child()


def _in_child() -> None:
    global pid  # noqa: PLW0603 - the identity of the process is the one thing that is global
    own = os.getpid()
    if own == pid:
        return
    pid = own
    for hook in tuple(_hooks):
        hook()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
