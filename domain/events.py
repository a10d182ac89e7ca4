"""Everything that can have happened to a user, told to the client beside the changed rows.

Events explain a change; the rows after it are what is stored and recovered.  Tags are for ever.
"""

from msgspec import Struct

from domain.rows import BattleOutcome, Source


class Event(Struct, frozen=True, gc=False, tag_field="type", omit_defaults=True):
    """Root of all events; `type` on the wire is the tag."""


class ExperienceGranted(Event, frozen=True, gc=False, tag="experience_granted"):
    """`amount` was added to `total_xp`; `planned` is what it was before any rule shaped it."""

    source: Source
    amount: int
    planned: int
    chapter_id: str | None = None


class LevelReached(Event, frozen=True, gc=False, tag="level_reached"):
    """One event for each level, in order, also when one grant carries over several."""

    level: int


class LevelUpsAcknowledged(Event, frozen=True, gc=False, tag="level_ups_acknowledged"):
    """The frontend has shown `count` level-ups."""

    count: int


class ChapterPlanned(Event, frozen=True, gc=False, tag="chapter_planned"):
    """A plan was written; its ledger stands at 0."""

    chapter_id: str


class ChapterLedgerApplied(Event, frozen=True, gc=False, tag="chapter_ledger_applied"):
    """The chapter's ledger grew."""

    chapter_id: str
    quest_xp: int
    hostile_xp: int
    defeats: int


class QuestOffered(Event, frozen=True, gc=False, tag="quest_offered"):
    """A quest was added."""

    quest_id: str


class QuestTurnedIn(Event, frozen=True, gc=False, tag="quest_turned_in"):
    """A quest was handed in."""

    quest_id: str


class QuestAbandoned(Event, frozen=True, gc=False, tag="quest_abandoned"):
    """A quest was given up."""

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


class BattleStarted(Event, frozen=True, gc=False, tag="battle_started"):
    """A battle opened against this hostile."""

    battle_id: str
    hostile_id: str
    experience_reward: int


class CombatTurnResolved(Event, frozen=True, gc=False, tag="combat_turn_resolved"):
    """Both sides' damage in this turn."""

    battle_id: str
    turn: int
    action: str
    damage_dealt: int
    damage_taken: int


class BattleEnded(Event, frozen=True, gc=False, tag="battle_ended"):
    """The battle is over."""

    battle_id: str
    outcome: BattleOutcome


AnyEvent = (
    ExperienceGranted
    | LevelReached
    | LevelUpsAcknowledged
    | ChapterPlanned
    | ChapterLedgerApplied
    | QuestOffered
    | QuestTurnedIn
    | QuestAbandoned
    | ItemsGranted
    | CurrencyGranted
    | AffinityChanged
    | BattleStarted
    | CombatTurnResolved
    | BattleEnded
)
