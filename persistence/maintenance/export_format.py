"""A user as one line of JSON, and back to the very same bytes (P9).

`{"questkeep_export": 1, "format", "user_id", "era", "version", "rows", "receipts", "pages"}`;
`pages` is the part of the history before `rows.history`, where there is one.  All of it is
readable, by the names of the fields; only fingerprints stand in base64.

Not for: where lines come from and go to (`export_import`).
"""

from typing import Any

import msgspec
from msgspec import Struct

from domain.ids import is_user_id
from domain.messages.decision import Decision
from domain.state.history import HistoryEntry
from domain.state.receipts import Receipt
from persistence.codec.formats import FORMAT
from persistence.codec.records import decode_decision, encode_decision
from persistence.codec.snapshots import Rows, Snapshot, rows_of, state_of
from persistence.errors import Corrupt, NewerFormat
from persistence.maintenance.user_history import CompleteUser, pages_before

EXPORT_FORMAT = 1
_KEY = "questkeep_export"


class ReadableReceipt(Struct, frozen=True):
    """A receipt with the decision in it by names."""

    command_id: str
    fingerprint: bytes
    version: int
    decision: Decision


class ReadableUser(Struct, frozen=True):
    """A snapshot by names; `format` is that of the snapshots of whoever wrote the line."""

    format: int
    user_id: str
    era: str
    version: int
    rows: Rows
    receipts: list[ReadableReceipt]


class _Line(Struct, frozen=True, omit_defaults=True):
    """An export's line."""

    questkeep_export: int
    format: int
    user_id: str
    era: str
    version: int
    rows: Rows
    receipts: list[ReadableReceipt]
    pages: list[list[HistoryEntry]] = []


_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode


def line_of(user: CompleteUser) -> bytes:
    """The user's line, with its end."""
    fields = msgspec.structs.asdict(readable(user.snapshot))
    return _to_json(_Line(questkeep_export=EXPORT_FORMAT, **fields, pages=user.pages)) + b"\n"


def readable(snapshot: Snapshot) -> ReadableUser:
    """A snapshot as an export shows it."""
    state = snapshot.state
    receipts = [
        ReadableReceipt(
            receipt.command_id,
            receipt.fingerprint,
            receipt.version,
            decode_decision(receipt.decision, f"receipt of {receipt.command_id}"),
        )
        for receipt in snapshot.receipts
    ]
    return ReadableUser(FORMAT, state.user_id, state.era, state.version, rows_of(state), receipts)


def user_in(line: bytes, place: str) -> CompleteUser:
    """The user that a line holds; `place` names where it stands.

    Raises:
        NewerFormat: a newer Questkeep wrote it.
        Corrupt: it is no line of an export.
    """
    try:
        fields: Any = _from_json(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Corrupt(place, 0, f"a line that is no JSON: {error}") from None
    number = fields.get(_KEY) if isinstance(fields, dict) else None
    if not isinstance(number, int) or number < 1:
        raise Corrupt(place, 0, f"a line without {_KEY}")
    if number > EXPORT_FORMAT:
        raise NewerFormat(place, number, EXPORT_FORMAT)
    try:
        user = msgspec.convert(fields, _Line, builtin_types=())
    except msgspec.ValidationError as error:
        raise Corrupt(place, 0, f"a user with wrong fields: {error}") from None
    if user.format > FORMAT:
        raise NewerFormat(place, user.format, FORMAT)
    snapshot = Snapshot(
        state_of(user.user_id, user.era, user.version, user.rows),
        [
            Receipt(
                receipt.command_id,
                receipt.fingerprint,
                receipt.version,
                encode_decision(receipt.decision),
            )
            for receipt in user.receipts
        ],
    )
    firsts = [page[0].sequence if page else 0 for page in user.pages]
    if not is_user_id(user.user_id) or user.version < 1 or firsts != list(pages_before(snapshot)):
        raise Corrupt(place, 0, "a user with wrong fields")
    return CompleteUser(snapshot, user.pages)
