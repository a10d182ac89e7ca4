"""Everything that may be asked of a user, checked field by field.

`decode_command` is the one way from an untrusted mapping to a command.  Fields that no command has
are refused: a player who names their own reward gets an error, not a smile.

Not for: permission to change anything in a given state (`decide`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Annotated, Any, Literal, cast, get_args

import msgspec
from pydantic import ConfigDict, Field, TypeAdapter

from domain.ids import Id
from domain.messages.command_parts import (
    CHAPTERS_MAX,
    PARTS_MAX,
    Amount,
    BattleModeWord,
    BlueprintOffer,
    Count,
    Experience,
    GoodsOffer,
    HostileOffer,
    Level,
    ObjectiveOffer,
    PaceBandWord,
    RewardOffer,
    Since,
    SourceWord,
)
from domain.state.rows import BattleMode, Source

_config = ConfigDict(extra="forbid")
_command = dataclass(frozen=True, slots=True, kw_only=True)


@_command
class CommandBase:
    """What every command has.

    `since` is the position that the sender had seen when the command was first sent: with it the
    command takes effect at most once, however late it is repeated (P4).  It says how the command is
    delivered, not what it is: the same command with another `since` is the same command.
    """

    command_id: Id
    since: Since | None = None


@_command
class TurnInQuest(CommandBase):
    """Hand in a quest that is ready and take its reward."""

    __pydantic_config__ = _config
    type: Literal["turn_in_quest"] = "turn_in_quest"
    quest_id: Id


@_command
class AbandonQuest(CommandBase):
    """Give up a quest that was not turned in."""

    __pydantic_config__ = _config
    type: Literal["abandon_quest"] = "abandon_quest"
    quest_id: Id


@_command
class ResolveCombatAction(CommandBase):
    """Take one action in an ongoing battle."""

    __pydantic_config__ = _config
    type: Literal["resolve_combat_action"] = "resolve_combat_action"
    battle_id: Id
    action: Literal["attack", "guard", "skill", "escape", "yield"]


@_command
class AcknowledgeLevelUps(CommandBase):
    """The frontend has shown every pending level-up."""

    __pydantic_config__ = _config
    type: Literal["acknowledge_level_ups"] = "acknowledge_level_ups"


@_command
class GrantExperience(CommandBase):
    """Give experience; 0 changes nothing."""

    __pydantic_config__ = _config
    type: Literal["grant_player_progression_experience"] = "grant_player_progression_experience"
    amount: Amount
    source: SourceWord = Source.SERVICE


@_command
class UpsertChapter(CommandBase):
    """Write or overwrite a chapter's plan; its ledger starts again at 0."""

    __pydantic_config__ = _config
    type: Literal["upsert_chapter_progression"] = "upsert_chapter_progression"
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
    pace_band: PaceBandWord


@_command
class ApplyChapterLedgerEntry(CommandBase):
    """Add to the ledger of a chapter that has a plan."""

    __pydantic_config__ = _config
    type: Literal["apply_chapter_progression_ledger_entry"] = (
        "apply_chapter_progression_ledger_entry"
    )
    chapter_id: Id
    granted_quest_xp: Amount
    granted_hostile_xp: Amount
    hostile_defeat_increment: Amount
    level_at_exit: Level | None = None


@_command
class CompileChapters(CommandBase):
    """Write the plans that these blueprints of a whole story compile to."""

    __pydantic_config__ = _config
    type: Literal["compile_chapters"] = "compile_chapters"
    chapters: Annotated[tuple[BlueprintOffer, ...], Field(max_length=CHAPTERS_MAX)]


@_command
class RecordSignal(CommandBase):
    """Something happened `count` times: every active quest that asks for it moves."""

    __pydantic_config__ = _config
    type: Literal["record_signal"] = "record_signal"
    kind: Id
    target: Id
    count: Count


@_command
class UndoGrant(CommandBase):
    """Take back what another command granted, however long ago."""

    __pydantic_config__ = _config
    type: Literal["undo_grant"] = "undo_grant"
    undo_command_id: Id


@_command
class RebaseProgression(CommandBase):
    """Read `total_xp` again under the rules in force; no level is taken away."""

    __pydantic_config__ = _config
    type: Literal["rebase_progression"] = "rebase_progression"


@_command
class OfferQuest(CommandBase):
    """Give the user a quest; without objectives it is ready to turn in at once."""

    __pydantic_config__ = _config
    type: Literal["offer_quest"] = "offer_quest"
    quest_id: Id
    chapter_id: Id | None = None
    objectives: Annotated[tuple[ObjectiveOffer, ...], Field(max_length=PARTS_MAX)] = ()
    reward: RewardOffer


@_command
class StartBattle(CommandBase):
    """Open a battle; all it pays is fixed now [seed]."""

    __pydantic_config__ = _config
    type: Literal["start_battle"] = "start_battle"
    battle_id: Id
    chapter_id: Id | None = None
    mode: BattleModeWord = BattleMode.FIGHT
    hostile: HostileOffer
    experience_reward: Experience | None = None
    reward: GoodsOffer | None = None


Command = (
    TurnInQuest
    | AbandonQuest
    | ResolveCombatAction
    | AcknowledgeLevelUps
    | GrantExperience
    | UpsertChapter
    | CompileChapters
    | ApplyChapterLedgerEntry
    | OfferQuest
    | RecordSignal
    | StartBattle
    | UndoGrant
    | RebaseProgression
)

PLAYER_COMMANDS = frozenset(
    {"turn_in_quest", "resolve_combat_action", "acknowledge_level_ups", "abandon_quest"}
)
"""What a player may send about themself; the rest is for services only."""

SERVICE_COMMANDS = frozenset(
    {
        "grant_player_progression_experience",
        "upsert_chapter_progression",
        "compile_chapters",
        "apply_chapter_progression_ledger_entry",
        "offer_quest",
        "record_signal",
        "start_battle",
        "undo_grant",
        "rebase_progression",
    }
)

COMMAND_TYPES = PLAYER_COMMANDS | SERVICE_COMMANDS

command_adapter: TypeAdapter[Command] = TypeAdapter(
    Annotated[Command, Field(discriminator="type")], config=ConfigDict(defer_build=True)
)
"""Built when it is first used: hosts read commands that were checked, and need none of its 7 MB."""


def decode_command(fields: dict[str, Any]) -> Command:
    """The command that `fields` name.

    Raises:
        pydantic.ValidationError: one entry for each field that is missing, unknown or wrong.
    """
    return command_adapter.validate_python(fields)


_encode_sorted = msgspec.msgpack.Encoder(order="sorted").encode


def canonical(command: Command) -> bytes:
    """A command's content in msgpack: the same bytes however it was spelled and sent `since`."""
    delivered = command.since is not None
    return _encode_sorted(replace(cast(Any, command), since=None) if delivered else command)


def read_canonical(type_: str, content: bytes) -> Command:
    """The command of this type whose canonical content this is.

    Nothing is checked but the shape: it was checked when it became a command.

    Raises:
        KeyError, msgspec.DecodeError: it never was one.
    """
    return _DECODERS[type_](content)


_DECODERS: dict[str, Callable[[bytes], Command]] = {
    kind.__dataclass_fields__["type"].default: msgspec.msgpack.Decoder(kind).decode
    for kind in get_args(Command)
}


def fingerprint(content: bytes) -> bytes:
    """Identifies a command by its canonical content: 16 bytes."""
    return blake2b(content, digest_size=16).digest()
