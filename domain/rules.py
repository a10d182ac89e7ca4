"""The rules in force: curves, tiers and combat numbers, compiled from one TOML file and checked.

`compile_rules` turns the file's text into `Rules` or says, key by key, what is wrong with it.

Not for: reading files (`gateway.settings` does).
"""

import tomllib
from hashlib import blake2b
from itertools import accumulate, pairwise
from typing import Annotated, Literal, Self

import msgspec
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from domain.rows import INTEGER_MAX, Tier

Permille = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]


class LevelBenchmark(Struct, frozen=True, gc=False):
    """One level: what it costs to leave it, what was paid to reach it, how strong one is in it.

    `xp_to_next` is 0 at the cap.
    """

    level: int
    xp_to_next: int
    cumulative_xp: int
    reference_strength: int


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TierRules(_Section):
    """What a tier adds to a hostile's level, strength and worth."""

    level_offset: Annotated[int, Field(strict=True, ge=-1000, le=1000)]
    strength_permille: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    experience_permille: Permille


class StanceRules(_Section):
    """How an action shapes the damage dealt and taken in its turn."""

    dealt_permille: Permille
    taken_permille: Permille


class CombatRules(_Section):
    """How strength becomes hit points, attack and defense, and how far the dice reach."""

    player_hp_permille: Permille
    hostile_hp_permille: Permille
    attack_permille: Permille
    defense_permille: Permille
    roll_min_permille: Permille
    roll_max_permille: Permille
    stances: dict[Literal["attack", "guard", "skill"], StanceRules]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.roll_min_permille > self.roll_max_permille:
            raise ValueError(
                f"roll_min_permille is {self.roll_min_permille}, expected at most "
                f"roll_max_permille, which is {self.roll_max_permille}"
            )
        if missing := {"attack", "guard", "skill"} - self.stances.keys():
            raise ValueError(f"stances lacks {', '.join(sorted(missing))}")
        return self


class LevelRules(_Section):
    """The XP curve: what each level costs, from level 1 on; the cap is one above the last."""

    xp_to_next: Annotated[
        list[Annotated[int, Field(strict=True, ge=1, le=INTEGER_MAX)]],
        Field(min_length=1, max_length=9_999),
    ]

    @model_validator(mode="after")
    def _rising(self) -> Self:
        for level, (cost, after) in enumerate(pairwise(self.xp_to_next), start=1):
            if after < cost:
                raise ValueError(
                    f"xp_to_next of level {level + 1} is {after}, expected at least that of "
                    f"level {level}, which is {cost}"
                )
        if (total := sum(self.xp_to_next)) > INTEGER_MAX:
            raise ValueError(f"xp_to_next adds up to {total}, expected at most {INTEGER_MAX}")
        return self


class StrengthRules(_Section):
    """The reference strength curve: `base + per_level * (level - 1)`."""

    base: Annotated[int, Field(strict=True, ge=1, le=10**9)]
    per_level: Annotated[int, Field(strict=True, ge=0, le=10**9)]


class HostileExperienceRules(_Section):
    """What a victory is worth when nobody said: `base + per_level * level`."""

    base: Annotated[int, Field(strict=True, ge=0, le=10**9)]
    per_level: Annotated[int, Field(strict=True, ge=0, le=10**9)]


class RulesFile(_Section):
    """The file as written."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    levels: LevelRules
    strength: StrengthRules
    hostile_experience: HostileExperienceRules
    tiers: dict[Tier, TierRules]
    combat: CombatRules

    @model_validator(mode="after")
    def _every_tier(self) -> Self:
        if missing := set(Tier) - self.tiers.keys():
            raise ValueError(f"tiers lacks {', '.join(sorted(missing))}")
        return self

    @model_validator(mode="after")
    def _profiles_fit(self) -> Self:
        """The strongest hostile's hit points, attack and defense must be integers of 63 bits."""
        strongest = self.strength.base + self.strength.per_level * len(self.levels.xp_to_next)
        strength = strongest * max(tier.strength_permille for tier in self.tiers.values()) // 1000
        combat = self.combat
        permille = max(
            combat.hostile_hp_permille, combat.attack_permille, combat.defense_permille, 1000
        )
        if (most := strength * permille // 1000) > INTEGER_MAX:
            raise ValueError(
                f"strength of {strongest} at the level cap makes {most} of the strongest hostile, "
                f"expected at most {INTEGER_MAX}"
            )
        return self


class InvalidRules(Exception):
    """The rules file cannot be used; each problem names the key, what came, what was expected."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Rules(Struct, frozen=True):
    """The rules in force, ready to be asked.  `fingerprint` tells one set of rules from another."""

    name: str
    fingerprint: str
    levels: tuple[LevelBenchmark, ...]
    tiers: dict[Tier, TierRules]
    combat: CombatRules
    hostile_experience: HostileExperienceRules

    @property
    def level_cap(self) -> int:
        """The highest level there is."""
        return len(self.levels)

    def clamp_level(self, level: int) -> int:
        """The nearest level that exists."""
        return min(max(level, 1), self.level_cap)

    def xp_to_next(self, level: int) -> int:
        """What the whole level costs; 0 from the cap on."""
        return self.levels[level - 1].xp_to_next if level <= self.level_cap else 0

    def reference_strength(self, level: int) -> int:
        """How strong one is expected to be at `level`; the cap's strength beyond it."""
        return self.levels[self.clamp_level(level) - 1].reference_strength


def compile_rules(text: str) -> Rules:
    """The rules that a rules file's text describes.

    Raises:
        InvalidRules: not TOML, or keys that are missing, unknown or out of range; lists every one.
    """
    try:
        file = RulesFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidRules([f"not TOML: {error}"]) from None
    except ValidationError as error:
        raise InvalidRules([_problem(one) for one in error.errors()]) from None
    costs = [*file.levels.xp_to_next, 0]
    reached = [0, *accumulate(file.levels.xp_to_next)]
    return Rules(
        name=file.name,
        fingerprint=_fingerprint(file),
        levels=tuple(
            LevelBenchmark(
                level=index + 1,
                xp_to_next=costs[index],
                cumulative_xp=reached[index],
                reference_strength=file.strength.base + file.strength.per_level * index,
            )
            for index in range(len(costs))
        ),
        tiers=file.tiers,
        combat=file.combat,
        hostile_experience=file.hostile_experience,
    )


def _fingerprint(file: RulesFile) -> str:
    """The same for the same rules, however the file orders its tables: 16 hex digits."""
    content = msgspec.msgpack.encode(file.model_dump(mode="json"), order="deterministic")
    return blake2b(content, digest_size=8).hexdigest()


def _problem(error: ErrorDetails) -> str:
    """One pydantic error as a sentence: the key, what came, what was expected."""
    key = ".".join(str(part) for part in error["loc"]) or "the file"
    if error["type"] == "missing":
        return f"{key} is missing"
    if error["type"] == "extra_forbidden":
        return f"{key} is no key of a rules file"
    if error["type"] == "value_error":
        return f"{key}: {error['msg'].removeprefix('Value error, ')}"
    return f"{key} is {error['input']!r}: {error['msg'][0].lower()}{error['msg'][1:]}"
