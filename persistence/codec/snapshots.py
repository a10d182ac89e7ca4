"""User snapshots: a user's state and receipts as bytes with a format number, and back (P9).

Not for: framing and checksums (`frame`), where bytes go (`store`), or changing a snapshot without
knowing what it means (`raw_snapshots`).
"""

from collections.abc import Iterable

import msgpack
import msgspec
from msgspec import Struct

from domain.state.history import HistoryEntry
from domain.state.persistent_list import PersistentList
from domain.state.persistent_map import PersistentMap
from domain.state.receipts import Receipt, Receipts
from domain.state.rows import (
    BattleOutcome,
    BattleState,
    ChapterProgression,
    DefeatCounts,
    PlayerProgression,
    QuestRecord,
)
from domain.state.user_state import UserState
from persistence.codec.formats import FORMAT, encode
from persistence.codec.raw_rows import RowsDict, keep_unknown_fields
from persistence.codec.raw_snapshots import (
    SnapshotDict,
    raw_receipt,
    receipt_of,
    unpack_snapshot,
)
from persistence.errors import Corrupt


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


class Snapshot(Struct, frozen=True):
    """A user as stored: the state, its receipts, and the stored rows when they hold fields that
    this version does not know, to be written back with the next snapshot."""

    state: UserState
    receipts: Receipts
    unknown: RowsDict | None


def rows_of(state: UserState) -> Rows:
    """The state table by table."""
    return Rows(
        player_progression=state.player_progression,
        chapter_progression=list(state.chapters.values()),
        quest_record=list(state.quests.values()),
        battle_state=list(state.battles.values()),
        inventory=dict(state.inventory),
        wallet=dict(state.wallet),
        affinity=dict(state.affinity),
        repeat_tally=list(state.repeats.values()),
        history=list(state.history),
    )


def state_of(user_id: str, era: str, version: int, rows: Rows) -> UserState:
    """The state whose tables `rows` are."""
    quests = {row.quest_id: row for row in rows.quest_record}
    battles = {row.battle_id: row for row in rows.battle_state}
    ongoing = BattleOutcome.ONGOING
    return UserState(
        user_id=user_id,
        era=era,
        version=version,
        player_progression=rows.player_progression,
        chapters=PersistentMap({row.chapter_id: row for row in rows.chapter_progression}),
        quests=PersistentMap(quests),
        open_quests=PersistentMap({key: row for key, row in quests.items() if row.status.open}),
        battles=PersistentMap(battles),
        open_battles=PersistentMap(
            {key: row for key, row in battles.items() if row.outcome is ongoing}
        ),
        inventory=PersistentMap(rows.inventory),
        wallet=PersistentMap(rows.wallet),
        affinity=PersistentMap(rows.affinity),
        repeats=PersistentMap({row.scope: row for row in rows.repeat_tally}),
        history=PersistentList.of(rows.history),
    )


def encode_snapshot(
    state: UserState, receipts: Iterable[Receipt], unknown: RowsDict | None = None
) -> bytes:
    """A snapshot's bytes; `unknown` is what `decode_snapshot` gave, and is kept."""
    rows = rows_of(state)
    return encode(
        {
            "format": FORMAT,
            "user_id": state.user_id,
            "era": state.era,
            "version": state.version,
            "rows": rows
            if unknown is None
            else keep_unknown_fields(unknown, msgspec.to_builtins(rows)),
            "receipts": [raw_receipt(receipt) for receipt in receipts],
        }
    )


def decode_snapshot(payload: bytes, place: str, receipt_window: int) -> Snapshot:
    """The user that `payload` holds.

    Raises:
        NewerFormat, Corrupt: naming `place`.
    """
    snapshot = unpack_snapshot(payload, place)
    try:
        rows = msgspec.convert(snapshot["rows"], Rows)
        receipts = Receipts(receipt_window, map(receipt_of, snapshot["receipts"]))
        state = state_of(snapshot["user_id"], snapshot["era"], snapshot["version"], rows)
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise Corrupt(place, 0, f"a snapshot with wrong fields: {error}") from None
    known = msgpack.unpackb(encode(rows))  # as stored: with lists where the rows have tuples
    return Snapshot(state, receipts, None if snapshot["rows"] == known else snapshot["rows"])


def empty_snapshot(user_id: str) -> SnapshotDict:
    """What a user who was never written is recovered from."""
    return {
        "format": FORMAT,
        "user_id": user_id,
        "era": "",
        "version": 0,
        "rows": msgspec.to_builtins(rows_of(UserState(user_id))),
        "receipts": [],
    }
