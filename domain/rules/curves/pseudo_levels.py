"""Pseudo levels: where on the levels a story stands, in thousandths (3500 = half way through 3).

A story's position is a fraction `done / whole`; the curve leads from it to a pseudo level, from
`entry_millis` at 0 to `exit_millis` at 1, never falling.  With it comes the way between pseudo
levels and XP on the XP curve: level 3.5 stands at all of levels 1 and 2 and half of level 3.

At the cap there is no way further: the highest pseudo level is the cap itself, with no fraction.

Not for: plans (`chapter_compiler`) or the weights of chapters.
"""

from bisect import bisect_right
from itertools import pairwise
from typing import Annotated, Literal, Self

from msgspec import Struct
from pydantic import Discriminator, Field, model_validator

from domain.rules.sections import LEVELS_MAX, Section, Share, by_kind, refuse, tag

Millis = Annotated[int, Field(strict=True, ge=1000, le=1000 * LEVELS_MAX)]


class LevelBenchmark(Struct, frozen=True, gc=False):
    """One level: what it costs to leave it, what was paid to reach it, how strong one is in it.

    `xp_to_next` is 0 at the cap.
    """

    level: int
    xp_to_next: int
    cumulative_xp: int
    reference_strength: int


class StorySpan(Section):
    """From which to which pseudo level the story leads; from 1 to the cap when left out."""

    entry_millis: Millis = 1000
    exit_millis: Millis | None = None

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.exit_millis is not None and self.exit_millis <= self.entry_millis:
            raise ValueError(
                f"exit_millis is {self.exit_millis}, expected above entry_millis, which is "
                f"{self.entry_millis}: raise it, or leave it out for the level cap"
            )
        return self


class EvenLevels(StorySpan):
    """Every part of the story leads over as many levels as every other of its length."""

    kind: Literal["even_levels"] = "even_levels"


class EvenExperience(StorySpan):
    """Every part of the story pays as much XP as every other of its length."""

    kind: Literal["even_xp"]


class CurvePoint(Section):
    """At `position_permille` of the story, `progress_permille` of the way in levels is done."""

    position_permille: Share
    progress_permille: Share


class PointsCurve(StorySpan):
    """Straight lines between points; (0, 0) and (1000, 1000) are always among them."""

    kind: Literal["points"]
    points: Annotated[tuple[CurvePoint, ...], Field(min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _points_rise(self) -> Self:
        inner = [(point.position_permille, point.progress_permille) for point in self.points]
        refuse(
            [
                f"points from {before} to {after} do not rise in both numbers: expected each "
                f"position_permille and progress_permille above the one before, between 0 and 1000"
                for before, after in pairwise([(0, 0), *inner, (1000, 1000)])
                if after[0] <= before[0] or after[1] <= before[1]
            ]
        )
        return self

    @property
    def corners(self) -> list[tuple[int, int]]:
        """The points as pairs, with both ends."""
        inner = [(point.position_permille, point.progress_permille) for point in self.points]
        return [(0, 0), *inner, (1000, 1000)]


PseudoLevelRules = Annotated[
    Annotated[EvenLevels, tag("even_levels")]
    | Annotated[EvenExperience, tag("even_xp")]
    | Annotated[PointsCurve, tag("points")],
    Discriminator(by_kind("even_levels")),
]


def pseudo_level_at(
    done: int, whole: int, rules: PseudoLevelRules, levels: tuple[LevelBenchmark, ...]
) -> int:
    """The pseudo level, in thousandths, at `done / whole` of the story (both 0 or more).

    A position past the end is the end.
    """
    done = min(max(done, 0), whole)
    first = rules.entry_millis
    last = 1000 * len(levels) if rules.exit_millis is None else rules.exit_millis
    match rules:
        case EvenLevels():
            return first + (last - first) * done // whole
        case EvenExperience():
            low, high = xp_at(first, levels), xp_at(last, levels)
            # Both ends are exact; what lies between is rounded down to a thousandth of a level.
            if done in (0, whole):
                return first if done == 0 else last
            return max(first, pseudo_level_of(low + (high - low) * done // whole, levels))
        case PointsCurve():
            position = 1000 * done
            for (x0, y0), (x1, y1) in pairwise(rules.corners):
                if position <= x1 * whole:
                    progress = y0 * (x1 - x0) * whole + (y1 - y0) * (position - x0 * whole)
                    return first + (last - first) * progress // (1000 * (x1 - x0) * whole)
    return last


def xp_at(millis: int, levels: tuple[LevelBenchmark, ...]) -> int:
    """The total XP at a pseudo level, rounded down; nothing below level 1 or past the cap."""
    if millis <= 1000:
        return 0
    if millis >= 1000 * len(levels):
        return levels[-1].cumulative_xp
    level = levels[millis // 1000 - 1]
    return level.cumulative_xp + level.xp_to_next * (millis % 1000) // 1000


def pseudo_level_of(total_xp: int, levels: tuple[LevelBenchmark, ...]) -> int:
    """The pseudo level, in thousandths, that `total_xp` has reached; at most the cap."""
    place = bisect_right(levels, total_xp, key=lambda level: level.cumulative_xp)
    level = levels[max(place, 1) - 1]
    if level.xp_to_next == 0:
        return 1000 * level.level
    return 1000 * level.level + 1000 * (total_xp - level.cumulative_xp) // level.xp_to_next
