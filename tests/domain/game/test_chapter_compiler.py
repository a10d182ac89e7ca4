"""The chapter compiler: whole plans from blueprints, and what cannot be planned."""

import pytest

from domain.game.chapter_compiler import (
    ChapterBlueprint,
    ChapterPlan,
    TierShare,
    compile_chapters,
    shares,
)
from domain.messages.rejections import Code, Rejection
from domain.rules.compiled_rules import Rules, compile_rules
from domain.state.rows import PaceBand, Tier
from tests.domain import table_kit
from tests.domain.rules_kit import SMALL_TEXT, preset, small

SMALL = small()
DEFAULT = preset("default")


def blueprint(text: str) -> ChapterBlueprint:
    """`name quests=3 minion=4 boss=1 weight=2 pace=pressure`; quests may be `Mmss` by weight."""
    name, *words = text.split()
    fields = dict(word.split("=") for word in words)
    by_letter = {"M": "major", "s": "standard", "m": "minor"}
    quests = fields.get("quests", "0")
    return ChapterBlueprint(
        chapter_id=name,
        quests=int(quests)
        if quests.lstrip("-").isdigit()
        else tuple(by_letter[letter] for letter in quests),  # type: ignore[misc]
        hostiles={tier: int(fields[tier]) for tier in Tier if tier in fields},
        weight=int(fields.get("weight", "1")),
        pace_band=PaceBand(fields.get("pace", "steady")),
    )


def plans(text: str, rules: Rules = SMALL) -> list[ChapterPlan]:
    found = compile_chapters([blueprint(one) for one in text.split(";")], rules)
    assert isinstance(found, list), found
    return found


# Small rules: levels 1 to 5 at 0, 100, 300, 600 and 1000 XP; a steady chapter pays 600 thousandths
# to quests, an opening one 700, under pressure 450, at the finale 400.
COMPILED = """
case                          | story                                      | entry:exit (millis)  | total | quest | hostile | defeats
------------------------------|--------------------------------------------|----------------------|-------|-------|---------|--------
one chapter is the whole curve | a quests=1 minion=1                       | 1000:5000            | 1000  | 600   | 400     | 1
two chapters                  | a quests=1 boss=2; b quests=1 boss=3       | 1000:3000 3000:5000  | 300 700 | 180 420 | 120 280 | 2 3
weights are lengths           | a quests=1 weight=3; b quests=1            | 1000:4000 4000:5000  | 600 400 | 600 400 | 0 0   | 0 0
only quests                   | a quests=2                                 | 1000:5000            | 1000  | 1000  | 0       | 0
only hostiles                 | a elite=3                                  | 1000:5000            | 1000  | 0     | 1000    | 3
paces are lengths too         | a quests=1 minion=1 pace=opening_fast; b quests=1 minion=1 pace=pressure | 1000:3380 3380:5000 | 414 586 | 289 263 | 125 323 | 1 1
"""  # noqa: E501


@pytest.mark.parametrize("row", table_kit.params(COMPILED))
def test_a_story_becomes_plans(row: dict[str, str]) -> None:
    found = plans(row["story"])
    spans = [f"{p.entry_pseudo_level_millis}:{p.exit_pseudo_level_millis}" for p in found]
    assert spans == row["entry:exit (millis)"].split()
    for column, field in (
        ("total", "planned_total_xp"),
        ("quest", "planned_quest_xp"),
        ("hostile", "planned_hostile_xp"),
        ("defeats", "expected_hostile_defeat_count"),
    ):
        assert [getattr(p, field) for p in found] == [int(one) for one in row[column].split()]


def test_a_plan_holds_everything_its_row_needs() -> None:
    first, second = plans("a quests=Mms minion=4 boss=1; b quests=1")
    assert first == ChapterPlan(
        chapter_id="a",
        chapter_index=1,
        total_chapters=2,
        entry_pseudo_level_millis=1000,
        exit_pseudo_level_millis=3000,
        entry_level=1,
        exit_level=3,
        planned_total_xp=300,
        planned_quest_xp=180,
        planned_hostile_xp=120,
        expected_hostile_defeat_count=5,
        pace_band=PaceBand.STEADY,
        # Weights 4, 1 and 2: 102 6/7, 25 5/7 and 51 3/7; the largest remainder gets what is left.
        quest_xp=(103, 26, 51),
        # A minion is worth 500, a boss 5000: 4 * 500 against 5000.
        tiers=(TierShare(Tier.MINION, 4, 34), TierShare(Tier.BOSS, 1, 86)),
    )
    assert (second.chapter_index, second.entry_level, second.exit_level) == (2, 3, 5)


def test_a_tier_that_is_worth_nothing_gets_nothing_beside_one_that_is() -> None:
    text = "minion   = { level_offset = -1, strength_permille = 500, experience_permille = 0 }"
    rules = small_with_minion(text)
    (plan,) = plans("a minion=3 boss=1", rules)
    assert [share.planned_xp for share in plan.tiers] == [0, 1000]
    (plan,) = plans("a minion=3", rules)
    assert [share.planned_xp for share in plan.tiers] == [1000]


def small_with_minion(line: str) -> Rules:
    old = "minion   = { level_offset = -1, strength_permille = 500, experience_permille = 500 }"
    assert old in SMALL_TEXT
    return compile_rules(SMALL_TEXT.replace(old, line))


@pytest.mark.parametrize("chapters", [1, 2, 3, 7, 60, 499, 500])
def test_any_number_of_chapters_pays_the_whole_curve(chapters: int) -> None:
    story = [ChapterBlueprint(f"c{i}", quests=3, hostiles={Tier.ELITE: 2}) for i in range(chapters)]
    found = compile_chapters(story, DEFAULT)
    assert isinstance(found, list)
    assert sum(plan.planned_total_xp for plan in found) == 4_084_700
    assert found[0].entry_pseudo_level_millis == 1000
    assert found[-1].exit_pseudo_level_millis == 60_000


REFUSED = """
case                | story                           | the reason
--------------------|---------------------------------|-----------
nothing in it       | a quests=1; b                   | chapter 2 (b) has no quests and no hostiles, so nothing could pay its budget: add one
named twice         | a quests=1; a quests=1          | chapter 2 (a) has the chapter_id of chapter 1: give it one of its own
fewer than none     | a quests=-1 minion=1            | chapter 1 (a) has -1 quests, expected 0 to 1000
negative hostiles   | a quests=1 minion=-1            | chapter 1 (a) has -1 hostiles of tier minion, expected 0 to 1000000
a crowd             | a boss=1000001                  | chapter 1 (a) has 1000001 hostiles of tier boss, expected 0 to 1000000
no length           | a quests=1 weight=0             | chapter 1 (a) has weight 0, expected 1 to 1000000
no XP for one       | a quests=1; b quests=1 weight=9999 | the curve has 1000 XP from pseudo level 1000 to 5000 for 2 chapters, which leaves none for chapter 1 (a): plan fewer chapters, raise their weight, or raise what levels cost
two reasons         | a weight=0 quests=1; a quests=1 | chapter 1 (a) has weight 0, expected 1 to 1000000; chapter 2 (a) has the chapter_id of chapter 1: give it one of its own
"""  # noqa: E501


@pytest.mark.parametrize("row", table_kit.params(REFUSED))
def test_what_cannot_be_planned_is_refused_with_the_reason(row: dict[str, str]) -> None:
    found = compile_chapters([blueprint(one) for one in row["story"].split(";")], SMALL)
    assert found == Rejection(Code.INVALID_FIELD, row["the reason"])


def test_no_chapters_and_too_many_are_refused() -> None:
    story = [ChapterBlueprint(f"c{i}", quests=1) for i in range(501)]
    for chapters in ([], story):
        found = compile_chapters(chapters, DEFAULT)
        told = f"chapters has {len(chapters)} blueprints, expected 1 to 500"
        assert found == Rejection(Code.INVALID_FIELD, told)


def test_more_chapters_than_the_curve_has_xp_are_refused() -> None:
    story = [ChapterBlueprint(f"c{i}", quests=1) for i in range(500)]
    found = compile_chapters(story, small(levels="xp_to_next = [100]"))
    assert isinstance(found, Rejection)
    told = "the curve has 100 XP from pseudo level 1000 to 2000 for 500 chapters, which leaves none"
    assert found.detail.startswith(told)
    assert "397 more: plan fewer chapters" in found.detail


SHARES = """
case                    | total | weights   | shares
------------------------|-------|-----------|-------
even                    | 9     | 1 1 1     | 3 3 3
one left, to the first  | 10    | 1 1 1     | 4 3 3
to the largest remainder | 10   | 5 3 3     | 4 3 3
a heavy one             | 7     | 1000000 1 | 7 0
fewer than there are    | 2     | 1 1 1     | 1 1 0
nothing to share        | 0     | 1 2       | 0 0
nobody counts           | 5     | 0 0       | 0 0
"""


@pytest.mark.parametrize("row", table_kit.params(SHARES))
def test_shares_go_by_largest_remainder(row: dict[str, str]) -> None:
    weights = [int(one) for one in row["weights"].split()]
    expected = tuple(int(one) for one in row["shares"].split())
    assert shares(int(row["total"]), weights) == expected
