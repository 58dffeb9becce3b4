"""What is recorded of an exception: its type, its text, and the stack, from memory and bounded."""

import traceback
from asyncio import CancelledError

import pytest

from trackway._core import exceptions


def raised(depth: int = 0) -> Exception:
    """An error with a cause and a context, some frames deep."""
    try:
        if depth:
            return raised(depth - 1)
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second")  # noqa: B904 - the context is wanted
    except ValueError as error:
        try:
            raise TypeError("third") from error
        except TypeError as last:
            return last


def without_carets(text: str) -> list[str]:
    return [line for line in text.splitlines() if set(line.strip()) - set("^~ |")]


@pytest.mark.parametrize("depth", [0, 3])
def test_a_stack_is_told_as_python_tells_it(depth: int) -> None:
    """Frames, causes and contexts are those of `traceback`, but for the carets."""
    error = raised(depth)
    expected = "".join(traceback.format_exception(error))
    assert without_carets(exceptions.stack(error)) == without_carets(expected)


def test_a_group_is_told_with_its_members() -> None:
    """The errors of an exception group are told with the stack of each."""
    group = ExceptionGroup("several", [ValueError("alone"), raised()])
    expected = "".join(traceback.format_exception(group))
    assert without_carets(exceptions.stack(group)) == without_carets(expected)


def test_an_error_that_leads_to_itself_is_told_once() -> None:
    """A chain that is a circle is no endless one."""
    first, second = ValueError("first"), ValueError("second")
    first.__context__, second.__context__ = second, first
    assert exceptions.stack(first).count("ValueError: first") == 1


def test_code_without_source_is_told_without_it() -> None:
    """Frames of code that has no file are told by name and line."""
    code = compile("def f():\n    raise KeyError\nf()", "/no/such/file.py", "exec")
    for _ in range(2):
        try:
            exec(code, {})
        except KeyError as error:
            text = exceptions.stack(error)
            assert '  File "/no/such/file.py", line 2, in f\nKeyError' in text


def test_a_deep_stack_keeps_its_end() -> None:
    """Of a recursion the last 100 frames are told."""

    def deeper(number: int) -> None:
        if number == 0:
            raise KeyError("the bottom")
        deeper(number - 1)

    with pytest.raises(KeyError) as caught:
        deeper(300)
    text = exceptions.stack(caught.value)
    assert text.endswith("KeyError: 'the bottom'\n")
    assert len(text) < exceptions.MAX_STACK


def test_texts_are_bounded() -> None:
    """A message of any length is cut, and says so; a type has its module unless it is Python's own."""
    assert exceptions.message(ValueError("x" * 10_000)).endswith("<… 1808 characters cut>")
    assert exceptions.summary(ValueError()) == "ValueError"
    assert exceptions.type_name(ValueError()) == "ValueError"
    assert exceptions.type_name(pytest.UsageError()) == ("pytest.UsageError")


def test_a_mark_is_no_text() -> None:
    """An exception that carries a bare object, as a mark of who raised it, is told by its type: no address is."""
    assert exceptions.summary(CancelledError(object())) == "CancelledError"
    assert exceptions.summary(CancelledError("stop")) == "CancelledError: stop"
    assert exceptions.summary(ValueError(object())) == "ValueError"
