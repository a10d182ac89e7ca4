"""Persistent map of rows by id: putting rows in gives the next map and leaves it as it is.

The next one shares what it can with the one before, so that a user with thousands of quests pays
for one turn what a user with ten pays.

Not for: what is in the rows (`rows`), or which maps a user has (`user_state`).
"""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import Any, TypeVar, overload

Row = TypeVar("Row")
Default = TypeVar("Default")

NEWEST_MAX = 32
"""Rows put in lately, copied by every put; beyond it they join the others, which copies those."""


class PersistentMap(Mapping[str, Row]):
    """Rows by id, in the order in which they first came.

    `length` is there because every turn asks.
    """

    __slots__ = ("_newest", "_others", "length")

    def __init__(self, rows: Mapping[str, Row] | None = None) -> None:
        self._others: dict[str, Row] = dict(rows) if rows else {}
        self._newest: dict[str, Row | None] = {}
        self.length = len(self._others)

    def put(self, rows: Mapping[str, Row | None]) -> "PersistentMap[Row]":
        """This map with `rows` in place of those of the same ids; None removes a row."""
        newest, length = self._newest.copy(), self.length
        for key, row in rows.items():
            length += _lay_over(newest, self._others, key, row)
        return self._next(newest, length)

    def put_row(self, key: str, row: Row | None) -> "PersistentMap[Row]":
        """The same for one row, as most turns have it."""
        newest = self._newest.copy()
        return self._next(newest, self.length + _lay_over(newest, self._others, key, row))

    def _next(self, newest: dict[str, Row | None], length: int) -> "PersistentMap[Row]":
        after: PersistentMap[Row] = PersistentMap.__new__(PersistentMap)
        after._others = self._others
        after._newest = newest
        after.length = length
        if len(newest) > NEWEST_MAX:
            after._others, after._newest = after._merged(), {}
        return after

    def __getitem__(self, key: str) -> Row:
        row = self._newest.get(key)
        if row is not None:
            return row
        if key in self._newest:
            raise KeyError(key)
        return self._others[key]

    @overload
    def get(self, key: str) -> Row | None: ...

    @overload
    def get(self, key: str, default: Row | Default) -> Row | Default: ...

    def get(self, key: str, default: Any = None) -> Any:
        """The row under `key`, else `default`."""
        row = self._newest.get(key)
        if row is not None:
            return row
        return default if key in self._newest else self._others.get(key, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._merged())

    def __len__(self) -> int:
        return self.length

    def __contains__(self, key: object) -> bool:
        if key in self._newest:
            return self._newest[key] is not None
        return key in self._others

    def items(self) -> ItemsView[str, Row]:
        """Pairs of id and row, in order."""
        return self._merged().items()

    def values(self) -> ValuesView[Row]:
        """Rows alone, in order."""
        return self._merged().values()

    def as_dict(self) -> dict[str, Row]:
        """All rows in one dict, which nobody may change.

        `dict` of a map would look up each of its rows: milliseconds for thousands of them.
        """
        return self._merged()

    def __repr__(self) -> str:
        return repr(self._merged())

    def _merged(self) -> dict[str, Row]:
        """All rows in one dict, which nobody may change."""
        if not self._newest:
            return self._others
        merged = self._others.copy()
        for key, row in self._newest.items():
            if row is None:
                merged.pop(key, None)
            else:
                merged[key] = row
        return merged


def _lay_over(
    newest: dict[str, Row | None], others: Mapping[str, Row], key: str, row: Row | None
) -> int:
    """Put one row into `newest`; how many rows there are more than before: -1, 0 or 1."""
    held = newest[key] is not None if key in newest else key in others
    if row is not None:
        newest[key] = row
        return 0 if held else 1
    if key in others:
        newest[key] = None
    else:
        newest.pop(key, None)  # nothing has to hide what never joined the others
    return -1 if held else 0
