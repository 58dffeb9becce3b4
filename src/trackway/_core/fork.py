"""What a forked child must do before it traces: hooks in one list, run once a child, whichever way it was forked.

`os.fork` runs them through `os.register_at_fork`. A fork made in C (uWSGI's prefork) runs no Python hook, so the hot
path looks at `alive[0]` where ids are drawn and where a record is written, and calls `ensure()` where it is 0. Hooks
replace locks and forget what belongs to the parent; they log nothing and start nothing, because the child of a
threaded process may hold any lock of its parent for ever.
"""

import mmap
import os
from collections.abc import Callable
from typing import Final, Protocol

_hooks: Final[list[Callable[[], None]]] = []
pid = os.getpid()
"""The process in which the hooks ran last."""


class _Alive(Protocol):
    def __getitem__(self, _index: int, /) -> int: ...


class _ByPid:
    """Asks the system each time."""

    def __getitem__(self, _index: int, /) -> int:
        return os.getpid() == pid


# Linux's <bits/mman-linux.h>; `mmap` has no name for it before Python 3.15.
_MADV_WIPEONFORK: Final = 18


def _wiped_by_fork() -> mmap.mmap | None:
    """A page that the kernel (Linux ≥ 4.14) fills with zeros in every forked child; None elsewhere.

    A look at it takes 0.03 µs, `os.getpid` 0.16 µs and is asked twice for every observation.
    """
    if not hasattr(mmap, "MADV_DONTFORK"):
        return None
    page = mmap.mmap(-1, mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    try:
        page.madvise(_MADV_WIPEONFORK)
    except OSError:
        page.close()
        return None
    page[0] = 1
    return page


_page: Final = _wiped_by_fork()
alive: Final[_Alive] = _ByPid() if _page is None else _page
"""`alive[0]` is 0 in a forked child in which the hooks have not run yet."""


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
    if _page is not None:
        _page[0] = 1
    for hook in tuple(_hooks):
        hook()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
