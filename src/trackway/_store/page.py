"""The list-like answer of a read, and the way to the rest of it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, final, overload

__all__ = ["Page"]

T = TypeVar("T")


@final
class Page(Sequence[T]):
    """Up to *limit* rows: `len`, iteration and slices as of a list; `has_more` and `next()` for what follows.

    Example:
        >>> page = Page([1, 2, 3])
        >>> len(page), page[:2], page.has_more
        (3, [1, 2], False)
    """

    __slots__ = ("_following", "_items")

    def __init__(
        self, items: Sequence[T], following: "Callable[[], Page[T]] | None" = None
    ) -> None:
        self._items = list(items)
        self._following = following

    @property
    def has_more(self) -> bool:
        """Whether more rows fitted the question when it was asked."""
        return self._following is not None

    def next(self) -> "Page[T]":
        """The following page; an empty one when there is none."""
        return Page(()) if self._following is None else self._following()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return iter(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: "slice[int | None, int | None, int | None]") -> list[T]: ...
    def __getitem__(self, index: "int | slice[int | None, int | None, int | None]") -> T | list[T]:
        return self._items[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Page):
            return self._items == other._items
        return self._items == other if isinstance(other, list) else NotImplemented

    # Like a list, whose equality it shares.
    __hash__ = None  # type: ignore[assignment]  # the way to say so, which typeshed cannot

    def __repr__(self) -> str:
        more = ", and more" if self.has_more else ""
        return f"<Page of {len(self)}{more}>"
