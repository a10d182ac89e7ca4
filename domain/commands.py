"""Everything that may be asked of a user, checked field by field.

`decode_command` is the one way from an untrusted mapping to a command.  Fields that no command has
are refused: a player who names their own reward gets an error, not a smile.

Not for: permission to change anything in a given state (`decide`).
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, Strict, TypeAdapter

from domain.ids import Id
from domain.rows import BattleMode, PaceBand, Source, Tier

AMOUNT_MAX = 2**53 - 1
"""Largest amount a command may name: every JSON reader keeps it exact (RFC 7493)."""
EXPERIENCE_REWARD_MAX = 2**32 - 1
"""Largest reward of one battle [seed]."""
PARTS_MAX = 100
"""Largest number of objectives, items, currencies or affinities in one command."""

Amount = Annotated[int, Strict(), Field(ge=0, le=AMOUNT_MAX)]
Positive = Annotated[int, Strict(), Field(ge=1, le=AMOUNT_MAX)]
Level = Annotated[int, Strict(), Field(ge=1, le=10_000)]
Affinity = Annotated[int, Strict(), Field(ge=-AMOUNT_MAX, le=AMOUNT_MAX)]
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]

_config = ConfigDict(extra="forbid")
_command = dataclass(frozen=True, slots=True, kw_only=True)


@_command
class TurnInQuest:
    """Hand in a quest that is ready and take its reward."""

    __pydantic_config__ = _config
    type: Literal["turn_in_quest"] = "turn_in_quest"
    command_id: Id
    quest_id: Id


@_command
class AbandonQuest:
    """Give up a quest that was not turned in."""

    __pydantic_config__ = _config
    type: Literal["abandon_quest"] = "abandon_quest"
    command_id: Id
    quest_id: Id


@_command
class ResolveCombatAction:
    """Take one action in an ongoing battle."""

    __pydantic_config__ = _config
    type: Literal["resolve_combat_action"] = "resolve_combat_action"
    command_id: Id
    battle_id: Id
    action: Literal["attack", "guard", "skill", "escape", "yield"]


@_command
class AcknowledgeLevelUps:
    """The frontend has shown every pending level-up."""

    __pydantic_config__ = _config
    type: Literal["acknowledge_level_ups"] = "acknowledge_level_ups"
    command_id: Id


@_command
class GrantExperience:
    """Give experience; 0 changes nothing."""

    __pydantic_config__ = _config
    type: Literal["grant_player_progression_experience"] = "grant_player_progression_experience"
    command_id: Id
    amount: Amount
    source: Source = Source.SERVICE


@_command
class UpsertChapter:
    """Write or overwrite a chapter's plan; its ledger starts again at 0."""

    __pydantic_config__ = _config
    type: Literal["upsert_chapter_progression"] = "upsert_chapter_progression"
    command_id: Id
    chapter_id: Id
    chapter_index: Count
    total_chapters: Count
    entry_pseudo_level_millis: Amount
    exit_pseudo_level_millis: Amount
    entry_level: Level
    exit_level: Level
    planned_total_xp: Amount
    planned_quest_xp: Amount
    planned_hostile_xp: Amount
    expected_hostile_defeat_count: Amount
    pace_band: PaceBand


@_command
class ApplyChapterLedgerEntry:
    """Add to the ledger of a chapter that has a plan."""

    __pydantic_config__ = _config
    type: Literal["apply_chapter_progression_ledger_entry"] = (
        "apply_chapter_progression_ledger_entry"
    )
    command_id: Id
    chapter_id: Id
    granted_quest_xp: Amount
    granted_hostile_xp: Amount
    hostile_defeat_increment: Amount
    level_at_exit: Level | None = None


@_command
class ObjectiveOffer:
    """One thing a quest asks for."""

    __pydantic_config__ = _config
    kind: Id
    target: Id
    required: Count


@_command
class RewardOffer:
    """What a quest pays: amounts by item, currency and NPC id."""

    __pydantic_config__ = _config
    experience: Amount | None = None
    items: Annotated[dict[Id, Positive], Field(max_length=PARTS_MAX)] = field(default_factory=dict)
    currency: Annotated[dict[Id, Positive], Field(max_length=PARTS_MAX)] = field(
        default_factory=dict
    )
    affinity: Annotated[dict[Id, Affinity], Field(max_length=PARTS_MAX)] = field(
        default_factory=dict
    )


@_command
class OfferQuest:
    """Give the user a quest; without objectives it is ready to turn in at once."""

    __pydantic_config__ = _config
    type: Literal["offer_quest"] = "offer_quest"
    command_id: Id
    quest_id: Id
    chapter_id: Id | None = None
    objectives: Annotated[tuple[ObjectiveOffer, ...], Field(max_length=PARTS_MAX)] = ()
    reward: RewardOffer


@_command
class HostileOffer:
    """Who stands on the other side; what is left out is resolved when the battle opens."""

    __pydantic_config__ = _config
    hostile_id: Id
    tier: Tier = Tier.STANDARD
    level: Level | None = None
    strength: Annotated[int, Strict(), Field(ge=1, le=10**12)] | None = None


@_command
class StartBattle:
    """Open a battle."""

    __pydantic_config__ = _config
    type: Literal["start_battle"] = "start_battle"
    command_id: Id
    battle_id: Id
    chapter_id: Id | None = None
    mode: BattleMode = BattleMode.FIGHT
    hostile: HostileOffer
    experience_reward: Annotated[int, Strict(), Field(ge=0, le=EXPERIENCE_REWARD_MAX)] | None = None


Command = (
    TurnInQuest
    | AbandonQuest
    | ResolveCombatAction
    | AcknowledgeLevelUps
    | GrantExperience
    | UpsertChapter
    | ApplyChapterLedgerEntry
    | OfferQuest
    | StartBattle
)

PLAYER_COMMANDS = frozenset(
    {"turn_in_quest", "resolve_combat_action", "acknowledge_level_ups", "abandon_quest"}
)
"""What a player may send about themself; the rest is for services only."""

SERVICE_COMMANDS = frozenset(
    {
        "grant_player_progression_experience",
        "upsert_chapter_progression",
        "apply_chapter_progression_ledger_entry",
        "offer_quest",
        "start_battle",
    }
)

COMMAND_TYPES = PLAYER_COMMANDS | SERVICE_COMMANDS

command_adapter: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="type")])


def decode_command(fields: dict[str, Any]) -> Command:
    """The command that `fields` name.

    Raises:
        pydantic.ValidationError: one entry for each field that is missing, unknown or wrong.
    """
    return command_adapter.validate_python(fields)
