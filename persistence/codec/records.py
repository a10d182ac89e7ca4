"""Journal records: one command's change to one user, as bytes with a format number (P9).

A record carries the reply body as it was first given: the rows *after* the change are in it, so
recovery puts rows and runs no rule, and the same bytes are the receipt.

Not for: batches (`group_commit`), or putting rows into a snapshot (`snapshots`).
"""

import msgspec
from msgspec import Struct

from domain.messages.reply import ReplyBody
from persistence.codec.formats import Upcasters, encode, unpack, upcast
from persistence.errors import Corrupt

RECORD_UPCASTERS: Upcasters = {}


class Record(Struct, frozen=True, array_like=True):
    """One command that changed one user.

    `era` names the line of versions that `version` counts in (P10).  `fingerprint` identifies the
    command's content, `rules` the rules that decided it; `reply` is the reply body as first given,
    in msgpack.
    """

    format: int
    user_id: str
    era: str
    version: int
    command_id: str
    fingerprint: bytes
    rules: str
    reply: bytes


def encode_reply(body: ReplyBody) -> bytes:
    """The reply body in msgpack: what a record and a receipt carry."""
    return encode(body)


def encode_record(record: Record) -> bytes:
    """The record as one entry of a journal batch."""
    return encode(record)


def decode_record(data: bytes, place: str) -> Record:
    """The record that `data` holds; `place` names where it stood.

    Raises:
        NewerFormat: written by a newer Questkeep.
        Corrupt: no record, though its frame's checksum held.
    """
    fields = unpack(data, place)
    if not isinstance(fields, list) or not fields:
        raise Corrupt(place, 0, "a record that is no list of fields")
    fields = upcast(fields, fields[0], RECORD_UPCASTERS, place)
    try:
        return msgspec.convert(fields, Record)
    except msgspec.ValidationError as error:
        raise Corrupt(place, 0, f"a record with wrong fields: {error}") from None
