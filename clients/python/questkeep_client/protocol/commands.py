"""What may be asked of a user, by the names of the API; the client adds the command id.

Fields stand in the order in which people say them: `RecordSignal("defeat", "wolf", 3)`.  Amounts
are integers up to 2^53 - 1; ids are 1 to 128 characters of `A-Z a-z 0-9 . _ : @ -`.

Not for: what the rules say to it.  A refusal is a `Problem`.
"""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType, to_builtins

Action = Literal["attack", "guard", "skill", "escape", "yield"]


class Command(Struct, frozen=True, tag_field="type", omit_defaults=True):
    """Root of all commands; `type` on the wire is the tag."""

    def frame(self, command_id: str) -> dict[str, Any]:
        """The command as it goes over the line."""
        fields: dict[str, Any] = to_builtins(self)
        fields["command_id"] = command_id
        return fields


class TurnInQuest(Command, frozen=True, tag="turn_in_quest"):
    """Hand in a quest that is ready and take its reward."""

    quest_id: str


class AbandonQuest(Command, frozen=True, tag="abandon_quest"):
    """Give up a quest that was not turned in."""

    quest_id: str


class ResolveCombatAction(Command, frozen=True, tag="resolve_combat_action"):
    """Take one action in an ongoing battle."""

    battle_id: str
    action: Action


class AcknowledgeLevelUps(Command, frozen=True, tag="acknowledge_level_ups"):
    """The frontend has shown every pending level-up."""


class GrantExperience(Command, frozen=True, tag="grant_player_progression_experience"):
    """Give experience (services); 0 changes nothing."""

    amount: int
    source: Literal["quest", "hostile_npc", "service"] | UnsetType = UNSET


class UpsertChapter(Command, frozen=True, kw_only=True, tag="upsert_chapter_progression"):
    """Write or overwrite a chapter's plan (services); its ledger starts again at 0."""

    chapter_id: str
    chapter_index: int
    total_chapters: int
    entry_pseudo_level_millis: int
    exit_pseudo_level_millis: int
    entry_level: int
    exit_level: int
    planned_total_xp: int
    planned_quest_xp: int
    planned_hostile_xp: int
    expected_hostile_defeat_count: int
    pace_band: Literal["opening_fast", "steady", "pressure", "finale_dense"]


class CompileChapters(Command, frozen=True, tag="compile_chapters"):
    """Write the plans that these blueprints of a whole story compile to (services)."""

    chapters: Sequence[dict[str, Any]]


class ApplyChapterLedgerEntry(
    Command, frozen=True, kw_only=True, tag="apply_chapter_progression_ledger_entry"
):
    """Add to the ledger of a chapter that has a plan (services)."""

    chapter_id: str
    granted_quest_xp: int
    granted_hostile_xp: int
    hostile_defeat_increment: int
    level_at_exit: int | UnsetType = UNSET


class RecordSignal(Command, frozen=True, tag="record_signal"):
    """Something happened `count` times (services): every active quest that asks for it moves."""

    kind: str
    target: str
    count: int = 1

    def frame(self, command_id: str) -> dict[str, Any]:
        """As for every command; `count` always stands, because the API asks for it."""
        return super().frame(command_id) | {"count": self.count}


class UndoGrant(Command, frozen=True, tag="undo_grant"):
    """Take back what another command granted, however long ago (services)."""

    undo_command_id: str


class RebaseProgression(Command, frozen=True, tag="rebase_progression"):
    """Read `total_xp` again under the rules in force (services); no level is taken away."""


class OfferQuest(Command, frozen=True, tag="offer_quest"):
    """Give the user a quest (services); without objectives it is ready to turn in at once.

    `reward` is `{experience?, items?, currency?, affinity?, loot?}`; an objective is
    `{kind, target, required}`.
    """

    quest_id: str
    reward: dict[str, Any]
    chapter_id: str | UnsetType = UNSET
    objectives: Sequence[dict[str, Any]] | UnsetType = UNSET


class StartBattle(Command, frozen=True, tag="start_battle"):
    """Open a battle (services); all it pays is fixed now.

    `hostile` is `{hostile_id, tier?, level?, strength?}`.
    """

    battle_id: str
    hostile: dict[str, Any]
    chapter_id: str | UnsetType = UNSET
    mode: Literal["fight", "spar"] | UnsetType = UNSET
    experience_reward: int | UnsetType = UNSET
    reward: dict[str, Any] | UnsetType = UNSET
