"""Generators that run each step in a context of their own, and leave the consumer's as it was.

A generator has no context: between two steps it runs on whatever its consumer has current, and what it sets leaks
out. Here each step begins by making current what the generator had at the end of its last step, and ends by putting
the consumer's context back. Only OpenTelemetry's variable is touched, all others are the consumer's own, and
nothing is reset by token, so a consumer may take each step from another task.

The drivers are generators themselves: `send`, `throw` and `close` pass through, and no task is made for an item.
"""

import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Protocol, TypeVar, cast

from opentelemetry.context import Context

from trackway._core.ambient import attach, get_current
from trackway._core.context import collector, leave_block, own_context
from trackway._core.signatures import Function

Y = TypeVar("Y")
S = TypeVar("S")
R = TypeVar("R")


class Watcher(Protocol):
    """What is told of the life of a generator; its methods do not raise."""

    def yielded(self, item: object) -> None:
        """The generator yielded *item*."""
        ...

    def finish(self, value: object) -> object:
        """The generator returned *value*."""
        ...

    def fail(self, error: BaseException) -> None:
        """The generator raised *error*."""
        ...

    def close(self) -> None:
        """The consumer closed the generator before its end."""
        ...


Begin = Callable[[tuple[object, ...], dict[str, object]], tuple[Context, Watcher]]
"""Arguments of a call → the context of its first step, and who watches. May take arguments out of the dict."""


def steps(generator: Generator[Y, S, R], inside: Context, watcher: Watcher) -> Generator[Y, S, R]:
    """Drives *generator*, first in the context *inside*."""
    sent: S | None = None
    thrown: BaseException | None = None
    while True:
        consumer = get_current()
        attach(inside)
        try:
            # The first `send` of a generator takes None, whatever its type says.
            item = generator.send(cast("S", sent)) if thrown is None else generator.throw(thrown)
        except StopIteration as stop:
            watcher.finish(stop.value)
            return cast("R", stop.value)
        except BaseException as error:
            watcher.fail(error)
            raise
        finally:
            inside = get_current()
            attach(consumer)
        watcher.yielded(item)
        sent = thrown = None
        try:
            sent = yield item
        except GeneratorExit:
            consumer = get_current()
            attach(inside)
            collecting = own_context()
            try:
                # From Python 3.13 on `close` gives what the generator returned.
                value = cast("R", generator.close())
            except BaseException as error:
                watcher.fail(error)
                raise
            finally:
                attach(consumer)
                if collecting:
                    collector[0] = collecting
            watcher.close()
            return value
        except BaseException as error:  # noqa: BLE001 - passed on to the generator, whose it is
            thrown = error


async def awaited(coroutine: Coroutine[object, object, R], inside: Context, watcher: Watcher) -> R:
    """Awaits *coroutine* in the context *inside*; a user that it learns is its awaiter's too, as a function's is."""
    consumer = get_current()
    attach(inside)
    try:
        value = await coroutine
    except BaseException as error:
        watcher.fail(error)
        raise
    finally:
        leave_block(consumer, inside)
    watcher.finish(value)
    return value


def decorated_generator(function: Function, begin: Begin) -> Function:
    """A generator function that drives *function*'s generators; *begin* is called at the first step."""

    @functools.wraps(function)
    def stepped(*args: object, **kwargs: object) -> Generator[object, object, object]:
        inside, watcher = begin(args, kwargs)
        made = cast("Generator[object, object, object]", function(*args, **kwargs))
        return (yield from steps(made, inside, watcher))

    return stepped


def decorated_async_generator(function: Function, begin: Begin) -> Function:
    """An async generator function that drives *function*'s generators; *begin* is called at the first step."""

    @functools.wraps(function)
    async def stepped(*args: object, **kwargs: object) -> AsyncGenerator[object, object]:
        inside, watcher = begin(args, kwargs)
        generator = cast("AsyncGenerator[object, object]", function(*args, **kwargs))
        sent: object = None
        thrown: BaseException | None = None
        while True:
            consumer = get_current()
            attach(inside)
            try:
                item = await (generator.asend(sent) if thrown is None else generator.athrow(thrown))
            except StopAsyncIteration:
                watcher.finish(None)
                return
            except BaseException as error:
                watcher.fail(error)
                raise
            finally:
                inside = get_current()
                attach(consumer)
            watcher.yielded(item)
            sent = thrown = None
            try:
                sent = yield item
            except GeneratorExit:
                consumer = get_current()
                attach(inside)
                try:
                    await generator.aclose()
                except BaseException as error:
                    watcher.fail(error)
                    raise
                finally:
                    attach(consumer)
                watcher.close()
                return
            except BaseException as error:  # noqa: BLE001 - passed on to the generator, whose it is
                thrown = error

    return stepped


def async_steps(
    generator: AsyncGenerator[Y, S], inside: Context, watcher: Watcher
) -> AsyncGenerator[Y, S]:
    """Drives the async *generator*, first in the context *inside*."""
    drive = decorated_async_generator(lambda: generator, lambda _args, _kwargs: (inside, watcher))
    return cast("AsyncGenerator[Y, S]", drive())
