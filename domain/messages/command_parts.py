"""The parts that commands are made of, checked field by field: numbers, words, rewards, hostiles.

Not for: the commands themselves (`commands`).
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from domain.ids import Id
from domain.state.rows import INTEGER_MAX, BattleMode, PaceBand, Source, Tier

EXPERIENCE_REWARD_MAX = 2**32 - 1
"""Largest reward of one battle [seed]."""
PARTS_MAX = 100
"""Largest number of objectives, items, currencies or affinities in one command."""
LOOT_TABLES_MAX = 5
"""Largest number of loot tables in one reward."""
OPENINGS_MAX = 10
"""How often one reward may open the same loot table."""
CHAPTERS_MAX = 500
"""Largest number of chapters in a story."""
QUESTS_MAX = 1_000
"""Largest number of quests in one chapter's blueprint: each gets a share of its own."""

QuestWeight = Literal["major", "standard", "minor"]

Amount = Annotated[int, Strict(), Field(ge=0, le=INTEGER_MAX)]
Positive = Annotated[int, Strict(), Field(ge=1, le=INTEGER_MAX)]
Level = Annotated[int, Strict(), Field(ge=1, le=10_000)]
Count = Annotated[int, Strict(), Field(ge=1, le=1_000_000)]
Since = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[0-9A-Za-z]{1,64}\.(0|[1-9][0-9]{0,15})$"),
    Field(description="a position: the era, a dot and the version"),
]
"""A position of a user as reads show it: the era, a dot, and the version."""
Affinity = Annotated[int, Strict(), Field(ge=-INTEGER_MAX, le=INTEGER_MAX)]
Gains = Annotated[dict[Id, Positive], Field(max_length=PARTS_MAX)]
Affinities = Annotated[dict[Id, Affinity], Field(max_length=PARTS_MAX)]
Experience = Annotated[int, Strict(), Field(ge=0, le=EXPERIENCE_REWARD_MAX)]
Openings = Annotated[int, Strict(), Field(ge=1, le=OPENINGS_MAX)]
Loot = Annotated[dict[Id, Openings], Field(max_length=LOOT_TABLES_MAX)]

_config = ConfigDict(extra="forbid")
_part = dataclass(frozen=True, slots=True, kw_only=True)


def refuse_bytes(value: object) -> object:
    """A word is text: pydantic would read the bytes of one for it, as msgpack clients send."""
    if isinstance(value, bytes):
        raise PydanticCustomError("enum", "Input should be text")
    return value


_word = BeforeValidator(refuse_bytes)
SourceWord = Annotated[Source, _word]
PaceBandWord = Annotated[PaceBand, _word]
BattleModeWord = Annotated[BattleMode, _word]
TierWord = Annotated[Tier, _word]

_quest_weights = get_args(QuestWeight)


def _check_quests(value: object) -> int | tuple[QuestWeight, ...]:
    """A number of quests or the weight of each; told apart here, so an error names one field."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= QUESTS_MAX:
        return value
    if isinstance(value, list | tuple) and len(value) <= QUESTS_MAX:
        if all(isinstance(weight, str) and weight in _quest_weights for weight in value):
            return tuple(value)
    raise PydanticCustomError("quests", "Input should be a number of quests or a list of weights")


Quests = Annotated[
    int | tuple[QuestWeight, ...],
    PlainValidator(_check_quests),
    PlainSerializer(lambda quests: quests),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": QUESTS_MAX},
                {
                    "type": "array",
                    "items": {"type": "string", "enum": list(_quest_weights)},
                    "maxItems": QUESTS_MAX,
                },
            ]
        }
    ),
]


@_part
class BlueprintOffer:
    """What one chapter of a story holds; see `chapter_compiler.ChapterBlueprint`."""

    __pydantic_config__ = _config
    chapter_id: Id
    quests: Quests = 0
    hostiles: dict[TierWord, Annotated[int, Strict(), Field(ge=0, le=1_000_000)]] = field(
        default_factory=dict
    )
    weight: Count = 1
    pace_band: PaceBandWord = PaceBand.STEADY


@_part
class ObjectiveOffer:
    """One thing a quest asks for."""

    __pydantic_config__ = _config
    kind: Id
    target: Id
    required: Count


@_part
class GoodsOffer:
    """What a battle pays beside experience: amounts by item, currency and NPC id.

    `loot` is how often each loot table is opened; left out, it is the table of the hostile's tier.
    """

    __pydantic_config__ = _config
    items: Gains = field(default_factory=dict)
    currency: Gains = field(default_factory=dict)
    affinity: Affinities = field(default_factory=dict)
    loot: Loot | None = None


@_part
class RewardOffer:
    """What a quest pays: experience, amounts by item, currency and NPC id, and loot tables.

    `loot` is how often each loot table of the rules is opened.
    """

    __pydantic_config__ = _config
    experience: Amount | None = None
    items: Gains = field(default_factory=dict)
    currency: Gains = field(default_factory=dict)
    affinity: Affinities = field(default_factory=dict)
    loot: Loot = field(default_factory=dict)


@_part
class HostileOffer:
    """Who stands on the other side; what is left out is resolved when the battle opens."""

    __pydantic_config__ = _config
    hostile_id: Id
    tier: TierWord = Tier.STANDARD
    level: Level | None = None
    strength: Annotated[int, Strict(), Field(ge=1, le=10**12)] | None = None
