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
from persistence.codec.snapshots import current_snapshot
from persistence.errors import Corrupt, NewerFormat
from persistence.maintenance.user_history import CompleteUser, pages_before

EXPORT_FORMAT = 1
_KEY = "questkeep_export"
_BYTES = "$base64"
_PACKED = "$msgpack"
_RECEIPT = ("command_id", "fingerprint", "version", "reply")

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode
_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode


def line_of(user: CompleteUser) -> bytes:
    """The user's line, with its end."""
    pages = {"pages": _told(user.pages)} if user.pages else {}
    return _to_json({_KEY: EXPORT_FORMAT, **readable(user.snapshot), **pages}) + b"\n"


def readable(snapshot: dict[str, Any]) -> dict[str, Any]:
    """A snapshot's plain values as JSON can hold them."""
    receipts = [_receipt_told(fields) for fields in snapshot["receipts"]]
    told: dict[str, Any] = _told({**snapshot, "receipts": receipts})
    return told


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
    found = fields.get(_KEY) if isinstance(fields, dict) else None
    if not isinstance(found, int) or found < 1:
        raise Corrupt(place, 0, f"a line without {_KEY}")
    if found > EXPORT_FORMAT:
        raise NewerFormat(place, found, EXPORT_FORMAT)
    del fields[_KEY]
    try:
        snapshot = _meant(fields)
        pages = snapshot.pop("pages", [])
        snapshot["receipts"] = [_receipt_meant(one) for one in snapshot["receipts"]]
        sound = is_user_id(snapshot["user_id"]) and isinstance(snapshot["rows"], dict)
        sound = sound and isinstance(snapshot["version"], int) and snapshot["version"] >= 1
        firsts = [page[0]["sequence"] for page in pages]
        sound = sound and firsts == list(pages_before(snapshot))
    except (LookupError, TypeError, ValueError, AttributeError, binascii.Error) as error:
        raise Corrupt(place, 0, f"a user with wrong fields: {error!r}") from None
    if not sound:
        raise Corrupt(place, 0, "a user with wrong fields")
    return CompleteUser(current_snapshot(snapshot, place), pages)


def _receipt_told(fields: list[Any]) -> dict[str, Any]:
    told = dict(zip(_RECEIPT, fields, strict=False))
    told["reply"] = _reply_told(told["reply"])
    return told | ({"more": fields[len(_RECEIPT) :]} if len(fields) > len(_RECEIPT) else {})


def _reply_told(reply: bytes) -> Any:
    """The reply's fields, if JSON gives them back exactly; else its bytes."""
    try:
        fields = _unpack(reply)
        exact = isinstance(fields, dict) and _pack(_meant(_from_json(_to_json(_told(fields)))))
    except (msgspec.DecodeError, ValueError, TypeError, RecursionError):
        return reply
    return fields if exact == reply else reply


def _receipt_meant(told: dict[str, Any]) -> list[Any]:
    reply = told["reply"] if isinstance(told["reply"], bytes) else _pack(told["reply"])
    meant: list[Any] = [told["command_id"], told["fingerprint"], told["version"], reply]
    return [*meant, *told.get("more", [])]


def _told(value: Any) -> Any:
    """`value` with its bytes as text."""
    match value:
        case bytes():
            return {_BYTES: base64.b64encode(value).decode()}
        case dict() if _BYTES in value or _PACKED in value:  # by chance: it must not be undone
            return {_PACKED: base64.b64encode(_pack(value)).decode()}
        case dict():
            return {key: _told(one) for key, one in value.items()}
        case list():
            return [_told(one) for one in value]
        case _:
            return value


def _meant(value: Any) -> Any:
    """The reverse."""
    match value:
        case {"$base64": str(text)} if len(value) == 1:
            return base64.b64decode(text, validate=True)
        case {"$msgpack": str(text)} if len(value) == 1:
            return _unpack(base64.b64decode(text, validate=True))
        case dict():
            return {key: _meant(one) for key, one in value.items()}
        case list():
            return [_meant(one) for one in value]
        case _:
            return value
