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
from types import MethodType
from typing import Any, Final, final

from trackway._core.guard import guard
from trackway._integrations.call import Call

__all__ = ["AsyncWatched", "Watched", "watch_response", "watch_stream"]

_NAMED: Final = ("__module__", "__name__", "__qualname__", "__doc__")
# Where an observed response has what observes it.
_READING: Final = "__trackway_reading__"
_guard: Final = guard("integrations")
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
    reading = _Reading(call, events=True, handed_on=True)
    for name in ("close", "aclose"):
        method = getattr(type(stream), name, None)
        if method is not None:
            closing = _named(_then(method, _Closing.found, _closed), method)
            of = _Closing(stream, name, reading)
            object.__setattr__(stream, name, MethodType(closing, of))


@final
class _Closing:
    """What closes a stream: its own method, of its own.

    Held by the stream it would be a cycle. So it is known weakly; where nobody holds it any more
    (`create(…, stream=True).close()`) another with the same in it is closed.
    """

    __slots__ = ("__trackway_reading__", "_alive", "_cls", "_held", "_name", "_slots")

    def __init__(self, stream: Any, name: str, reading: "_Reading") -> None:
        self.__trackway_reading__ = reading
        self._alive = weakref.ref(stream)
        self._cls: Any = type(stream)
        self._name = name
        self._held = {key: stream.__dict__[key] for key in stream.__dict__ if key != "close"}
        slots = {slot for cls in self._cls.__mro__ for slot in cls.__dict__.get("__slots__", ())}
        self._slots = {slot: getattr(stream, slot) for slot in slots if hasattr(stream, slot)}

    def found(self) -> Callable[..., Any]:
        """The method as it is at the time: somebody may have replaced it."""
        stream = self._alive()
        if stream is None:
            stream = object.__new__(self._cls)
            stream.__dict__.update(self._held)
            for slot, value in self._slots.items():
                object.__setattr__(stream, slot, value)
        method = inspect.getattr_static(self._cls, self._name)
        bind = getattr(method, "__get__", None)
        return method if bind is None else bind(stream, self._cls)  # type: ignore[no-any-return]  # a method


def watch_response(response: Any, call: Call, *, events: bool) -> None:
    """Observes an SDK's response whose body the caller is to read: as *events*, or as one document."""
    call.opened()
    _observe(response, _Reading(call, events=events))


@final
class _Reading:
    """What observes a stream or a response, and the copies that are made of it."""

    __slots__ = ("call", "events", "handed_on")

    def __init__(self, call: Call, *, events: bool, handed_on: bool = False) -> None:
        self.call = call
        self.events = events
        """Whether the body is events."""
        self.handed_on = handed_on
        """Whether there is a stream, which tells itself when nobody has it any more."""

    def __del__(self) -> None:
        """Nobody has the response, nor a copy of it, any more."""
        if not self.handed_on:
            self.call.left()


def _observe(response: Any, reading: _Reading) -> None:
    with _guard:
        cls = type(response)
        if cls not in _responses:
            _responses[cls] = _observing(cls)
        object.__setattr__(response, _READING, reading)
        object.__setattr__(response, "__class__", _responses[cls])


def _observing(cls: type) -> type:
    """A class of responses that is like *cls*, and observes how they are read."""
    members: dict[str, Any] = {
        key: getattr(cls, key) for key in ("__module__", "__qualname__", "__doc__")
    }
    made: Any = type(cls.__name__, (cls,), members)
    for name, after in (("parse", _parsed), ("read", _read), ("close", _closed)):
        if (method := getattr(cls, name, None)) is not None:
            setattr(made, name, _named(_then(method, _finding(made, name), after), method))
    for name in ("iter_bytes", "iter_text", "iter_lines"):
        if (method := getattr(cls, name, None)) is not None:
            end = b"\n" if name == "iter_lines" else b""
            setattr(made, name, _named(_each(method, _finding(made, name), end), method))
    return made  # type: ignore[no-any-return]  # a class


def _finding(made: type, name: str) -> Callable[[Any], Callable[..., Any]]:
    """Gives the method that stands behind the observing one at the time, bound: somebody may have replaced it."""
    return lambda self: getattr(super(made, self), name)


def _named(function: Any, method: Callable[..., Any]) -> Any:
    functools.update_wrapper(function, method, assigned=_NAMED, updated=())
    return function


def _reading_of(value: Any) -> _Reading:
    reading: _Reading = getattr(value, _READING)
    return reading


def _parsed(response: Any, value: Any) -> None:
    if hasattr(value, "_iterator") and hasattr(value, "response"):
        reading = _reading_of(response)
        reading.handed_on = True
        watch_stream(value, reading.call)


def _read(response: Any, body: Any) -> None:
    if isinstance(body, bytes):
        _piece(response, body)
        _whole(response)


def _closed(value: Any, _: Any) -> None:
    _reading_of(value).call.left()


def _piece(response: Any, data: bytes) -> None:
    reading = _reading_of(response)
    reading.call.piece(data, events=reading.events)


def _whole(response: Any) -> None:
    reading = _reading_of(response)
    reading.call.whole(events=reading.events)


def _then(
    method: Callable[..., Any],
    find: Callable[[Any], Callable[..., Any]],
    after: Callable[[Any, Any], None],
) -> Callable[..., Any]:
    """What *find* gives, like *method*; *after* sees whose it is and its result, the observation its error."""
    if inspect.iscoroutinefunction(method):

        async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                value = await find(self)(*args, **kwargs)
            except BaseException as error:
                _reading_of(self).call.raised(error)
                raise
            with _guard:
                after(self, value)
            return value

        return awaited

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            value = find(self)(*args, **kwargs)
        except BaseException as error:
            _reading_of(self).call.raised(error)
            raise
        with _guard:
            after(self, value)
        return value

    return called


def _each(  # noqa: C901 - two drivers in one, each of which only forwards
    method: Callable[..., Any], find: Callable[[Any], Callable[..., Any]], end: bytes
) -> Callable[..., Any]:
    """What *find* gives, which iterates like *method* of a response, each item observed."""

    def seen(self: Any, item: Any) -> None:
        _piece(self, (item.encode("utf-8", "replace") if isinstance(item, str) else item) + end)

    if inspect.isasyncgenfunction(method):

        async def steps(self: Any, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            try:
                async for item in find(self)(*args, **kwargs):
                    seen(self, item)
                    yield item
            except GeneratorExit:
                raise
            except BaseException as error:
                _reading_of(self).call.raised(error)
                raise
            _whole(self)

        return steps

    def step(self: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            for item in find(self)(*args, **kwargs):
                seen(self, item)
                yield item
        except GeneratorExit:
            raise
        except BaseException as error:
            _reading_of(self).call.raised(error)
            raise
        _whole(self)

    return step
