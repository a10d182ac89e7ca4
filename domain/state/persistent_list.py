"""Persistent list: adding to it gives the next list and leaves it as it is.

The next one shares its items with the one before, so that adding to hundreds of items copies none
of them.  Adding twice to the same list copies it the second time.  Own code, because a turn adds to
one: decision 0014 has the figures.

Not for: use by several threads at once, or rows that are found by id (`persistent_map`).
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar, overload

from msgspec import Struct

Item = TypeVar("Item")


class PersistentList(Struct, Generic[Item], frozen=True, eq=False):
    """Items in order, made by `of`; a slice is a tuple.

    `newest` is None in an empty list.  It and `length` are there because every turn asks.
    """

    _items: list[Item]
    length: int
    newest: Item | None

    @staticmethod
    def of(items: Iterable[Item] = ()) -> "PersistentList[Item]":
        """The list of `items`."""
        held = list(items)
        return PersistentList(held, len(held), held[-1] if held else None)

    def plus(self, more: tuple[Item, ...]) -> "PersistentList[Item]":
        """This list with `more` behind its newest item."""
        if not more:
            return self
        items = self._items
        if len(items) != self.length or not items:  # an empty one may be anybody's
            items = items[: self.length]
        items += more
        return PersistentList(items, len(items), more[-1])

    def without_oldest(self, count: int) -> "PersistentList[Item]":
        """Without the oldest `count` items, and without holding on to them."""
        return PersistentList.of(self._items[count : self.length])

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
        return (
            self._mine() == other._mine() if isinstance(other, PersistentList) else NotImplemented
        )

    def __repr__(self) -> str:
        return f"PersistentList({self._mine()!r})"

    def _mine(self) -> list[Item]:
        """A copy, because the list goes on where a later list does."""
        return self._items[: self.length]
