"""A series of items that never changes: adding to it gives the next series.

The next series shares its list with the one before, so that adding to hundreds of items touches
none of them.  Whoever goes on from a series that was gone on from already gets a list of their own.

Not for: use by several threads at once, or rows that are found by id (`table`).
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar, overload

Item = TypeVar("Item")


class Series(Generic[Item]):
    """Items in order, oldest first; a slice is a tuple.

    `oldest` and `newest` are None in an empty series; they are there because every turn asks.
    """

    __slots__ = ("_end", "_items", "newest", "oldest")

    oldest: Item | None
    newest: Item | None

    def __init__(self, items: Iterable[Item] = ()) -> None:
        self._items = list(items)
        self._end = len(self._items)
        self.oldest = self._items[0] if self._end else None
        self.newest = self._items[-1] if self._end else None

    def plus(self, more: tuple[Item, ...]) -> "Series[Item]":
        """This series with `more` behind its newest item."""
        if not more:
            return self
        items = self._items
        if len(items) != self._end or not items:  # an empty one may be anybody's
            items = items[: self._end]
        items += more
        after: Series[Item] = Series.__new__(Series)
        after._items = items
        after._end = len(items)
        after.oldest = items[0]
        after.newest = more[-1]
        return after

    def since(self, begin: int) -> "Series[Item]":
        """Without the oldest `begin` items, and without holding on to them."""
        return Series(self._items[begin : self._end])

    @overload
    def __getitem__(self, key: int) -> Item: ...

    @overload
    def __getitem__(self, key: slice) -> tuple[Item, ...]: ...

    def __getitem__(self, key: int | slice) -> Item | tuple[Item, ...]:
        mine = self._mine()
        return tuple(mine[key]) if isinstance(key, slice) else mine[key]

    def __len__(self) -> int:
        return self._end

    def __iter__(self) -> Iterator[Item]:
        return iter(self._mine())

    def __reversed__(self) -> Iterator[Item]:
        return reversed(self._mine())

    def __eq__(self, other: object) -> bool:
        return self._mine() == other._mine() if isinstance(other, Series) else NotImplemented

    def __repr__(self) -> str:
        return f"Series({self._mine()!r})"

    def _mine(self) -> list[Item]:
        """A copy, because the list goes on where a later series does."""
        return self._items[: self._end]
