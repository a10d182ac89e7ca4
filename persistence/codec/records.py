"""Journal records: one command's change to one user, as bytes with a format number (P9).

A record carries the decision: the rows *after* the change, and the events that explain them.  So
recovery puts rows and runs no rule, and the same bytes are the receipt.

Not for: batches (`group_commit`), or users as a whole (`snapshots`).
"""

import msgspec
from msgspec import Struct

from domain.messages.decision import Decision
from domain.state.array_form import from_array, to_array
from domain.state.user_state import Changes
from persistence.codec.formats import Upcasters, encode, unpack, upcast
from persistence.errors import Corrupt

RECORD_UPCASTERS: Upcasters = {}


class Record(Struct, frozen=True, array_like=True):
    """One command that changed one user.

    `era` names the line of versions that `version` counts in (P10).  `fingerprint` identifies the
    command's content; `decision` is what `encode_decision` gave.
    """

    format: int
    user_id: str
    era: str
    version: int
    command_id: str
    fingerprint: bytes
    decision: bytes


def encode_decision(decision: Decision) -> bytes:
    """The decision in array form: what a record and a receipt carry."""
    return encode(to_array(decision))


def decode_decision(data: bytes, place: str) -> Decision:
    """The decision that `data` holds; `place` names where it stood.

    Raises:
        Corrupt: it is none.
    """
    try:
        return from_array(Decision, unpack(data, place))
    except msgspec.ValidationError as error:
        raise Corrupt(place, 0, f"a decision with wrong fields: {error}") from None


def decode_changes(data: bytes, place: str) -> Changes:
    """What the decision that `data` holds has changed: all that a fold needs.

    Raises:
        Corrupt: it is none; its events are not looked at.
    """
    fields = unpack(data, place)
    if not isinstance(fields, list) or len(fields) != len(Decision.__struct_fields__):
        raise Corrupt(place, 0, "something other than a decision")
    try:
        return from_array(Changes, fields[0])
    except msgspec.ValidationError as error:
        raise Corrupt(place, 0, f"a decision with wrong fields: {error}") from None


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
