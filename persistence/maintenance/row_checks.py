"""What must be true of one user's stored rows and receipts, whatever the rules are.

Not for: what only the rules can say (total XP against the level), or where rows stand.
"""

import sys
from collections.abc import Iterator

import msgpack
from msgspec.structs import asdict

from domain.state.rows import BattleState, ChapterProgression, PlayerProgression, QuestRecord
from domain.state.user_state import UserState
from persistence.codec.raw_rows import KEYS, RowsDict
from persistence.codec.raw_snapshots import RawReceipt, SnapshotDict, pack_snapshot, receipt_of
from persistence.codec.snapshots import decode_snapshot
from persistence.errors import Corrupt

_Owned = PlayerProgression | ChapterProgression | QuestRecord | BattleState


def flaws(snapshot: SnapshotDict, user_id: str) -> Iterator[str]:
    """Everything that is wrong with a user's snapshot, each in words."""
    if snapshot.get("user_id") != user_id:
        yield f"the user {snapshot.get('user_id')!r} under the name of {user_id!r}"
    try:
        state = decode_snapshot(pack_snapshot(snapshot), user_id, sys.maxsize).state
    except Corrupt as error:
        yield error.found
        return
    yield from _of_tables(snapshot["rows"])
    yield from _of_rows(state)
    yield from _of_history(state)
    yield from _of_receipts(snapshot["receipts"], state.version)


def _of_tables(rows: RowsDict) -> Iterator[str]:
    """Keys that tell no rows apart."""
    for table, key in KEYS.items():
        keys = [row[key] for row in rows.get(table, [])]
        if len(keys) != len(set(keys)):
            yield f"{table}: two rows with one {key}"


def _of_rows(state: UserState) -> Iterator[str]:
    owned: list[tuple[str, _Owned]] = [
        *([("player_progression", state.player_progression)] if state.player_progression else []),
        *((f"chapter {key}", chapter) for key, chapter in state.chapters.items()),
        *((f"quest {key}", quest) for key, quest in state.quests.items()),
        *((f"battle {key}", battle) for key, battle in state.battles.items()),
    ]
    for name, row in owned:
        if row.user_id != state.user_id:
            yield f"{name}: a row of {row.user_id!r}"
        yield from (
            f"{name}: {field} is {value}"
            for field, value in asdict(row).items()
            if isinstance(value, int) and value < 0
        )
    for name, amounts in (("inventory", state.inventory), ("wallet", state.wallet)):
        yield from (f"{name}: {key} is {held}" for key, held in amounts.items() if held < 0)


def _of_history(state: UserState) -> Iterator[str]:
    for before, after in zip(state.history, state.history[1:], strict=False):
        if after.sequence != before.sequence + 1:
            yield f"history: entry {after.sequence} after {before.sequence}"
    yield from (
        f"history: entry {entry.sequence} of version {entry.version}, after {state.version}"
        for entry in state.history
        if not 1 <= entry.version <= state.version
    )


def _of_receipts(receipts: list[RawReceipt], version: int) -> Iterator[str]:
    seen = set[str]()
    for receipt in map(receipt_of, receipts):
        command_id = receipt.command_id
        if command_id in seen:
            yield f"receipt {command_id}: there are two"
        seen.add(command_id)
        if not isinstance(receipt.version, int) or not 1 <= receipt.version <= version:
            yield f"receipt {command_id}: of version {receipt.version}, expected 1 to {version}"
        try:
            body = msgpack.unpackb(receipt.reply)
        except (ValueError, TypeError, msgpack.UnpackException):
            body = None
        if not isinstance(body, dict) or body.get("command_id") != command_id:
            yield f"receipt {command_id}: its reply is of another command or of none"
