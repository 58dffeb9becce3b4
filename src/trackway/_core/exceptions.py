"""What is recorded of an exception: `Type: text`, and an `exception` event with the stack."""

import linecache
from collections import deque
from traceback import FrameSummary, StackSummary, TracebackException, walk_tb
from types import FrameType, TracebackType
from typing import Final

from trackway._core.guard import guard

MAX_MESSAGE: Final = 8_192
MAX_STACK: Final = 65_536
MAX_FRAMES: Final = 100
# Files that have no source to be shown, so that they are not looked for again.
MAX_NAMES: Final = 1_000
_without_source: Final[set[str]] = set()


def type_name(error: BaseException) -> str:
    """The class with its module, but for builtins, as OpenTelemetry names exception types."""
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )


def message(error: BaseException) -> str:
    """The exception's own text; empty where its `__str__` fails, which is the application's code."""
    text = ""
    with guard("exceptions.str", quiet=True):
        # Who cancels a task may leave a mark of its own (LangGraph does): its address is no text, and never the same.
        text = "" if error.args and type(error.args[0]) is object else str(error)
    return (
        text
        if len(text) <= MAX_MESSAGE
        else f"{text[:MAX_MESSAGE]}<… {len(text) - MAX_MESSAGE} characters cut>"
    )


def summary(error: BaseException) -> str:
    """`Type: text`; `Type` alone where there is no text."""
    text = message(error)
    name = type(error).__qualname__
    return f"{name}: {text}" if text else name


def stack(error: BaseException) -> str:
    """The traceback as Python prints it, but for the carets.

    Its end where it is longer than 64 KiB, because that is where the error is.
    """
    text = ""
    with guard("exceptions.stack", quiet=True):
        text = "".join(_told(error).format())
    return (
        text
        if len(text) <= MAX_STACK
        else f"<… {len(text) - MAX_STACK} characters cut>\n{text[-MAX_STACK:]}"
    )


def _told(error: BaseException) -> TracebackException:
    """*error* and those that led to it, with their frames.

    `traceback` looks at every source file again for every error, which gives up the GIL: frames are put in afterwards.
    """
    told = TracebackException.from_exception(error, limit=0)
    waiting = [(told, error)]
    while waiting:
        part, its_error = waiting.pop()
        part.stack = _frames(its_error.__traceback__)
        if part.__cause__ is not None and its_error.__cause__ is not None:
            waiting.append((part.__cause__, its_error.__cause__))
        if part.__context__ is not None and its_error.__context__ is not None:
            waiting.append((part.__context__, its_error.__context__))
        if isinstance(its_error, BaseExceptionGroup):
            waiting.extend(zip(part.exceptions or (), its_error.exceptions, strict=True))
    return told


def _frames(trace: TracebackType | None) -> StackSummary:
    """The last frames of *trace*."""
    steps = deque(walk_tb(trace), maxlen=MAX_FRAMES)
    return StackSummary.from_list(
        [
            FrameSummary(
                frame.f_code.co_filename,
                number,
                frame.f_code.co_name,
                lookup_line=False,
                line=_line(frame, number),
            )
            for frame, number in steps
        ]
    )


def _line(frame: FrameType, number: int) -> str:
    """A line of source, from the file as it was when it was first needed."""
    name = frame.f_code.co_filename
    if name in _without_source:
        return ""
    line = linecache.getline(name, number, frame.f_globals)
    if name not in linecache.cache and len(_without_source) < MAX_NAMES:
        _without_source.add(name)
    return line
