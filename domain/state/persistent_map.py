"""Persistent map of rows by id: putting rows in gives the next map and leaves it as it is.

The next one shares what it can with the one before, so that a user with thousands of quests pays
for one turn what a user with ten pays.

Not for: what is in the rows (`rows`), or which maps a user has (`user_state`).
"""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import TypeVar

Row = TypeVar("Row")

NEWEST_MAX = 32
"""Rows put in lately, copied by every put; beyond it they join the others, which copies those."""


class PersistentMap(Mapping[str, Row]):
    """Rows by id, in the order in which they first came."""

    __slots__ = ("_newest", "_others")

    def __init__(
        self, others: Mapping[str, Row] | None = None, newest: dict[str, Row] | None = None
    ) -> None:
        self._others: dict[str, Row] = dict(others) if others else {}
        self._newest: dict[str, Row] = newest or {}

    def put(self, rows: Mapping[str, Row]) -> "PersistentMap[Row]":
        """This map with `rows` in place of those of the same ids."""
        newest = {**self._newest, **rows}
        if len(newest) > NEWEST_MAX:
            return PersistentMap({**self._others, **newest})
        after: PersistentMap[Row] = PersistentMap(newest=newest)
        after._others = self._others
        return after

    def __getitem__(self, key: str) -> Row:
        row = self._newest.get(key)
        return self._others[key] if row is None else row

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __contains__(self, key: object) -> bool:
        return key in self._newest or key in self._others

    def items(self) -> ItemsView[str, Row]:
        """Ids and rows, in order."""
        return self._all().items()

    def values(self) -> ValuesView[Row]:
        """The rows, in order."""
        return self._all().values()

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> dict[str, Row]:
        return {**self._others, **self._newest} if self._newest else self._others
