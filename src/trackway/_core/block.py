"""What blocks of ours have in common: they are entered by `with` and by `async with` alike."""

from abc import abstractmethod
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Block(Generic[T]):
    """A block; entering it gives a T."""

    __slots__ = ()

    @abstractmethod
    def __enter__(self) -> T: ...

    @abstractmethod
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None: ...

    async def __aenter__(self) -> T:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        stack: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, stack)
