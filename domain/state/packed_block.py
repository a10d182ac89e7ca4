"""Packed block: rows that are rarely asked for, a few together, as compressed bytes.

Rows of one kind resemble one another: sixteen together take a sixth of what they take as objects,
and packing them costs half a microsecond each.

Not for: bytes that leave the process (`persistence.codec`), or use by several threads at once.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
import zstandard

Item = TypeVar("Item")

BLOCK_ITEMS = 16
"""Fewer compress less well; of more, one costs more to look at."""

_encode = msgspec.msgpack.Encoder().encode
_compress = zstandard.ZstdCompressor(level=1).compress
_decompress = zstandard.ZstdDecompressor().decompress


class PackedBlock(Generic[Item]):
    """Items of one type, in order."""

    __slots__ = ("_content", "_kind")

    def __init__(self, items: Sequence[Item]) -> None:
        self._kind: type = type(items[0])
        # What comes back stands at the begin of a buffer made for the worst case: a copy is small.
        self._content = bytes(memoryview(_compress(_encode(items))))

    def items(self) -> list[Item]:
        """The items, each a new object with the same value."""
        items: list[Item] = _decoder(self._kind)(_decompress(self._content))
        return items


@cache
def _decoder(kind: type) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]
