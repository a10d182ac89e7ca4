"""Frames on a socket: a length (4 bytes, big-endian) and that much msgpack.

No frame is longer than `FRAME_BYTES_MAX`, which both ends know: `frame` refuses to write one, and
`Frames` to read one.

From a gateway to a host go *request groups*: the requests of one caller under a correlation id of
the connection's.  Back go *reply groups* under the same ids, in any order, so that a user who is
being loaded holds nobody up.  Bodies that are large go ahead of their group in parts.

Between the groups, a gateway says which users it watches from there on (`Watching`, in a group of
its own, under no correlation id), and a host sends what became durable of them (`DurableRecords`).

Not for: connecting (`socket_channel`), answering (`socket_server`), or which part goes next
(`outbox`).
"""

import struct
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from actors.messages import Reply, Request

FRAME_BYTES_MAX = 64 * 1024 * 1024

_LENGTH = struct.Struct(">I")


class Watching(Struct, frozen=True, array_like=True, tag=True):
    """Whether the sender watches these users from now on, or no longer."""

    user_ids: list[str]
    begin: bool


RequestGroup = tuple[int, list[Request]]
"""A correlation id and the requests of one caller."""
WATCHING = 0
"""What a list of `Watching` has in place of a correlation id: nothing answers it."""


class ReplyGroup(Struct, frozen=True, array_like=True, tag=0):
    """The replies to one request group; a body that went ahead in parts is empty here."""

    correlation_id: int
    replies: list[Reply]


class BodyPart(Struct, frozen=True, array_like=True, tag=1):
    """Some of the body of the reply at `place` in a group; the next part follows it."""

    correlation_id: int
    place: int
    content: bytes


class DurableRecords(Struct, frozen=True, array_like=True, tag=2):
    """Journal records of watched users, in the order in which they became durable."""

    records: list[bytes]


class ReadAnew(Struct, frozen=True, array_like=True, tag=3):
    """Any watched user may have changed unheard."""


HostMessage = ReplyGroup | BodyPart | DurableRecords | ReadAnew

_encode_into = msgspec.msgpack.Encoder().encode_into
decode_request_groups = msgspec.msgpack.Decoder(list[tuple[int, list[Request | Watching]]]).decode
decode_host_messages = msgspec.msgpack.Decoder(list[HostMessage]).decode


class FrameTooLarge(Exception):
    """A frame beyond the limit.  Nothing was written; or the other end is none of ours."""


def frame(content: Any) -> bytearray:
    """One frame of whatever msgpack carries, ready to send.

    Raises:
        FrameTooLarge: send less at once.
    """
    whole = bytearray(_LENGTH.size)
    _encode_into(content, whole, _LENGTH.size)
    length = len(whole) - _LENGTH.size
    if length > FRAME_BYTES_MAX:
        raise FrameTooLarge(f"{length} bytes, expected at most {FRAME_BYTES_MAX}")
    _LENGTH.pack_into(whole, 0, length)
    return whole


class Frames:
    """Puts frames together again from the pieces a socket delivers."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The payloads that are complete with `data`.

        Raises:
            FrameTooLarge: hang up.
        """
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._buffer, start)
                if length > FRAME_BYTES_MAX:
                    raise FrameTooLarge(f"{length} bytes, expected at most {FRAME_BYTES_MAX}")
                end = start + _LENGTH.size + length
                if len(self._buffer) < end:
                    break
                with memoryview(self._buffer) as received:
                    payload = bytes(received[start + _LENGTH.size : end])
                start = end
                yield payload
        finally:
            del self._buffer[:start]
