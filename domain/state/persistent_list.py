"""A series of items that never changes: adding to it gives the next series.

The next series shares its list with the one before, so that adding to hundreds of items touches
none of them.  Whoever goes on from a series that was gone on from already gets a list of their own.

Not for: use by several threads at once, or rows that are found by id (`table`).
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar, overload

from msgspec import Struct

Item = TypeVar("Item")


class Series(Struct, Generic[Item], frozen=True, eq=False):
    """Items in order, made by `of`; a slice is a tuple.

    `newest` is None in an empty series.  It and `length` are there because every turn asks.
    """

    _items: list[Item]
    length: int
    newest: Item | None

    @staticmethod
    def of(items: Iterable[Item] = ()) -> "Series[Item]":
        """The series of `items`."""
        held = list(items)
        return Series(held, len(held), held[-1] if held else None)

    def plus(self, more: tuple[Item, ...]) -> "Series[Item]":
        """This series with `more` behind its newest item."""
        if not more:
            return self
        items = self._items
        if len(items) != self.length or not items:  # an empty one may be anybody's
            items = items[: self.length]
        items += more
        return Series(items, len(items), more[-1])

    def since(self, begin: int) -> "Series[Item]":
        """Without the oldest `begin` items, and without holding on to them."""
        return Series.of(self._items[begin : self.length])

    @overload
    def __getitem__(self, key: int) -> Item: ...

    @overload
    def __getitem__(self, key: slice) -> tuple[Item, ...]: ...

    def __getitem__(self, key: int | slice) -> Item | tuple[Item, ...]:
        mine = self._mine()
        return tuple(mine[key]) if isinstance(key, slice) else mine[key]

    def __len__(self) -> int:
        return self.length

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
        return self._items[: self.length]
