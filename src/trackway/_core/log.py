"""The logger `trackway`, and the rule that one cause logs at most one line a minute."""

import logging
import time
from typing import Final

logger: Final = logging.getLogger("trackway")

INTERVAL_NS: Final = 60 * 1_000_000_000
# A cause is a short constant, sometimes with a name in it; the table forgets everything when names are unbounded.
MAX_CAUSES: Final = 1_000

_last: dict[str, int] = {}
_suppressed: dict[str, int] = {}


def warn(cause: str, message: str, *args: object) -> None:
    """Logs a WARNING, at most one a minute for each *cause*; the next line says how many were left out.

    Not for a place that runs when all is well: a log handler may block, and gives up the GIL.
    """
    now = time.monotonic_ns()
    last = _last.get(cause)
    if last is not None and now - last < INTERVAL_NS:
        _suppressed[cause] = _suppressed.get(cause, 0) + 1
        return
    if len(_last) >= MAX_CAUSES:
        forget()
    _last[cause] = now
    if left_out := _suppressed.pop(cause, 0):
        message += " (and %d more like it)"
        args = (*args, left_out)
    logger.warning(message, *args)


def say_everything() -> None:
    """Has the logger pass on what is below a WARNING, too."""
    logger.setLevel(logging.DEBUG)


def forget() -> None:
    """Starts every cause's minute anew: for tests, and for a child after a fork."""
    _last.clear()
    _suppressed.clear()
