"""What an object holds: a frame whose payload begins with the ids of its writer and of this write.

The ids are why a writer can tell its own object from another's when all it was told is "exists
already": a write that is tried again meets its own earlier success.

Not for: checksums and formats (`frame`), or names (`objects.names`).
"""

import secrets
from typing import NamedTuple

from persistence.errors import Corrupt
from persistence.journal import frame

_ID_BYTES = 16
_KIND_OFFSET = 9


class Content(NamedTuple):
    """An object's meaning.  `kind` is `frame.JOURNAL`, `SEAL` or `SNAPSHOT`."""

    kind: int
    sequence: int
    payload: bytes


def new_writer() -> bytes:
    """An id for one opening of the store."""
    return secrets.token_bytes(_ID_BYTES)


def encode(kind: int, sequence: int, payload: bytes, writer: bytes) -> bytes:
    """The bytes of an object, different at every call."""
    ids = writer + secrets.token_bytes(_ID_BYTES)
    return frame.encode(sequence, ids + payload, kind)


def decode(content: bytes, place: str, kind: int, sequence: int | None = None) -> Content:
    """The object's meaning; objects are written whole, so any flaw is `Corrupt` (P5).

    Raises:
        Corrupt: damaged, of another kind, or (where given) under another number than `sequence`.
        NewerFormat: a newer Questkeep wrote it (P9).
    """
    framed = frame.decode_one(content, place, kind)
    if len(framed.payload) < 2 * _ID_BYTES:
        raise Corrupt(place, frame.HEADER_BYTES, "no ids of its writer")
    if sequence is not None and framed.sequence != sequence:
        raise Corrupt(place, 0, f"number {framed.sequence} under this name")
    return Content(kind, framed.sequence, framed.payload[2 * _ID_BYTES :])


def decode_numbered(content: bytes, place: str, sequence: int) -> Content:
    """A batch or a fence, whichever stands under a number."""
    fence = content[_KIND_OFFSET : _KIND_OFFSET + 1] == bytes([frame.SEAL])
    return decode(content, place, frame.SEAL if fence else frame.JOURNAL, sequence)
