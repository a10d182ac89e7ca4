"""Deviation: how far what happened is from what was planned, for one chapter and for a story.

The band comes from the XP ratio, actual against planned in thousandths; defeats and levels stand
beside it as numbers.  More XP never gives a lower band.

    band        far_under   under        on_pace             over          far_over
    XP ratio    below 500   500 to 799   800 to 1250         1251 to 2000  above 2000

A plan of 0 is on pace as long as nothing is paid, and far over from the first XP.

Not for: changing rewards (`over_budget`): a rating is only told.
"""

from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Self

from msgspec import Struct
from pydantic import Field, model_validator

from domain.rules.sections import Section, refuse
from domain.state.rows import ChapterProgression

_Ratio = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class DeviationBand(StrEnum):
    """How far off the plan, from too little to too much."""

    FAR_UNDER = "far_under"
    UNDER = "under"
    ON_PACE = "on_pace"
    OVER = "over"
    FAR_OVER = "far_over"


class DeviationRules(Section):
    """Where the bands meet: thousandths of the planned XP.

    Below `far_under_permille` is far under, below `under_permille` under; above `over_permille` is
    over, above `far_over_permille` far over.
    """

    far_under_permille: _Ratio = 500
    under_permille: _Ratio = 800
    over_permille: _Ratio = 1250
    far_over_permille: _Ratio = 2000

    @model_validator(mode="after")
    def _rise(self) -> Self:
        names = ("far_under_permille", "under_permille", "over_permille", "far_over_permille")
        values = [(name, getattr(self, name)) for name in names]
        refuse(
            [
                f"{name} is {value}, expected at most {after}, which is {limit}: "
                f"lower it, or raise {after}"
                for (name, value), (after, limit) in pairwise(values)
                if value > limit
            ]
        )
        return self


class ChapterDeviation(Struct, frozen=True):
    """One chapter's rating and the numbers behind it.

    Ratios are thousandths of the plan, None when nothing was planned.  `level_difference` is the
    level at exit less the planned one, None while nothing has moved the chapter's `level_at_exit`.
    `begun` tells a chapter without any entry from one that went badly.
    """

    band: DeviationBand
    begun: bool
    planned_xp: int
    actual_xp: int
    xp_permille: int | None
    quest_xp_permille: int | None
    hostile_xp_permille: int | None
    planned_defeats: int
    actual_defeats: int
    defeats_permille: int | None
    planned_exit_level: int
    level_at_exit: int | None
    level_difference: int | None


class StoryDeviation(Struct, frozen=True):
    """A story's rating over the chapters begun so far, and the numbers behind it.

    `planned_xp` and `actual_xp` add up the chapters begun.  The one under way would make everybody
    look slow, so in `counted_xp`, which gives ratio and band, it counts as paid to plan until it
    pays more.  Level figures are those of the newest chapter that has a `level_at_exit`.
    """

    band: DeviationBand
    chapters_begun: int
    chapters_planned: int
    planned_xp: int
    actual_xp: int
    counted_xp: int
    xp_permille: int | None
    planned_defeats: int
    actual_defeats: int
    defeats_permille: int | None
    planned_exit_level: int | None
    level_at_exit: int | None
    level_difference: int | None


def rate(chapter: ChapterProgression, rules: DeviationRules) -> ChapterDeviation:
    """The rating of one chapter, from its plan and its ledger."""
    planned, actual = chapter.planned_total_xp, _actual_xp(chapter)
    return ChapterDeviation(
        band=band_of(planned, actual, rules),
        begun=_begun(chapter),
        planned_xp=planned,
        actual_xp=actual,
        xp_permille=_permille(actual, planned),
        quest_xp_permille=_permille(chapter.actual_quest_xp, chapter.planned_quest_xp),
        hostile_xp_permille=_permille(chapter.actual_hostile_xp, chapter.planned_hostile_xp),
        planned_defeats=chapter.expected_hostile_defeat_count,
        actual_defeats=chapter.actual_hostile_defeat_count,
        defeats_permille=_permille(
            chapter.actual_hostile_defeat_count, chapter.expected_hostile_defeat_count
        ),
        planned_exit_level=chapter.exit_level,
        level_at_exit=chapter.level_at_exit,
        level_difference=_level_difference(chapter),
    )


def rate_story(
    chapters: Iterable[ChapterProgression], rules: DeviationRules, *, finished: bool = False
) -> StoryDeviation:
    """The rating of a story, from its chapters' plans and ledgers in any order.

    `finished` says that no chapter is under way any more: then the newest counts like the others.
    Of the same chapters begun, more XP never gives a lower band.
    """
    rows = sorted(chapters, key=lambda row: (row.chapter_index, row.chapter_id))
    begun = [row for row in rows if _begun(row)]
    planned = sum(row.planned_total_xp for row in begun)
    actual = counted = sum(map(_actual_xp, begun))
    if begun and not finished:
        counted += max(0, begun[-1].planned_total_xp - _actual_xp(begun[-1]))
    defeats_planned = sum(row.expected_hostile_defeat_count for row in begun)
    defeats = sum(row.actual_hostile_defeat_count for row in begun)
    newest = next((row for row in reversed(begun) if row.level_at_exit is not None), None)
    return StoryDeviation(
        band=band_of(planned, counted, rules),
        chapters_begun=len(begun),
        chapters_planned=len(rows),
        planned_xp=planned,
        actual_xp=actual,
        counted_xp=counted,
        xp_permille=_permille(counted, planned),
        planned_defeats=defeats_planned,
        actual_defeats=defeats,
        defeats_permille=_permille(defeats, defeats_planned),
        planned_exit_level=newest.exit_level if newest else None,
        level_at_exit=newest.level_at_exit if newest else None,
        level_difference=_level_difference(newest) if newest else None,
    )


def band_of(planned: int, actual: int, rules: DeviationRules) -> DeviationBand:
    """The band of `actual` XP where `planned` was meant; compared without any rounding."""
    if planned == 0:
        return DeviationBand.ON_PACE if actual == 0 else DeviationBand.FAR_OVER
    ratio = 1000 * actual
    if ratio < planned * rules.far_under_permille:
        return DeviationBand.FAR_UNDER
    if ratio < planned * rules.under_permille:
        return DeviationBand.UNDER
    if ratio <= planned * rules.over_permille:
        return DeviationBand.ON_PACE
    return (
        DeviationBand.OVER if ratio <= planned * rules.far_over_permille else DeviationBand.FAR_OVER
    )


def _actual_xp(chapter: ChapterProgression) -> int:
    return chapter.actual_quest_xp + chapter.actual_hostile_xp


def _begun(chapter: ChapterProgression) -> bool:
    return (
        _actual_xp(chapter) > 0
        or chapter.actual_hostile_defeat_count > 0
        or chapter.level_at_exit is not None
    )


def _permille(actual: int, planned: int) -> int | None:
    return 1000 * actual // planned if planned else None


def _level_difference(chapter: ChapterProgression) -> int | None:
    return None if chapter.level_at_exit is None else chapter.level_at_exit - chapter.exit_level
