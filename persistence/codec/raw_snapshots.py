"""Snapshots as plain values: what recovery and the operator's tools work on.

Nothing is lost on the way in and out, also not fields that only a newer Questkeep knows.

Not for: a user's state as the domain has it (`snapshots`).
"""

from collections import deque
from collections.abc import Iterable
from typing import Any, TypedDict, cast

from domain.state.receipts import Receipt
from persistence.codec.formats import FORMAT, Upcasters, encode, unpack, upcast
from persistence.codec.raw_rows import RawTables, RowsDict
from persistence.codec.records import Record
from persistence.errors import Corrupt

SNAPSHOT_UPCASTERS: Upcasters = {}

RawReceipt = list[Any]
"""`[command_id, fingerprint, version, reply]`, and behind them what only a newer Questkeep knows.

`fingerprint` and `reply` are bytes; `receipt_of` names the four."""


class SnapshotDict(TypedDict):
    """A snapshot as stored.  `receipts` stand in the order of their versions, the newest last."""

    format: int
    user_id: str
    era: str
    version: int
    rows: RowsDict
    receipts: list[RawReceipt]


def receipt_of(receipt: RawReceipt) -> Receipt:
    """The fields that this Questkeep knows, by name."""
    return Receipt(*receipt[:4])


def raw_receipt(receipt: Receipt | Record) -> RawReceipt:
    """The receipt as it is stored; a record is its command's receipt too."""
    return [receipt.command_id, receipt.fingerprint, receipt.version, receipt.reply]


def pack_snapshot(snapshot: SnapshotDict) -> bytes:
    """The snapshot in msgpack, as `Store.write_snapshot` takes it."""
    return encode(snapshot)


def unpack_snapshot(payload: bytes, place: str) -> SnapshotDict:
    """The snapshot that `payload` holds, in today's format.

    Raises:
        NewerFormat, Corrupt: naming `place`.
    """
    return current_snapshot(unpack(payload, place), place)


def current_snapshot(snapshot: Any, place: str) -> SnapshotDict:
    """The snapshot in today's format, whichever it was written in.

    Raises:
        NewerFormat, Corrupt: naming `place`.
    """
    if not isinstance(snapshot, dict) or "format" not in snapshot:
        raise Corrupt(place, 0, "a snapshot that is no map with a format")
    current = upcast(snapshot, snapshot["format"], SNAPSHOT_UPCASTERS, place)
    return cast("SnapshotDict", current)


def put_records(
    snapshot: SnapshotDict, records: Iterable[tuple[str, Record]], receipt_window: int
) -> SnapshotDict:
    """The snapshot after `records`, each with the place it stood in.

    Rows are put, no rule is run; the newest `receipt_window` receipts stay.
    """
    tables = RawTables(snapshot["rows"])
    receipts = deque(snapshot["receipts"], maxlen=receipt_window)
    era, version = snapshot["era"], snapshot["version"]
    for place, record in records:
        tables.put(unpack(record.reply, place)["changes"])
        receipts.append(raw_receipt(record))
        era, version = record.era, record.version
    return {
        **snapshot,
        "format": FORMAT,
        "era": era,
        "version": version,
        "rows": tables.rows(),
        "receipts": list(receipts),
    }
