"""Domain values <-> stored bytes, with the format's number in all of them (P9).

The one file of this layer that knows domain types.  A journal record carries the reply body as it
was first given: the rows *after* the change are in it, so recovery puts rows and runs no rule, and
the same bytes are the receipt.

Not for: framing and checksums (`frame`), or where bytes go (`store`).
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgpack
import msgspec
from msgspec import Struct

from domain.messages.reply import ReplyBody
from domain.state.history import HistoryEntry
from domain.state.persistent_list import PersistentList
from domain.state.persistent_map import PersistentMap
from domain.state.receipts import Receipt, Receipts
from domain.state.rows import (
    BattleState,
    ChapterProgression,
    DefeatCounts,
    PlayerProgression,
    QuestRecord,
)
from domain.state.user_state import UserState
from persistence.errors import Corrupt, NewerFormat

FORMAT = 1
"""The newest format of records and snapshots; every older released one is read for ever."""

Upcasters = Mapping[int, Callable[[Any], Any]]

RECORD_UPCASTERS: Upcasters = {}
SNAPSHOT_UPCASTERS: Upcasters = {}
"""What stands under n makes the fields of format n those of n + 1, their number among them.

They run at reading, one after the other, and write nothing back.  Which bytes are read for ever is
in `tests/golden/`.
"""

KEYS = {
    "chapter_progression": "chapter_id",
    "quest_record": "quest_id",
    "battle_state": "battle_id",
    "repeat_tally": "scope",
    "history": "sequence",
}
"""Tables with many rows a user, and the field that tells their rows apart."""


class Record(Struct, frozen=True, array_like=True):
    """One command that changed one user.

    `fingerprint` identifies the command's content, `rules` the rules that decided it; `reply` is
    the reply body as first given, in msgpack.
    """

    format: int
    user_id: str
    version: int
    command_id: str
    fingerprint: bytes
    rules: str
    reply: bytes


class Rows(Struct, frozen=True):
    """Everything a user owns, table by table: the shape of snapshots.

    `history` is the part of the history that no stored page holds yet, and the newest entries.
    """

    player_progression: PlayerProgression | None
    chapter_progression: list[ChapterProgression]
    quest_record: list[QuestRecord]
    battle_state: list[BattleState]
    inventory: dict[str, int]
    wallet: dict[str, int]
    affinity: dict[str, int]
    repeat_tally: list[DefeatCounts] = []
    history: list[HistoryEntry] = []


class _Asleep(Struct, frozen=True, array_like=True):
    """A user in memory but out of use; see `encode_asleep`."""

    rows: Rows
    receipts: list[tuple[str, int, bytes]]
    unknown: dict[str, Any] | None


class Snapshot(Struct, frozen=True):
    """A user as stored: the state, its receipts, and the stored rows when they hold fields that
    this version does not know, to be written back with the next snapshot."""

    state: UserState
    receipts: Receipts
    unknown: dict[str, Any] | None


_encode = msgspec.msgpack.Encoder().encode
_decode_asleep = msgspec.msgpack.Decoder(_Asleep).decode
_decode_fingerprints = msgspec.msgpack.Decoder(list[bytes]).decode


def encode_reply(body: ReplyBody) -> bytes:
    """The reply body in msgpack: what a record and a receipt carry."""
    return _encode(body)


def encode_record(record: Record) -> bytes:
    """The record as one entry of a journal batch."""
    return _encode(record)


def decode_record(data: bytes, place: str) -> Record:
    """The record that `data` holds; `place` names where it stood.

    Raises:
        NewerFormat: written by a newer Questkeep.
        Corrupt: no record, though its frame's checksum held.
    """
    fields = _unpack(data, place)
    if not isinstance(fields, list) or not fields:
        raise Corrupt(place, 0, "a record that is no list of fields")
    fields = _brought_up(fields, fields[0], RECORD_UPCASTERS, place)
    try:
        return msgspec.convert(fields, Record)
    except msgspec.ValidationError as error:
        raise Corrupt(place, 0, f"a record with wrong fields: {error}") from None


def rows_of(state: UserState) -> Rows:
    """The state table by table."""
    return Rows(
        player_progression=state.player_progression,
        chapter_progression=list(state.chapters.values()),
        quest_record=list(state.quests.values()),
        battle_state=list(state.battles.values()),
        inventory=state.inventory,
        wallet=state.wallet,
        affinity=state.affinity,
        repeat_tally=list(state.repeats.values()),
        history=list(state.history),
    )


def state_of(user_id: str, version: int, rows: Rows) -> UserState:
    """The state whose tables `rows` are."""
    return UserState(
        user_id=user_id,
        version=version,
        player_progression=rows.player_progression,
        chapters=PersistentMap({row.chapter_id: row for row in rows.chapter_progression}),
        quests=PersistentMap({row.quest_id: row for row in rows.quest_record}),
        battles=PersistentMap({row.battle_id: row for row in rows.battle_state}),
        inventory=rows.inventory,
        wallet=rows.wallet,
        affinity=rows.affinity,
        repeats=PersistentMap({row.scope: row for row in rows.repeat_tally}),
        history=PersistentList.of(rows.history),
    )


def encode_snapshot(
    state: UserState, receipts: Iterable[Receipt], unknown: dict[str, Any] | None = None
) -> bytes:
    """A snapshot's bytes; `unknown` is what `decode_snapshot` gave, and is kept."""
    rows = rows_of(state)
    return _encode(
        {
            "format": FORMAT,
            "user_id": state.user_id,
            "version": state.version,
            "rows": rows if unknown is None else _laid_over(unknown, msgspec.to_builtins(rows)),
            "receipts": [
                [one.command_id, one.fingerprint, one.version, one.reply] for one in receipts
            ],
        }
    )


def pack_snapshot(snapshot: dict[str, Any]) -> bytes:
    """The bytes of a snapshot given as plain values."""
    return _encode(snapshot)


def unpack_snapshot(payload: bytes, place: str) -> dict[str, Any]:
    """A snapshot's bytes as plain values: what recovery and the operator's tools work on.

    Raises:
        NewerFormat, Corrupt: naming `place`.
    """
    return current_snapshot(_unpack(payload, place), place)


def current_snapshot(snapshot: Any, place: str) -> dict[str, Any]:
    """The snapshot in today's format, whichever it was written in, all plain values.

    Raises:
        NewerFormat, Corrupt: naming `place`.
    """
    if not isinstance(snapshot, dict) or "format" not in snapshot:
        raise Corrupt(place, 0, "a snapshot that is no map with a format")
    current: dict[str, Any] = _brought_up(snapshot, snapshot["format"], SNAPSHOT_UPCASTERS, place)
    return current


def decode_snapshot(payload: bytes, place: str, receipt_window: int) -> Snapshot:
    """The user that `payload` holds.

    Raises:
        NewerFormat, Corrupt: naming `place`.
    """
    snapshot = unpack_snapshot(payload, place)
    try:
        rows = msgspec.convert(snapshot["rows"], Rows)
        receipts = Receipts(
            receipt_window, (Receipt(*fields[:4]) for fields in snapshot["receipts"])
        )
        state = state_of(snapshot["user_id"], snapshot["version"], rows)
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise Corrupt(place, 0, f"a snapshot with wrong fields: {error}") from None
    known = msgpack.unpackb(_encode(rows))  # as stored: with lists where the rows have tuples
    return Snapshot(state, receipts, None if snapshot["rows"] == known else snapshot["rows"])


def encode_asleep(
    state: UserState, receipts: Iterable[Receipt], unknown: dict[str, Any] | None
) -> tuple[bytes, bytes]:
    """A user for this process's own memory: what compresses well, and the receipts' fingerprints,
    which do not.

    Never stored, so without a format's number; for that it takes a tenth of a snapshot's time.
    """
    kept = list(receipts)
    told = [(one.command_id, one.version, one.reply) for one in kept]
    return (
        _encode(_Asleep(rows_of(state), told, unknown)),
        _encode([one.fingerprint for one in kept]),
    )


def decode_asleep(
    body: bytes, fingerprints: bytes, user_id: str, version: int, receipt_window: int
) -> Snapshot:
    """The user that `encode_asleep` was given."""
    asleep = _decode_asleep(body)
    receipts = (
        Receipt(command_id, fingerprint, given_at, reply)
        for fingerprint, (command_id, given_at, reply) in zip(
            _decode_fingerprints(fingerprints), asleep.receipts, strict=True
        )
    )
    return Snapshot(
        state_of(user_id, version, asleep.rows), Receipts(receipt_window, receipts), asleep.unknown
    )


def empty_snapshot(user_id: str) -> dict[str, Any]:
    """What a user who was never written is recovered from."""
    return {
        "format": FORMAT,
        "user_id": user_id,
        "version": 0,
        "rows": msgspec.to_builtins(rows_of(UserState(user_id))),
        "receipts": [],
    }


def put_records(
    snapshot: dict[str, Any], records: Iterable[tuple[str, Record]], receipt_window: int
) -> dict[str, Any]:
    """The snapshot after `records` (each with the place it stood in), all plain values.

    Rows are put, no rule is run.  A row is laid over the one it replaces, so that fields which only
    a newer version knows stay.
    """
    tables = _Tables(snapshot["rows"])
    receipts = deque(snapshot["receipts"], maxlen=receipt_window)
    version = snapshot["version"]
    for place, record in records:
        tables.put(_unpack(record.reply, place)["changes"])
        receipts.append([record.command_id, record.fingerprint, record.version, record.reply])
        version = record.version
    return {
        **snapshot,
        "format": FORMAT,
        "version": version,
        "rows": tables.rows(),
        "receipts": list(receipts),
    }


def put_rows(rows: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`rows` with the changed rows in them, all plain values."""
    tables = _Tables(rows)
    tables.put(changes)
    return tables.rows()


def _laid_over(unknown: dict[str, Any], rows: dict[str, Any]) -> dict[str, Any]:
    """`rows` with what only `unknown` has; entries that left the history stay gone."""
    after = put_rows(unknown, rows)
    kept = {entry["sequence"] for entry in rows["history"]}
    after["history"] = [entry for entry in after["history"] if entry["sequence"] in kept]
    return after


class _Tables:
    """Rows as plain values, many-row tables by key while changes are put on them."""

    def __init__(self, rows: dict[str, Any]) -> None:
        self._tables = {
            table: {row[KEYS[table]]: row for row in held} if table in KEYS else held
            for table, held in rows.items()
        }

    def put(self, changes: dict[str, Any]) -> None:
        for table, changed in changes.items():
            if table in KEYS:
                held = self._tables.setdefault(table, {})
                for row in changed:
                    key = row[KEYS[table]]
                    held[key] = {**held.get(key, {}), **row}
            elif table == "player_progression":
                if changed is not None:  # a row that stands does not go away
                    self._tables[table] = {**(self._tables.get(table) or {}), **changed}
            else:
                self._tables[table] = changed

    def rows(self) -> dict[str, Any]:
        return {
            table: list(held.values()) if table in KEYS else held
            for table, held in self._tables.items()
        }


def _unpack(data: bytes, place: str) -> Any:
    try:
        return msgpack.unpackb(data, strict_map_key=True)
    except (ValueError, msgpack.UnpackException) as error:
        raise Corrupt(place, 0, f"bytes that are no msgpack: {error}") from None


def _brought_up(fields: Any, found: object, upcasters: Upcasters, place: str) -> Any:
    """`fields`, written in format `found`, as the newest format has them (P9)."""
    if not isinstance(found, int) or found < 1:
        raise Corrupt(place, 0, f"format {found!r}, expected a number from 1 to {FORMAT}")
    if found > FORMAT:
        raise NewerFormat(place, found, FORMAT)
    for format_ in range(found, FORMAT):
        fields = upcasters[format_](fields)
    return fields
