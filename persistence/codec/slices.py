"""Slices: a large value encoded piece by piece, so that other work can be done in between.

A value's slices put together are the bytes that msgspec's own encoders make of it.  Only lists and
maps are taken apart, row by row: one row is encoded at once, however large it is.

Not for: small values, which cost less at once, or what they mean (`snapshots`).
"""

import struct
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec

SLICE_BYTES = 64 * 1024
"""About the size of a slice: a fifth of a millisecond's work."""
ROWS_AT_FIRST = 8
ROWS_MAX = 1_024
TABLES_MAX = 64
"""A list or map of so many items may hold tables, which are taken apart too; more are rows."""


class ListOf(NamedTuple):
    """A list of so many items, which are made one after the other as they are encoded."""

    length: int
    items: Iterator[Any]

    @classmethod
    def of(cls, items: Collection[Any]) -> "ListOf":
        """The list of `items`."""
        return cls(len(items), iter(items))


class _Form(NamedTuple):
    """How a format writes lists and maps.

    `open_list` and `open_map` begin one of so many items; `inside` is what stands between the
    beginning and the end of one that was encoded by itself.
    """

    encode: Callable[[Any], bytes]
    open_list: Callable[[int], bytes]
    open_map: Callable[[int], bytes]
    inside: Callable[[bytes, int], bytes]
    between: bytes
    after_key: bytes
    end_list: bytes
    end_map: bytes


def msgpack_slices(value: Any) -> Iterator[bytes]:
    """`value` in msgpack."""
    return _gathered(_pieces(value, _MSGPACK))


def json_slices(value: Any) -> Iterator[bytes]:
    """`value` in JSON."""
    return _gathered(_pieces(value, _JSON))


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in slices that are worth their while."""
    slice_ = bytearray()
    for piece in pieces:
        slice_ += piece
        if len(slice_) >= SLICE_BYTES:
            yield bytes(slice_)
            slice_.clear()
    if slice_:
        yield bytes(slice_)


def _pieces(value: Any, form: _Form) -> Iterator[bytes]:
    match value:
        case ListOf(length, items):
            yield form.open_list(length)
            yield from _rows(items, list, form)
            yield form.end_list
        case list() | tuple() if len(value) > TABLES_MAX:
            yield form.open_list(len(value))
            yield from _rows(iter(value), list, form)
            yield form.end_list
        case list() | tuple():
            yield form.open_list(len(value))
            for number, inner in enumerate(value):
                yield form.between if number else b""
                yield from _pieces(inner, form)
            yield form.end_list
        case dict() if len(value) > TABLES_MAX:
            yield form.open_map(len(value))
            yield from _rows(iter(value.items()), dict, form)
            yield form.end_map
        case dict():
            yield form.open_map(len(value))
            for number, (key, inner) in enumerate(value.items()):
                yield form.between if number else b""
                yield form.encode(key) + form.after_key
                yield from _pieces(inner, form)
            yield form.end_map
        case _:
            yield form.encode(value)


def _rows(items: Iterator[Any], make: Callable[[Any], Any], form: _Form) -> Iterator[bytes]:
    """So many rows at a time as have come to a slice before."""
    count, between = ROWS_AT_FIRST, b""
    while rows := make(islice(items, count)):
        piece = form.inside(form.encode(rows), len(rows))
        yield between + piece
        count = min(max(1, count * SLICE_BYTES // max(1, len(piece))), ROWS_MAX)
        between = form.between


def _msgpack_header(small: int, middle: int, large: int) -> Callable[[int], bytes]:
    def header(count: int) -> bytes:
        if count < 16:
            return bytes([small | count])
        if count < 1 << 16:
            return struct.pack(">BH", middle, count)
        return struct.pack(">BI", large, count)

    return header


_MSGPACK = _Form(
    encode=msgspec.msgpack.Encoder().encode,
    open_list=_msgpack_header(0x90, 0xDC, 0xDD),
    open_map=_msgpack_header(0x80, 0xDE, 0xDF),
    inside=lambda encoded, count: encoded[1 if count < 16 else 3 :],
    between=b"",
    after_key=b"",
    end_list=b"",
    end_map=b"",
)
_JSON = _Form(
    encode=msgspec.json.Encoder().encode,
    open_list=lambda count: b"[",
    open_map=lambda count: b"{",
    inside=lambda encoded, count: encoded[1:-1],
    between=b",",
    after_key=b":",
    end_list=b"]",
    end_map=b"}",
)
