"""What is recorded of an exception: `Type: text`, and an `exception` event with the stack."""

import traceback
from typing import Final

from trackway._core.guard import guard

MAX_MESSAGE: Final = 8_192
MAX_STACK: Final = 65_536


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
        text = str(error)
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
    """The traceback as Python prints it.

    Its end where it is longer than 64 KiB, because that is where the error is.
    """
    text = ""
    with guard("exceptions.stack", quiet=True):
        text = "".join(traceback.format_exception(error, limit=-100))
    return (
        text
        if len(text) <= MAX_STACK
        else f"<… {len(text) - MAX_STACK} characters cut>\n{text[-MAX_STACK:]}"
    )
