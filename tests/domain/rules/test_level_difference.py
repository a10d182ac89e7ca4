"""Level difference rules against the published tables; P is the player, M the target."""

import pytest

from domain.rules.level_difference import DifferenceRule
from domain.rules.level_difference_math import grey_level, rounded, zero_difference
from domain.state.rows import Source
from tests.domain import table_kit
from tests.domain.rules_kit import small


def rule(inline: str) -> DifferenceRule:
    rules = small(f"[penalties.level_difference]\nkills = {{ {inline} }}")
    return rules.penalties.level_difference.of(Source.HOSTILE_NPC)


# `M - P -> XP` out of `amount`.
PUBLISHED = """
case                        | rule                                   | P   | amount | M - P : XP
----------------------------|----------------------------------------|-----|--------|-----------
off                         | kind = "none"                          | 20  | 145    | -19:145 0:145 40:145
grey bands                  | kind = "grey_kill"                     | 20  | 145    | 4:174 9:174 1:152 0:145 -3:105 -6:65 -7:0 -19:0
grey bands, low             | kind = "grey_kill"                     | 5   | 70     | 0:70 -1:56 -4:14
grey bands, at 60           | kind = "grey_kill"                     | 60  | 345    | 0:345 -8:182 -9:0
safe zone                   | kind = "safe_zone"                     | 30  | 100    | 0:100 4:100 -4:100 5:95 -5:95 6:79 7:57 8:37 10:15 -10:15
safe zone, thousandths      | kind = "safe_zone"                     | 30  | 1000   | 5:958 6:798 7:575 8:377 10:151
safe zone with a floor      | kind = "safe_zone"; floor_permille = 100 | 30 | 1000  | 10:151 25:100
ratio, P 10                 | kind = "ratio"                         | 10  | 256    | 10:448
ratio, P 20                 | kind = "ratio"                         | 20  | 256    | 0:257
ratio, P 30                 | kind = "ratio"                         | 30  | 256    | -10:163
ratio, P 40                 | kind = "ratio"                         | 40  | 256    | -20:111
band of five, low           | kind = "band5"                         | 24  | 100    | 5:100 6:88 7:68 8:36 9:15 10:5 30:5 -5:100 -6:81 -7:62 -8:43 -9:24 -10:5 -20:5
band of five, from 25 on    | kind = "band5"                         | 25  | 100    | 5:83 25:50 -5:100 -6:81 -10:5
six colours                 | kind = "con"                           | 30  | 1000   | 4:1500 3:1250 1:1250 0:1000 -5:900 -6:400 -8:400 -9:200 -10:200 -11:0
six colours, low            | kind = "con"                           | 10  | 1000   | 3:1250 0:1000 -5:900 -6:0
six colours, 16 to 20       | kind = "con"                           | 20  | 1000   | -5:900 -6:200 -7:200 -8:0
more for higher ones        | kind = "bonus_up"                      | 50  | 100    | 2:100 3:105 4:110 5:115 10:140 11:135 15:115 16:100 40:100 -9:100
stages, 8                   | kind = "stages"                        | 8   | 10     | 0:70 30:70
stages, 20                  | kind = "stages"                        | 20  | 10     | 0:60
stages, 21                  | kind = "stages"                        | 21  | 10     | 0:50
stages, 100                 | kind = "stages"                        | 100 | 10     | 0:40
stages, 500                 | kind = "stages"                        | 500 | 10     | 0:20
your own table              | kind = "gap_table"; above_permille = [1100]; below_permille = [500, 0] | 9 | 10 | 0:10 1:11 5:11 -1:5 -2:0 -8:0
quests                      | kind = "grey_quest"                    | 30  | 1000   | 9:1000 0:1000 -5:1000 -6:800 -7:600 -8:400 -9:200 -10:100 -29:100
quests with a floor         | kind = "grey_quest"; floor_permille = 300 | 30 | 1000  | -8:400 -9:300 -29:300
quests, rounded             | kind = "grey_quest"; rounded = true    | 30  | 463    | 0:460 -6:370 -10:45
quests, rounded but not up  | kind = "grey_quest"; rounded = true    | 30  | 498    | 0:498
"""  # noqa: E501


@pytest.mark.parametrize("row", table_kit.params(PUBLISHED))
def test_a_rule_gives_its_published_table(row: dict[str, str]) -> None:
    differ, player = rule(row["rule"].replace(";", ",")), int(row["P"])
    for pair in row["M - P : XP"].split():
        gap, xp = map(int, pair.split(":"))
        assert differ.worth(int(row["amount"]), player, player + gap) == xp, f"M - P = {gap}"


def test_grey_levels_and_zero_differences_are_the_published_ones() -> None:
    assert [grey_level(p) for p in (1, 5, 6, 10, 20, 39, 40, 59, 60)] == [
        0, 0, 1, 4, 13, 31, 31, 47, 51,
    ]  # fmt: skip
    levels = (7, 8, 9, 10, 11, 12, 15, 16, 19, 20, 29, 30, 39, 40, 44, 45, 49, 50, 54, 55, 59, 60)
    assert [zero_difference(p) for p in levels] == [
        5, 6, 6, 7, 7, 8, 8, 9, 9, 11, 11, 12, 12, 13, 13, 14, 14, 15, 15, 16, 16, 17,
    ]  # fmt: skip


def test_rounding_has_a_step_for_each_size() -> None:
    sizes = [0, 2, 3, 98, 100, 101, 104, 105, 500, 512, 513, 1000, 1024, 1025]
    assert [rounded(size) for size in sizes] == [
        0, 0, 5, 100, 100, 100, 100, 110, 500, 500, 525, 1000, 1000, 1050,
    ]  # fmt: skip


def test_kills_and_quests_have_a_rule_each() -> None:
    rules = small(
        '[penalties.level_difference]\nkills = { kind = "con" }\nquests = { kind = "grey_quest" }'
    )
    difference = rules.penalties.level_difference
    assert difference.of(Source.HOSTILE_NPC).kind == "con"
    assert difference.of(Source.QUEST).kind == "grey_quest"
