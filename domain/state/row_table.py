"""Row table: rows by id in the order in which they first came, settled ones packed if told so.

A settled row is never written again and hardly ever read, but stays as long as its user: as bytes
it takes a quarter of the memory.

Not for: rows that are all read again and again (`persistent_map`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar, overload

import msgspec

from domain.state.persistent_map import Default, PersistentMap

Row = TypeVar("Row")

_encode = msgspec.msgpack.Encoder().encode


class RowKind(Generic[Row]):
    """A kind of row, and which of them are settled."""

    __slots__ = ("_decode", "_is_settled")

    def __init__(self, kind: type[Row], is_settled: Callable[[Row], bool]) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._is_settled = is_settled

    def packed(self, row: Row | bytes) -> Row | bytes:
        """The row, as bytes if it is settled."""
        if isinstance(row, bytes) or not self._is_settled(row):
            return row
        return _encode(row)

    def unpacked(self, row: Row | bytes) -> Row:
        """The row that may be packed."""
        return self._decode(row) if isinstance(row, bytes) else row


class RowTable(Mapping[str, Row]):
    """The rows of one kind.  Putting rows in gives the next table and leaves it as it is."""

    __slots__ = ("_kept", "_kind")

    def __init__(self, kind: RowKind[Row], kept: PersistentMap[Row | bytes]) -> None:
        self._kind = kind
        self._kept = kept

    def put(self, rows: Mapping[str, Row]) -> "RowTable[Row]":
        """This table with `rows` in place of those of the same ids."""
        return RowTable(self._kind, self._kept.put(rows))

    def put_row(self, key: str, row: Row) -> "RowTable[Row]":
        """The same for one row, as most turns have it."""
        return RowTable(self._kind, self._kept.put_row(key, row))

    def packed(self) -> "RowTable[Row]":
        """The same table, its settled rows packed."""
        kept = {key: self._kind.packed(row) for key, row in self._kept.items()}
        return RowTable(self._kind, PersistentMap(kept))

    @property
    def packed_bytes(self) -> int:
        """What the packed rows take."""
        return sum(len(row) for row in self._kept.values() if isinstance(row, bytes))

    def __getitem__(self, key: str) -> Row:
        return self._kind.unpacked(self._kept[key])

    @overload
    def get(self, key: str) -> Row | None: ...

    @overload
    def get(self, key: str, default: Row | Default) -> Row | Default: ...

    def get(self, key: str, default: Any = None) -> Any:
        """The row under `key`, else `default`."""
        kept = self._kept.get(key)
        return default if kept is None else self._kind.unpacked(kept)

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return self._kept.length

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def __repr__(self) -> str:
        return repr(dict(self))
