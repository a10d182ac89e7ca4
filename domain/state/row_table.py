"""Row table: rows by id in the order in which they first came, each as the bytes that are stored.

Most rows of a table are settled: never written again and hardly ever read, but there as long as
their user.  As bytes they take a quarter of the memory, and a snapshot takes them as they are.

Not for: rows that are read turn after turn (`persistent_map`).
"""

from collections.abc import Iterator, Mapping, ValuesView
from typing import Any, Generic, TypeVar, overload

from msgspec import Struct

from domain.state.array_form import array_decoder, encode_array
from domain.state.persistent_map import Default, PersistentMap

StoredRow = TypeVar("StoredRow", bound=Struct)


class RowTable(Mapping[str, StoredRow], Generic[StoredRow]):
    """The rows of one kind.  Putting rows in gives the next table and leaves it as it is.

    `bytes` is what the rows take.
    """

    __slots__ = ("_decode", "_kept", "bytes")

    def __init__(self, kind: type[StoredRow], rows: Mapping[str, StoredRow] | None = None) -> None:
        kept = {key: encode_array(row) for key, row in (rows or {}).items()}
        self._decode = array_decoder(kind)
        self._kept = PersistentMap(kept)
        self.bytes = sum(map(len, kept.values()))

    def put_row(self, key: str, row: StoredRow) -> "RowTable[StoredRow]":
        """This table with `row` in place of that of the same id."""
        content = encode_array(row)
        after: RowTable[StoredRow] = RowTable.__new__(RowTable)
        after._decode = self._decode
        after._kept = self._kept.put_row(key, content)
        after.bytes = self.bytes + len(content) - len(self._kept.get(key, b""))
        return after

    def arrays(self) -> ValuesView[bytes]:
        """The rows in order, each as the msgpack of its array form."""
        return self._kept.values()

    def __getitem__(self, key: str) -> StoredRow:
        row: StoredRow = self._decode(self._kept[key])
        return row

    @overload
    def get(self, key: str) -> StoredRow | None: ...

    @overload
    def get(self, key: str, default: StoredRow | Default) -> StoredRow | Default: ...

    def get(self, key: str, default: Any = None) -> Any:
        """The row under `key`, else `default`."""
        content = self._kept.get(key)
        return default if content is None else self._decode(content)

    def __iter__(self) -> Iterator[str]:
        return iter(self._kept)

    def __len__(self) -> int:
        return self._kept.length

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def __repr__(self) -> str:
        return repr(dict(self))
