"""Snapshots by the names of their fields, so that tests can damage one at a time.

Nothing is checked on the way in or out.  Not for: what a snapshot means (`persistence.codec`).
"""

from typing import Any

import msgpack
from msgspec import Struct

from domain.state.history import HistoryEntry
from domain.state.rows import (
    BattleState,
    ChapterProgression,
    DefeatCounts,
    PlayerProgression,
    QuestRecord,
)
from persistence.codec.snapshots import Rows

HEAD = ("format", "user_id", "era", "version", "rows", "receipts")
TABLES: dict[str, type[Struct]] = {
    "chapter_progression": ChapterProgression,
    "quest_record": QuestRecord,
    "battle_state": BattleState,
    "repeat_tally": DefeatCounts,
    "history": HistoryEntry,
}


def named(payload: bytes) -> dict[str, Any]:
    """A snapshot's fields; receipts are `[command_id, fingerprint, version, decision]`."""
    fields = dict(zip(HEAD, msgpack.unpackb(payload), strict=True))
    rows = dict(zip(Rows.__struct_fields__, fields["rows"], strict=True))
    if rows["player_progression"] is not None:
        rows["player_progression"] = _row(PlayerProgression, rows["player_progression"])
    for table, kind in TABLES.items():
        rows[table] = [_row(kind, values) for values in rows[table]]
    return {**fields, "rows": rows}


def packed(fields: dict[str, Any]) -> bytes:
    """The snapshot's bytes, whatever became of its fields."""
    rows = dict(fields["rows"])
    if rows.get("player_progression") is not None:
        rows["player_progression"] = [*rows["player_progression"].values()]
    for table in TABLES:
        if table in rows:
            rows[table] = [[*row.values()] for row in rows[table]]
    payload: bytes = msgpack.packb([*{**fields, "rows": [*rows.values()]}.values()])
    return payload


def _row(kind: type[Struct], values: list[Any]) -> dict[str, Any]:
    return dict(zip(kind.__struct_fields__, values, strict=True))
