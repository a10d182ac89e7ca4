"""The rules in force: curves, tiers, combat numbers and penalties, compiled from one TOML file.

`compile_rules` turns the file's text into `Rules` or says, key by key, what is wrong with it.

Not for: reading files (`domain.rules.load`), or the keys of the file (`rules_file`).
"""

import tomllib
from hashlib import blake2b
from itertools import accumulate

import msgspec
from msgspec import Struct
from pydantic import ValidationError

from domain.rules import error_text
from domain.rules.curves import pseudo_levels
from domain.rules.curves.pseudo_levels import LevelBenchmark, PseudoLevelRules
from domain.rules.deviation import DeviationRules
from domain.rules.loot_tables import LootTable
from domain.rules.rules_file import (
    BandRules,
    CombatRules,
    HostileExperienceRules,
    PenaltyRules,
    RulesFile,
    TierRules,
)
from domain.state.rows import PaceBand, Tier

__all__ = ["CombatRules", "InvalidRules", "LevelBenchmark", "Rules", "TierRules", "compile_rules"]


class InvalidRules(Exception):
    """The rules file cannot be used.

    Each of `problems` names the key, what came and what was expected, and says how to mend it.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Rules(Struct, frozen=True):
    """The rules in force, ready to be asked.

    `fingerprint` is the same for rules that mean the same, however the file writes them (a curve as
    a table, as a formula or by name; defaults spelt out or left out) and whatever they are called.
    """

    name: str
    source: str
    fingerprint: str
    levels: tuple[LevelBenchmark, ...]
    tiers: dict[Tier, TierRules]
    combat: CombatRules
    hostile_experience: HostileExperienceRules
    pseudo_levels: PseudoLevelRules
    bands: dict[PaceBand, BandRules]
    quest_weights: dict[str, int]
    penalties: PenaltyRules
    deviation: DeviationRules
    loot: dict[str, LootTable]

    @property
    def level_cap(self) -> int:
        """The highest level; experience counts on there, without further levels."""
        return len(self.levels)

    def clamp_level(self, level: int) -> int:
        """`level`, or the nearest one between 1 and the cap."""
        return min(max(level, 1), self.level_cap)

    def xp_to_next(self, level: int) -> int:
        """What the whole level costs; 0 from the cap on."""
        return self.levels[level - 1].xp_to_next if level <= self.level_cap else 0

    def reference_strength(self, level: int) -> int:
        """How strong one is expected to be at `level`; the cap's strength beyond it."""
        return self.levels[self.clamp_level(level) - 1].reference_strength

    def pseudo_level_at(self, done: int, whole: int) -> int:
        """The pseudo level, in thousandths, at `done / whole` of the story; `whole` is 1 or more.

        Chapter i of n alike leads from `pseudo_level_at(i - 1, n)` to `pseudo_level_at(i, n)`.
        """
        return pseudo_levels.pseudo_level_at(done, whole, self.pseudo_levels, self.levels)

    def pseudo_level_of(self, total_xp: int) -> int:
        """The pseudo level, in thousandths, that `total_xp` reaches; at most the cap."""
        return pseudo_levels.pseudo_level_of(total_xp, self.levels)

    def xp_at(self, pseudo_level_millis: int) -> int:
        """The total XP at a pseudo level on the curve."""
        return pseudo_levels.xp_at(pseudo_level_millis, self.levels)


def compile_rules(text: str) -> Rules:
    """The rules that a rules file's text describes.

    Raises:
        InvalidRules: not TOML, or keys that are missing, unknown or out of range; lists every one.
    """
    try:
        file = RulesFile.model_validate(tomllib.loads(text))
    except ValidationError as error:
        raise InvalidRules(error_text.sentences(error, RulesFile)) from None
    except RecursionError:
        raise InvalidRules(["not TOML: brackets are nested too deeply"]) from None
    except ValueError as error:  # tomllib's own, and an integer of too many digits
        raise InvalidRules([error_text.not_toml(error, text)]) from None
    levels = _benchmarks(file)
    tiers = file.tiers.by_tier()
    return Rules(
        name=file.name,
        source=file.source,
        fingerprint=_fingerprint(file, levels),
        levels=levels,
        tiers=tiers,
        combat=file.combat,
        hostile_experience=file.hostile_experience,
        pseudo_levels=file.pseudo_levels,
        bands={band: getattr(file.bands, band) for band in PaceBand},
        quest_weights=file.quest_weights.model_dump(),
        penalties=file.penalties,
        deviation=file.deviation,
        loot=file.loot,
    )


def _benchmarks(file: RulesFile) -> tuple[LevelBenchmark, ...]:
    costs = file.levels.costs
    return tuple(
        LevelBenchmark(level, cost, reached, file.strength.at(level))
        for level, (cost, reached) in enumerate(
            zip((*costs, 0), accumulate(costs, initial=0), strict=True), start=1
        )
    )


def _fingerprint(file: RulesFile, levels: tuple[LevelBenchmark, ...]) -> str:
    """The same for the same meaning, however the file writes it: 16 hex digits."""
    sections = file.model_dump(exclude={"name", "source", "levels", "strength"})
    if file.pseudo_levels.exit_millis is None:
        sections["pseudo_levels"]["exit_millis"] = 1000 * len(levels)
    # What older files could not say counts only where it is said: they keep their fingerprint.
    if not file.loot:
        del sections["loot"]
    for tier in sections["tiers"].values():
        if tier["loot"] is None:
            del tier["loot"]
    content = msgspec.msgpack.encode([levels, sections], order="deterministic")
    return blake2b(content, digest_size=8).hexdigest()
