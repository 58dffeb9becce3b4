"""`attach_threads`: users and parents go along into threads and pools.

Python starts a thread in an empty context. Here `Thread.start` hands the thread the OpenTelemetry context of whoever
starts it, and `ThreadPoolExecutor.submit` each job that of whoever submits it; no other context variable is touched.

Each job begins with its own submitter's context, and what it sets ends with it. A pool starts its threads inside a
`submit`; they start in an empty context, so that a thread keeps nobody's observation alive, and a job that comes in
another way (a pool that was filled before) finds no user rather than somebody else's.
"""

import functools
import os
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar, cast

from opentelemetry.context import Context

from trackway._core.ambient import attach, get_current
from trackway._core.signatures import Function

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

__all__ = ["attach_threads"]

P = ParamSpec("P")
R = TypeVar("R")

_EMPTY: Final = Context()
_lock: Final = threading.Lock()


class _Patch:
    """Whether threads carry the context now. The functions stay in place where somebody has wrapped them since."""

    __slots__ = ("on", "placed")

    def __init__(self) -> None:
        self.on = False
        self.placed: tuple[object, object] | None = None


_patch: Final = _Patch()


def attach_threads() -> Callable[[], None]:
    """From here on threads and jobs of `ThreadPoolExecutor`s carry the user and the observation that started them.

    Gives a function that undoes it. A second call does nothing. `TRACKWAY_THREADS=1` is the same for the environment,
    from the import of `trackway` on.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> from trackway import attach_threads, observe, propagate_attributes
        >>> detach = attach_threads()
        >>> @observe
        ... def work(item: int) -> int:
        ...     return item * 2
        >>> with propagate_attributes(user_id="alice"), ThreadPoolExecutor() as pool:
        ...     list(pool.map(work, range(3)))
        [0, 2, 4]
        >>> detach()
    """
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - 8 ms, for who asks

    with _lock:
        if _patch.placed is None:
            start = _starting(threading.Thread.start)
            submit = _submitting(ThreadPoolExecutor.submit)
            threading.Thread.start = start  # type: ignore[method-assign, assignment]  # that is the purpose
            ThreadPoolExecutor.submit = submit  # type: ignore[method-assign, assignment]  # as above
            _patch.placed = start, submit
        _patch.on = True
    return _detach


def _detach() -> None:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - as above

    with _lock:
        _patch.on = False
        if _patch.placed is None:
            return
        start, submit = _patch.placed
        # Where another library wrapped ours, taking ours out would take out theirs; ours then only forward.
        if threading.Thread.start is start and ThreadPoolExecutor.submit is submit:
            threading.Thread.start = start.__wrapped__  # type: ignore[method-assign, attr-defined]  # set below
            ThreadPoolExecutor.submit = submit.__wrapped__  # type: ignore[method-assign, attr-defined]  # set below
            _patch.placed = None


def _starting(original: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    @functools.wraps(original)
    def start(self: threading.Thread) -> None:
        context = get_current()
        if not _patch.on or not context:
            return original(self)
        run = self.run
        had = self.__dict__.get("run")

        def carried() -> None:
            _put_back(self, had)
            attach(context)
            run()

        # `run` of a subclass is called on the instance, so that is where it can be met.
        self.run = carried  # type: ignore[method-assign]  # as above
        try:
            return original(self)
        except BaseException:
            _put_back(self, had)
            raise

    return start


def _put_back(thread: threading.Thread, had: object) -> None:
    if had is None:
        thread.__dict__.pop("run", None)
    else:
        thread.__dict__["run"] = had


def _submitting(original: Function) -> Function:
    def submit(
        self: "ThreadPoolExecutor", fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> "Future[R]":
        if not _patch.on:
            return cast("Future[R]", original(self, fn, *args, **kwargs))
        context = get_current()
        attach(_EMPTY)
        try:
            return cast("Future[R]", original(self, partial(_run_in, context, fn), *args, **kwargs))
        finally:
            attach(context)

    return functools.update_wrapper(cast("Function", submit), original)


def _run_in(context: Context, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls *fn* in *context*, and leaves the thread as it was."""
    before = get_current()
    attach(context)
    try:
        return fn(*args, **kwargs)
    finally:
        attach(before)


# Not with the settings, which are loaded at the first use: a thread may be started before that, in a block that says
# whom it is for. A value that is neither yes nor no is said by the client.
if os.environ.get("TRACKWAY_THREADS", "").strip().lower() in {"1", "true", "yes", "on"}:
    attach_threads()
