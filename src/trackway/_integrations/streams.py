"""Answers that come in pieces: observed to their end, whoever reads them and however they are left.

The SDK's own objects stay what the caller gets. Of a stream the iterator inside of it is watched; what closes it, and
all that reads a response, is observed by its class, which becomes one like it. So the methods are bound as they are,
on streams and responses that nothing else holds too (`….with_raw_response.create(…).parse()`), and classes of the
caller's own see themselves. Observing forms no cycle, so that a stream which is dropped ends as soon as the SDK's own
cycles let it.
"""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Final, final

from trackway._core.guard import guard
from trackway._integrations.call import Call

__all__ = ["AsyncWatched", "Watched", "watch_response", "watch_stream"]

_NAMED: Final = ("__module__", "__name__", "__qualname__", "__doc__")
# Where an observed stream or response has what observes it.
_READING: Final = "__trackway_reading__"
_guard: Final = guard("integrations")
# Classes of streams and responses → those that observe. An SDK has a handful.
_streams: Final[dict[type, type]] = {}
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
    _observe(stream, _Reading(call, events=True, handed_on=True), _streams, _STREAM)


def watch_response(response: Any, call: Call, *, events: bool) -> None:
    """Observes an SDK's response whose body the caller is to read: as *events*, or as one document."""
    call.opened()
    _observe(response, _Reading(call, events=events), _responses, _RESPONSE)


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


def _observe(
    value: Any, reading: _Reading, known: dict[type, type], after: Mapping[str, "_After"]
) -> None:
    with _guard:
        cls = type(value)
        if cls not in known:
            known[cls] = _observing(cls, after)
        object.__setattr__(value, _READING, reading)
        object.__setattr__(value, "__class__", known[cls])


def _observing(cls: type, after: Mapping[str, "_After"]) -> type:
    """A class that is like *cls*, and observes how what is of it is read and closed."""
    members: dict[str, Any] = {
        key: getattr(cls, key) for key in ("__module__", "__qualname__", "__doc__")
    }
    made: Any = type(cls.__name__, (cls,), members)
    for name, seen in after.items():
        if (method := getattr(cls, name, None)) is not None:
            setattr(made, name, _named(_then(method, _finding(made, name), seen), method))
    for name in _PIECES if after is _RESPONSE else ():
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


_After = Callable[[Any, Any], None]
_STREAM: Final[Mapping[str, _After]] = {"close": _closed, "aclose": _closed}
_RESPONSE: Final[Mapping[str, _After]] = {"parse": _parsed, "read": _read, "close": _closed}
_PIECES: Final = ("iter_bytes", "iter_text", "iter_lines")


def _piece(response: Any, data: bytes) -> None:
    reading = _reading_of(response)
    reading.call.piece(data, events=reading.events)


def _whole(response: Any) -> None:
    reading = _reading_of(response)
    reading.call.whole(events=reading.events)


def _then(
    method: Callable[..., Any], find: Callable[[Any], Callable[..., Any]], after: _After
) -> Callable[..., Any]:
    """What *find* gives, like *method*; *after* sees whose it is and its result, the observation its error."""
    if inspect.iscoroutinefunction(method):

        async def awaited(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                value = await find(self)(*args, **kwargs)
            except BaseException as error:
                _reading_of(self).call.raised(error)
                raise
            after(self, value)
            return value

        return awaited

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            value = find(self)(*args, **kwargs)
        except BaseException as error:
            _reading_of(self).call.raised(error)
            raise
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
