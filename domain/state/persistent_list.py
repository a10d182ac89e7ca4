"""Persistent list: adding to it gives the next list and leaves it as it is.

The next one shares its items with the one before, so that adding to hundreds of items copies none
of them.  Adding twice to the same list copies its newest items the second time.  Older items can be
packed.  Own code, because a turn adds to one: decision 0014 has the figures.

Not for: use by several threads at once, or rows that are found by id (`persistent_map`).
"""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar, overload

from msgspec import Struct

from domain.state.packed_block import BLOCK_ITEMS, PackedBlock

Item = TypeVar("Item")


class PersistentList(Struct, Generic[Item], frozen=True, eq=False):
    """Items in order, made by `of`; a slice is a tuple.

    `newest` is None in an empty list.  It and `length` are there because every turn asks.  The
    first `_gone` items of the first block are none of the list's any more; of `_loose`, which is
    shared with the lists made from this one, the first `_own` are its own.
    """

    _blocks: tuple[PackedBlock[Item], ...]
    _gone: int
    _loose: list[Item]
    _own: int
    length: int
    newest: Item | None

    @staticmethod
    def of(items: Iterable[Item] = ()) -> "PersistentList[Item]":
        """The list of `items`."""
        loose = list(items)
        newest = loose[-1] if loose else None
        return PersistentList((), 0, loose, len(loose), len(loose), newest)

    def plus(self, more: tuple[Item, ...]) -> "PersistentList[Item]":
        """This list with `more` behind its newest item."""
        if not more:
            return self
        loose = self._loose
        if len(loose) != self._own or not loose:  # an empty one may be anybody's
            loose = loose[: self._own]
        loose += more
        length = self.length + len(more)
        return PersistentList(self._blocks, self._gone, loose, len(loose), length, more[-1])

    def packed(self) -> "PersistentList[Item]":
        """The same list, all but its newest items packed."""
        full = range(BLOCK_ITEMS, self._own + 1, BLOCK_ITEMS)
        if not full:
            return self
        more = tuple(PackedBlock(self._loose[end - BLOCK_ITEMS : end]) for end in full)
        loose = self._loose[len(more) * BLOCK_ITEMS : self._own]
        blocks = (*self._blocks, *more)
        return PersistentList(blocks, self._gone, loose, len(loose), self.length, self.newest)

    def without_oldest(self, count: int) -> "PersistentList[Item]":
        """Without the oldest `count` items, and without holding on to them."""
        length = max(0, self.length - count)
        if not length:
            return PersistentList.of()
        blocks, loose, gone = self._blocks, self._loose, self._gone + count
        whole = min(gone // BLOCK_ITEMS, len(blocks))
        gone -= whole * BLOCK_ITEMS
        blocks = blocks[whole:]
        if not blocks and gone:
            loose, gone = loose[gone : self._own], 0
            return PersistentList(blocks, gone, loose, len(loose), length, self.newest)
        return PersistentList(blocks, gone, loose, self._own, length, self.newest)

    @overload
    def __getitem__(self, key: int) -> Item: ...

    @overload
    def __getitem__(self, key: slice) -> tuple[Item, ...]: ...

    def __getitem__(self, key: int | slice) -> Item | tuple[Item, ...]:
        if isinstance(key, slice):
            return tuple(self._mine()[key])
        place = key if key >= 0 else self.length + key
        if not 0 <= place < self.length:
            raise IndexError(f"item {key} of {self.length}")
        block, within = divmod(place + self._gone, BLOCK_ITEMS)
        if block < len(self._blocks):
            return self._blocks[block].items()[within]
        return self._loose[place + self._gone - len(self._blocks) * BLOCK_ITEMS]

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
        items = [item for block in self._blocks for item in block.items()]
        return items[self._gone :] + self._loose[: self._own]
