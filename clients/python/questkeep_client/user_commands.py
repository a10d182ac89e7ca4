"""A method for each command, by the names of the API.

Each gives the `Reply` when the change is durable, and raises `Problem` when it is refused.  A
command that was sent before is repeated by naming its `command_id`; without one it gets a new one.

`R` is what a sender gives: the reply itself, or something to await.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Literal, TypedDict, TypeVar

from msgspec import UNSET, UnsetType

from questkeep_client.protocol import commands
from questkeep_client.protocol.commands import Action, Command


class Reply(TypedDict):
    """What became of a command.

    `changes` has the rows that changed, as they now are, by table; `events` what happened, each
    with its `type`.  `replayed` says that the command took effect when it was sent before.
    """

    command_id: str
    version: int
    replayed: bool
    changes: dict[str, Any]
    events: list[dict[str, Any]]


R = TypeVar("R")


class UserCommands(ABC, Generic[R]):
    """What may be asked of one user."""

    @abstractmethod
    def send(self, command: Command, command_id: str = "") -> R:
        """Send any command."""

    def turn_in_quest(self, quest_id: str, *, command_id: str = "") -> R:
        """Hand in a quest that is ready and take its reward."""
        return self.send(commands.TurnInQuest(quest_id), command_id)

    def abandon_quest(self, quest_id: str, *, command_id: str = "") -> R:
        """Give up a quest that was not turned in."""
        return self.send(commands.AbandonQuest(quest_id), command_id)

    def resolve_combat_action(self, battle_id: str, action: Action, *, command_id: str = "") -> R:
        """Take one action in an ongoing battle."""
        return self.send(commands.ResolveCombatAction(battle_id, action), command_id)

    def acknowledge_level_ups(self, *, command_id: str = "") -> R:
        """The frontend has shown every pending level-up."""
        return self.send(commands.AcknowledgeLevelUps(), command_id)

    def grant_player_progression_experience(
        self,
        amount: int,
        source: Literal["quest", "hostile_npc", "service"] | UnsetType = UNSET,
        *,
        command_id: str = "",
    ) -> R:
        """Give experience (services)."""
        return self.send(commands.GrantExperience(amount, source), command_id)

    def upsert_chapter_progression(
        self, plan: commands.UpsertChapter, *, command_id: str = ""
    ) -> R:
        """Write or overwrite a chapter's plan (services)."""
        return self.send(plan, command_id)

    def apply_chapter_progression_ledger_entry(
        self, entry: commands.ApplyChapterLedgerEntry, *, command_id: str = ""
    ) -> R:
        """Add to the ledger of a chapter that has a plan (services)."""
        return self.send(entry, command_id)

    def compile_chapters(self, chapters: Sequence[dict[str, Any]], *, command_id: str = "") -> R:
        """Write the plans that these blueprints of a whole story compile to (services)."""
        return self.send(commands.CompileChapters(chapters), command_id)

    def record_signal(self, kind: str, target: str, count: int = 1, *, command_id: str = "") -> R:
        """Something happened `count` times (services): active quests that ask for it move."""
        return self.send(commands.RecordSignal(kind, target, count), command_id)

    def undo_grant(self, undo_command_id: str, *, command_id: str = "") -> R:
        """Take back what another command granted, however long ago (services)."""
        return self.send(commands.UndoGrant(undo_command_id), command_id)

    def rebase_progression(self, *, command_id: str = "") -> R:
        """Read the total experience again under the rules in force (services)."""
        return self.send(commands.RebaseProgression(), command_id)

    def offer_quest(
        self,
        quest_id: str,
        reward: dict[str, Any],
        *,
        chapter_id: str | UnsetType = UNSET,
        objectives: Sequence[dict[str, Any]] | UnsetType = UNSET,
        command_id: str = "",
    ) -> R:
        """Give the user a quest (services)."""
        offer = commands.OfferQuest(quest_id, reward, chapter_id, objectives)
        return self.send(offer, command_id)

    def start_battle(
        self,
        battle_id: str,
        hostile: dict[str, Any],
        *,
        chapter_id: str | UnsetType = UNSET,
        mode: Literal["fight", "spar"] | UnsetType = UNSET,
        experience_reward: int | UnsetType = UNSET,
        reward: dict[str, Any] | UnsetType = UNSET,
        command_id: str = "",
    ) -> R:
        """Open a battle (services)."""
        battle = commands.StartBattle(
            battle_id, hostile, chapter_id, mode, experience_reward, reward
        )
        return self.send(battle, command_id)
