"""Level difference: what a hostile or a quest is worth to a player above or below its level.

P is the player's level, M the hostile's or the quest's; both are any integers from 1.  Every rule
answers the XP out of `amount`, rounded down, 0 or more.  The formulas are published ones, computed
in integers; fractional powers through exact roots (`integer_roots`).

Kills and quests have a rule each; what the forms' keys mean stands in their docstrings.

Not for: deciding what has a level (`rewards`), or the order of the rules (`xp_modifiers`).
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, model_validator

from domain.rules.curves.integer_roots import root_floor
from domain.rules.level_difference_math import falling, grey_level, rounded, zero_difference
from domain.rules.sections import (
    Exponent,
    LevelNumber,
    Permille,
    Ratio,
    Section,
    by_kind,
    refuse,
    tag,
)
from domain.state.rows import Source

_Table = Annotated[tuple[Permille, ...], Field(max_length=1000)]


class NoDifference(Section):
    """Levels do not matter."""

    kind: Literal["none"] = "none"

    def worth(self, amount: int, player: int, target: int) -> int:
        """All of it."""
        return amount


class GreyKill(Section):
    """Grey bands for kills: more for a higher hostile, less below, nothing from grey down.

    M >= P: `(20 + min(M - P, 4)) / 20`; grey(P) < M < P: `(Z(P) + M - P) / Z(P)`; else 0.
    Source: mangoszero/server, src/game/Object/Formulas.h (Z is 5 below level 8).
    P = 20, amount 145: M - P = +4 -> 174, 0 -> 145, -3 -> 105, -6 -> 65, -7 -> 0.
    """

    kind: Literal["grey_kill"]

    def worth(self, amount: int, player: int, target: int) -> int:
        """The share for a kill at this distance."""
        if target >= player:
            return amount * (20 + min(target - player, 4)) // 20
        if target <= grey_level(player):
            return 0
        zero = zero_difference(player)
        return amount * max(0, zero + target - player) // zero


class GreyQuest(Section):
    """Grey bands for quests: `clamp(2 (M - P) + 20, 1, 10)` tenths, then rounded.

    M - P >= -5: 100 %, -6: 80, -7: 60, -8: 40, -9: 20, -10 and below: 10.  With `rounded` the
    answer is rounded to the nearest 5 up to 100 XP, 10 up to 500, 25 up to 1000, 50 above; a half
    goes up, but never above `amount`.  Sources: TrinityCore QuestDef.cpp, GetXPReward; mangostwo
    QuestDef.cpp.
    """

    kind: Literal["grey_quest"]
    rounded: bool = Field(default=False, strict=True)
    floor_permille: Permille = 0

    def worth(self, amount: int, player: int, target: int) -> int:
        """The share for a quest at this distance."""
        tenths = min(max(2 * (target - player) + 20, 1), 10)
        worth = max(amount * tenths // 10, amount * min(self.floor_permille, 1000) // 1000)
        return min(rounded(worth), amount) if self.rounded else worth


class Gaps(Section):
    """A table by gap: `above_permille` for M - P = 1, 2, ..., `below_permille` for P - M.

    The last entry holds for every gap beyond; a gap of 0 is worth all.  From player level
    `ratio_from_level` on, a higher target is worth `P / M` instead (never, when left out).
    """

    above_permille: _Table = ()
    below_permille: _Table = ()
    ratio_from_level: LevelNumber | None = None

    def worth(self, amount: int, player: int, target: int) -> int:
        """The share the table gives at this distance."""
        if target > player and self.ratio_from_level is not None:
            if player >= self.ratio_from_level:
                return amount * player // target
        table = self.above_permille if target > player else self.below_permille
        gap = abs(target - player)
        if gap == 0 or not table:
            return amount
        return amount * table[min(gap, len(table)) - 1] // 1000


class GapTable(Gaps):
    """The designer's own table."""

    kind: Literal["gap_table"]


class BandFive(Gaps):
    """Five levels either way are free, then it falls: a gap table with published entries.

    M - P: up to 5 100 %, 6 88, 7 68, 8 36, 9 15, 10 and more 5; P - M: 81, 62, 43, 24, 5.  From
    P = 25 on a higher hostile is worth `P / M` (commonly cited).
    Source: diablo2.diablowiki.net, Difficulty, oldid 6104.
    """

    kind: Literal["band5"]
    above_permille: _Table = (1000, 1000, 1000, 1000, 1000, 880, 680, 360, 150, 50)
    below_permille: _Table = (1000, 1000, 1000, 1000, 1000, 810, 620, 430, 240, 50)
    ratio_from_level: LevelNumber | None = 25


class BonusUp(Gaps):
    """Worth more from three levels above on, most at ten: a gap table with published entries.

    M - P: 3 105 %, 4 110, ... 10 140, 11 135, ... 15 115, 16 and more 100.
    Source: rathena, db/re/level_penalty.yml.
    """

    kind: Literal["bonus_up"]
    above_permille: _Table = (
        1000, 1000, 1050, 1100, 1150, 1200, 1250, 1300, 1350, 1400, 1350, 1300, 1250, 1200, 1150,
        1000,
    )  # fmt: skip


class RatioDifference(Section):
    """`((2 M + offset) / (M + P + offset))^exponent`, and `plus` XP.

    Source: Bulbapedia, Experience (generation V), with offset 10, exponent 5/2 and plus 1 on a base
    of b M / 5.  b = 64, M = 20 (base 256): P = 10 -> 448, 20 -> 257, 30 -> 163, 40 -> 111.
    Exact: the 2nd root of `amount² (2 M + offset)^5 / (M + P + offset)^5`, rounded down once.
    """

    kind: Literal["ratio"]
    offset: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 10
    exponent: Exponent = Ratio(5, 2)
    plus: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 1

    def worth(self, amount: int, player: int, target: int) -> int:
        """The share for this distance, more than all of it below the target's level."""
        power, root = self.exponent
        over = (2 * target + self.offset) ** power
        under = (target + player + self.offset) ** power
        return root_floor(amount**root * over // under, root) + self.plus


class SafeZone(Section):
    """Free within `safe_base + ⌊P / safe_per_levels⌋` levels either way, then it falls smoothly.

    `((P + offset) / (P + offset + d^(5/2)))^(3/2)` with d the levels outside the zone; never less
    than `floor_permille`.  Source: poewiki.net, Experience, rev 642456.
    P = 30: gap 5 .96, 6 .80, 7 .58, 8 .38, 10 .15.
    """

    kind: Literal["safe_zone"]
    safe_base: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 3
    safe_per_levels: LevelNumber = 16
    offset: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 5
    floor_permille: Permille = 0

    def worth(self, amount: int, player: int, target: int) -> int:
        """The share for this distance, the same above and below."""
        outside = abs(player - target) - self.safe_base - player // self.safe_per_levels
        if outside <= 0:
            return amount
        floor = amount * min(self.floor_permille, 1000) // 1000
        return max(falling(amount, player + self.offset, outside), floor)


class Colours(Section):
    """Six colours by distance, each worth a fixed share; grey is worth nothing.

    M > P: yellow up to `yellow_levels` above, red beyond; M = P: white.  M < P, the first to fit:
    up to player level 15, grey from six levels below; from 16 on, grey from `P - ⌊(P + 5) / 3⌋`
    down, green from `P - ⌊(P + 7) / 4⌋` down; from 21 on, light blue from six below; else blue.
    Source: EQEmu/Server, zone/mob_ai.cpp, GetLevelCon (the newer of its two rules), and the
    shares GreenModifier to RedModifier of common/ruletypes.h.
    """

    kind: Literal["con"]
    grey_permille: Permille = 0
    green_permille: Permille = 200
    light_blue_permille: Permille = 400
    blue_permille: Permille = 900
    white_permille: Permille = 1000
    yellow_permille: Permille = 1250
    red_permille: Permille = 1500
    yellow_levels: Annotated[int, Field(strict=True, ge=0, le=10_000)] = 3

    def worth(self, amount: int, player: int, target: int) -> int:
        """The share of the colour the target has for this player."""
        return amount * self._permille(player, target) // 1000

    def _permille(self, player: int, target: int) -> int:
        gap = target - player
        if gap == 0:
            return self.white_permille
        if gap > 0:
            return self.yellow_permille if gap <= self.yellow_levels else self.red_permille
        if player <= 15:
            return self.grey_permille if gap <= -6 else self.blue_permille
        if target <= player - (player + 5) // 3:
            return self.grey_permille
        if target <= player - (player + 7) // 4:
            return self.green_permille
        return self.light_blue_permille if player > 20 and gap <= -6 else self.blue_permille


class Stage(Section):
    """One stretch of the player's own levels, up to and with `through_level`."""

    through_level: LevelNumber
    permille: Permille


class Stages(Section):
    """A factor by the player's own level; the last one also holds for every level beyond.

    Published (opentibiabr/canary, data/stages.lua has the format): 1-8 ×7, 9-20 ×6, 21-50 ×5,
    51-100 ×4, 101 and up ×2.
    """

    kind: Literal["stages"]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=1000)] = (
        Stage(through_level=8, permille=7000),
        Stage(through_level=20, permille=6000),
        Stage(through_level=50, permille=5000),
        Stage(through_level=100, permille=4000),
        Stage(through_level=101, permille=2000),
    )

    @model_validator(mode="after")
    def _rise(self) -> Self:
        ends = [stage.through_level for stage in self.stages]
        refuse(
            [
                f"stages (entry {entry}) ends at level {after}, expected above the {end} of the "
                f"entry before it: put the stages in rising order"
                for entry, (end, after) in enumerate(pairwise(ends), start=2)
                if after <= end
            ]
        )
        return self

    def worth(self, amount: int, player: int, target: int) -> int:
        """The share of the stage the player is in."""
        for stage in self.stages:
            if player <= stage.through_level:
                return amount * stage.permille // 1000
        return amount * self.stages[-1].permille // 1000


DifferenceRule = Annotated[
    Annotated[NoDifference, tag("none")]
    | Annotated[GreyKill, tag("grey_kill")]
    | Annotated[GreyQuest, tag("grey_quest")]
    | Annotated[GapTable, tag("gap_table")]
    | Annotated[BandFive, tag("band5")]
    | Annotated[BonusUp, tag("bonus_up")]
    | Annotated[RatioDifference, tag("ratio")]
    | Annotated[SafeZone, tag("safe_zone")]
    | Annotated[Colours, tag("con")]
    | Annotated[Stages, tag("stages")],
    Discriminator(by_kind("none")),
]


class LevelDifferenceRules(Section):
    """The rule for kills and the rule for quests."""

    kills: DifferenceRule = NoDifference()
    quests: DifferenceRule = NoDifference()

    def of(self, source: Source) -> DifferenceRule:
        """The rule for experience from this source."""
        return self.quests if source is Source.QUEST else self.kills
