"""What must be true of one user's stored rows and receipts, whatever the rules are.

Not for: what only the rules can say (total XP against the level), or where rows stand.
"""

from collections.abc import Iterator

from msgspec.structs import asdict

from domain.state.rows import BattleState, ChapterProgression, PlayerProgression, QuestRecord
from domain.state.user_state import UserState
from persistence.codec.records import decode_decision
from persistence.codec.snapshots import Snapshot
from persistence.errors import Corrupt

_Owned = PlayerProgression | ChapterProgression | QuestRecord | BattleState


def flaws(snapshot: Snapshot, user_id: str) -> Iterator[str]:
    """Everything that is wrong with a user's snapshot, each in words."""
    if snapshot.state.user_id != user_id:
        yield f"the user {snapshot.state.user_id!r} under the name of {user_id!r}"
    yield from _of_rows(snapshot.state)
    yield from _of_history(snapshot.state)
    yield from _of_receipts(snapshot)


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


def _of_receipts(snapshot: Snapshot) -> Iterator[str]:
    seen, version = set[str](), snapshot.state.version
    for receipt in snapshot.receipts:
        command_id = receipt.command_id
        if command_id in seen:
            yield f"receipt {command_id}: there are two"
        seen.add(command_id)
        if not 1 <= receipt.version <= version:
            yield f"receipt {command_id}: of version {receipt.version}, expected 1 to {version}"
        try:
            decode_decision(receipt.decision, f"receipt {command_id}")
        except Corrupt as error:
            yield str(error)
