"""Framed bytes: how a batch or a snapshot stands in a file, and how damage in it is told apart.

A frame is a 32-byte header (magic, format, kind, length, sequence, checksum of the payload,
checksum of the header) and then the payload.  The header's layout holds for every later format, so
that a newer one can be named with certainty (P9); another layout would take another magic.

What counts as a torn last write (dropped, nobody was ever told it was done) and what as damage
(P5: named, never served):

- An append is synced before the next one begins, so at most one frame can be torn: the last, and
  it reaches to the end of the file.  A torn write is the beginning of a frame, of which any part
  may be zeros (blocks the disk never received before the power went).
- A bad frame with a sound header anywhere behind it is damage, and so is a bad frame that ends
  before the file does: what follows was only begun after that frame was synced.
- Bytes at the end that are neither zeros nor the magic cannot come from a torn write: damage.
- A last frame whose checksum fails cannot be told from a torn one, and is dropped.

Not for: reading or writing files (`disk`), or the meaning of a payload (`codec`).
"""

import struct
import zlib
from typing import NamedTuple

from persistence.errors import Corrupt, NewerFormat
from persistence.store import Batch

FORMAT = 1
JOURNAL = 1
SNAPSHOT = 2
SEAL = 3

# 0xC1 never occurs in UTF-8 nor as a msgpack type, so text from a player cannot contain a frame.
MAGIC = b"\xc1QKFRM\xc1\n"
PAYLOAD_BYTES_MAX = 2**32 - 1

_KINDS = {JOURNAL: "a journal batch", SNAPSHOT: "a snapshot", SEAL: "a seal"}
# magic, format, kind, reserved (zero), payload length, sequence, checksum of the payload
_FIELDS = struct.Struct("<8sBBHIQI")
_CHECKSUM = struct.Struct("<I")
HEADER_BYTES = _FIELDS.size + _CHECKSUM.size


class _Header(NamedTuple):
    format: int
    kind: int
    length: int
    sequence: int
    payload_checksum: int


def encode(sequence: int, payload: bytes, kind: int) -> bytes:
    """Return `payload` framed under `sequence` (for a snapshot: the user version)."""
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise ValueError(f"a frame holds up to {PAYLOAD_BYTES_MAX} bytes; {len(payload)} came")
    fields = _FIELDS.pack(MAGIC, FORMAT, kind, 0, len(payload), sequence, zlib.crc32(payload))
    return b"".join((fields, _CHECKSUM.pack(zlib.crc32(fields)), payload))


def decode_all(data: bytes, place: str, first: int | None = None) -> tuple[list[Batch], int]:
    """Return a journal's whole batches and how many bytes they take; a torn last one is left out.

    `first` is the sequence the first batch must carry, where the caller knows it.

    Raises:
        Corrupt: damage, or a gap or a step back in the sequence, at the offset it names (P5).
        NewerFormat: a newer Questkeep wrote here (P9).
    """
    batches: list[Batch] = []
    offset, expected = 0, first
    while offset < len(data):
        header = _header_at(data, offset)
        if header is None:
            _refuse_unless_torn(data, offset, offset + HEADER_BYTES, place)
            return batches, offset
        _refuse_unless_ours(header, JOURNAL, place, offset)
        if expected is not None and header.sequence != expected:
            found = f"batch {header.sequence} where batch {expected} was expected"
            raise Corrupt(place, offset, found)
        payload = _payload_at(data, offset, header)
        if payload is None:
            _refuse_unless_torn(data, offset, offset + HEADER_BYTES + header.length, place)
            return batches, offset
        batches.append(Batch(header.sequence, payload))
        offset += HEADER_BYTES + header.length
        expected = header.sequence + 1
    return batches, offset


def decode_one(data: bytes, place: str, kind: int) -> Batch:
    """Return the only frame of a file that was made whole or not at all: any flaw is `Corrupt`."""
    return decode_parts(data[:HEADER_BYTES], data[HEADER_BYTES:], place, kind)


def decode_parts(head: bytes, payload: bytes, place: str, kind: int) -> Batch:
    """The same of a file that was read in two parts: of a large payload no copy is made."""
    header = _header_at(head, 0)
    if header is None:
        raise Corrupt(place, 0, f"no whole frame header in {len(head) + len(payload)} bytes")
    _refuse_unless_ours(header, kind, place, 0)
    if len(payload) > header.length and _is_sound(payload[: header.length], header):
        end, more = HEADER_BYTES + header.length, len(payload) - header.length
        raise Corrupt(place, end, f"{more} bytes after the end")
    if not _is_sound(payload, header):
        raise Corrupt(place, HEADER_BYTES, "a payload that is cut short or fails its checksum")
    return Batch(header.sequence, payload)


def _header_at(data: bytes, offset: int) -> _Header | None:
    if len(data) - offset < HEADER_BYTES or not data.startswith(MAGIC, offset):
        return None
    (checksum,) = _CHECKSUM.unpack_from(data, offset + _FIELDS.size)
    if zlib.crc32(data[offset : offset + _FIELDS.size]) != checksum:
        return None
    _, version, kind, _, length, sequence, payload_checksum = _FIELDS.unpack_from(data, offset)
    return _Header(version, kind, length, sequence, payload_checksum)


def _payload_at(data: bytes, offset: int, header: _Header) -> bytes | None:
    start = offset + HEADER_BYTES
    payload = data[start : start + header.length]
    return payload if _is_sound(payload, header) else None


def _is_sound(payload: bytes, header: _Header) -> bool:
    return len(payload) == header.length and zlib.crc32(payload) == header.payload_checksum


def _refuse_unless_ours(header: _Header, kind: int, place: str, offset: int) -> None:
    """The header's checksum holds here: what it says is what its writer meant."""
    if header.format > FORMAT:
        raise NewerFormat(place, header.format, FORMAT)
    if header.kind != kind:
        found = _KINDS.get(header.kind, f"a frame of unknown kind {header.kind}")
        raise Corrupt(place, offset, f"{found} where {_KINDS[kind]} was expected")


def _refuse_unless_torn(data: bytes, offset: int, end: int, place: str) -> None:
    """Raise `Corrupt` when the bad frame at `offset` cannot be the torn last write.

    `end` is where it ends at the earliest; for a sound header, exactly where.
    """
    later = _next_header(data, offset + 1)
    if later is not None:
        raise Corrupt(place, offset, f"a damaged frame, with another after it at byte {later}")
    if _header_at(data, offset) is not None and end < len(data):
        raise Corrupt(place, offset, f"a damaged frame, with more bytes after its end at {end}")
    beginning = data[offset : offset + len(MAGIC)]
    if any(byte not in (0, MAGIC[i]) for i, byte in enumerate(beginning)):
        raise Corrupt(place, offset, f"bytes that begin no frame: {beginning!r}")


def _next_header(data: bytes, start: int) -> int | None:
    offset = data.find(MAGIC, start)
    while offset != -1 and _header_at(data, offset) is None:
        offset = data.find(MAGIC, offset + 1)
    return None if offset == -1 else offset
