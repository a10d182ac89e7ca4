"""Deviation: bands by their thresholds, the numbers behind, chapters under way."""

import pytest
from msgspec.structs import replace

from domain.rules.deviation import DeviationBand, rate, rate_story
from domain.state.rows import ChapterProgression, PaceBand
from tests.domain import table_kit
from tests.domain.rules_kit import preset, small

RULES = preset("default").deviation


def chapter(index: int = 1, quest: int = 0, hostile: int = 0, **more: int) -> ChapterProgression:
    """A chapter planned at 1000 XP (600 from quests) and 10 defeats, ending at level 5."""
    row = ChapterProgression(
        chapter_progression_id=f"u/c{index}",
        user_id="u",
        chapter_id=f"c{index}",
        chapter_index=index,
        total_chapters=4,
        entry_pseudo_level_millis=1000,
        exit_pseudo_level_millis=5000,
        entry_level=1,
        exit_level=5,
        planned_total_xp=1000,
        planned_quest_xp=600,
        planned_hostile_xp=400,
        actual_quest_xp=quest,
        actual_hostile_xp=hostile,
        expected_hostile_defeat_count=10,
        actual_hostile_defeat_count=0,
        level_at_entry=1,
        level_at_exit=None,
        pace_band=PaceBand.STEADY,
        created_at=0,
        updated_at=0,
    )
    return replace(row, **more)


BANDS = """
XP of 1000 planned | band
-------------------|-----
0                  | far_under
499                | far_under
500                | under
799                | under
800                | on_pace
1000               | on_pace
1250               | on_pace
1251               | over
2000               | over
2001               | far_over
9000000            | far_over
"""


@pytest.mark.parametrize("row", table_kit.params(BANDS))
def test_the_band_follows_the_xp(row: dict[str, str]) -> None:
    assert rate(chapter(quest=int(row["XP of 1000 planned"])), RULES).band == row["band"]


def test_the_numbers_behind_a_rating_are_told() -> None:
    row = chapter(quest=300, hostile=600, actual_hostile_defeat_count=15, level_at_exit=4)
    told = rate(row, RULES)
    assert told.begun
    assert (told.planned_xp, told.actual_xp, told.xp_permille) == (1000, 900, 900)
    assert (told.quest_xp_permille, told.hostile_xp_permille) == (500, 1500)
    assert (told.planned_defeats, told.actual_defeats, told.defeats_permille) == (10, 15, 1500)
    assert (told.planned_exit_level, told.level_at_exit, told.level_difference) == (5, 4, -1)


def test_a_chapter_nobody_began_says_so() -> None:
    told = rate(chapter(), RULES)
    assert not told.begun
    assert told.level_difference is None


def test_a_plan_of_nothing_is_on_pace_until_something_is_paid() -> None:
    empty = {"planned_total_xp": 0, "planned_quest_xp": 0, "expected_hostile_defeat_count": 0}
    told = rate(chapter(**empty), RULES)
    assert told.band == DeviationBand.ON_PACE
    assert (told.xp_permille, told.quest_xp_permille, told.defeats_permille) == (None, None, None)
    assert rate(chapter(quest=1, **empty), RULES).band == DeviationBand.FAR_OVER


def test_thresholds_come_from_the_rules() -> None:
    strict = small("[deviation]\nunder_permille = 990\nover_permille = 1010").deviation
    assert rate(chapter(quest=989), strict).band == DeviationBand.UNDER
    assert rate(chapter(quest=990), strict).band == DeviationBand.ON_PACE
    assert rate(chapter(quest=1011), strict).band == DeviationBand.OVER


def test_a_ratio_at_a_threshold_is_compared_before_it_is_rounded() -> None:
    assert rate(chapter(quest=2667, planned_total_xp=3333), RULES).xp_permille == 800
    assert rate(chapter(quest=2666, planned_total_xp=3333), RULES).xp_permille == 799
    assert rate(chapter(quest=4167, planned_total_xp=3333), RULES).xp_permille == 1250
    assert rate(chapter(quest=4167, planned_total_xp=3333), RULES).band == DeviationBand.OVER


# Each chapter's XP out of 1000; `-` is one not begun.
STORIES = """
chapters       | finished | band      | begun | planned | actual | counted
---------------|----------|-----------|-------|---------|--------|--------
- - -          | no       | on_pace   | 0     | 0       | 0      | 0
10 - -         | no       | on_pace   | 1     | 1000    | 10     | 1000
1000 10 -      | no       | on_pace   | 2     | 2000    | 1010   | 2000
400 10 -       | no       | under     | 2     | 2000    | 410    | 1400
1000 4000 -    | no       | far_over  | 2     | 2000    | 5000   | 5000
1000 1000 10   | yes      | under     | 3     | 3000    | 2010   | 2010
1000 1000 1000 | yes      | on_pace   | 3     | 3000    | 3000   | 3000
"""


@pytest.mark.parametrize("row", table_kit.params(STORIES))
def test_a_story_counts_the_chapters_begun_and_the_one_under_way_as_planned(
    row: dict[str, str],
) -> None:
    rows = [
        chapter(index, quest=0 if xp == "-" else int(xp))
        for index, xp in enumerate(row["chapters"].split(), start=1)
    ]
    told = rate_story(reversed(rows), RULES, finished=row["finished"] == "yes")
    assert told.band == row["band"]
    assert told.chapters_planned == 3
    numbers = (told.chapters_begun, told.planned_xp, told.actual_xp, told.counted_xp)
    assert numbers == tuple(int(row[name]) for name in ("begun", "planned", "actual", "counted"))


def test_a_story_tells_the_level_of_its_newest_chapter() -> None:
    rows = [
        chapter(1, quest=9, level_at_exit=5),
        chapter(2, quest=9, level_at_exit=8, exit_level=6, actual_hostile_defeat_count=3),
        chapter(3),
    ]
    told = rate_story(rows, RULES)
    assert (told.planned_exit_level, told.level_at_exit, told.level_difference) == (6, 8, 2)
    assert (told.planned_defeats, told.actual_defeats, told.defeats_permille) == (20, 3, 150)
    assert rate_story([], RULES).level_difference is None
