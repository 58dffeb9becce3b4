"""Answers that come in pieces: observed to their end, whoever reads them and however they are left.

The SDK's own objects stay what the caller gets: its stream keeps its class and methods, and only the iterator inside of
it is watched, and its `close`. Observing it forms no cycle with it, so that a stream which is dropped ends at once.
"""

import functools
import inspect
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final, final

from trackway._integrations.call import Call

__all__ = ["AsyncWatched", "Watched", "watch_response", "watch_stream"]

_NAMED: Final = ("__module__", "__name__", "__qualname__", "__doc__")


@final
class Watched:
    """The iterator inside of a stream, with its end observed."""

    __slots__ = ("_call", "_iterator")

    def __init__(self, iterator: Iterator[Any], call: Call) -> None:
        self._iterator = iterator
        self._call = call

    def __iter__(self) -> "Watched":
        return self

    def __next__(self) -> Any:
        call = self._call
        try:
            item = next(self._iterator)
            while not call.take(item) and call.chunk(item):
                item = next(self._iterator)
        except StopIteration:
            call.exhausted()
            raise
        except BaseException as error:
            call.raised(error)
            raise
        return item

    def close(self) -> None:
        """Closes the iterator, if it can be."""
        close = getattr(self._iterator, "close", None)
        try:
            if close is not None:
                close()
        finally:
            self._call.left()

    def __del__(self) -> None:
        """Nobody has the stream any more."""
        self._call.left()


@final
class AsyncWatched:
    """The asynchronous iterator inside of a stream, with its end observed."""

    __slots__ = ("_call", "_iterator")

    def __init__(self, iterator: AsyncIterator[Any], call: Call) -> None:
        self._iterator = iterator
        self._call = call

    def __aiter__(self) -> "AsyncWatched":
        return self

    async def __anext__(self) -> Any:
        call = self._call
        try:
            item = await anext(self._iterator)
            while not call.take(item) and call.chunk(item):
                item = await anext(self._iterator)
        except StopAsyncIteration:
            call.exhausted()
            raise
        except BaseException as error:
            call.raised(error)
            raise
        return item

    async def aclose(self) -> None:
        """Closes the iterator, if it can be."""
        close = getattr(self._iterator, "aclose", None)
        try:
            if close is not None:
                await close()
        finally:
            self._call.left()

    def __del__(self) -> None:
        """Nobody has the stream any more."""
        self._call.left()


def watch_stream(stream: Any, call: Call) -> None:
    """Observes what is read from an SDK's stream, once."""
    iterator = stream._iterator
    if isinstance(iterator, Watched | AsyncWatched):
        return
    watched = AsyncWatched if hasattr(iterator, "__anext__") else Watched
    stream._iterator = watched(iterator, call)
    call.opened()
    for name in ("close", "aclose"):
        if hasattr(type(stream), name):
            _set(stream, name, _then(stream, name, after=lambda _: call.left(), call=call))


def watch_response(response: Any, call: Call, *, events: bool) -> None:
    """Observes an SDK's response whose body the caller is to read: as *events*, or as one document."""
    # The response alone tells when nobody wants the answer any more, until there is a stream that does.
    dropped = weakref.finalize(response, call.left)
    dropped.atexit = False

    def parsed(value: Any) -> None:
        if hasattr(value, "_iterator") and hasattr(value, "response"):
            dropped.detach()
            watch_stream(value, call)

    def read(body: Any) -> None:
        if isinstance(body, bytes):
            call.piece(body, events=events)
            call.whole(events=events)

    after = {"parse": parsed, "read": read, "close": lambda _: call.left()}
    for name, then in after.items():
        if hasattr(type(response), name):
            _set(response, name, _then(response, name, after=then, call=call))
    for name in ("iter_bytes", "iter_text", "iter_lines"):
        if hasattr(type(response), name):
            end = b"\n" if name == "iter_lines" else b""
            _set(response, name, _each(response, name, end, call, events=events))
    call.opened()


def _set(target: Any, name: str, function: Callable[..., Any]) -> None:
    functools.update_wrapper(function, getattr(type(target), name), assigned=_NAMED, updated=())
    del function.__wrapped__  # type: ignore[attr-defined]  # it takes `self`, which this one has
    object.__setattr__(target, name, function)


def _then(
    target: Any, name: str, *, after: Callable[[Any], None], call: Call
) -> Callable[..., Any]:
    """The method *name* of *target*; *after* sees its result, the observation its error."""
    method, ref = getattr(type(target), name), weakref.ref(target)
    if inspect.iscoroutinefunction(method):

        async def awaited(*args: Any, **kwargs: Any) -> Any:
            try:
                value = await method(ref(), *args, **kwargs)
            except BaseException as error:
                call.raised(error)
                raise
            after(value)
            return value

        return awaited

    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            value = method(ref(), *args, **kwargs)
        except BaseException as error:
            call.raised(error)
            raise
        after(value)
        return value

    return called


def _each(  # noqa: C901 - two drivers in one, each of which only forwards
    target: Any, name: str, end: bytes, call: Call, *, events: bool
) -> Callable[..., Any]:
    """The iterating method *name* of *target*, each item of which is observed."""
    method, ref = getattr(type(target), name), weakref.ref(target)

    def seen(item: Any) -> None:
        data = item.encode("utf-8", "replace") if isinstance(item, str) else item
        call.piece(data + end, events=events)

    if inspect.isasyncgenfunction(method):

        async def steps(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            try:
                async for item in method(ref(), *args, **kwargs):
                    seen(item)
                    yield item
            except GeneratorExit:
                raise
            except BaseException as error:
                call.raised(error)
                raise
            call.whole(events=events)

        return steps

    def step(*args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            for item in method(ref(), *args, **kwargs):
                seen(item)
                yield item
        except GeneratorExit:
            raise
        except BaseException as error:
            call.raised(error)
            raise
        call.whole(events=events)

    return step
