"""Methods of an SDK's resources that understand arguments of ours, such as `name=` and `trackway_user_id=`.

A resource (`client.chat.completions`) is an object of its own, made when it is first asked for, or with its client.
`Taught` stands in a client's class where the SDK makes it, `TaughtWhenSet` where clients set it. Both teach it: its
methods become ones that take our arguments out and hand the rest on. They stay what they are (coroutine functions,
names, signatures), and on a client that is not traced, or no longer, they hand on everything.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MethodType, TracebackType
from typing import Any, Final, final

from trackway._core.guard import guard
from trackway._integrations.special import Note, is_silent, noted

__all__ = ["TRACED", "Methods", "Taught", "TaughtWhenRead", "TaughtWhenSet", "observes", "teach"]

Methods = Mapping[str, tuple[str, ...]]
"""Path below a resource (empty: itself) → its methods that take our arguments."""

_TAUGHT: Final = "__trackway_taught__"
TRACED: Final = "__trackway_traced__"
# A method of this name gives a block; what it streams is left when the block is.
_STREAM: Final = "stream"

_guard: Final = guard("integrations")
_managers: Final[dict[type, type]] = {}


class Taught:
    """The property of a client's class that makes a resource: the SDK's own, and then it is taught."""

    def __init__(self, name: str, inner: Any, methods: Methods) -> None:
        self.name = name
        self.inner = inner
        self.methods = methods
        self.__doc__ = getattr(inner, "__doc__", None)

    def __get__(self, client: Any, owner: type | None = None) -> Any:
        resource = self.inner.__get__(client, owner)
        if client is not None:
            teach(resource, self.methods)
        return resource


@final
class TaughtWhenRead(Taught):
    """As above, and as often as the resource is asked for: for clients that have made theirs before."""

    def __set__(self, client: Any, resource: Any) -> None:
        """With it, what stands in the class comes before what stands in the client."""
        client.__dict__[self.name] = resource


@final
class TaughtWhenSet:
    """Stands for a resource that a client sets itself when it is made, as those for Bedrock and Vertex do."""

    def __init__(self, name: str, methods: Methods) -> None:
        self.name = name
        self.methods = methods

    def __get__(self, client: Any, owner: type | None = None) -> Any:
        try:
            return self if client is None else client.__dict__[self.name]
        except KeyError:
            message = f"{type(client).__name__!r} object has no attribute {self.name!r}"
            raise AttributeError(message, name=self.name, obj=client) from None

    def __set__(self, client: Any, resource: Any) -> None:
        client.__dict__[self.name] = resource
        teach(resource, self.methods)


def teach(resource: Any, methods: Methods) -> None:
    """Has the *methods* of *resource* understand our arguments."""
    with _guard:
        for path, names in methods.items():
            leaf = resource
            for step in path.split(".") if path else ():
                leaf = getattr(leaf, step, None)
            for name in names:
                method = getattr(leaf, name, None)
                if method is not None and not hasattr(method, _TAUGHT):
                    leaf.__dict__[name] = _taught(leaf, name, method)


def observes(cls: type) -> bool:
    """Whether what clients of *cls* send is observed; an application's own `request` may stand before ours."""
    return hasattr(getattr(cls, "request", None), TRACED) or any(
        hasattr(base.__dict__.get("request"), TRACED) for base in cls.__mro__
    )


def _taught(leaf: Any, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of *leaf* like *method*, bound as it is."""
    function = getattr(method, "__func__", None)
    theirs = method if function is None else function
    taught = _taught_function(leaf, name, theirs)
    setattr(taught, _TAUGHT, True)
    return taught if function is None else MethodType(taught, leaf)


def _taught_function(leaf: Any, name: str, theirs: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(theirs):

        @functools.wraps(theirs)
        async def taught_async(*args: Any, **kwargs: Any) -> Any:
            given, _ = _noted(leaf, kwargs)
            return await theirs(*args, **given)

        return taught_async

    @functools.wraps(theirs)
    def taught(*args: Any, **kwargs: Any) -> Any:
        given, note = _noted(leaf, kwargs, always=name == _STREAM)
        value = theirs(*args, **given)
        if note is not None and name == _STREAM:
            _watch_block(value, note)
        return value

    return taught


def _noted(
    leaf: Any, kwargs: dict[str, Any], *, always: bool = False
) -> tuple[dict[str, Any], Note | None]:
    if not always and is_silent(kwargs):
        return kwargs, None
    with _guard:
        if observes(type(leaf._client)):
            return noted(kwargs, always=always)
    return kwargs, None


# -- blocks ------------------------------------------------------------------------------------------------------------


def _watch_block(manager: Any, note: Note) -> None:
    """Has the end of a `with` block be the end of what it streams."""
    with _guard:
        manager.__trackway_note__ = note
        manager.__class__ = _watched(type(manager))


def _watched(cls: Any) -> type:
    known = _managers.get(cls)
    if known is None:
        leave = _leave_async if hasattr(cls, "__aexit__") else _leave
        members = {key: getattr(cls, key) for key in ("__module__", "__qualname__", "__doc__")}
        known = type(cls.__name__, (cls,), {**members, **leave(cls)})
        _managers[cls] = known
    return known


def _left(manager: Any) -> None:
    call = manager.__trackway_note__.call
    if call is not None:
        call.left()


def _leave(cls: Any) -> dict[str, Any]:
    def leave(
        self: Any,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Any:
        try:
            return cls.__exit__(self, kind, error, trace)
        finally:
            _left(self)

    return {"__exit__": leave}


def _leave_async(cls: Any) -> dict[str, Any]:
    async def leave(
        self: Any,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> Any:
        try:
            return await cls.__aexit__(self, kind, error, trace)
        finally:
            _left(self)

    return {"__aexit__": leave}
