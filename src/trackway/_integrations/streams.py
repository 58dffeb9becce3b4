"""Answers that come in pieces: observed to their end, whoever reads them and however they are left.

The SDK's own objects stay what the caller gets: its stream keeps its class and methods, and only the iterator inside of
it is watched, and its `close`. Observing it forms no cycle with it, so that a stream which is dropped ends as soon as
the SDK's own cycles let it.

A response is observed by its class, which becomes one like it: its methods are called on responses that nothing else
holds (`….with_raw_response.create(…).parse()`), so what observes them has to be bound as they are.
"""

import functools
import inspect
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final, final

from trackway._integrations.call import Call

__all__ = ["AsyncWatched", "Watched", "watch_response", "watch_stream"]

_NAMED: Final = ("__module__", "__name__", "__qualname__", "__doc__")
# Where an observed response has its call, whether its body is events, and what waits for its end.
_READING: Final = "__trackway_reading__"
# Classes of responses → those that observe. An SDK has a handful.
_responses: Final[dict[type, type]] = {}


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
        take = call.take
        try:
            item = next(self._iterator)
            while not take(item) and call.chunk(item):
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
        take = call.take
        try:
            item = await anext(self._iterator)
            while not take(item) and call.chunk(item):
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
    # Its class stays what it is. What closes it is bound to another with the same in it: bound to itself it would be
    # a cycle, and by a weak reference nothing when nobody else holds the stream (`create(…, stream=True).close()`).
    twin = object.__new__(type(stream))
    twin.__dict__.update(stream.__dict__)
    for name in ("close", "aclose"):
        method = getattr(type(stream), name, None)
        if method is not None:
            closing = functools.partial(
                _then(method, lambda _, __: call.left(), lambda _: call), twin
            )
            object.__setattr__(stream, name, _named(closing, method))


def watch_response(response: Any, call: Call, *, events: bool) -> None:
    """Observes an SDK's response whose body the caller is to read: as *events*, or as one document."""
    # The response alone tells when nobody wants the answer any more, until there is a stream that does.
    dropped = weakref.finalize(response, call.left)
    dropped.atexit = False
    object.__setattr__(response, _READING, (call, events, dropped))
    object.__setattr__(response, "__class__", _observing(type(response)))
    call.opened()


def _observing(cls: type) -> type:
    """A class of responses that is like *cls*, and observes how they are read; the same one each time."""
    known = _responses.get(cls)
    if known is None:
        members: dict[str, Any] = {
            key: getattr(cls, key) for key in ("__module__", "__qualname__", "__doc__")
        }
        for name, after in (("parse", _parsed), ("read", _read), ("close", _closed)):
            if (method := getattr(cls, name, None)) is not None:
                members[name] = _named(_then(method, after, _call_of), method)
        for name in ("iter_bytes", "iter_text", "iter_lines"):
            if (method := getattr(cls, name, None)) is not None:
                members[name] = _named(
                    _each(method, b"\n" if name == "iter_lines" else b""), method
                )
        known = _responses[cls] = type(cls.__name__, (cls,), members)
    return known


def _named(function: Any, method: Callable[..., Any]) -> Any:
    functools.update_wrapper(function, method, assigned=_NAMED, updated=())
    return function


def _call_of(response: Any) -> Call:
    call: Call = getattr(response, _READING)[0]
    return call


def _parsed(response: Any, value: Any) -> None:
    if hasattr(value, "_iterator") and hasattr(value, "response"):
        call, _, dropped = getattr(response, _READING)
        dropped.detach()
        watch_stream(value, call)


def _read(response: Any, body: Any) -> None:
    if isinstance(body, bytes):
        _piece(response, body)
        _whole(response)


def _closed(response: Any, _: Any) -> None:
    _call_of(response).left()


def _piece(response: Any, data: bytes) -> None:
    call, events, _ = getattr(response, _READING)
    call.piece(data, events=events)


def _whole(response: Any) -> None:
    call, events, _ = getattr(response, _READING)
    call.whole(events=events)


def _then(
    method: Callable[..., Any], after: Callable[[Any, Any], None], call_of: Callable[[Any], Call]
) -> Callable[..., Any]:
    """*method*; *after* sees whose it is and its result, the observation its error."""
    if inspect.iscoroutinefunction(method):

        async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                value = await method(self, *args, **kwargs)
            except BaseException as error:
                call_of(self).raised(error)
                raise
            after(self, value)
            return value

        return awaited

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            value = method(self, *args, **kwargs)
        except BaseException as error:
            call_of(self).raised(error)
            raise
        after(self, value)
        return value

    return called


def _each(  # noqa: C901 - two drivers in one, each of which only forwards
    method: Callable[..., Any], end: bytes
) -> Callable[..., Any]:
    """The iterating *method* of a response, each item of which is observed."""

    def seen(self: Any, item: Any) -> None:
        _piece(self, (item.encode("utf-8", "replace") if isinstance(item, str) else item) + end)

    if inspect.isasyncgenfunction(method):

        async def steps(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            try:
                async for item in method(self, *args, **kwargs):
                    seen(self, item)
                    yield item
            except GeneratorExit:
                raise
            except BaseException as error:
                _call_of(self).raised(error)
                raise
            _whole(self)

        return steps

    def step(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            for item in method(self, *args, **kwargs):
                seen(self, item)
                yield item
        except GeneratorExit:
            raise
        except BaseException as error:
            _call_of(self).raised(error)
            raise
        _whole(self)

    return step
