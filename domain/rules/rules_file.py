"""The rules file as written: its sections, their defaults, and the checks across them.

The sections that feed one rule stand beside it (`level_curve`, `strength_curve`, `pseudo_levels`,
`level_difference`, `repeat`, `over_budget`, `deviation`); here are the rest, and the whole.

Not for: the rules ready to be asked (`rules`), or the words of an error (`problems`).
"""

from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from domain.rules.curves.level_curve import AnyCurve
from domain.rules.curves.pseudo_levels import EvenLevels, PseudoLevelRules
from domain.rules.curves.strength_curve import StrengthCurve
from domain.rules.deviation import DeviationRules
from domain.rules.level_difference import LevelDifferenceRules
from domain.rules.loot_tables import LootTable, refuse_names
from domain.rules.over_budget import NoDecay, OverBudgetRule
from domain.rules.repeat import NoRepeat, RepeatRule
from domain.rules.sections import Permille, Section, Share, Weight
from domain.state.rows import INTEGER_MAX, Tier


class TierRules(Section):
    """What a tier adds to a hostile's level, strength and worth, and what its hostiles drop."""

    level_offset: Annotated[int, Field(strict=True, ge=-1000, le=1000)]
    strength_permille: Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
    experience_permille: Permille
    loot: Annotated[str, Field(strict=True)] | None = None


class TiersRules(Section):
    """All tiers."""

    minion: TierRules
    standard: TierRules
    elite: TierRules
    boss: TierRules

    def by_tier(self) -> dict[Tier, TierRules]:
        """The tiers, each under its name."""
        return {tier: getattr(self, tier) for tier in Tier}


class StanceRules(Section):
    """How an action shapes the damage dealt and taken in its turn."""

    dealt_permille: Permille
    taken_permille: Permille


class StancesRules(Section):
    """All stances."""

    attack: StanceRules
    guard: StanceRules
    skill: StanceRules

    def __getitem__(self, action: Literal["attack", "guard", "skill"]) -> StanceRules:
        """The stance of an action."""
        stance: StanceRules = getattr(self, action)
        return stance


class CombatRules(Section):
    """How strength becomes hit points, attack and defense, and how far the dice reach."""

    player_hp_permille: Permille
    hostile_hp_permille: Permille
    attack_permille: Permille
    defense_permille: Permille
    roll_min_permille: Permille
    roll_max_permille: Permille
    stances: StancesRules

    @model_validator(mode="after")
    def _dice_the_right_way_round(self) -> Self:
        if self.roll_min_permille > self.roll_max_permille:
            raise ValueError(
                f"roll_min_permille is {self.roll_min_permille}, expected at most "
                f"roll_max_permille, which is {self.roll_max_permille}: lower it, or raise "
                f"roll_max_permille"
            )
        return self


class HostileExperienceRules(Section):
    """What a victory is worth when nobody said: `base + per_level * level`."""

    base: Annotated[int, Field(strict=True, ge=0, le=10**9)]
    per_level: Annotated[int, Field(strict=True, ge=0, le=10**9)]


class BandRules(Section):
    """How a chapter of this pace splits its budget, and how much of the story it takes.

    `quest_permille` of the budget goes to quests, the rest to hostiles; `tempo_permille` times the
    chapter's weight is its length in the story (1000 = as long as a steady chapter).
    """

    quest_permille: Share
    tempo_permille: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1000


class BandsRules(Section):
    """All pace bands."""

    opening_fast: BandRules = BandRules(quest_permille=700, tempo_permille=1250)
    steady: BandRules = BandRules(quest_permille=600, tempo_permille=1000)
    pressure: BandRules = BandRules(quest_permille=450, tempo_permille=850)
    finale_dense: BandRules = BandRules(quest_permille=400, tempo_permille=1150)


class QuestWeightRules(Section):
    """How a chapter's quests share its quest budget."""

    major: Weight = 4
    standard: Weight = 2
    minor: Weight = 1


class PenaltyRules(Section):
    """The rules that shape experience before it is granted; all off unless the file says more."""

    level_difference: LevelDifferenceRules = LevelDifferenceRules()
    repeat: RepeatRule = NoRepeat()
    over_budget: OverBudgetRule = NoDecay()

    @cached_property
    def off(self) -> bool:
        """Whether no rule shapes anything, as in most games; asked at every grant."""
        difference = self.level_difference
        kinds = (difference.kills, difference.quests, self.repeat, self.over_budget)
        return all(rule.kind == "none" for rule in kinds)


class RulesFile(Section):
    """The file as written.  `source` says where its numbers come from, for people."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    source: Annotated[str, Field(max_length=1000)] = ""
    levels: AnyCurve
    strength: StrengthCurve
    hostile_experience: HostileExperienceRules
    tiers: TiersRules
    combat: CombatRules
    pseudo_levels: PseudoLevelRules = EvenLevels()
    bands: BandsRules = BandsRules()
    quest_weights: QuestWeightRules = QuestWeightRules()
    penalties: PenaltyRules = PenaltyRules()
    deviation: DeviationRules = DeviationRules()
    loot: Annotated[dict[str, LootTable], AfterValidator(refuse_names)] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        problems = [
            *self._profile_problems(),
            *self._story_problems(),
            *self._loot_problems(),
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _profile_problems(self) -> list[str]:
        """The strongest profiles' hit points, attack and defense must be integers of 53 bits."""
        cap = len(self.levels.costs) + 1
        strongest = self.strength.at(cap)
        tiers = self.tiers.by_tier().values()
        hostile = strongest * max(tier.strength_permille for tier in tiers) // 1000
        combat = self.combat
        blows = max(combat.attack_permille, combat.defense_permille, 1000)
        most = max(
            hostile * max(combat.hostile_hp_permille, blows) // 1000,
            strongest * max(combat.player_hp_permille, blows) // 1000,
        )
        if most <= INTEGER_MAX:
            return []
        return [
            f"strength of {strongest} at level {cap}, the cap, makes {most} of the strongest "
            f"profile, expected at most {INTEGER_MAX}: lower [strength], or the permille of "
            f"[combat] and [tiers]"
        ]

    def _story_problems(self) -> list[str]:
        """The story must lead over levels that exist."""
        cap, story = len(self.levels.costs) + 1, self.pseudo_levels
        problems = []
        if story.exit_millis is not None and story.exit_millis > 1000 * cap:
            problems.append(
                f"pseudo_levels.exit_millis is {story.exit_millis}, expected at most {1000 * cap}, "
                f"the level cap: lower it, or leave it out"
            )
        if story.entry_millis >= 1000 * cap:
            problems.append(
                f"pseudo_levels.entry_millis is {story.entry_millis}, expected below {1000 * cap}, "
                f"the level cap: lower it"
            )
        return problems

    def _loot_problems(self) -> list[str]:
        """A tier must name a table that there is."""
        named = ((tier, tier_rules.loot) for tier, tier_rules in self.tiers.by_tier().items())
        known = ", ".join(f'"{name}"' for name in self.loot)
        return [
            f'tiers.{tier}.loot is "{name}", expected one of {known}: choose one of them, or add '
            f"a section [loot.{name}]"
            if known
            else f'tiers.{tier}.loot is "{name}", but there are no loot tables: remove it, or add '
            f"a section [loot.{name}]"
            for tier, name in named
            if name is not None and name not in self.loot
        ]
