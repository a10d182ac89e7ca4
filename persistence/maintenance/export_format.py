"""A user as one line of JSON, and back to the very same bytes (P9).

`{"questkeep_export": 1, "format", "user_id", "version", "rows", "receipts", "pages"}`; `pages` is
the part of the history before `rows.history`, where there is one.  Receipts and the replies in them
are readable; bytes stand as `{"$base64": "…"}`, and so does a reply that JSON could not give back
exactly.  Fields that only a newer Questkeep knows stay.

Not for: where lines come from and go to (`export_import`).
"""

import base64
import binascii
from typing import Any

import msgspec

from domain.ids import is_user_id
from domain.state.receipts import Receipt
from persistence.codec.raw_snapshots import (
    RawReceipt,
    SnapshotDict,
    current_snapshot,
    raw_receipt,
    receipt_of,
)
from persistence.errors import Corrupt, NewerFormat
from persistence.maintenance.user_history import CompleteUser, pages_before

EXPORT_FORMAT = 1
_KEY = "questkeep_export"
_BYTES = "$base64"
_PACKED = "$msgpack"

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode
_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode


def line_of(user: CompleteUser) -> bytes:
    """The user's line, with its end."""
    pages = {"pages": _to_plain_json(user.pages)} if user.pages else {}
    return _to_json({_KEY: EXPORT_FORMAT, **readable(user.snapshot), **pages}) + b"\n"


def readable(snapshot: SnapshotDict) -> dict[str, Any]:
    """A snapshot's plain values as JSON can hold them."""
    receipts = [_receipt_to_json(receipt) for receipt in snapshot["receipts"]]
    fields: dict[str, Any] = _to_plain_json({**snapshot, "receipts": receipts})
    return fields


def user_in(line: bytes, place: str) -> CompleteUser:
    """The user that a line holds; `place` names where it stands.

    Raises:
        NewerFormat: a newer Questkeep wrote it.
        Corrupt: it is no line of an export.
    """
    try:
        fields = _from_json(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Corrupt(place, 0, f"a line that is no JSON: {error}") from None
    number = fields.get(_KEY) if isinstance(fields, dict) else None
    if not isinstance(number, int) or number < 1:
        raise Corrupt(place, 0, f"a line without {_KEY}")
    if number > EXPORT_FORMAT:
        raise NewerFormat(place, number, EXPORT_FORMAT)
    del fields[_KEY]
    try:
        snapshot = _from_plain_json(fields)
        pages = snapshot.pop("pages", [])
        snapshot["receipts"] = [_receipt_from_json(receipt) for receipt in snapshot["receipts"]]
        sound = is_user_id(snapshot["user_id"]) and isinstance(snapshot["rows"], dict)
        sound = sound and isinstance(snapshot["version"], int) and snapshot["version"] >= 1
        firsts = [page[0]["sequence"] for page in pages]
        sound = sound and firsts == list(pages_before(snapshot))
    except (LookupError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Corrupt(place, 0, f"a user with wrong fields: {error!r}") from None
    if not sound:
        raise Corrupt(place, 0, "a user with wrong fields")
    return CompleteUser(current_snapshot(snapshot, place), pages)


def _receipt_to_json(raw: RawReceipt) -> dict[str, Any]:
    receipt = receipt_of(raw)
    fields = {
        "command_id": receipt.command_id,
        "fingerprint": receipt.fingerprint,
        "version": receipt.version,
        "reply": _readable_reply(receipt.reply),
    }
    unknown = raw[len(fields) :]
    return fields | ({"more": unknown} if unknown else {})


def _receipt_from_json(fields: dict[str, Any]) -> RawReceipt:
    reply = fields["reply"]
    packed = reply if isinstance(reply, bytes) else _pack(reply)
    receipt = Receipt(fields["command_id"], fields["fingerprint"], fields["version"], packed)
    return [*raw_receipt(receipt), *fields.get("more", [])]


def _readable_reply(reply: bytes) -> Any:
    """The reply's fields, if JSON gives them back exactly; else its bytes."""
    try:
        fields = _unpack(reply)
        json = _to_json(_to_plain_json(fields))
        exact = isinstance(fields, dict) and _pack(_from_plain_json(_from_json(json)))
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError):
        return reply
    return fields if exact == reply else reply


def _to_plain_json(value: Any) -> Any:
    """`value` with its bytes as text."""
    match value:
        case bytes():
            return {_BYTES: base64.b64encode(value).decode()}
        case dict() if _BYTES in value or _PACKED in value:  # by chance: it must not be undone
            return {_PACKED: base64.b64encode(_pack(value)).decode()}
        case dict():
            return {key: _to_plain_json(item) for key, item in value.items()}
        case list():
            return [_to_plain_json(item) for item in value]
        case _:
            return value


def _from_plain_json(value: Any) -> Any:
    """The value that `_to_plain_json` was given."""
    match value:
        case {"$base64": str(text)} if len(value) == 1:
            return base64.b64decode(text, validate=True)
        case {"$msgpack": str(text)} if len(value) == 1:
            return _unpack(base64.b64decode(text, validate=True))
        case dict():
            return {key: _from_plain_json(item) for key, item in value.items()}
        case list():
            return [_from_plain_json(item) for item in value]
        case _:
            return value
