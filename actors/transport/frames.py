"""Frames between a gateway and a packed host: groups one way, their replies the other.

A frame is a length (4 bytes, big-endian) and that much msgpack.  A group is the requests of one
caller under a number of the connection's; replies come back under the same number, in any order, so
that a user who is being loaded holds nobody up.

Not for: connecting (`socket_channel`), or answering (`socket_server`).
"""

import struct
from collections.abc import Iterator

import msgspec

from actors.messages import Reply, Request

FRAME_BYTES_MAX = 64 * 1024 * 1024

_LENGTH = struct.Struct(">I")

RequestGroup = tuple[int, list[Request]]
ReplyGroup = tuple[int, list[Reply]]

_encode_into = msgspec.msgpack.Encoder().encode_into
decode_request_groups = msgspec.msgpack.Decoder(list[RequestGroup]).decode
decode_reply_groups = msgspec.msgpack.Decoder(list[ReplyGroup]).decode


class FrameTooLarge(Exception):
    """The other side announced a frame beyond the limit: not one of ours."""


def frame(content: object) -> bytearray:
    """One frame with `content` as msgpack, ready to send."""
    whole = bytearray(_LENGTH.size)
    _encode_into(content, whole, _LENGTH.size)
    _LENGTH.pack_into(whole, 0, len(whole) - _LENGTH.size)
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
