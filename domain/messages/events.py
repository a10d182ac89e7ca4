"""Everything that can have happened to a user, told to the client beside the changed rows.

Events explain a change; the rows after it are what is stored and recovered.  Tags are for ever.
"""

from typing import Literal

from msgspec import Struct

from domain.state.history import Factor
from domain.state.rows import BattleOutcome, Origin, Reward, Source


class Event(Struct, frozen=True, gc=False, tag_field="type", omit_defaults=True):
    """Root of all events; `type` on the wire is the tag."""


class ResolvedFrom(Struct, frozen=True, gc=False):
    """Where a hostile's level, strength and worth come from, each on its own."""

    level: Origin
    strength: Origin
    experience_reward: Origin


class ExperienceGranted(Event, frozen=True, gc=False, tag="experience_granted"):
    """`amount` was added to `total_xp`; `planned` is what it was before any XP modifier.

    `factors` are the modifiers that changed it, in order, each with the amount before and after.
    """

    source: Source
    amount: int
    planned: int
    chapter_id: str | None = None
    factors: tuple[Factor, ...] = ()


class LevelReached(Event, frozen=True, gc=False, tag="level_reached"):
    """One event for each level, in order, also when one grant carries over several."""

    level: int


class GrantUndone(Event, frozen=True, gc=False, tag="grant_undone"):
    """What `undone_command_id` granted was taken back; the level may have fallen with it.

    `missing` is what could not be taken, because the user no longer has it.  `ledger_gone`: the
    chapter was planned anew since the grant, so its experience stands in no ledger any more and
    none was touched.
    """

    undone_command_id: str
    sequence: int
    level: int
    taken: Reward
    missing: Reward
    ledger_gone: bool = False


class ProgressionRebased(Event, frozen=True, gc=False, tag="progression_rebased"):
    """`total_xp` was read again under the rules in force.

    `raised_by` was added to it, so that it is enough for the level that is kept.
    """

    level: int
    total_xp: int
    raised_by: int


class LevelUpsAcknowledged(Event, frozen=True, gc=False, tag="level_ups_acknowledged"):
    """The frontend has shown `count` level-ups."""

    count: int


class ChapterPlanned(Event, frozen=True, gc=False, tag="chapter_planned"):
    """A plan was written; its ledger stands at 0."""

    chapter_id: str


class ChapterLedgerApplied(Event, frozen=True, gc=False, tag="chapter_ledger_applied"):
    """These amounts were added to the chapter's ledger."""

    chapter_id: str
    quest_xp: int
    hostile_xp: int
    defeats: int


class QuestOffered(Event, frozen=True, gc=False, tag="quest_offered"):
    """A quest was added; it stands in the changes."""

    quest_id: str


class QuestProgressed(Event, frozen=True, gc=False, tag="quest_progressed"):
    """A signal moved one of a quest's objectives to `current` of `required`."""

    quest_id: str
    kind: str
    target: str
    current: int
    required: int


class QuestReady(Event, frozen=True, gc=False, tag="quest_ready"):
    """Every objective is met: the quest can be turned in."""

    quest_id: str


class QuestTurnedIn(Event, frozen=True, gc=False, tag="quest_turned_in"):
    """A quest was turned in; what it paid follows in events of its own."""

    quest_id: str


class QuestAbandoned(Event, frozen=True, gc=False, tag="quest_abandoned"):
    """A quest was given up; it pays nothing any more."""

    quest_id: str


class ItemsGranted(Event, frozen=True, gc=False, tag="items_granted"):
    """`count` of an item went into the inventory."""

    item_id: str
    count: int


class CurrencyGranted(Event, frozen=True, gc=False, tag="currency_granted"):
    """`amount` of a currency went into the wallet."""

    currency: str
    amount: int


class AffinityChanged(Event, frozen=True, gc=False, tag="affinity_changed"):
    """An NPC thinks better (or worse) of the user by `amount`."""

    npc_id: str
    amount: int


class LootDrop(Struct, frozen=True, gc=False, omit_defaults=True):
    """One thing that came out of a loot table, or a roll that gave `nothing`.

    `roll` is what the dice said, 1 to `weights`, counted through the weights of the table in the
    order of the file; both are 0 for what is guaranteed.
    """

    kind: Literal["item", "currency", "affinity", "nothing"]
    id: str = ""
    amount: int = 0
    roll: int = 0
    weights: int = 0


class LootOpened(Event, frozen=True, gc=False, tag="loot_opened"):
    """A loot table was opened, for the `opening`-th time in this reward.

    What dropped is in the goods granted, together with what the reward names itself.
    """

    table: str
    opening: int
    drops: tuple[LootDrop, ...]


class LootMissing(Event, frozen=True, gc=False, tag="loot_missing"):
    """The reward names a loot table that the rules no longer have: it gave nothing."""

    table: str


class BattleStarted(Event, frozen=True, gc=False, tag="battle_started"):
    """A battle opened against this hostile; `resolved_from` says who named its numbers."""

    battle_id: str
    hostile_id: str
    experience_reward: int
    resolved_from: ResolvedFrom


class CombatTurnResolved(Event, frozen=True, gc=False, tag="combat_turn_resolved"):
    """Both sides' damage in this turn."""

    battle_id: str
    turn: int
    action: str
    damage_dealt: int
    damage_taken: int


class BattleEnded(Event, frozen=True, gc=False, tag="battle_ended"):
    """The battle is over, and moves no further."""

    battle_id: str
    outcome: BattleOutcome


AnyEvent = (
    ExperienceGranted
    | LevelReached
    | GrantUndone
    | ProgressionRebased
    | LevelUpsAcknowledged
    | ChapterPlanned
    | ChapterLedgerApplied
    | QuestOffered
    | QuestProgressed
    | QuestReady
    | QuestTurnedIn
    | QuestAbandoned
    | ItemsGranted
    | CurrencyGranted
    | AffinityChanged
    | LootOpened
    | LootMissing
    | BattleStarted
    | CombatTurnResolved
    | BattleEnded
)
