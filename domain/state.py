"""A user's whole state as one frozen value, and the changes that lead from one state to the next.

`UserState.put` is the only way a state comes from another; recovery does the same to stored rows,
so what was decided and what is recovered are the same.
"""

from typing import TypeVar

from msgspec import Struct

from domain.events import AnyEvent
from domain.rows import BattleState, ChapterProgression, PlayerProgression, QuestRecord

_Row = TypeVar("_Row")


class Changes(Struct, frozen=True, omit_defaults=True):
    """The rows as they now are, only those that changed; None or empty means untouched."""

    player_progression: PlayerProgression | None = None
    chapter_progression: tuple[ChapterProgression, ...] = ()
    quest_record: tuple[QuestRecord, ...] = ()
    battle_state: tuple[BattleState, ...] = ()
    inventory: dict[str, int] | None = None
    wallet: dict[str, int] | None = None
    affinity: dict[str, int] | None = None


NOTHING = Changes()


class Decision(Struct, frozen=True):
    """What the rules say a command does: rows after it, and the events that explain them."""

    changes: Changes
    events: tuple[AnyEvent, ...]


NO_CHANGE = Decision(NOTHING, ())


class UserState(Struct, frozen=True):
    """Everything one user owns but the receipts.  `version` counts the commands that changed it."""

    user_id: str
    version: int = 0
    player_progression: PlayerProgression | None = None
    chapters: dict[str, ChapterProgression] = {}
    quests: dict[str, QuestRecord] = {}
    battles: dict[str, BattleState] = {}
    inventory: dict[str, int] = {}
    wallet: dict[str, int] = {}
    affinity: dict[str, int] = {}

    def put(self, changes: Changes) -> "UserState":
        """The next state: this one with `changes` in it and `version` one higher."""
        return UserState(
            user_id=self.user_id,
            version=self.version + 1,
            player_progression=changes.player_progression or self.player_progression,
            chapters=_put(
                self.chapters, {row.chapter_id: row for row in changes.chapter_progression}
            ),
            quests=_put(self.quests, {row.quest_id: row for row in changes.quest_record}),
            battles=_put(self.battles, {row.battle_id: row for row in changes.battle_state}),
            inventory=self.inventory if changes.inventory is None else changes.inventory,
            wallet=self.wallet if changes.wallet is None else changes.wallet,
            affinity=self.affinity if changes.affinity is None else changes.affinity,
        )


def _put(table: dict[str, _Row], rows: dict[str, _Row]) -> dict[str, _Row]:
    """`table` with `rows` in it; the same table when there are none."""
    return {**table, **rows} if rows else table
